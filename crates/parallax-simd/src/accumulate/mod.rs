//! Frames from events: how often, or with which sign, each pixel fired.
//!
//! In go columns of pixels and a frame in C order (row after row, `index = y * width + x`), which is added to;
//! out comes how many events lie outside it. Cells stop at the ends of their type instead of wrapping.
//!
//! Surprise: there is no arch file. Two events may meet in one pixel, so the additions cannot go side by side,
//! and the bench is bound by them.

mod scalar;

use crate::Level;

/// Adds 1 to `out[y * width + x]` for each event; stops at `u32::MAX`. Returns how many events were skipped
/// because they lie outside `width` times `height` or beyond the last whole row of `out`.
///
/// ```
/// let mut frame = [0; 6];
/// let outside = parallax_simd::accumulate::count(&[0, 2, 2, 3], &[0, 1, 1, 0], 3, 2, &mut frame);
/// assert_eq!((frame, outside), ([1, 0, 0, 0, 0, 2], 1));
/// ```
pub fn count(x: &[u16], y: &[u16], width: usize, height: usize, out: &mut [u32]) -> u64 {
    count_at(Level::detect(), x, y, width, height, out)
}

/// [`count`] at a given level. They are all the same one.
pub fn count_at(_: Level, x: &[u16], y: &[u16], width: usize, height: usize, out: &mut [u32]) -> u64 {
    scalar::count(x, y, width, height, out)
}

/// Adds 1 (`p` is not 0) or -1 (`p` is 0) to `out[y * width + x]` for each event, in order; stops at the ends of
/// `i32`. Returns how many events were skipped because they lie outside `width` times `height` or beyond the
/// last whole row of `out`.
///
/// ```
/// let mut frame = [0; 2];
/// let outside = parallax_simd::accumulate::signed(&[0, 1, 1], &[0; 3], &[1, 0, 0], 2, 1, &mut frame);
/// assert_eq!((frame, outside), ([1, -2], 0));
/// ```
pub fn signed(x: &[u16], y: &[u16], p: &[u8], width: usize, height: usize, out: &mut [i32]) -> u64 {
    signed_at(Level::detect(), x, y, p, width, height, out)
}

/// [`signed`] at a given level. They are all the same one.
pub fn signed_at(
    _: Level,
    x: &[u16],
    y: &[u16],
    p: &[u8],
    width: usize,
    height: usize,
    out: &mut [i32],
) -> u64 {
    scalar::signed(x, y, p, width, height, out)
}
