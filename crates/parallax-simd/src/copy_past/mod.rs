//! Copies past the cache: for output that is larger than the cache and not read soon.
//!
//! In go a column that is in the cache and its place in memory; the place then holds the column. An ordinary store reads
//! the line that it writes to first, and throws something else out of the cache; a store past the cache ("non-temporal",
//! Intel's Optimization Reference Manual, chapter on cacheability) does neither. Whole lines alone are stored like
//! that; the rest at both ends is stored as always.
//!
//! Surprise: what is read again soon is better copied by [`slice::copy_from_slice`].

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// Numbers of a column: every pattern of bits is a value, and there is no padding.
pub trait Number: Copy + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        impl Number for $number {}
    )*};
}

numbers!(i64, u16, u8);

/// Copies `from` to `to`, as far as both go.
///
/// ```
/// let mut to = [0_u16; 3];
/// parallax_simd::copy_past::copy(&[1, 2, 3], &mut to);
/// assert_eq!(to, [1, 2, 3]);
/// ```
pub fn copy<T: Number>(from: &[T], to: &mut [T]) {
    copy_at(Level::detect(), from, to);
}

/// [`copy`] at a given level, or the CPU's best if that is lower.
pub fn copy_at<T: Number>(level: Level, from: &[T], to: &mut [T]) {
    let count = from.len().min(to.len());
    let (from, to) = (&from[..count], &mut to[..count]);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::copy(level, from, to),
        _ => scalar::copy(from, to),
    }
}
