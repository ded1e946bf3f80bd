//! Moves the values whose bit is set together.
//!
//! In go a column, or the four of events, and a mask as [`crate::select`] makes it; out come the kept values in their order,
//! at the front of `out`, and how many they are.
//!
//! Contract: kept values for which `out` has no room are left out. What lies behind the kept values in `out` is left with
//! any values: kernels write whole vectors where there is room for them.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use std::ops::Range;

use crate::{Columns, Level};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{BYTES, PAIRS};

/// Events, column by column, as [`compress_events`] reads them. Of columns of different length, the shortest counts.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    /// Times.
    pub t: &'a [i64],
    /// Columns of the sensor.
    pub x: &'a [u16],
    /// Rows.
    pub y: &'a [u16],
    /// Polarities.
    pub p: &'a [u8],
}

impl Events<'_> {
    fn len(&self) -> usize {
        self.t.len().min(self.x.len()).min(self.y.len()).min(self.p.len())
    }

    /// Those of some places, which all columns must have.
    fn part(&self, places: Range<usize>) -> Self {
        Self {
            t: &self.t[places.clone()],
            x: &self.x[places.clone()],
            y: &self.y[places.clone()],
            p: &self.p[places],
        }
    }
}

/// Moves the kept events to the front of `out`; returns how many they are.
///
/// ```
/// use parallax_simd::{Columns, compress::{Events, compress_events}};
///
/// let events = Events { t: &[5, 6, 7], x: &[1, 2, 3], y: &[4, 4, 4], p: &[0, 1, 0] };
/// let (mut t, mut x, mut y, mut p) = ([0; 3], [0; 3], [0; 3], [0; 3]);
/// let out = Columns { t: &mut t, x: &mut x, y: &mut y, p: &mut p };
/// let kept = compress_events(events, &[0b101], out);
/// assert_eq!((&t[..kept], &x[..kept]), (&[5, 7][..], &[1, 3][..]));
/// ```
pub fn compress_events(events: Events<'_>, mask: &[u64], out: Columns<'_>) -> usize {
    compress_events_at(Level::detect(), events, mask, out)
}

/// [`compress_events`] at a given level, or the CPU's best if that is lower.
pub fn compress_events_at(level: Level, events: Events<'_>, mask: &[u64], out: Columns<'_>) -> usize {
    let events = events.part(0..events.len());
    let out = out.first(usize::MAX);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::compress_events(level, events, mask, out),
        _ => scalar::compress_events(events, mask, out),
    }
}

/// Moves the kept values to the front of `out`; returns how many they are.
///
/// ```
/// let mut out = [0; 4];
/// let kept = parallax_simd::compress::compress_u16(&[5, 6, 7, 8], &[0b1010], &mut out);
/// assert_eq!(out[..kept], [6, 8]);
/// ```
pub fn compress_u16(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    compress_u16_at(Level::detect(), values, mask, out)
}

/// [`compress_u16`] at a given level, or the CPU's best if that is lower.
pub fn compress_u16_at(level: Level, values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::compress_u16(level, values, mask, out),
        _ => scalar::compress(values, mask, out),
    }
}
