//! exp and ln of slices compiled for AVX2 and AVX-512: wider vectors of the same operations.

use super::scalar;
use crate::Level;

pub(super) fn exp_slice_f32(level: Level, x: &[f32], out: &mut [f32]) {
    match level.usable() {
        Level::Scalar => scalar::exp_slice_f32(x, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { exp_slice_f32_avx2(x, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { exp_slice_f32_avx512(x, out) },
    }
}

#[target_feature(enable = "avx2")]
fn exp_slice_f32_avx2(x: &[f32], out: &mut [f32]) {
    scalar::exp_slice_f32(x, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn exp_slice_f32_avx512(x: &[f32], out: &mut [f32]) {
    scalar::exp_slice_f32(x, out);
}

pub(super) fn exp_slice_f64(level: Level, x: &[f64], out: &mut [f64]) {
    match level.usable() {
        Level::Scalar => scalar::exp_slice_f64(x, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { exp_slice_f64_avx2(x, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { exp_slice_f64_avx512(x, out) },
    }
}

#[target_feature(enable = "avx2")]
fn exp_slice_f64_avx2(x: &[f64], out: &mut [f64]) {
    scalar::exp_slice_f64(x, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn exp_slice_f64_avx512(x: &[f64], out: &mut [f64]) {
    scalar::exp_slice_f64(x, out);
}

pub(super) fn ln_slice_f32(level: Level, x: &[f32], out: &mut [f32]) {
    match level.usable() {
        Level::Scalar => scalar::ln_slice_f32(x, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { ln_slice_f32_avx2(x, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { ln_slice_f32_avx512(x, out) },
    }
}

#[target_feature(enable = "avx2")]
fn ln_slice_f32_avx2(x: &[f32], out: &mut [f32]) {
    scalar::ln_slice_f32(x, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn ln_slice_f32_avx512(x: &[f32], out: &mut [f32]) {
    scalar::ln_slice_f32(x, out);
}

pub(super) fn ln_slice_f64(level: Level, x: &[f64], out: &mut [f64]) {
    match level.usable() {
        Level::Scalar => scalar::ln_slice_f64(x, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { ln_slice_f64_avx2(x, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { ln_slice_f64_avx512(x, out) },
    }
}

#[target_feature(enable = "avx2")]
fn ln_slice_f64_avx2(x: &[f64], out: &mut [f64]) {
    scalar::ln_slice_f64(x, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn ln_slice_f64_avx512(x: &[f64], out: &mut [f64]) {
    scalar::ln_slice_f64(x, out);
}
