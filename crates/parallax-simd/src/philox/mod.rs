//! Random words by counting: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
//! 2011).
//!
//! In go a key and a counter of 128 bits, out come four words of 32 bits; or, for counters that follow each other, four
//! words for each.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

pub use scalar::block;

use crate::Level;

/// The words of the counters `(first, high)`, `(first + 1, high)` and so on, where `first` is the counter's lower half:
/// as many as `out` is long. Behind the largest number comes 0.
///
/// ```
/// use parallax_simd::philox;
///
/// let mut out = [[0; 4]; 2];
/// philox::blocks([7, 8], [3, 4], u64::MAX, &mut out);
/// assert_eq!(out, [philox::block([u32::MAX, u32::MAX, 3, 4], [7, 8]), philox::block([0, 0, 3, 4], [7, 8])]);
/// ```
pub fn blocks(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    blocks_at(Level::detect(), key, high, first, out);
}

/// [`blocks`] at a given level, or the CPU's best if that is lower.
pub fn blocks_at(level: Level, key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::blocks(level, key, high, first, out),
        _ => scalar::blocks(key, high, first, out),
    }
}
