//! Pixels moved by whole steps that random words stand for.
//!
//! In go columns x and y, two random words for each event, and at which words a step grows by one; out come the columns,
//! moved. An event that leaves the sensor is put onto its edge, or its x becomes [`OUTSIDE`].

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// The x of an event that has left the sensor: no sensor has this column.
pub const OUTSIDE: u16 = u16::MAX;

/// A step for each word: `lowest`, and one more for each of `changes` that is at most the word. Steps are looked for one
/// change after the other, so they should be few.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// The step of word 0.
    pub lowest: i32,
    /// The first words of the steps after the lowest, in any order.
    pub changes: &'a [u32],
}

/// Where events may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Columns, at most 65,535.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Whether what leaves is put onto the edge.
    pub clamps: bool,
}

/// Moves event `i` by the step of `words[i][0]` to the right and of `words[i][1]` down; as many as the shortest slice
/// has. No step may be larger than 2^30.
///
/// ```
/// use parallax_simd::displace::{Bounds, OUTSIDE, Steps, shift};
///
/// let steps = Steps { lowest: -1, changes: &[10, 20] };
/// let bounds = Bounds { width: 4, height: 4, clamps: false };
/// let (mut x, mut y) = ([0, 0, 2], [3, 3, 3]);
/// shift(&mut x, &mut y, &[[0, 10], [25, 0], [10, 25]], [steps, steps], bounds);
/// assert_eq!((x, y), ([OUTSIDE, 1, OUTSIDE], [3, 2, 3]));
/// ```
pub fn shift(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    shift_at(Level::detect(), x, y, words, steps, bounds);
}

/// [`shift`] at a given level, or the CPU's best if that is lower.
pub fn shift_at(
    level: Level,
    x: &mut [u16],
    y: &mut [u16],
    words: &[[u32; 2]],
    steps: [Steps<'_>; 2],
    bounds: Bounds,
) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::shift(level, x, y, words, steps, bounds),
        _ => scalar::shift(x, y, words, steps, bounds),
    }
}
