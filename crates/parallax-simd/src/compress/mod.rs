//! Moves the values whose bit is set together.
//!
//! In go a column and a mask as [`crate::select`] makes it; out come the kept values in their order, at the front of
//! `out`, and how many they are.
//!
//! Contract: kept values for which `out` has no room are left out. What lies behind the kept values in `out` is left with
//! any values: kernels write whole vectors where there is room for them.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{BYTES, PAIRS};

/// Moves the kept values to the front of `out`; returns how many they are.
///
/// ```
/// let mut out = [0; 4];
/// let kept = parallax_simd::compress::compress_i64(&[5, 6, 7, 8], &[0b1010], &mut out);
/// assert_eq!(out[..kept], [6, 8]);
/// ```
pub fn compress_i64(values: &[i64], mask: &[u64], out: &mut [i64]) -> usize {
    compress_i64_at(Level::detect(), values, mask, out)
}

/// Moves the kept values to the front of `out`; returns how many they are.
pub fn compress_u16(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    compress_u16_at(Level::detect(), values, mask, out)
}

/// Moves the kept values to the front of `out`; returns how many they are.
pub fn compress_u8(values: &[u8], mask: &[u64], out: &mut [u8]) -> usize {
    compress_u8_at(Level::detect(), values, mask, out)
}

/// [`compress_i64`] at a given level, or the CPU's best if that is lower.
pub fn compress_i64_at(level: Level, values: &[i64], mask: &[u64], out: &mut [i64]) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::compress_i64(level, values, mask, out),
        _ => scalar::compress(values, mask, out),
    }
}

/// [`compress_u16`] at a given level, or the CPU's best if that is lower.
pub fn compress_u16_at(level: Level, values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::compress_u16(level, values, mask, out),
        _ => scalar::compress(values, mask, out),
    }
}

/// [`compress_u8`] at a given level, or the CPU's best if that is lower.
pub fn compress_u8_at(level: Level, values: &[u8], mask: &[u64], out: &mut [u8]) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::compress_u8(level, values, mask, out),
        _ => scalar::compress(values, mask, out),
    }
}
