//! The largest and the smallest of a column, and the first value above a limit.
//!
//! In goes a column, out comes a value or an index; one pass.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// The largest value; 0 if there is none.
pub fn max_u8(values: &[u8]) -> u8 {
    max_u8_at(Level::detect(), values)
}

/// The largest value; 0 if there is none.
///
/// ```
/// assert_eq!(parallax_simd::bounds::max_u16(&[3, 639, 12]), 639);
/// ```
pub fn max_u16(values: &[u16]) -> u16 {
    max_u16_at(Level::detect(), values)
}

/// The smallest and the largest value; `None` if there is none.
pub fn min_max_i64(values: &[i64]) -> Option<(i64, i64)> {
    min_max_i64_at(Level::detect(), values)
}

/// The index of the first value above `limit`.
pub fn first_above_u8(values: &[u8], limit: u8) -> Option<usize> {
    first_above_u8_at(Level::detect(), values, limit)
}

/// The index of the first value above `limit`.
///
/// ```
/// assert_eq!(parallax_simd::bounds::first_above_u16(&[3, 639, 640, 700], 639), Some(2));
/// ```
pub fn first_above_u16(values: &[u16], limit: u16) -> Option<usize> {
    first_above_u16_at(Level::detect(), values, limit)
}

/// [`max_u8`] at a given level. They are all the same one.
pub fn max_u8_at(_: Level, values: &[u8]) -> u8 {
    scalar::max_u8(values)
}

/// [`max_u16`] at a given level, or the CPU's best if that is lower.
pub fn max_u16_at(level: Level, values: &[u16]) -> u16 {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::max_u16(level, values),
        _ => scalar::max_u16(values),
    }
}

/// [`min_max_i64`] at a given level, or the CPU's best if that is lower.
pub fn min_max_i64_at(level: Level, values: &[i64]) -> Option<(i64, i64)> {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::min_max_i64(level, values),
        _ => scalar::min_max_i64(values),
    }
}

/// [`first_above_u8`] at a given level. They are all the same one.
pub fn first_above_u8_at(_: Level, values: &[u8], limit: u8) -> Option<usize> {
    scalar::first_above_u8(values, limit)
}

/// [`first_above_u16`] at a given level, or the CPU's best if that is lower.
pub fn first_above_u16_at(level: Level, values: &[u16], limit: u16) -> Option<usize> {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::first_above_u16(level, values, limit),
        _ => scalar::first_above_u16(values, limit),
    }
}
