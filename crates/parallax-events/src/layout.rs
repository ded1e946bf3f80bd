//! Where the four columns of a batch lie in one slot of memory.

use std::ops::Range;

use crate::{Error, Result};

/// Every column starts at a multiple of this, which suits every SIMD load and Arrow's recommendation.
const ALIGNMENT: usize = 64;

/// The layout of a batch of up to `capacity` events in one slot: t, x, y, p in that order, each 64-byte
/// aligned. It is a function of the capacity alone, so another process can compute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLayout {
    capacity: usize,
    x: usize,
    y: usize,
    p: usize,
    bytes: usize,
}

impl BatchLayout {
    /// The layout for `capacity` events; an error if it does not fit into the address space.
    pub fn new(capacity: usize) -> Result<Self> {
        let too_large = || Error::limit(format!("a batch of {capacity} events does not fit into memory"));
        let column = |start: usize, item: usize| {
            capacity
                .checked_mul(item)
                .and_then(|bytes| bytes.checked_next_multiple_of(ALIGNMENT))
                .and_then(|bytes| start.checked_add(bytes))
                .filter(|end| isize::try_from(*end).is_ok())
                .ok_or_else(too_large)
        };
        let x = column(0, 8)?;
        let y = column(x, 2)?;
        let p = column(y, 2)?;
        let bytes = column(p, 1)?;
        Ok(Self {
            capacity,
            x,
            y,
            p,
            bytes,
        })
    }

    /// The layout with the largest capacity that fits into `bytes`.
    pub fn fitting(bytes: usize) -> Result<Self> {
        let mut layout = Self::new(bytes / 13)?;
        // Padding takes at most 4 x 63 bytes, so this ends within 20 steps.
        while layout.bytes > bytes {
            layout = Self::new(layout.capacity.saturating_sub(1))?;
        }
        Ok(layout)
    }

    /// How many events fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many bytes the slot must have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes of the first `len` times.
    pub fn t(&self, len: usize) -> Range<usize> {
        0..len.min(self.capacity) * 8
    }

    /// The bytes of the first `len` columns.
    pub fn x(&self, len: usize) -> Range<usize> {
        self.x..self.x + len.min(self.capacity) * 2
    }

    /// The bytes of the first `len` rows.
    pub fn y(&self, len: usize) -> Range<usize> {
        self.y..self.y + len.min(self.capacity) * 2
    }

    /// The bytes of the first `len` polarities.
    pub fn p(&self, len: usize) -> Range<usize> {
        self.p..self.p + len.min(self.capacity)
    }
}
