//! The decay kernels compiled for AVX2 and AVX-512: wider vectors of the same operations.

use super::scalar;
use crate::Level;

pub(super) fn fade_f32(level: Level, last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    match level.usable() {
        Level::Scalar => scalar::fade_f32(last, now, rate, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { fade_f32_avx2(last, now, rate, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { fade_f32_avx512(last, now, rate, out) },
    }
}

#[target_feature(enable = "avx2")]
fn fade_f32_avx2(last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    scalar::fade_f32(last, now, rate, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn fade_f32_avx512(last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    scalar::fade_f32(last, now, rate, out);
}

pub(super) fn fade_f64(level: Level, last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    match level.usable() {
        Level::Scalar => scalar::fade_f64(last, now, rate, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { fade_f64_avx2(last, now, rate, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { fade_f64_avx512(last, now, rate, out) },
    }
}

#[target_feature(enable = "avx2")]
fn fade_f64_avx2(last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    scalar::fade_f64(last, now, rate, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn fade_f64_avx512(last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    scalar::fade_f64(last, now, rate, out);
}
