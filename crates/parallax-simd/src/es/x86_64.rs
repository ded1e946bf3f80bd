//! The kernels of Event Stream with AVX-512: up to 12 events at a time.
//!
//! Of 64 bytes, those that would be first in 12 events are brought together; the events in front of the first byte that
//! belongs to none are decoded at once, their times by a running sum. Such a byte alone goes by hand.

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use super::{Done, EVENT, LONG, LONG_TIME, NO_EVENT, scalar};
use crate::{Columns, Level, prefetch};

/// Events of a block, the bytes that are loaded for it, and the places that are written.
const EVENTS: usize = 12;
const BLOCK: usize = 64;
const PLACES: usize = 16;

/// Bytes are asked for so far ahead: who sees them first finds them in no cache, and where a page ends the CPU does not
/// look ahead by itself.
const AHEAD: usize = 4096;

/// Where the first bytes of events are, and in the upper half of a vector nothing.
const FIRSTS: [u8; BLOCK] = bytes_of(0, 1);
/// Where columns are, and where rows are: each in one half.
const PLACES_OF_PIXELS: [u8; BLOCK] = {
    let (columns, rows) = (bytes_of(1, 2), bytes_of(3, 2));
    let mut both = [0; BLOCK];
    let mut i = 0;
    while i < BLOCK / 2 {
        both[i] = columns[i];
        both[i + BLOCK / 2] = rows[i];
        i += 1;
    }
    both
};

/// The places of the bytes `from..from + count` of all events.
const fn bytes_of(from: usize, count: usize) -> [u8; BLOCK] {
    let mut places = [0; BLOCK];
    let mut i = 0;
    while i < EVENTS * count {
        places[i] = (i / count * EVENT + from + i % count) as u8;
        i += 1;
    }
    places
}

pub(super) fn decode(
    level: Level,
    bytes: &[u8],
    t: &mut i64,
    turn: Option<u16>,
    out: &mut Columns<'_>,
) -> Done {
    if !usable(level) {
        return scalar::decode(bytes, t, turn, out, 0);
    }
    // SAFETY: the CPU says that it has all of these.
    unsafe { decode_avx512(bytes, t, turn, out) }
}

fn usable(level: Level) -> bool {
    level.usable() >= Level::Avx512 && has!("avx512vbmi")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,popcnt")]
fn decode_avx512(bytes: &[u8], t: &mut i64, turn: Option<u16>, out: &mut Columns<'_>) -> Done {
    let room = out.t.len();
    assert!(out.x.len() == room && out.y.len() == room && out.p.len() == room);
    // SAFETY: a table of exactly one vector.
    let pixels = unsafe { _mm512_loadu_si512(PLACES_OF_PIXELS.as_ptr().cast()) };
    let last_row = _mm256_set1_epi16(turn.unwrap_or(0).cast_signed());
    let ones = _mm_set1_epi8(1);
    // Lane i takes lane i - 1, i - 2, i - 4, i - 8.
    let lanes = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let back = |count| _mm256_sub_epi16(lanes, _mm256_set1_epi16(count));
    let (back_1, back_2, back_4, back_8) = (back(1), back(2), back(4), back(8));
    let all = _mm256_set1_epi16(15);
    let mut time = _mm512_set1_epi64(*t);
    let (mut at, mut n) = (0, 0);
    while at + BLOCK <= bytes.len() && n + PLACES <= room {
        prefetch::soon(bytes, at + AHEAD);
        // SAFETY: at + BLOCK <= bytes.len().
        let block = unsafe { _mm512_loadu_si512(bytes.as_ptr().add(at).cast()) };
        let firsts = firsts(block);
        let here = whole(firsts);
        if here == 0 {
            let step = if bytes[at] == LONG { LONG_TIME } else { 0 };
            time = _mm512_add_epi64(time, _mm512_set1_epi64(step));
            at += 1;
            continue;
        }
        let steps = _mm256_srli_epi16::<1>(_mm256_cvtepu8_epi16(firsts));
        let steps = _mm256_maskz_mov_epi16(((1_u32 << here) - 1) as u16, steps);
        let sums = _mm256_add_epi16(steps, _mm256_maskz_permutexvar_epi16(!0x1, back_1, steps));
        let sums = _mm256_add_epi16(sums, _mm256_maskz_permutexvar_epi16(!0x3, back_2, sums));
        let sums = _mm256_add_epi16(sums, _mm256_maskz_permutexvar_epi16(!0xF, back_4, sums));
        let sums = _mm256_add_epi16(sums, _mm256_maskz_permutexvar_epi16(!0xFF, back_8, sums));
        let early = _mm512_cvtepu16_epi64(_mm256_castsi256_si128(sums));
        let late = _mm512_cvtepu16_epi64(_mm256_extracti128_si256::<1>(sums));
        let pixels = _mm512_permutexvar_epi8(pixels, block);
        let rows = _mm512_extracti64x4_epi64::<1>(pixels);
        let rows = if turn.is_some() {
            _mm256_sub_epi16(last_row, rows)
        } else {
            rows
        };
        // SAFETY: n + PLACES <= room, and all of these end 16 places behind n.
        unsafe {
            _mm512_storeu_si512(out.t.as_mut_ptr().add(n).cast(), _mm512_add_epi64(time, early));
            _mm512_storeu_si512(out.t.as_mut_ptr().add(n + 8).cast(), _mm512_add_epi64(time, late));
            _mm256_storeu_si256(out.x.as_mut_ptr().add(n).cast(), _mm512_castsi512_si256(pixels));
            _mm256_storeu_si256(out.y.as_mut_ptr().add(n).cast(), rows);
            _mm_storeu_si128(out.p.as_mut_ptr().add(n).cast(), _mm_and_si128(firsts, ones));
        }
        // The steps behind the events are 0, so the last sum is that of all.
        let sum = _mm256_castsi256_si128(_mm256_permutexvar_epi16(all, sums));
        time = _mm512_add_epi64(time, _mm512_cvtepu16_epi64(sum));
        (at, n) = (at + here * EVENT, n + here);
    }
    *t = _mm_cvtsi128_si64(_mm512_castsi512_si128(time));
    let rest = scalar::decode(&bytes[at..], t, turn, out, n);
    Done {
        bytes: at + rest.bytes,
        events: n + rest.events,
    }
}

/// The bytes that are first in 12 events.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn firsts(block: __m512i) -> __m128i {
    // SAFETY: a table of exactly one vector.
    let places = unsafe { _mm512_loadu_si512(FIRSTS.as_ptr().cast()) };
    _mm512_castsi512_si128(_mm512_permutexvar_epi8(places, block))
}

/// How many events are in front of the first of these bytes that belongs to none.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn whole(firsts: __m128i) -> usize {
    let others = _mm_cmpge_epu8_mask(firsts, _mm_set1_epi8(NO_EVENT.cast_signed()));
    (u32::from(others) | 1 << EVENTS).trailing_zeros() as usize
}

pub(super) fn survey(level: Level, bytes: &[u8], t: &mut i64) -> Done {
    if !usable(level) {
        return scalar::survey(bytes, t);
    }
    // SAFETY: the CPU says that it has all of these.
    unsafe { survey_avx512(bytes, t) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,popcnt")]
fn survey_avx512(bytes: &[u8], t: &mut i64) -> Done {
    let mut time = _mm_setzero_si128();
    let halves = _mm_set1_epi8(0x7F);
    let (mut at, mut events) = (0, 0);
    while at + BLOCK <= bytes.len() {
        prefetch::soon(bytes, at + AHEAD);
        // SAFETY: at + BLOCK <= bytes.len().
        let block = unsafe { _mm512_loadu_si512(bytes.as_ptr().add(at).cast()) };
        let firsts = firsts(block);
        let here = whole(firsts);
        if here == 0 {
            *t += if bytes[at] == LONG { LONG_TIME } else { 0 };
            at += 1;
            continue;
        }
        let steps = _mm_and_si128(_mm_srli_epi16::<1>(firsts), halves);
        let steps = _mm_maskz_mov_epi8(((1_u32 << here) - 1) as u16, steps);
        time = _mm_add_epi64(time, _mm_sad_epu8(steps, _mm_setzero_si128()));
        (at, events) = (at + here * EVENT, events + here);
    }
    *t += _mm_cvtsi128_si64(time) + _mm_extract_epi64::<1>(time);
    let rest = scalar::survey(&bytes[at..], t);
    Done {
        bytes: at + rest.bytes,
        events: events + rest.events,
    }
}
