//! Sums that are the same everywhere.
//!
//! In goes a column, out comes its sum. The tree of the float sums is fixed: value `i` is added to lane
//! `i % LANES` in order, each lane starting at +0; then lane `i` takes lane `i + LANES / 2`, `i + LANES / 4` and so on
//! down to one. There are 32 lanes for `f32` and 16 for `f64`. A sum that is not a number is always the same NaN.
//!
//! Surprises: a float sum of parts is not the sum of the whole; sum the whole. Only 16-bit values have code for an
//! architecture: that of the baseline already loads the others as fast as the memory gives.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "loads vectors and calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// The sum of `values` by the fixed tree of 32 lanes.
///
/// ```
/// assert_eq!(parallax_simd::sum::sum_f32(&[0.5, 0.25, -1.0]), -0.25);
/// ```
pub fn sum_f32(values: &[f32]) -> f32 {
    sum_f32_at(Level::detect(), values)
}

/// The sum of `values` by the fixed tree of 16 lanes.
pub fn sum_f64(values: &[f64]) -> f64 {
    sum_f64_at(Level::detect(), values)
}

/// The sum of `values`; of a column of polarities, the number of ON events.
///
/// ```
/// assert_eq!(parallax_simd::sum::sum_u8(&[0, 1, 1, 0, 1]), 3);
/// ```
pub fn sum_u8(values: &[u8]) -> u64 {
    sum_u8_at(Level::detect(), values)
}

/// The sum of `values`, such as the cells of a count frame.
///
/// ```
/// assert_eq!(parallax_simd::sum::sum_i16(&[i16::MIN, i16::MIN, 1]), -65535);
/// ```
pub fn sum_i16(values: &[i16]) -> i64 {
    sum_i16_at(Level::detect(), values)
}

/// [`sum_f32`] at a given level. They are all the same one.
pub fn sum_f32_at(_: Level, values: &[f32]) -> f32 {
    scalar::sum_f32(values)
}

/// [`sum_f64`] at a given level. They are all the same one.
pub fn sum_f64_at(_: Level, values: &[f64]) -> f64 {
    scalar::sum_f64(values)
}

/// [`sum_u8`] at a given level. They are all the same one.
pub fn sum_u8_at(_: Level, values: &[u8]) -> u64 {
    scalar::sum_u8(values)
}

/// [`sum_i16`] at a given level, or the CPU's best if that is lower.
pub fn sum_i16_at(level: Level, values: &[i16]) -> i64 {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::sum_i16(level, values),
        _ => scalar::sum_i16(values),
    }
}
