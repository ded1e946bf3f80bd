//! The same lanes compiled for AVX2; for AVX-512 by hand, as what the compiler makes of them there is slower than the
//! baseline.

use std::arch::x86_64::*;

use super::{Bounds, OUTSIDE, Steps, scalar};
use crate::Level;

pub(super) fn shift(
    level: Level,
    x: &mut [u16],
    y: &mut [u16],
    words: &[[u32; 2]],
    steps: [Steps<'_>; 2],
    bounds: Bounds,
) {
    match level.usable() {
        Level::Scalar => scalar::shift(x, y, words, steps, bounds),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { shift_avx2(x, y, words, steps, bounds) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { shift_avx512(x, y, words, steps, bounds) },
    }
}

#[target_feature(enable = "avx2")]
fn shift_avx2(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    scalar::shift(x, y, words, steps, bounds);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn shift_avx512(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    let len = x.len().min(y.len()).min(words.len());
    let (xs, rest_x) = x[..len].as_chunks_mut::<16>();
    let (ys, rest_y) = y[..len].as_chunks_mut::<16>();
    let (groups, rest) = words[..len].as_chunks::<16>();
    let right = _mm512_set1_epi32(i32::from(bounds.width) - 1);
    let bottom = _mm512_set1_epi32(i32::from(bounds.height) - 1);
    let first = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let second = _mm512_add_epi32(first, _mm512_set1_epi32(1));
    let always = if bounds.clamps { u16::MAX } else { 0 };
    for ((x, y), words) in xs.iter_mut().zip(ys).zip(groups) {
        // SAFETY: sixteen columns or rows are 32 bytes, and sixteen pairs of words twice 64.
        let (from_x, from_y, low, high) = unsafe {
            (
                _mm256_loadu_si256(x.as_ptr().cast()),
                _mm256_loadu_si256(y.as_ptr().cast()),
                _mm512_loadu_si512(words.as_ptr().cast()),
                _mm512_loadu_si512(words.as_ptr().add(8).cast()),
            )
        };
        let moved_x = moved(from_x, _mm512_permutex2var_epi32(low, first, high), steps[0]);
        let moved_y = moved(from_y, _mm512_permutex2var_epi32(low, second, high), steps[1]);
        let inside = |moved, last| _mm512_min_epi32(_mm512_max_epi32(moved, _mm512_setzero_si512()), last);
        let (inside_x, inside_y) = (inside(moved_x, right), inside(moved_y, bottom));
        let stays =
            _mm512_mask_cmpeq_epi32_mask(_mm512_cmpeq_epi32_mask(inside_x, moved_x), inside_y, moved_y);
        let outside = _mm512_set1_epi32(OUTSIDE.into());
        let kept_x = _mm512_mask_blend_epi32(stays | always, outside, inside_x);
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_si256(x.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(kept_x));
            _mm256_storeu_si256(y.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(inside_y));
        }
    }
    scalar::shift(rest_x, rest_y, rest, steps, bounds);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn moved(from: __m256i, words: __m512i, steps: Steps<'_>) -> __m512i {
    let one = _mm512_set1_epi32(1);
    let mut moved = _mm512_add_epi32(_mm512_cvtepu16_epi32(from), _mm512_set1_epi32(steps.lowest));
    for &change in steps.changes {
        let reached = _mm512_cmpge_epu32_mask(words, _mm512_set1_epi32(change.cast_signed()));
        moved = _mm512_mask_add_epi32(moved, reached, moved, one);
    }
    moved
}
