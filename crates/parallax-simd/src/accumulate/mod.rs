//! Frames from events: how often, or with which sign, each pixel fired.
//!
//! In go columns of pixels and a frame in C order (row after row, `index = y * width + x`), which is added to;
//! out comes how many events lie outside it. Whole numbers stop at the ends of their type instead of wrapping.
//!
//! Surprise: there is no arch file. Two events may meet in one pixel, so the additions cannot go side by side,
//! and the bench is bound by them.

mod counter;
mod scalar;

pub use crate::split::{
    Events, Fraction, Ramp, Shares, pair, split, split_at, split_pairs, split_pairs_at, turn, unpair,
};
pub use counter::Counter;

/// Where in a frame the events of each polarity go (OFF, then ON), and what each of them adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planes<T> {
    /// The index of the polarity's pixel (0, 0).
    pub offset: [usize; 2],
    /// What is added.
    pub weight: [T; 2],
}

/// Adds `planes.weight[p]` to `out[planes.offset[p] + y * width + x]` for each event, in order (`p` is OFF if 0,
/// otherwise ON). Returns how many events were skipped because they lie outside `sensor`, which is width and height, or
/// outside `out`.
///
/// ```
/// use parallax_simd::accumulate::{Planes, add};
///
/// let planes = Planes { offset: [0, 2], weight: [1_i16, 1] };
/// let mut frames = [0; 4];
/// assert_eq!(add(&[0, 1, 1], &[0; 3], &[1, 0, 0], (2, 1), planes, &mut frames), 0);
/// assert_eq!(frames, [0, 2, 1, 0]);
/// ```
pub fn add<T: Counter>(
    x: &[u16],
    y: &[u16],
    p: &[u8],
    sensor: (usize, usize),
    planes: Planes<T>,
    out: &mut [T],
) -> u64 {
    scalar::add(x, y, p, sensor, planes, out)
}

/// Sets to zero what [`add`] wrote for the same events: cheaper than the whole frame where events are few.
pub fn erase<T: Counter>(
    x: &[u16],
    y: &[u16],
    p: &[u8],
    sensor: (usize, usize),
    offset: [usize; 2],
    out: &mut [T],
) {
    scalar::erase(x, y, p, sensor, offset, out);
}
