//! Which values pass? One bit each, narrowed from kernel to kernel.
//!
//! In go a column and a mask: bit `i % 64` of word `i / 64` stands for value `i`. Each kernel clears the bits of the
//! values that do not pass and leaves the others as they were, so that several conditions are one mask in the end.
//!
//! Contract: a mask that is shorter than the column is used up to its end; bits beyond the column are cleared.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use std::ops::RangeInclusive;

use crate::Level;

/// Keeps the bits of the values inside `range`; an empty range keeps none.
///
/// ```
/// let mut mask = [u64::MAX];
/// parallax_simd::select::within_u16(&[3, 639, 12, 640], 10..=639, &mut mask);
/// assert_eq!(mask, [0b0110]);
/// ```
pub fn within_u16(values: &[u16], range: RangeInclusive<u16>, mask: &mut [u64]) {
    within_u16_at(Level::detect(), values, range, mask);
}

/// Keeps the bits of the values inside `range`; an empty range keeps none.
pub fn within_i64(values: &[i64], range: RangeInclusive<i64>, mask: &mut [u64]) {
    within_i64_at(Level::detect(), values, range, mask);
}

/// Keeps the bits of the values that equal `value`.
pub fn equal_u8(values: &[u8], value: u8, mask: &mut [u64]) {
    equal_u8_at(Level::detect(), values, value, mask);
}

/// Keeps the bits of the values that are `least` or more.
pub fn at_least_u32(values: &[u32], least: u32, mask: &mut [u64]) {
    at_least_u32_at(Level::detect(), values, least, mask);
}

/// [`within_u16`] at a given level, or the CPU's best if that is lower.
pub fn within_u16_at(level: Level, values: &[u16], range: RangeInclusive<u16>, mask: &mut [u64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::within_u16(level, values, range, mask),
        _ => scalar::within_u16(values, range, mask),
    }
}

/// [`within_i64`] at a given level, or the CPU's best if that is lower.
pub fn within_i64_at(level: Level, values: &[i64], range: RangeInclusive<i64>, mask: &mut [u64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::within_i64(level, values, range, mask),
        _ => scalar::within_i64(values, range, mask),
    }
}

/// [`equal_u8`] at a given level, or the CPU's best if that is lower.
pub fn equal_u8_at(level: Level, values: &[u8], value: u8, mask: &mut [u64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::equal_u8(level, values, value, mask),
        _ => scalar::equal_u8(values, value, mask),
    }
}

/// [`at_least_u32`] at a given level, or the CPU's best if that is lower.
pub fn at_least_u32_at(level: Level, values: &[u32], least: u32, mask: &mut [u64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::at_least_u32(level, values, least, mask),
        _ => scalar::at_least_u32(values, least, mask),
    }
}
