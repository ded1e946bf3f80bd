//! The kernels of EVT 2.0 with AVX-512: 16 words at a time.
//!
//! The content of the last TIME_HIGH in front of each lane is the largest so far, as long as none falls back; so it is a
//! running maximum, which takes four steps. The events, each with its own, are compressed to the front.

use std::arch::x86_64::*;
use std::hint::cold_path;

use super::{ADDRESS, CONTENT, Done, NO_EVENT, SLACK, TIME_HIGH, Time, scalar};
use crate::{Columns, Level, prefetch};

/// Words of a block.
const BLOCK: usize = SLACK;

/// Words are asked for so far ahead: who sees them first finds them in no cache, and where a page ends the CPU does not
/// look ahead by itself.
const AHEAD: usize = 1024;

pub(super) fn decode(level: Level, words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    if level.usable() < Level::Avx512 {
        return scalar::decode(words, time, out);
    }
    // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
    unsafe { decode_avx512(words, time, out) }
}

/// What is known of the 16 words of a block.
struct Block {
    words: __m512i,
    /// The lanes with events, with a TIME_HIGH, and with one that falls back.
    events: u16,
    times: u16,
    back: u16,
    /// For each lane the largest content of a TIME_HIGH so far.
    highs: __m512i,
}

/// Looks at the words from `index` on, of which those in `mask` are there; the others are nothing.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn block(words: &[[u8; 4]], index: usize, mask: u16, high: __m512i) -> Block {
    assert!(index + (mask.trailing_ones() as usize) <= words.len() && mask & mask.wrapping_add(1) == 0);
    // SAFETY: masked to words that are there, as was just asked.
    let block = unsafe { _mm512_maskz_loadu_epi32(mask, words.as_ptr().add(index).cast()) };
    let events = _mm512_mask_cmplt_epu32_mask(mask, block, _mm512_set1_epi32(NO_EVENT.cast_signed()));
    let kinds = _mm512_srli_epi32::<28>(block);
    let is_time = _mm512_cmpeq_epi32_mask(kinds, _mm512_set1_epi32(TIME_HIGH.cast_signed()));
    let content = _mm512_maskz_and_epi32(is_time, block, _mm512_set1_epi32(CONTENT.cast_signed()));
    let zero = _mm512_setzero_si512();
    let highs = _mm512_max_epu32(content, _mm512_alignr_epi32::<15>(content, zero));
    let highs = _mm512_max_epu32(highs, _mm512_alignr_epi32::<14>(highs, zero));
    let highs = _mm512_max_epu32(highs, _mm512_alignr_epi32::<12>(highs, zero));
    let highs = _mm512_max_epu32(highs, _mm512_alignr_epi32::<8>(highs, zero));
    let highs = _mm512_max_epu32(highs, high);
    Block {
        words: block,
        events,
        times: is_time,
        back: _mm512_mask_cmplt_epu32_mask(is_time, content, highs),
        highs,
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn decode_avx512(words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    let Columns { t, x, y, p } = out;
    let room = t.len();
    assert!(x.len() == room && y.len() == room && p.len() == room);
    let (t, x, y, p) = (t.as_mut_ptr(), x.as_mut_ptr(), y.as_mut_ptr(), p.as_mut_ptr());
    let offset = _mm512_set1_epi64(time.offset);
    let (address, low) = (_mm512_set1_epi32(ADDRESS.cast_signed()), _mm512_set1_epi32(0x3F));
    let mut high = _mm512_set1_epi32(time.high.cast_signed());
    let (mut index, mut n) = (0, 0);
    while index < words.len() && n + SLACK <= room {
        prefetch::soon(words, index + AHEAD);
        let here = (words.len() - index).min(BLOCK);
        let Block {
            words: block,
            events,
            times,
            back,
            highs,
        } = block(words, index, u16::MAX >> (BLOCK - here), high);
        let known = events | (times & !back);
        // A branch, so that the next block is not waited for: what is known of this one comes out of a long chain.
        let mut length = BLOCK;
        if known != u16::MAX {
            cold_path();
            length = (known.trailing_ones() as usize).min(here);
        }
        if length == 0 {
            break;
        }
        let events = events & (u16::MAX >> (BLOCK - length));
        let highs_of = _mm512_maskz_compress_epi32(events, highs);
        let block = _mm512_maskz_compress_epi32(events, block);
        let lows = _mm512_and_si512(_mm512_srli_epi32::<22>(block), low);
        let stamp = |highs, lows| {
            let stored = _mm512_or_si512(
                _mm512_slli_epi64::<6>(_mm512_cvtepu32_epi64(highs)),
                _mm512_cvtepu32_epi64(lows),
            );
            _mm512_add_epi64(offset, stored)
        };
        let early = stamp(_mm512_castsi512_si256(highs_of), _mm512_castsi512_si256(lows));
        let late = stamp(
            _mm512_extracti64x4_epi64::<1>(highs_of),
            _mm512_extracti64x4_epi64::<1>(lows),
        );
        let columns = _mm512_cvtepi32_epi16(_mm512_and_si512(_mm512_srli_epi32::<11>(block), address));
        let rows = _mm512_cvtepi32_epi16(_mm512_and_si512(block, address));
        let polarities = _mm512_cvtepi32_epi8(_mm512_srli_epi32::<28>(block));
        // SAFETY: n + SLACK <= room, and all of these end 16 places behind n.
        unsafe {
            _mm512_storeu_si512(t.add(n).cast(), early);
            _mm512_storeu_si512(t.add(n + 8).cast(), late);
            _mm256_storeu_si256(x.add(n).cast(), columns);
            _mm256_storeu_si256(y.add(n).cast(), rows);
            _mm_storeu_si128(p.add(n).cast(), polarities);
        }
        n += events.count_ones() as usize;
        index += length;
        high = _mm512_permutexvar_epi32(_mm512_set1_epi32(length as i32 - 1), highs);
        if length < here {
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
    if level.usable() < Level::Avx512 {
        return scalar::survey(words, high);
    }
    // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
    unsafe { survey_avx512(words, high) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn survey_avx512(words: &[[u8; 4]], high: &mut u32) -> Done {
    let mut highs = _mm512_set1_epi32(high.cast_signed());
    let (mut index, mut events) = (0, 0);
    while index + BLOCK <= words.len() {
        prefetch::soon(words, index + AHEAD);
        let block = block(words, index, u16::MAX, highs);
        if block.back != 0 {
            break;
        }
        highs = _mm512_permutexvar_epi32(_mm512_set1_epi32(15), block.highs);
        events += block.events.count_ones() as usize;
        index += BLOCK;
    }
    *high = _mm512_cvtsi512_si32(highs).cast_unsigned();
    // The block with the word that falls back, or the rest.
    let rest = scalar::survey(&words[index..], high);
    Done {
        words: index + rest.words,
        events: events + rest.events,
    }
}
