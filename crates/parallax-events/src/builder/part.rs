//! A stretch of a batch's memory that is filled on its own, so that several threads decode into one batch.
//!
//! What is written goes to a block that stays in the cache, is checked there, and is then copied to its place past the
//! cache: a recording is larger than the cache, and nobody reads it before it is whole.

use parallax_simd::copy_past::copy;

use super::check::Check;
use super::{BatchBuilder, Committed, SpareColumns};
use crate::{Error, Geometry, Result, TimeRange, TimeUnit};

/// A stretch of a [`BatchBuilder`](super::BatchBuilder)'s room. It is used as the builder is: write to
/// [`spare`](Self::spare), then [`commit`](Self::commit).
#[derive(Debug)]
pub struct BatchPart<'a> {
    room: SpareColumns<'a>,
    len: usize,
    check: Check,
    first_t: Option<i64>,
    /// From the first event on.
    block: Option<Block>,
}

/// Events on their way: as many as fit into the first-level cache beside what they are made from.
#[derive(Debug)]
struct Block {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Block {
    const LEN: usize = 2 << 10;

    fn new() -> Self {
        Self {
            t: vec![0; Self::LEN],
            x: vec![0; Self::LEN],
            y: vec![0; Self::LEN],
            p: vec![0; Self::LEN],
        }
    }

    fn first(&mut self, count: usize) -> SpareColumns<'_> {
        let room = SpareColumns {
            t: &mut self.t,
            x: &mut self.x,
            y: &mut self.y,
            p: &mut self.p,
        };
        room.first(count)
    }
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
            block: None,
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
        let room = self.room();
        self.block.get_or_insert_with(Block::new).first(room)
    }

    /// As [`BatchBuilder::commit`](super::BatchBuilder::commit); the first event of the part has no predecessor.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind) if more are claimed than there was room for.
    pub fn commit(&mut self, written: usize) -> Result<Committed> {
        let room = self.room().min(Block::LEN);
        if written > room {
            return Err(Error::internal(format!(
                "{written} events committed, room for {room}"
            )));
        }
        let block = self.block.get_or_insert_with(Block::new);
        let done = self.check.take_in(block.first(written), self.len > 0);
        let events = block.first(done.kept);
        self.first_t = self.first_t.or(events.t.first().copied());
        copy(events.t, &mut self.room.t[self.len..]);
        copy(events.x, &mut self.room.x[self.len..]);
        copy(events.y, &mut self.room.y[self.len..]);
        copy(events.p, &mut self.room.p[self.len..]);
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
