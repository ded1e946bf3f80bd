//! Which events are of marked pixels? One bit each, narrowed as by [`crate::select`].
//!
//! In go the columns x and y of events, a bit for each pixel of a grid, and a mask: bit `i % 64` of word `i / 64` stands for
//! event `i`. The bits of the events that do not pass are cleared, the others stay as they were.
//!
//! Contract: a pixel outside the grid is not marked. A mask that is shorter than the columns is used up to its end; bits
//! beyond the shorter column are cleared.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// Marked pixels: bit `place % 64` of word `place / 64` is that of the pixel at `place = y * width + x`.
///
/// ```
/// use parallax_simd::marks::Marks;
///
/// // The pixel (1, 2) of a grid of three columns.
/// let marks = Marks { width: 3, words: &[1 << (2 * 3 + 1)] };
/// let mut mask = [u64::MAX];
/// marks.keep(&[1, 1, 2], &[2, 1, 2], &mut mask);
/// assert_eq!(mask, [0b001]);
/// let mut mask = [u64::MAX];
/// marks.drop(&[1, 1, 2], &[2, 1, 2], &mut mask);
/// assert_eq!(mask, [0b110]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// Columns of the grid.
    pub width: u32,
    /// The bits, row by row; pixels behind them are not marked.
    pub words: &'a [u64],
}

impl Marks<'_> {
    /// Keeps the bits of the events of marked pixels.
    pub fn keep(self, x: &[u16], y: &[u16], mask: &mut [u64]) {
        self.narrow_at(Level::detect(), x, y, true, mask);
    }

    /// Keeps the bits of the events of all other pixels.
    pub fn drop(self, x: &[u16], y: &[u16], mask: &mut [u64]) {
        self.narrow_at(Level::detect(), x, y, false, mask);
    }

    /// [`keep`](Self::keep) or [`drop`](Self::drop) at a given level, or the CPU's best if that is lower.
    pub fn narrow_at(self, level: Level, x: &[u16], y: &[u16], keeps_marked: bool, mask: &mut [u64]) {
        let count = x.len().min(y.len());
        let (x, y) = (&x[..count], &y[..count]);
        match level.usable() {
            #[cfg(target_arch = "x86_64")]
            level @ (Level::Avx2 | Level::Avx512) => x86_64::narrow(level, self, x, y, keeps_marked, mask),
            _ => scalar::narrow(self, x, y, keeps_marked, mask),
        }
    }

    #[inline(always)]
    fn has(self, x: u16, y: u16) -> bool {
        let place = u64::from(y) * u64::from(self.width) + u64::from(x);
        let word = usize::try_from(place / 64)
            .ok()
            .and_then(|word| self.words.get(word));
        u32::from(x) < self.width && word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}
