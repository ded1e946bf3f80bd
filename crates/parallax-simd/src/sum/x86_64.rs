//! Sums of 16-bit values: neighbours are multiplied by one and added by one instruction, which makes 32 bits of them.

use std::arch::x86_64::*;

use super::scalar;
use crate::Level;

/// Values after which lanes go to the total: far fewer than the 32768 instructions after which one of 32 bits is full.
const BLOCK: usize = 1 << 16;

pub(super) fn sum_i16(level: Level, values: &[i16]) -> i64 {
    let sum = |values| match level.usable() {
        Level::Scalar => scalar::sum_i16(values),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { sum_i16_avx2(values) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { sum_i16_avx512(values) },
    };
    values.chunks(BLOCK).map(sum).sum()
}

/// Of at most [`BLOCK`] values.
#[target_feature(enable = "avx2")]
fn sum_i16_avx2(values: &[i16]) -> i64 {
    let (groups, rest) = values.as_chunks::<64>();
    let mut sums = [_mm256_setzero_si256(); 4];
    for group in groups {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `part` is at most 3, so the 16 values from 16 * part on lie inside the group of 64.
            let values = unsafe { _mm256_loadu_si256(group.as_ptr().add(16 * part).cast()) };
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(values, _mm256_set1_epi16(1)));
        }
    }
    let mut lanes = [0_i32; 8];
    let mut total = scalar::sum_i16(rest);
    for sum in sums {
        // SAFETY: the array has the 32 bytes.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sum) };
        total += lanes.iter().map(|&lane| i64::from(lane)).sum::<i64>();
    }
    total
}

/// Of at most [`BLOCK`] values.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn sum_i16_avx512(values: &[i16]) -> i64 {
    let (groups, rest) = values.as_chunks::<128>();
    let mut sums = [_mm512_setzero_si512(); 4];
    for group in groups {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `part` is at most 3, so the 32 values from 32 * part on lie inside the group of 128.
            let values = unsafe { _mm512_loadu_si512(group.as_ptr().add(32 * part).cast()) };
            *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(values, _mm512_set1_epi16(1)));
        }
    }
    let mut lanes = [0_i32; 16];
    let mut total = scalar::sum_i16(rest);
    for sum in sums {
        // SAFETY: the array has the 64 bytes.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), sum) };
        total += lanes.iter().map(|&lane| i64::from(lane)).sum::<i64>();
    }
    total
}
