//! The decay kernels compiled for AVX2 and AVX-512: wider vectors of the same operations.

use super::{Tick, scalar};
use crate::Level;

pub(super) fn fade_f32<T: Tick>(level: Level, last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    match level.usable() {
        Level::Scalar => scalar::fade_f32(last, now, rate, lit, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { fade_f32_avx2(last, now, rate, lit, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { fade_f32_avx512(last, now, rate, lit, out) },
    }
}

#[target_feature(enable = "avx2")]
fn fade_f32_avx2<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    scalar::fade_f32(last, now, rate, lit, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn fade_f32_avx512<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    scalar::fade_f32(last, now, rate, lit, out);
}

pub(super) fn fade_f64<T: Tick>(level: Level, last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    match level.usable() {
        Level::Scalar => scalar::fade_f64(last, now, rate, lit, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { fade_f64_avx2(last, now, rate, lit, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { fade_f64_avx512(last, now, rate, lit, out) },
    }
}

#[target_feature(enable = "avx2")]
fn fade_f64_avx2<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    scalar::fade_f64(last, now, rate, lit, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn fade_f64_avx512<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    scalar::fade_f64(last, now, rate, lit, out);
}
