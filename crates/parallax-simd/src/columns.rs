//! [`Columns`]: where the decoding kernels write events.

use std::ops::Range;

/// Where events are written: four columns of one length. Of columns of different length, the shortest counts.
#[derive(Debug)]
pub struct Columns<'a> {
    /// Times.
    pub t: &'a mut [i64],
    /// Columns of the sensor.
    pub x: &'a mut [u16],
    /// Rows.
    pub y: &'a mut [u16],
    /// Polarities.
    pub p: &'a mut [u8],
}

impl Columns<'_> {
    /// How many places there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.t.len().min(self.x.len()).min(self.y.len()).min(self.p.len())
    }

    /// Whether there is no place.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the places, lent; all columns must have them.
    #[inline]
    pub(crate) fn part(&mut self, places: Range<usize>) -> Columns<'_> {
        Columns {
            t: &mut self.t[places.clone()],
            x: &mut self.x[places.clone()],
            y: &mut self.y[places.clone()],
            p: &mut self.p[places],
        }
    }

    /// The first `count` places, or all of them; the columns are then of one length.
    #[inline]
    #[must_use]
    pub(crate) fn first(self, count: usize) -> Self {
        let count = count.min(self.len());
        Self {
            t: &mut self.t[..count],
            x: &mut self.x[..count],
            y: &mut self.y[..count],
            p: &mut self.p[..count],
        }
    }
}
