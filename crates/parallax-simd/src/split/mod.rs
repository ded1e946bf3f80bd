//! Events shared between two frames by where in time they lie between them: the kernel of voxel grids.
//!
//! Where an event goes, and how much of it to which side, is calculated for a block of events at once; only the additions,
//! which may meet in one cell, are done one after the other.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;
use crate::accumulate::Counter;

/// Events: t, x, y, p; as many as the shortest slice has.
pub type Events<'a> = (&'a [i64], &'a [u16], &'a [u16], &'a [u8]);

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
        pixel.wrapping_add(if p != 0 { self.offset[1] } else { self.offset[0] })
    }

    /// What an event at the place `d` from 0 to 1 gives to the left and to the right.
    #[inline(always)]
    fn parts<T: Fraction>(&self, p: u8, d: f64) -> [T; 2] {
        let weight = if p != 0 { self.weight[1] } else { self.weight[0] };
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
pub fn split<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, left: &mut [T], right: &mut [T]) {
    split_at(Level::detect(), events, ramp, shares, left, right);
}

/// [`split`] at a given level, or the CPU's best if that is lower.
pub fn split_at<T: Fraction>(
    level: Level,
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    left: &mut [T],
    right: &mut [T],
) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::split(level, events, ramp, shares, left, right),
        _ => scalar::split(events, ramp, shares, left, right),
    }
}

/// As [`split`], with the cells of both frames side by side: an event waits for one of them instead of two. The sums are the
/// same, bit by bit. Worth its while where the cells do not stay in the second-level cache, and where there is an event for
/// every eighth, as [`pair`], [`turn`] and [`unpair`] go through all of them.
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
pub fn split_pairs<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, pairs: &mut [[T; 2]]) {
    split_pairs_at(Level::detect(), events, ramp, shares, pairs);
}

/// [`split_pairs`] at a given level, or the CPU's best if that is lower.
pub fn split_pairs_at<T: Fraction>(
    level: Level,
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    pairs: &mut [[T; 2]],
) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::split_pairs(level, events, ramp, shares, pairs),
        _ => scalar::split_pairs(events, ramp, shares, pairs),
    }
}

/// Two frames side by side; zeros where one of them is empty.
pub fn pair<T: Fraction>(left: &[T], right: &[T], pairs: &mut [[T; 2]]) {
    match (left, right) {
        ([], []) => pairs.fill([T::ZERO; 2]),
        (left, []) => pairs
            .iter_mut()
            .zip(left)
            .for_each(|(pair, &left)| *pair = [left, T::ZERO]),
        ([], right) => pairs
            .iter_mut()
            .zip(right)
            .for_each(|(pair, &right)| *pair = [T::ZERO, right]),
        (left, right) => {
            for ((pair, &left), &right) in pairs.iter_mut().zip(left).zip(right) {
                *pair = [left, right];
            }
        }
    }
}

/// The left ones back into their frame; the right ones become left ones, with those of the frame `behind`, or zeros if that is
/// empty, on their right.
pub fn turn<T: Fraction>(pairs: &mut [[T; 2]], left: &mut [T], behind: &[T]) {
    let places = pairs.iter_mut().zip(left);
    if behind.is_empty() {
        places.for_each(|(pair, left)| {
            let [first, second] = *pair;
            (*left, *pair) = (first, [second, T::ZERO]);
        });
        return;
    }
    for ((pair, left), &behind) in places.zip(behind) {
        let [first, second] = *pair;
        (*left, *pair) = (first, [second, behind]);
    }
}

/// Back into two frames.
pub fn unpair<T: Copy>(pairs: &[[T; 2]], left: &mut [T], right: &mut [T]) {
    for (&[first, second], (left, right)) in pairs.iter().zip(left.iter_mut().zip(right)) {
        (*left, *right) = (first, second);
    }
}
