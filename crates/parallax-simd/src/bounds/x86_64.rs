//! The bounds kernels compiled for AVX2, and for AVX-512 where that gains more. SSE2 has no largest of unsigned
//! 16-bit numbers, and neither it nor AVX2 one of 64-bit numbers. For 8 bits the baseline is as good.

use super::scalar;
use crate::Level;

pub(super) fn max_u16(level: Level, values: &[u16]) -> u16 {
    if level.usable() < Level::Avx2 {
        return scalar::max_u16(values);
    }
    // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
    unsafe { max_u16_avx2(values) }
}

#[target_feature(enable = "avx2")]
fn max_u16_avx2(values: &[u16]) -> u16 {
    scalar::max_u16(values)
}

pub(super) fn first_above_u16(level: Level, values: &[u16], limit: u16) -> Option<usize> {
    if level.usable() < Level::Avx2 {
        return scalar::first_above_u16(values, limit);
    }
    // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
    unsafe { first_above_u16_avx2(values, limit) }
}

#[target_feature(enable = "avx2")]
fn first_above_u16_avx2(values: &[u16], limit: u16) -> Option<usize> {
    scalar::first_above_u16(values, limit)
}

pub(super) fn min_max_i64(level: Level, values: &[i64]) -> Option<(i64, i64)> {
    match level.usable() {
        Level::Scalar => scalar::min_max_i64(values),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { min_max_i64_avx2(values) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { min_max_i64_avx512(values) },
    }
}

#[target_feature(enable = "avx2")]
fn min_max_i64_avx2(values: &[i64]) -> Option<(i64, i64)> {
    scalar::min_max_i64(values)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn min_max_i64_avx512(values: &[i64]) -> Option<(i64, i64)> {
    scalar::min_max_i64(values)
}
