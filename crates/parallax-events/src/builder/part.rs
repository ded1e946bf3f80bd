//! A stretch of a batch's memory that is filled on its own, so that several threads decode into one batch.

use super::check::Check;
use super::{Committed, SpareColumns};
use crate::{Error, Geometry, Result, TimeRange, TimeUnit};

/// A stretch of a [`BatchBuilder`](super::BatchBuilder)'s room. It is used as the builder is: write to
/// [`spare`](Self::spare), then [`commit`](Self::commit).
#[derive(Debug)]
pub struct BatchPart<'a> {
    room: SpareColumns<'a>,
    len: usize,
    check: Check,
}

/// What came into a [`BatchPart`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilledPart {
    capacity: usize,
    len: usize,
    times: Option<(i64, i64)>,
    in_order: bool,
}

impl<'a> BatchPart<'a> {
    pub(super) fn new(room: SpareColumns<'a>, check: Check) -> Self {
        Self { room, len: 0, check }
    }

    /// As [`BatchBuilder::set_geometry`](super::BatchBuilder::set_geometry).
    pub fn set_geometry(&mut self, geometry: Option<Geometry>) {
        self.check.geometry = geometry;
    }

    /// As [`BatchBuilder::set_time`](super::BatchBuilder::set_time).
    pub fn set_time(&mut self, range: Option<TimeRange>, unit: TimeUnit) {
        self.check.set_time(range, unit);
    }

    /// As [`BatchBuilder::keeps_time`](super::BatchBuilder::keeps_time).
    pub fn keeps_time(&self, t: i64) -> Option<bool> {
        self.check.keeps_time(t)
    }

    /// How many events are committed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is committed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more events fit.
    pub fn room(&self) -> usize {
        self.room.t.len() - self.len
    }

    /// The room that is left. Holds stale values.
    pub fn spare(&mut self) -> SpareColumns<'_> {
        SpareColumns {
            t: &mut self.room.t[self.len..],
            x: &mut self.room.x[self.len..],
            y: &mut self.room.y[self.len..],
            p: &mut self.room.p[self.len..],
        }
    }

    /// As [`BatchBuilder::commit`](super::BatchBuilder::commit); the first event of the part has no predecessor.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind) if more are claimed than there was room for.
    pub fn commit(&mut self, written: usize) -> Result<Committed> {
        if written > self.room() {
            return Err(Error::internal(format!(
                "{written} events committed, room for {}",
                self.room()
            )));
        }
        let mut check = std::mem::take(&mut self.check);
        let behind_others = self.len > 0;
        let done = check.take_in(self.spare().first(written), behind_others);
        self.check = check;
        self.len += done.kept;
        Ok(done)
    }

    /// Ends the part.
    pub fn finish(self) -> FilledPart {
        let times = self.room.t[..self.len].first().zip(self.check.last_t);
        FilledPart {
            capacity: self.room.t.len(),
            len: self.len,
            times: times.map(|(first, last)| (*first, last)),
            in_order: self.check.in_order,
        }
    }
}

impl FilledPart {
    /// How many events there was room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many events are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first and the last time, if there are events.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    pub(super) fn in_order(&self) -> bool {
        self.in_order
    }
}
