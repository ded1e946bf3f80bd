//! The columns that a sorted batch is written to, and events as sortable numbers.

use std::ops::Range;

use crate::{BatchLayout, DvsColumns};

/// How many bits [`pixel_key`] takes.
pub(super) const PIXEL_BITS: u32 = 33;

/// (y, x, p) as one number of the same order.
pub(super) fn pixel_key(x: u16, y: u16, p: u8) -> u64 {
    u64::from(y) << 17 | u64::from(x) << 1 | u64::from(p)
}

/// The event's pixel and polarity (x, y, p) from their [`pixel_key`], whose upper bits are ignored.
pub(super) fn from_pixel_key(key: u64) -> (u16, u16, u8) {
    ((key >> 1) as u16, (key >> 17) as u16, key as u8 & 1)
}

/// Four writable columns of one length; `t` is empty where that of the input is shared.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) t: &'a mut [i64],
    pub(super) x: &'a mut [u16],
    pub(super) y: &'a mut [u16],
    pub(super) p: &'a mut [u8],
}

impl<'a> Columns<'a> {
    /// The whole columns of a slot.
    pub(super) fn of(slot: &'a mut [u8], layout: &BatchLayout) -> Self {
        let len = layout.capacity();
        let (t, rest) = slot.split_at_mut(layout.x(0).start);
        let (x, rest) = rest.split_at_mut(layout.y(0).start - layout.x(0).start);
        let (y, p) = rest.split_at_mut(layout.p(0).start - layout.y(0).start);
        Self {
            t: bytemuck::cast_slice_mut(&mut t[..len * 8]),
            x: bytemuck::cast_slice_mut(&mut x[..len * 2]),
            y: bytemuck::cast_slice_mut(&mut y[..len * 2]),
            p: &mut p[..len],
        }
    }

    /// Copies the events in `from` to `at`.
    pub(super) fn copy(&mut self, at: usize, columns: DvsColumns<'_>, from: Range<usize>) {
        let to = at..at + from.len();
        if !self.t.is_empty() {
            self.t[to.clone()].copy_from_slice(&columns.t[from.clone()]);
        }
        self.x[to.clone()].copy_from_slice(&columns.x[from.clone()]);
        self.y[to.clone()].copy_from_slice(&columns.y[from.clone()]);
        self.p[to].copy_from_slice(&columns.p[from]);
    }

    /// Writes the pixel and polarity of one event.
    pub(super) fn set(&mut self, index: usize, pixel_key: u64) {
        (self.x[index], self.y[index], self.p[index]) = from_pixel_key(pixel_key);
    }

    #[cfg(feature = "parallel")]
    pub(super) fn split_at(self, index: usize) -> (Self, Self) {
        let (t, later_t) = self.t.split_at_mut(index.min(self.t.len()));
        let (x, later_x) = self.x.split_at_mut(index);
        let (y, later_y) = self.y.split_at_mut(index);
        let (p, later_p) = self.p.split_at_mut(index);
        (
            Self { t, x, y, p },
            Self {
                t: later_t,
                x: later_x,
                y: later_y,
                p: later_p,
            },
        )
    }
}
