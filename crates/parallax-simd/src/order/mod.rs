//! Is a column of times in order?
//!
//! In go the times and the one before them, out comes an [`OrderScan`]; one pass.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// What [`scan`] found. A step is a pair of neighbours, `previous` and the first time included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderScan {
    /// How many times are smaller than the one before them.
    pub steps_back: u64,
    /// The index of the first of these.
    pub first_step_back: Option<usize>,
    /// The largest amount by which time went back, at most `i64::MAX`; 0 if it never did.
    pub max_step_back: i64,
    /// Whether any time equals the one before it.
    pub equal_neighbours: bool,
}

/// Scans `t` for steps back in time; `previous` is the time before `t[0]`, if there is one.
///
/// ```
/// let scan = parallax_simd::order::scan(&[5, 9, 7, 7], Some(6));
/// assert_eq!((scan.steps_back, scan.first_step_back, scan.max_step_back), (2, Some(0), 2));
/// assert!(scan.equal_neighbours);
/// ```
pub fn scan(t: &[i64], previous: Option<i64>) -> OrderScan {
    scan_at(Level::detect(), t, previous)
}

/// [`scan`] at a given level, or the CPU's best if that is lower.
pub fn scan_at(level: Level, t: &[i64], previous: Option<i64>) -> OrderScan {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::scan(level, t, previous),
        _ => scalar::scan(t, previous),
    }
}
