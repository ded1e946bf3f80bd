//! Values that fade with age: `exp((last - now) * rate)`.
//!
//! In go the times at which cells were last written, as whole numbers of ticks from some base, `-inf` for never; out
//! come values from 0 to 1. `now` before a cell's time counts as no age.
//!
//! Contract: from an age of [`GONE_F32`] or [`GONE_F64`] time constants on the result is exactly 0, so that a caller
//! may leave out cells that are older. What would be left is less than the smallest normal number.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// So many time constants after its event an `f32` has faded to 0.
pub const GONE_F32: f64 = 87.0;
/// So many time constants after its event an `f64` has faded to 0.
pub const GONE_F64: f64 = 708.0;

/// What each cell has faded to at `now`, into `out`; as many as the shorter slice has.
///
/// ```
/// let mut out = [9.0; 3];
/// parallax_simd::decay::fade_f32(&[f64::NEG_INFINITY, 100.0, 0.0], 100.0, 0.01, &mut out);
/// assert_eq!(out, [0.0, 1.0, parallax_simd::math::exp_f32(-1.0)]);
/// ```
pub fn fade_f32(last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    fade_f32_at(Level::detect(), last, now, rate, out);
}

/// What each cell has faded to at `now`, into `out`; as many as the shorter slice has.
pub fn fade_f64(last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    fade_f64_at(Level::detect(), last, now, rate, out);
}

/// [`fade_f32`] at a given level, or the CPU's best if that is lower.
pub fn fade_f32_at(level: Level, last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::fade_f32(level, last, now, rate, out),
        _ => scalar::fade_f32(last, now, rate, out),
    }
}

/// [`fade_f64`] at a given level, or the CPU's best if that is lower.
pub fn fade_f64_at(level: Level, last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::fade_f64(level, last, now, rate, out),
        _ => scalar::fade_f64(last, now, rate, out),
    }
}
