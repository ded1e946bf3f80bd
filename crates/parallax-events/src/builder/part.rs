//! A stretch of a batch's memory that is filled on its own, so that several threads decode into one batch.
//!
//! What is written goes to its place at once, a block at a time, which is checked while it is in the cache. By way of a block
//! that is then copied past the cache it took a third longer: the CPU does not decode while it copies.

use parallax_simd::copy_past::copy;

use super::check::Check;
use super::{BatchBuilder, Committed, SpareColumns};
use crate::{Error, Geometry, Result, TimeRange, TimeUnit};

/// Events that are written before they are checked: with what they are made from they stay in the second-level cache.
const BLOCK: usize = 4 << 10;

/// A stretch of a [`BatchBuilder`](super::BatchBuilder)'s room. It is used as the builder is: write to
/// [`spare`](Self::spare), then [`commit`](Self::commit).
#[derive(Debug)]
pub struct BatchPart<'a> {
    room: SpareColumns<'a>,
    len: usize,
    check: Check,
    first_t: Option<i64>,
}

/// Room that is handed out in parts: see [`BatchBuilder::parts`](super::BatchBuilder::parts).
#[derive(Debug)]
pub struct PartRooms<'a> {
    rest: SpareColumns<'a>,
    check: Check,
}

impl<'a> PartRooms<'a> {
    pub(super) fn new(rest: SpareColumns<'a>, check: Check) -> Self {
        Self { rest, check }
    }

    /// Empties `builder` and has it check as these parts do: what it takes in then can be [put](BatchPart::fill) into one.
    pub fn prepare(&self, builder: &mut BatchBuilder) {
        builder.clear();
        builder.check = self.check.clone();
    }

    /// The next part, for up to `capacity` events; `None` if less room is left.
    pub fn take(&mut self, capacity: usize) -> Option<BatchPart<'a>> {
        if capacity > self.rest.t.len() {
            return None;
        }
        let (room, rest) = std::mem::take(&mut self.rest).split(capacity);
        self.rest = rest;
        Some(BatchPart {
            room,
            len: 0,
            check: self.check.clone(),
            first_t: None,
        })
    }
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

    /// Where the next events go: no more than there is room for, and never more than a block. Holds stale values.
    pub fn spare(&mut self) -> SpareColumns<'_> {
        self.room.stretch(self.len, BLOCK)
    }

    /// As [`BatchBuilder::commit`](super::BatchBuilder::commit); the first event of the part has no predecessor.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind) if more are claimed than there was room for.
    pub fn commit(&mut self, written: usize) -> Result<Committed> {
        let room = self.room().min(BLOCK);
        if written > room {
            return Err(Error::internal(format!(
                "{written} events committed, room for {room}"
            )));
        }
        let events = self.room.stretch(self.len, written);
        let done = self.check.take_in(events, self.len > 0);
        let kept = self.room.stretch(self.len, done.kept);
        self.first_t = self.first_t.or(kept.t.first().copied());
        self.len += done.kept;
        Ok(done)
    }

    /// Takes over what a builder has that was [prepared](PartRooms::prepare) for these parts, if this one is empty.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind) if there is not room for it.
    pub fn fill(&mut self, builder: &BatchBuilder) -> Result<()> {
        let events = builder.columns();
        if self.len > 0 || events.len() > self.room() {
            return Err(Error::internal(format!(
                "{} events for a part that has {} and room for {}",
                events.len(),
                self.len,
                self.room()
            )));
        }
        copy(events.t, self.room.t);
        copy(events.x, self.room.x);
        copy(events.y, self.room.y);
        copy(events.p, self.room.p);
        self.len = events.len();
        self.first_t = events.t.first().copied();
        self.check = builder.check.clone();
        Ok(())
    }

    /// Ends the part.
    pub fn finish(self) -> FilledPart {
        FilledPart {
            capacity: self.room.t.len(),
            len: self.len,
            times: self.first_t.zip(self.check.last_t),
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
