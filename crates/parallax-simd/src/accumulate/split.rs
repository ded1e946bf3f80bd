//! Events shared between two frames by where in time they lie between them: the kernel of voxel grids.
//!
//! Like the other kernels it is bound by the cells that it waits for, so there is one level.
#![forbid(unsafe_code)]

use super::Counter;
use crate::prefetch::soon;

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

impl Shares {
    /// An event's cell.
    #[inline(always)]
    fn index(&self, x: u16, y: u16, p: u8) -> usize {
        let pixel = (usize::from(y) * self.width).wrapping_add(usize::from(x));
        pixel.wrapping_add(self.offset[usize::from(p != 0)])
    }

    /// What an event at the place `d` from 0 to 1 gives to the left and to the right.
    #[inline(always)]
    fn parts<T: Fraction>(&self, p: u8, d: f64) -> [T; 2] {
        let weight = self.weight[usize::from(p != 0)];
        [weight * (1.0 - d), weight * d].map(T::from_f64)
    }
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
        let (index, [first, second]) = (shares.index(x, y, p), shares.parts(p, ramp.place(t)));
        if let Some(cell) = left.get_mut(index) {
            *cell = cell.plus(first);
        }
        if let Some(cell) = right.get_mut(index) {
            *cell = cell.plus(second);
        }
    }
}

/// As [`split`], with the cells of both frames side by side: an event waits for one of them instead of two. The sums are the
/// same, bit by bit. Worth its while where the cells do not stay in the second-level cache, and where there are some events for
/// each, as [`pair`] and [`unpair`] go through all of them.
///
/// ```
/// use parallax_simd::accumulate::{Ramp, Shares, split_pairs};
///
/// let mut pairs = [[0.0_f32; 2]; 2];
/// let ramp = Ramp { start: 100, scale: 0.25, shift: 0.0 };
/// let shares = Shares { offset: [0, 0], weight: [-1.0, 1.0], width: 2 };
/// split_pairs((&[100, 103], &[0, 1], &[0, 0], &[1, 0]), ramp, shares, &mut pairs);
/// assert_eq!(pairs, [[1.0, 0.0], [-0.25, -0.75]]);
/// ```
#[inline]
pub fn split_pairs<T: Fraction>(
    (t, x, y, p): (&[i64], &[u16], &[u16], &[u8]),
    ramp: Ramp,
    shares: Shares,
    pairs: &mut [[T; 2]],
) {
    let coming = x.iter().zip(y).zip(p).skip(AHEAD);
    // Behind the last one nothing is announced.
    let mut coming = coming.map(|((&x, &y), &p)| shares.index(x, y, p));
    for (((&t, &x), &y), &p) in t.iter().zip(x).zip(y).zip(p) {
        if let Some(index) = coming.next() {
            soon(pairs, index);
        }
        let [first, second] = shares.parts(p, ramp.place(t));
        if let Some([left, right]) = pairs.get_mut(shares.index(x, y, p)) {
            (*left, *right) = (left.plus(first), right.plus(second));
        }
    }
}

/// A cell is announced so many events before its own: about as long as the memory takes.
const AHEAD: usize = 32;

/// Two frames side by side, as far as both go.
pub fn pair<T: Copy>(left: &[T], right: &[T], pairs: &mut [[T; 2]]) {
    for (pair, (&left, &right)) in pairs.iter_mut().zip(left.iter().zip(right)) {
        *pair = [left, right];
    }
}

/// Back into two frames.
pub fn unpair<T: Copy>(pairs: &[[T; 2]], left: &mut [T], right: &mut [T]) {
    for (&[first, second], (left, right)) in pairs.iter().zip(left.iter_mut().zip(right)) {
        (*left, *right) = (first, second);
    }
}
