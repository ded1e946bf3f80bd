//! Sums that are the same everywhere.
//!
//! In goes a column, out comes its sum. The tree of the float sums is fixed: value `i` is added to lane
//! `i % LANES` in order, each lane starting at +0; then lane `i` takes lane `i + LANES / 2`, `i + LANES / 4` and so on
//! down to one. There are 32 lanes for `f32` and 16 for `f64`. A sum that is not a number is always the same NaN.
//!
//! Surprises: a float sum of parts is not the sum of the whole; sum the whole. There is no arch file: with this
//! tree the baseline's code already loads as fast as the memory gives.

mod scalar;

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
