//! Marks looked up side by side: the places of 16 or 8 pixels are worked out and the words of 32 bits that hold their marks
//! gathered. A lane whose pixel lies outside the grid or behind the words reads nothing.

use std::arch::x86_64::*;

use super::{Marks, scalar};
use crate::Level;

pub(super) fn narrow(
    level: Level,
    marks: Marks<'_>,
    x: &[u16],
    y: &[u16],
    keeps_marked: bool,
    mask: &mut [u64],
) {
    // Places are counted in 32 bits, which hold those of all x and y up to this width.
    if marks.width > 1 << 16 {
        return scalar::narrow(marks, x, y, keeps_marked, mask);
    }
    match level.usable() {
        Level::Scalar => scalar::narrow(marks, x, y, keeps_marked, mask),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { narrow_avx2(marks, x, y, keeps_marked, mask) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { narrow_avx512(marks, x, y, keeps_marked, mask) },
    }
}

/// Words of 32 bits that hold marks. There are at most 2²⁷ of them that a place can name.
fn halves(marks: Marks<'_>) -> i32 {
    marks.words.len().saturating_mul(2).min(1 << 27) as i32
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn narrow_avx512(marks: Marks<'_>, x: &[u16], y: &[u16], keeps_marked: bool, mask: &mut [u64]) {
    let (x_groups, x_rest) = x.as_chunks::<64>();
    let (y_groups, y_rest) = y.as_chunks::<64>();
    let width = _mm512_set1_epi32(marks.width.cast_signed());
    let halves = _mm512_set1_epi32(halves(marks));
    let flip = if keeps_marked { 0 } else { u64::MAX };
    let words = mask.len().min(x_groups.len());
    for ((x, y), word) in x_groups.iter().zip(y_groups).zip(&mut *mask) {
        let mut marked = 0;
        for part in 0..4 {
            // SAFETY: `part` is at most 3, so the 16 values from 16 * part on lie inside the group of 64.
            let (x, y) = unsafe {
                let at = |group: &[u16; 64]| _mm256_loadu_si256(group.as_ptr().add(16 * part).cast());
                (_mm512_cvtepu16_epi32(at(x)), _mm512_cvtepu16_epi32(at(y)))
            };
            let place = _mm512_add_epi32(_mm512_mullo_epi32(y, width), x);
            let half = _mm512_srli_epi32::<5>(place);
            let inside = _mm512_cmplt_epu32_mask(x, width);
            let inside = _mm512_mask_cmplt_epu32_mask(inside, half, halves);
            // SAFETY: the lanes that are read name a half of one of the words.
            let bits = unsafe {
                _mm512_mask_i32gather_epi32::<4>(
                    _mm512_setzero_si512(),
                    inside,
                    half,
                    marks.words.as_ptr().cast(),
                )
            };
            // Shifts count in the low five bits of the place.
            let bit = _mm512_sllv_epi32(
                _mm512_set1_epi32(1),
                _mm512_and_si512(place, _mm512_set1_epi32(31)),
            );
            marked |= u64::from(_mm512_test_epi32_mask(bits, bit)) << (16 * part);
        }
        *word &= marked ^ flip;
    }
    scalar::narrow(marks, x_rest, y_rest, keeps_marked, &mut mask[words..]);
}

#[target_feature(enable = "avx2")]
fn narrow_avx2(marks: Marks<'_>, x: &[u16], y: &[u16], keeps_marked: bool, mask: &mut [u64]) {
    let (x_groups, x_rest) = x.as_chunks::<64>();
    let (y_groups, y_rest) = y.as_chunks::<64>();
    let width = _mm256_set1_epi32(marks.width.cast_signed());
    let halves = _mm256_set1_epi32(halves(marks));
    let flip = if keeps_marked { 0 } else { u64::MAX };
    let words = mask.len().min(x_groups.len());
    for ((x, y), word) in x_groups.iter().zip(y_groups).zip(&mut *mask) {
        let mut marked = 0;
        for part in 0..8 {
            // SAFETY: `part` is at most 7, so the 8 values from 8 * part on lie inside the group of 64.
            let (x, y) = unsafe {
                let at = |group: &[u16; 64]| _mm_loadu_si128(group.as_ptr().add(8 * part).cast());
                (_mm256_cvtepu16_epi32(at(x)), _mm256_cvtepu16_epi32(at(y)))
            };
            let place = _mm256_add_epi32(_mm256_mullo_epi32(y, width), x);
            let half = _mm256_srli_epi32::<5>(place);
            // None of these numbers has its highest bit set, so they compare as signed ones.
            let inside = _mm256_and_si256(_mm256_cmpgt_epi32(width, x), _mm256_cmpgt_epi32(halves, half));
            // SAFETY: the lanes that are read name a half of one of the words.
            let bits = unsafe {
                _mm256_mask_i32gather_epi32::<4>(
                    _mm256_setzero_si256(),
                    marks.words.as_ptr().cast(),
                    half,
                    inside,
                )
            };
            // The mark goes to the highest bit, which is what is taken out.
            let up = _mm256_sub_epi32(
                _mm256_set1_epi32(31),
                _mm256_and_si256(place, _mm256_set1_epi32(31)),
            );
            let found = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(bits, up))) as u32;
            marked |= u64::from(found) << (8 * part);
        }
        *word &= marked ^ flip;
    }
    scalar::narrow(marks, x_rest, y_rest, keeps_marked, &mut mask[words..]);
}
