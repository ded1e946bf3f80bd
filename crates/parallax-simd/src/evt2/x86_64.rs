//! The kernels of EVT 2.0: 16 words at a time with AVX-512, 8 with AVX2.
//!
//! Each lane takes the content of the last TIME_HIGH in front of it. Which lane that is says the mask of them: with AVX-512 the
//! highest bit of the part up to the lane, with AVX2 a table. The events, each with its own, are compressed to the front.

use std::arch::x86_64::*;
use std::hint::cold_path;

use super::{ADDRESS, CONTENT, Done, NO_EVENT, SLACK, TIME_HIGH, Time, scalar};
use crate::compress::BYTES;
use crate::{Columns, Level, prefetch};

/// Words of a block.
const BLOCK: usize = SLACK;

/// Words are asked for so far ahead: who sees them first finds them in no cache, and where a page ends the CPU does not
/// look ahead by itself.
const AHEAD: usize = 1024;

pub(super) fn decode(level: Level, words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    match level.usable() {
        Level::Scalar => scalar::decode(words, time, out),
        // SAFETY: `usable` is AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { decode_avx2(words, time, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { decode_avx512(words, time, out) },
    }
}

/// A TIME_HIGH may be so much larger than the one before, which is 268 s: so times within a block differ by less than 2^32.
const JUMP: u32 = 1 << 22;

/// What is known of the 16 words of a block.
struct Block {
    words: __m512i,
    /// The lanes with events, with a TIME_HIGH that neither falls back nor jumps, and with one that does.
    events: u16,
    times: u16,
    odd: u16,
    /// For each lane the content of the last TIME_HIGH so far.
    highs: __m512i,
}

/// Looks at up to 16 words; lanes without a word are nothing.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
fn block(words: &[[u8; 4]], high: __m512i) -> Block {
    // The lowest bits, as many as there are words.
    let mask = ((1_u32 << words.len().min(BLOCK)) - 1) as u16;
    // SAFETY: masked to words that are there.
    let block = unsafe { _mm512_maskz_loadu_epi32(mask, words.as_ptr().cast()) };
    let of = |value: u32| _mm512_set1_epi32(value.cast_signed());
    let events = _mm512_mask_cmplt_epu32_mask(mask, block, of(NO_EVENT));
    // Its type is the least of all as a number with a sign.
    let is_time = _mm512_mask_cmplt_epi32_mask(mask, block, of((TIME_HIGH + 1) << 28));
    let content = _mm512_and_si512(block, of(CONTENT));
    // In lane n the bits of the times up to lane n; the first of them from above is the last time.
    let up_to = _mm512_setr_epi32(
        0x1, 0x3, 0x7, 0xF, 0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF, 0x3FFF, 0x7FFF,
        0xFFFF,
    );
    let so_far = _mm512_and_si512(of(is_time.into()), up_to);
    let last = _mm512_xor_si512(_mm512_lzcnt_epi32(so_far), of(31));
    let has = _mm512_test_epi32_mask(so_far, so_far);
    let highs = _mm512_mask_permutexvar_epi32(high, has, last, content);
    let before = _mm512_alignr_epi32::<15>(highs, high);
    let times = _mm512_mask_cmplt_epu32_mask(is_time, _mm512_sub_epi32(content, before), of(JUMP));
    Block {
        words: block,
        events,
        times,
        odd: is_time & !times,
        highs,
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn decode_avx512(words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    let Columns { t, x, y, p } = out;
    let room = t.len();
    assert!(x.len() == room && y.len() == room && p.len() == room);
    let (t, x, y, p) = (t.as_mut_ptr(), x.as_mut_ptr(), y.as_mut_ptr(), p.as_mut_ptr());
    let of = |value: u32| _mm512_set1_epi32(value.cast_signed());
    let offset = _mm512_set1_epi64(time.offset);
    // The lower halves of all lanes, then the upper.
    let halves = _mm512_set_epi16(
        31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12,
        10, 8, 6, 4, 2, 0,
    );
    let write = |n: usize, block: &Block, events: u16, high: __m512i| {
        // Times are counted from the high in front of the block, which has the bits that 32 do not hold.
        let base = _mm512_slli_epi64::<6>(_mm512_cvtepu32_epi64(_mm512_castsi512_si256(high)));
        let base = _mm512_add_epi64(offset, base);
        let since = _mm512_slli_epi32::<6>(_mm512_sub_epi32(block.highs, high));
        // since | low & 0x3F
        let low = _mm512_srli_epi32::<22>(block.words);
        let since = _mm512_ternarylogic_epi32::<0b11111000>(since, low, of(0x3F));
        let since = _mm512_maskz_compress_epi32(events, since);
        let words = _mm512_maskz_compress_epi32(events, block.words);
        let early = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(since));
        let late = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(since));
        // Rows in the lower halves, columns in the upper.
        let columns = _mm512_and_si512(_mm512_slli_epi32::<5>(words), of(ADDRESS << 16));
        let places = _mm512_ternarylogic_epi32::<0b11111000>(columns, words, of(ADDRESS));
        let places = _mm512_permutexvar_epi16(halves, places);
        let polarities = _mm512_cvtepi32_epi8(_mm512_srli_epi32::<28>(words));
        // SAFETY: n + SLACK <= room where this is called, and all of these end 16 places behind n.
        unsafe {
            _mm512_storeu_si512(t.add(n).cast(), _mm512_add_epi64(base, early));
            _mm512_storeu_si512(t.add(n + 8).cast(), _mm512_add_epi64(base, late));
            _mm256_storeu_si256(x.add(n).cast(), _mm512_extracti64x4_epi64::<1>(places));
            _mm256_storeu_si256(y.add(n).cast(), _mm512_castsi512_si256(places));
            _mm_storeu_si128(p.add(n).cast(), polarities);
        }
        n + events.count_ones() as usize
    };

    let mut high = of(time.high);
    let (mut index, mut n) = (0, 0);
    loop {
        // A branch for each block, so that the next one is not waited for: what is known of this one comes out of a long chain.
        while let Some(whole) = words[index..].first_chunk::<BLOCK>()
            && n + SLACK <= room
        {
            prefetch::soon(words, index + AHEAD);
            let block = block(whole, high);
            if block.events | block.times != u16::MAX {
                cold_path();
                break;
            }
            n = write(n, &block, block.events, high);
            high = _mm512_permutexvar_epi32(of(15), block.highs);
            index += BLOCK;
        }
        // Up to a word that is neither, or the rest.
        let left = words[index..].len().min(BLOCK);
        if n + SLACK > room || left == 0 {
            break;
        }
        let block = block(&words[index..][..left], high);
        let length = ((block.events | block.times).trailing_ones() as usize).min(left);
        if length == 0 {
            break;
        }
        n = write(n, &block, block.events & (u16::MAX >> (BLOCK - length)), high);
        high = _mm512_permutexvar_epi32(of(length as u32 - 1), block.highs);
        index += length;
        if length < left {
            break;
        }
    }
    time.high = _mm512_cvtsi512_si32(high).cast_unsigned();
    Done {
        words: index,
        events: n,
    }
}

pub(super) fn survey(level: Level, words: &[[u8; 4]], high: &mut u32) -> Done {
    match level.usable() {
        Level::Scalar => scalar::survey(words, high),
        // SAFETY: `usable` is AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { survey_avx2(words, high) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { survey_avx512(words, high) },
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn survey_avx512(words: &[[u8; 4]], high: &mut u32) -> Done {
    let (mut index, mut events) = (0, 0);
    loop {
        let mut highs = _mm512_set1_epi32(high.cast_signed());
        while let Some(whole) = words[index..].first_chunk::<BLOCK>() {
            prefetch::soon(words, index + AHEAD);
            let block = block(whole, highs);
            if block.odd != 0 {
                break;
            }
            highs = _mm512_permutexvar_epi32(_mm512_set1_epi32(15), block.highs);
            events += block.events.count_ones() as usize;
            index += BLOCK;
        }
        *high = _mm512_cvtsi512_si32(highs).cast_unsigned();
        // The block with a time that jumps or falls back, or the rest.
        let left = &words[index..][..BLOCK.min(words.len() - index)];
        let done = scalar::survey(left, high);
        (index, events) = (index + done.words, events + done.events);
        if done.words < left.len() || index == words.len() {
            return Done { words: index, events };
        }
    }
}

/// Words of a block with AVX2.
const LANES: usize = 8;

/// Of each mask of 8 bits the last lane whose bit is set, at each lane; below 0 where there is none yet.
static LAST: [[i8; 8]; 256] = {
    let mut table = [[-1; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut lane, mut last) = (0, -1);
        while lane < 8 {
            if bits >> lane & 1 == 1 {
                last = lane as i8;
            }
            table[bits][lane] = last;
            lane += 1;
        }
        bits += 1;
    }
    table
};

/// The bits of lanes that are all ones.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn mask(lanes: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(lanes)).cast_unsigned()
}

/// Eight words, and the masks of the events and of the TIME_HIGHs among them.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn eight(words: &[[u8; 4]; LANES]) -> (__m256i, u32, u32) {
    // SAFETY: eight words are one vector.
    let block = unsafe { _mm256_loadu_si256(words.as_ptr().cast()) };
    let kinds = _mm256_srli_epi32::<28>(block);
    let events = _mm256_cmpeq_epi32(_mm256_srli_epi32::<1>(kinds), _mm256_setzero_si256());
    let times = _mm256_cmpeq_epi32(kinds, _mm256_set1_epi32(TIME_HIGH.cast_signed()));
    (block, mask(events), mask(times))
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn decode_avx2(words: &[[u8; 4]], time: &mut Time, mut out: Columns<'_>) -> Done {
    let room = out.t.len();
    let (t, x, y, p) = (
        out.t.as_mut_ptr(),
        out.x.as_mut_ptr(),
        out.y.as_mut_ptr(),
        out.p.as_mut_ptr(),
    );
    assert!(out.x.len() == room && out.y.len() == room && out.p.len() == room);
    let of = |value: u32| _mm256_set1_epi32(value.cast_signed());
    let offset = _mm256_set1_epi64x(time.offset);
    let fourth_bytes = _mm256_set1_epi32(0x0C08_0400);
    let one_back = _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6);
    let write = |n: usize, block: __m256i, highs: __m256i| {
        let lows = _mm256_and_si256(_mm256_srli_epi32::<22>(block), of(0x3F));
        let stamp = |highs, lows| {
            let highs = _mm256_slli_epi64::<6>(_mm256_cvtepu32_epi64(highs));
            _mm256_add_epi64(offset, _mm256_or_si256(highs, _mm256_cvtepu32_epi64(lows)))
        };
        let early = stamp(_mm256_castsi256_si128(highs), _mm256_castsi256_si128(lows));
        let late = stamp(
            _mm256_extracti128_si256::<1>(highs),
            _mm256_extracti128_si256::<1>(lows),
        );
        let columns = _mm256_and_si256(_mm256_srli_epi32::<11>(block), of(ADDRESS));
        let rows = _mm256_and_si256(block, of(ADDRESS));
        // Packing takes four of one and four of the other, twice.
        let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(columns, rows));
        let polarities = _mm256_shuffle_epi8(_mm256_srli_epi32::<28>(block), fourth_bytes);
        let polarities = _mm256_permutevar8x32_epi32(polarities, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
        // SAFETY: n + SLACK <= room where this is called, and all of these end 8 places behind n.
        unsafe {
            _mm256_storeu_si256(t.add(n).cast(), early);
            _mm256_storeu_si256(t.add(n + 4).cast(), late);
            _mm_storeu_si128(x.add(n).cast(), _mm256_castsi256_si128(both));
            _mm_storeu_si128(y.add(n).cast(), _mm256_extracti128_si256::<1>(both));
            _mm_storel_epi64(p.add(n).cast(), _mm256_castsi256_si128(polarities));
        }
    };
    // SAFETY: a row of either table is 8 bytes long.
    let row = |bytes: *const u8| unsafe { _mm_loadl_epi64(bytes.cast()) };

    let mut high = of(time.high);
    let (mut index, mut n) = (0, 0);
    while let Some(words_here) = words[index..].first_chunk::<LANES>()
        && n + SLACK <= room
    {
        prefetch::soon(words, index + AHEAD);
        let (block, events, times) = eight(words_here);
        if events == 0xFF {
            write(n, block, high);
            (index, n) = (index + LANES, n + LANES);
            continue;
        }
        let content = _mm256_and_si256(block, of(CONTENT));
        let last = _mm256_cvtepi8_epi32(row(LAST[times as usize].as_ptr().cast()));
        let select = |one, other, by| {
            let [one, other, by] = [one, other, by].map(|lanes| _mm256_castsi256_ps(lanes));
            _mm256_castps_si256(_mm256_blendv_ps(one, other, by))
        };
        let highs = select(_mm256_permutevar8x32_epi32(content, last), high, last);
        let before = _mm256_blend_epi32::<1>(_mm256_permutevar8x32_epi32(highs, one_back), high);
        let known = events | times & !mask(_mm256_cmpgt_epi32(before, content));
        let length = known.trailing_ones().min(LANES as u32);
        if length == 0 {
            break;
        }
        let events = events & (0xFF >> (LANES as u32 - length));
        let kept = _mm256_cvtepu8_epi32(row(BYTES[events as usize].as_ptr()));
        write(
            n,
            _mm256_permutevar8x32_epi32(block, kept),
            _mm256_permutevar8x32_epi32(highs, kept),
        );
        n += events.count_ones() as usize;
        index += length as usize;
        high = _mm256_permutevar8x32_epi32(highs, of(length - 1));
    }
    time.high = _mm256_cvtsi256_si32(high).cast_unsigned();
    // Less than a block, or a word that stops it, too.
    let rest = scalar::decode(&words[index..], time, out.part(n..room));
    Done {
        words: index + rest.words,
        events: n + rest.events,
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn survey_avx2(words: &[[u8; 4]], high: &mut u32) -> Done {
    let (mut index, mut events) = (0, 0);
    for block in words.as_chunks::<LANES>().0 {
        prefetch::soon(words, index + AHEAD);
        let (_, here, mut times) = eight(block);
        let mut next = *high;
        while times != 0 {
            let content = u32::from_le_bytes(block[times.trailing_zeros() as usize]) & CONTENT;
            if content < next {
                break;
            }
            next = content;
            times &= times - 1;
        }
        if times != 0 {
            break;
        }
        *high = next;
        events += here.count_ones() as usize;
        index += LANES;
    }
    // The block with the word that falls back, or the rest.
    let rest = scalar::survey(&words[index..], high);
    Done {
        words: index + rest.words,
        events: events + rest.events,
    }
}
