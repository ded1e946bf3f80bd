//! What operators change: which columns a block has of its own, and how far what was written is known to be allowed.

use parallax_simd::{bounds, select};

use super::EventColumns;
use crate::{DvsColumns, EventBatch, Geometry};

/// The pixels and polarities of the kept events, to be changed.
#[derive(Debug)]
pub struct PixelsMut<'a> {
    /// Columns.
    pub x: &'a mut [u16],
    /// Rows.
    pub y: &'a mut [u16],
    /// Polarities.
    pub p: &'a mut [u8],
}

impl PixelsMut<'_> {
    pub(super) fn again(&mut self) -> PixelsMut<'_> {
        PixelsMut {
            x: &mut *self.x,
            y: &mut *self.y,
            p: &mut *self.p,
        }
    }
}

/// Which columns are a block's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) times: bool,
    pub(super) pixels: bool,
}

impl Owned {
    pub(super) const NONE: Self = Self {
        times: false,
        pixels: false,
    };
    pub(super) const ALL: Self = Self {
        times: true,
        pixels: true,
    };

    /// The columns as they are by now.
    pub(super) fn columns<'a>(self, batch: &'a EventBatch, own: &'a EventColumns) -> DvsColumns<'a> {
        let (batch, own) = (
            batch.columns(),
            DvsColumns {
                t: &own.t,
                x: &own.x,
                y: &own.y,
                p: &own.p,
            },
        );
        let pixels = if self.pixels { own } else { batch };
        DvsColumns {
            t: if self.times { own.t } else { batch.t },
            ..pixels
        }
    }
}

/// What operators wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    /// Values up to these.
    UpTo(Most),
    Anything,
}

/// The largest values of some events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Most {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) p: u8,
}

impl Most {
    pub(super) fn of(PixelsMut { x, y, p }: &PixelsMut<'_>) -> Self {
        Self {
            x: bounds::max_u16(x),
            y: bounds::max_u16(y),
            p: bounds::max_u8(p),
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        *self = Self {
            x: self.x.max(other.x),
            y: self.y.max(other.y),
            p: self.p.max(other.p),
        };
    }

    pub(super) fn lies_in(self, Geometry { width, height }: Geometry) -> bool {
        self.x < width && self.y < height
    }
}

/// Keeps the bits of the pixels that lie in a sensor.
pub(super) fn select_inside(x: &[u16], y: &[u16], Geometry { width, height }: Geometry, mask: &mut [u64]) {
    select::within_u16(x, 0..=width - 1, mask);
    select::within_u16(y, 0..=height - 1, mask);
}
