//! exp and ln that are the same everywhere, to the bit.
//!
//! In go numbers, out come numbers; `scalar.rs` says how. They stand in for the standard library's, which may
//! differ between platforms and which no loop can be vectorised around.
//!
//! # Error
//! Against the exact value, in units of the last place of the result; `tests/math.rs` measures and holds it:
//!
//! | function | bound | where |
//! | --- | --- | --- |
//! | [`exp_f32`] | 1.05 | every `f32` |
//! | [`exp_f64`] | less than 2 | measured at 6 M points |
//! | [`ln_f32`] | 0.9 | every `f32` |
//! | [`ln_f64`] | less than 2 | measured at 6 M points |
//!
//! # Range
//! exp: overflow gives infinity, underflow passes through the subnormal numbers to 0, `exp(0)` is exactly 1. ln: of
//! 0 (either sign) it is minus infinity, of a negative number NaN, of a subnormal number its true logarithm,
//! `ln(1)` is exactly 0. Infinity gives what the limit says. NaN gives NaN, always the same one.

pub(crate) mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// e to the power of `x`.
///
/// ```
/// assert_eq!(parallax_simd::math::exp_f32(0.0), 1.0);
/// ```
pub fn exp_f32(x: f32) -> f32 {
    scalar::exp_f32(x)
}

/// e to the power of `x`.
pub fn exp_f64(x: f64) -> f64 {
    scalar::exp_f64(x)
}

/// The natural logarithm of `x`.
///
/// ```
/// assert_eq!(parallax_simd::math::ln_f32(0.0), f32::NEG_INFINITY);
/// ```
pub fn ln_f32(x: f32) -> f32 {
    scalar::ln_f32(x)
}

/// The natural logarithm of `x`.
pub fn ln_f64(x: f64) -> f64 {
    scalar::ln_f64(x)
}

/// e to the power of each value of `x`, into `out`; as many as the shorter slice has. The same as [`exp_f32`] of each.
pub fn exp_slice_f32(x: &[f32], out: &mut [f32]) {
    exp_slice_f32_at(Level::detect(), x, out);
}

/// e to the power of each value of `x`, into `out`; as many as the shorter slice has. The same as [`exp_f64`] of each.
pub fn exp_slice_f64(x: &[f64], out: &mut [f64]) {
    exp_slice_f64_at(Level::detect(), x, out);
}

/// The natural logarithm of each value of `x`, into `out`; as many as the shorter slice has. The same as [`ln_f32`] of each.
pub fn ln_slice_f32(x: &[f32], out: &mut [f32]) {
    ln_slice_f32_at(Level::detect(), x, out);
}

/// The natural logarithm of each value of `x`, into `out`; as many as the shorter slice has. The same as [`ln_f64`] of each.
pub fn ln_slice_f64(x: &[f64], out: &mut [f64]) {
    ln_slice_f64_at(Level::detect(), x, out);
}

/// [`exp_slice_f32`] at a given level, or the CPU's best if that is lower.
pub fn exp_slice_f32_at(level: Level, x: &[f32], out: &mut [f32]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::exp_slice_f32(level, x, out),
        _ => scalar::exp_slice_f32(x, out),
    }
}

/// [`exp_slice_f64`] at a given level, or the CPU's best if that is lower.
pub fn exp_slice_f64_at(level: Level, x: &[f64], out: &mut [f64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::exp_slice_f64(level, x, out),
        _ => scalar::exp_slice_f64(x, out),
    }
}

/// [`ln_slice_f32`] at a given level, or the CPU's best if that is lower.
pub fn ln_slice_f32_at(level: Level, x: &[f32], out: &mut [f32]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::ln_slice_f32(level, x, out),
        _ => scalar::ln_slice_f32(x, out),
    }
}

/// [`ln_slice_f64`] at a given level, or the CPU's best if that is lower.
pub fn ln_slice_f64_at(level: Level, x: &[f64], out: &mut [f64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::ln_slice_f64(level, x, out),
        _ => scalar::ln_slice_f64(x, out),
    }
}
