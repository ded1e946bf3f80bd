//! The selections with comparisons side by side. AVX-512 compares into a mask; AVX2 has to gather the bits, and has no
//! comparison of unsigned 16-bit numbers, so it asks whether the smaller of distance and span is the distance.

use std::arch::x86_64::*;
use std::ops::RangeInclusive;

use super::scalar;
use crate::Level;

pub(super) fn within_u16(level: Level, values: &[u16], range: RangeInclusive<u16>, mask: &mut [u64]) {
    let (first, last) = range.into_inner();
    if first > last {
        return mask.fill(0);
    }
    match level.usable() {
        Level::Scalar => scalar::within_u16(values, first..=last, mask),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { within_u16_avx2(values, first, last, mask) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { within_u16_avx512(values, first, last, mask) },
    }
}

#[target_feature(enable = "avx2")]
fn within_u16_avx2(values: &[u16], first: u16, last: u16, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let start = _mm256_set1_epi16(first as i16);
    let span = _mm256_set1_epi16(last.wrapping_sub(first) as i16);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let passes = |part: usize| {
            // SAFETY: `part` is at most 3, so the 16 values from 16 * part on lie inside the group of 64.
            let values = unsafe { _mm256_loadu_si256(group.as_ptr().add(16 * part).cast()) };
            let distance = _mm256_sub_epi16(values, start);
            _mm256_cmpeq_epi16(_mm256_min_epu16(distance, span), distance)
        };
        let half = |low: __m256i, high: __m256i| {
            // Packing works within halves of 128 bits; the permutation puts them in order.
            let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(low, high));
            u64::from(_mm256_movemask_epi8(bytes) as u32)
        };
        *word &= half(passes(0), passes(1)) | half(passes(2), passes(3)) << 32;
    }
    scalar::within_u16(rest, first..=last, &mut mask[words..]);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn within_u16_avx512(values: &[u16], first: u16, last: u16, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let start = _mm512_set1_epi16(first as i16);
    let span = _mm512_set1_epi16(last.wrapping_sub(first) as i16);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let passes = |part: usize| {
            // SAFETY: `part` is at most 1, so the 32 values from 32 * part on lie inside the group of 64.
            let values = unsafe { _mm512_loadu_si512(group.as_ptr().add(32 * part).cast()) };
            u64::from(_mm512_cmple_epu16_mask(_mm512_sub_epi16(values, start), span))
        };
        *word &= passes(0) | passes(1) << 32;
    }
    scalar::within_u16(rest, first..=last, &mut mask[words..]);
}

pub(super) fn within_i64(level: Level, values: &[i64], range: RangeInclusive<i64>, mask: &mut [u64]) {
    let (first, last) = range.into_inner();
    match level.usable() {
        Level::Scalar => scalar::within_i64(values, first..=last, mask),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { within_i64_avx2(values, first, last, mask) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { within_i64_avx512(values, first, last, mask) },
    }
}

#[target_feature(enable = "avx2")]
fn within_i64_avx2(values: &[i64], first: i64, last: i64, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let (first_each, last_each) = (_mm256_set1_epi64x(first), _mm256_set1_epi64x(last));
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let mut outside = 0;
        for (part, quad) in group.as_chunks::<4>().0.iter().enumerate() {
            // SAFETY: a quad is 32 bytes.
            let values = unsafe { _mm256_loadu_si256(quad.as_ptr().cast()) };
            let out = _mm256_or_si256(
                _mm256_cmpgt_epi64(first_each, values),
                _mm256_cmpgt_epi64(values, last_each),
            );
            outside |= u64::from(_mm256_movemask_pd(_mm256_castsi256_pd(out)) as u32) << (4 * part);
        }
        *word &= !outside;
    }
    scalar::within_i64(rest, first..=last, &mut mask[words..]);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn within_i64_avx512(values: &[i64], first: i64, last: i64, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let (first_each, last_each) = (_mm512_set1_epi64(first), _mm512_set1_epi64(last));
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let mut inside = 0;
        for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: eight values are 64 bytes.
            let values = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
            let from_first = _mm512_cmpge_epi64_mask(values, first_each);
            inside |= u64::from(_mm512_mask_cmple_epi64_mask(from_first, values, last_each)) << (8 * part);
        }
        *word &= inside;
    }
    scalar::within_i64(rest, first..=last, &mut mask[words..]);
}

pub(super) fn equal_u8(level: Level, values: &[u8], value: u8, mask: &mut [u64]) {
    match level.usable() {
        Level::Scalar => scalar::equal_u8(values, value, mask),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { equal_u8_avx2(values, value, mask) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { equal_u8_avx512(values, value, mask) },
    }
}

#[target_feature(enable = "avx2")]
fn equal_u8_avx2(values: &[u8], value: u8, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let wanted = _mm256_set1_epi8(value as i8);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let passes = |part: usize| {
            // SAFETY: `part` is at most 1, so the 32 bytes from 32 * part on lie inside the group of 64.
            let values = unsafe { _mm256_loadu_si256(group.as_ptr().add(32 * part).cast()) };
            u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(values, wanted)) as u32)
        };
        *word &= passes(0) | passes(1) << 32;
    }
    scalar::equal_u8(rest, value, &mut mask[words..]);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn equal_u8_avx512(values: &[u8], value: u8, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let wanted = _mm512_set1_epi8(value as i8);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        // SAFETY: a group is 64 bytes.
        let values = unsafe { _mm512_loadu_si512(group.as_ptr().cast()) };
        *word &= _mm512_cmpeq_epi8_mask(values, wanted);
    }
    scalar::equal_u8(rest, value, &mut mask[words..]);
}

pub(super) fn at_least_u32(level: Level, values: &[u32], least: u32, mask: &mut [u64]) {
    match level.usable() {
        Level::Scalar => scalar::at_least_u32(values, least, mask),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { at_least_u32_avx2(values, least, mask) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { at_least_u32_avx512(values, least, mask) },
    }
}

#[target_feature(enable = "avx2")]
fn at_least_u32_avx2(values: &[u32], least: u32, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let least_each = _mm256_set1_epi32(least as i32);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let mut passing = 0;
        for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: eight values are 32 bytes.
            let values = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
            // There is no comparison of unsigned numbers; the larger of the two is the value where it is large enough.
            let passes = _mm256_cmpeq_epi32(_mm256_max_epu32(values, least_each), values);
            let bits = _mm256_movemask_ps(_mm256_castsi256_ps(passes)) as u32;
            passing |= u64::from(bits) << (8 * part);
        }
        *word &= passing;
    }
    scalar::at_least_u32(rest, least, &mut mask[words..]);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn at_least_u32_avx512(values: &[u32], least: u32, mask: &mut [u64]) {
    let (groups, rest) = values.as_chunks::<64>();
    let least_each = _mm512_set1_epi32(least as i32);
    let words = mask.len().min(groups.len());
    for (group, word) in groups.iter().zip(&mut *mask) {
        let mut passing = 0;
        for (part, lanes) in group.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: sixteen values are 64 bytes.
            let values = unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
            passing |= u64::from(_mm512_cmpge_epu32_mask(values, least_each)) << (16 * part);
        }
        *word &= passing;
    }
    scalar::at_least_u32(rest, least, &mut mask[words..]);
}
