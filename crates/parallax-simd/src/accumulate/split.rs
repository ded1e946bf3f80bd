//! Events shared between two frames by where in time they lie between them: the kernel of voxel grids.
//!
//! Like the other kernels it is bound by the cells that it waits for, so there is one level.
#![forbid(unsafe_code)]

use super::Counter;

/// A cell that takes a part of an event.
pub trait Fraction: Counter {
    /// Rounded once.
    fn from_f64(value: f64) -> Self;
}

impl Fraction for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Fraction for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// From times to places: `(t - start) * scale - shift`, calculated as `f64`. No time lies before the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The time whose place is `-shift`.
    pub start: i64,
    /// Places per tick.
    pub scale: f64,
    /// The place that counts as 0.
    pub shift: f64,
}

impl Ramp {
    /// The place of a time.
    #[inline(always)]
    pub fn place(self, t: i64) -> f64 {
        t.wrapping_sub(self.start) as u64 as f64 * self.scale - self.shift
    }
}

/// Which pixels and frames events go to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Events of OFF and of ON go so many cells further.
    pub offset: [usize; 2],
    /// What an event of OFF and of ON adds in all.
    pub weight: [f64; 2],
    /// Cells in a row.
    pub width: usize,
}

/// For each event, in order, at the place `d` from 0 to 1: adds `weight * (1 - d)` to its cell of `left`, and
/// `weight * d` to its cell of `right`. A frame that is empty gets nothing; so does a cell that does not exist.
///
/// ```
/// use parallax_simd::accumulate::{Ramp, Shares, split};
///
/// let (mut left, mut right) = ([0.0_f32; 2], [0.0; 2]);
/// let ramp = Ramp { start: 100, scale: 0.25, shift: 0.0 };
/// let shares = Shares { offset: [0, 0], weight: [-1.0, 1.0], width: 2 };
/// split((&[100, 103], &[0, 1], &[0, 0], &[1, 0]), ramp, shares, &mut left, &mut right);
/// assert_eq!((left, right), ([1.0, -0.25], [0.0, -0.75]));
/// ```
#[inline]
pub fn split<T: Fraction>(
    (t, x, y, p): (&[i64], &[u16], &[u16], &[u8]),
    ramp: Ramp,
    shares: Shares,
    left: &mut [T],
    right: &mut [T],
) {
    for (((&t, &x), &y), &p) in t.iter().zip(x).zip(y).zip(p) {
        let polarity = usize::from(p != 0);
        let (offset, weight) = (shares.offset[polarity], shares.weight[polarity]);
        let index = (usize::from(y) * shares.width)
            .wrapping_add(usize::from(x))
            .wrapping_add(offset);
        let place = ramp.place(t);
        if let Some(cell) = left.get_mut(index) {
            *cell = cell.plus(T::from_f64(weight * (1.0 - place)));
        }
        if let Some(cell) = right.get_mut(index) {
            *cell = cell.plus(T::from_f64(weight * place));
        }
    }
}
