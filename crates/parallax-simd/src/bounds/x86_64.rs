//! The bounds kernels compiled for AVX2 and AVX-512.

use super::scalar;
use crate::Level;

pub(super) fn max_u8(level: Level, values: &[u8]) -> u8 {
    match level.usable() {
        Level::Scalar => scalar::max_u8(values),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { max_u8_avx2(values) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { max_u8_avx512(values) },
    }
}

#[target_feature(enable = "avx2")]
fn max_u8_avx2(values: &[u8]) -> u8 {
    scalar::max_u8(values)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn max_u8_avx512(values: &[u8]) -> u8 {
    scalar::max_u8(values)
}

pub(super) fn max_u16(level: Level, values: &[u16]) -> u16 {
    match level.usable() {
        Level::Scalar => scalar::max_u16(values),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { max_u16_avx2(values) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { max_u16_avx512(values) },
    }
}

#[target_feature(enable = "avx2")]
fn max_u16_avx2(values: &[u16]) -> u16 {
    scalar::max_u16(values)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn max_u16_avx512(values: &[u16]) -> u16 {
    scalar::max_u16(values)
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

pub(super) fn first_above_u8(level: Level, values: &[u8], limit: u8) -> Option<usize> {
    match level.usable() {
        Level::Scalar => scalar::first_above_u8(values, limit),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { first_above_u8_avx2(values, limit) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { first_above_u8_avx512(values, limit) },
    }
}

#[target_feature(enable = "avx2")]
fn first_above_u8_avx2(values: &[u8], limit: u8) -> Option<usize> {
    scalar::first_above_u8(values, limit)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn first_above_u8_avx512(values: &[u8], limit: u8) -> Option<usize> {
    scalar::first_above_u8(values, limit)
}

pub(super) fn first_above_u16(level: Level, values: &[u16], limit: u16) -> Option<usize> {
    match level.usable() {
        Level::Scalar => scalar::first_above_u16(values, limit),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { first_above_u16_avx2(values, limit) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { first_above_u16_avx512(values, limit) },
    }
}

#[target_feature(enable = "avx2")]
fn first_above_u16_avx2(values: &[u16], limit: u16) -> Option<usize> {
    scalar::first_above_u16(values, limit)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn first_above_u16_avx512(values: &[u16], limit: u16) -> Option<usize> {
    scalar::first_above_u16(values, limit)
}
