//! A hint to the CPU that a value will be asked for soon, so that it is in the cache by then.
//!
//! Where events go to pixels all over a table that is larger than the cache, most of the time is spent waiting for the one
//! after the other. The answer is the same with and without; there is no level, since every x86-64 CPU has it, and elsewhere it does
//! nothing.

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
