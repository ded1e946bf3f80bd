//! A hint to the CPU that a value will be asked for soon, so that it is in the cache by then.
//!
//! Where events go to pixels all over a table that is larger than the cache, most of the time is spent waiting for the one
//! after the other. The answer is the same with and without; there is no level, since every x86-64 CPU has it, and elsewhere it does
//! nothing.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls an instruction that Rust has no safe function for"
)]
mod x86_64;

/// The value at `index`, if there is one, will be asked for soon.
///
/// ```
/// let cells = [1, 2, 3];
/// parallax_simd::prefetch::soon(&cells, 2);
/// parallax_simd::prefetch::soon(&cells, usize::MAX);
/// ```
#[inline(always)]
pub fn soon<T>(values: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    x86_64::soon(values, index);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, index);
}

/// The values at `places`, as far as there are so many, will be read soon, one after another: a hint for each line of 64 bytes.
///
/// What is read in order a CPU fetches by itself, but not beyond a page of memory (4 KiB, of 512 times), at whose start it begins
/// anew. Who reads some hundred events and then does something else for a while, waits there each time.
///
/// ```
/// parallax_simd::prefetch::stretch_soon(&[0_i64; 1000], 512..1024);
/// ```
#[inline(always)]
pub fn stretch_soon<T>(values: &[T], places: Range<usize>) {
    for place in places.step_by(64 / size_of::<T>().clamp(1, 64)) {
        soon(values, place);
    }
}
