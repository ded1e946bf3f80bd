//! The normal distribution's inverse: Wichura, "Algorithm AS 241: The percentage points of the normal distribution", PPND16
//! (1988).
//!
//! In go probabilities between 0 and 1, out come the values of the standard normal distribution that lie above so much of it;
//! relative error about 1e-16. The answer is the same at every level, to the bit.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// The standard normal's inverse distribution function for 0 < p < 1.
///
/// ```
/// assert_eq!(parallax_simd::quantile::normal(0.5), 0.0);
/// assert!((parallax_simd::quantile::normal(0.975) - 1.959964).abs() < 1e-6);
/// ```
pub fn normal(p: f64) -> f64 {
    scalar::normal(p)
}

/// [`normal`] of each value of `p`, as far as both go.
pub fn normal_slice(p: &[f64], out: &mut [f64]) {
    normal_slice_at(Level::detect(), p, out);
}

/// [`normal_slice`] at a given level, or the CPU's best if that is lower.
pub fn normal_slice_at(level: Level, p: &[f64], out: &mut [f64]) {
    let count = p.len().min(out.len());
    let (p, out) = (&p[..count], &mut out[..count]);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::normal_slice(level, p, out),
        _ => scalar::normal_slice(p, out),
    }
}
