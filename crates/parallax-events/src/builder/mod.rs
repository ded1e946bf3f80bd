//! Fills batches in place: the memory a decoder writes to is the memory that everybody later reads.

use std::ops::Range;
use std::sync::Arc;

use parallax_memory::{Column, LoanedSlot, MemoryPool, Region};
use parallax_simd::order;

use crate::slot::Slot;
use crate::{DvsColumns, Error, EventBatch, Geometry, Meta, Order, Result, TimeRange, TimeUnit};

mod check;
mod part;
mod spare;

use check::Check;
pub use part::{BatchPart, FilledPart, PartRooms};
pub use spare::SpareColumns;

/// What [`BatchBuilder::commit`] made of the events written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// How many were kept.
    pub kept: usize,
    /// How many were dropped: outside the geometry, or with a polarity that is neither 0 nor 1.
    pub outside: usize,
    /// How many events were kept before the first of the dropped ones.
    pub first_outside: Option<usize>,
    /// How many of the kept ones are earlier than their predecessor, which may be in an earlier batch.
    pub steps_back: u64,
    /// Which of the kept ones was the first to step back.
    pub first_step_back: Option<usize>,
}

/// Builds [`EventBatch`]es in place. Events are written into [`spare`](Self::spare) and then checked by
/// [`commit`](Self::commit) while they are still in the cache; what is committed is a valid batch at any
/// moment. It is used again and again: [`finish`](Self::finish) hands the memory on, [`clear`](Self::clear)
/// keeps it.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{BatchBuilder, Meta};
///
/// let mut builder = BatchBuilder::with_capacity(1_000)?;
/// let spare = builder.spare();
/// (spare.t[0], spare.x[0], spare.y[0], spare.p[0]) = (17, 3, 4, 1);
/// builder.commit(1)?;
/// let batch = builder.finish(&Arc::new(Meta::default()))?;
/// assert_eq!(batch.columns().x, [3]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    memory: Memory,
    len: usize,
    capacity: usize,
    check: Check,
    /// Where the memory of further batches comes from.
    pool: Option<MemoryPool>,
}

/// The columns of a batch, for whom they belong to alone: they may be changed in place, and are then no batch any more.
#[derive(Debug)]
pub struct OwnedColumns {
    /// Times, in the stream's unit.
    pub t: Column<i64>,
    /// Columns of pixels.
    pub x: Column<u16>,
    /// Rows of pixels.
    pub y: Column<u16>,
    /// Polarities: 0 OFF, 1 ON.
    pub p: Column<u8>,
    /// What is known of their order.
    pub order: Order,
}

impl OwnedColumns {
    /// The columns of a batch, copied.
    ///
    /// # Errors
    /// If memory runs out.
    pub fn copied(batch: &EventBatch) -> Result<Self> {
        let DvsColumns { t, x, y, p } = batch.columns();
        Ok(Self {
            t: copied(t)?,
            x: copied(x)?,
            y: copied(y)?,
            p: copied(p)?,
            order: batch.order(),
        })
    }
}

/// A place in a stream of events: see [`BatchBuilder::mark`].
#[derive(Debug)]
pub struct BuilderMark {
    len: usize,
    check: Check,
}

#[derive(Debug)]
enum Memory {
    /// One slot, laid out by [`BatchLayout`](crate::BatchLayout); it cannot grow.
    Slot(Slot),
    /// Four regions that grow without moving what is in them.
    Columns {
        t: Column<i64>,
        x: Column<u16>,
        y: Column<u16>,
        p: Column<u8>,
    },
    /// Handed on by `finish`; made anew when needed.
    Gone,
}

impl BatchBuilder {
    /// A builder for batches of up to `capacity` events in memory of its own.
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        let mut builder = Self::of(Memory::Gone, capacity);
        builder.provide()?;
        Ok(builder)
    }

    /// A builder for one batch in `slot`, as large as it allows.
    pub fn in_region(slot: Region) -> Result<Self> {
        Ok(Self::of_slot(Slot::region(slot)?))
    }

    /// A builder for one batch of up to `capacity` events in a slot that a pool has loaned. The slot returns when the
    /// last column of the batch is dropped, wherever that is.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](crate::ErrorKind) if the slot is too small; a batch needs
    /// [`BatchLayout::bytes`](crate::BatchLayout::bytes).
    pub fn in_loan(slot: LoanedSlot, capacity: usize) -> Result<Self> {
        Ok(Self::of_slot(Slot::loan(slot, capacity)?))
    }

    fn of_slot(slot: Slot) -> Self {
        let capacity = slot.capacity();
        Self::of(Memory::Slot(slot), capacity)
    }

    /// A builder whose columns grow as needed by [`reserve`](Self::reserve): for whole recordings.
    pub fn growing() -> Result<Self> {
        let columns = || -> std::io::Result<Memory> {
            Ok(Memory::Columns {
                t: Column::with_capacity(0)?,
                x: Column::with_capacity(0)?,
                y: Column::with_capacity(0)?,
                p: Column::with_capacity(0)?,
            })
        };
        Ok(Self::of(columns()?, 0))
    }

    fn of(memory: Memory, capacity: usize) -> Self {
        Self {
            memory,
            len: 0,
            capacity,
            check: Check::default(),
            pool: None,
        }
    }

    /// Batches from now on lie in slots of `pool`, which return to it when the last column is dropped. Where none is
    /// free, or slots are too small, a batch has memory of its own: whoever has the others is not waited for.
    pub fn set_pool(&mut self, pool: MemoryPool) {
        if self.len == 0 && matches!(self.memory, Memory::Slot(_)) {
            self.memory = Memory::Gone;
        }
        self.pool = Some(pool);
    }

    /// Events outside this geometry are dropped by [`commit`](Self::commit).
    pub fn set_geometry(&mut self, geometry: Option<Geometry>) {
        self.check.geometry = geometry;
    }

    /// Events outside this range of time are left out by [`commit`](Self::commit). A range that counts from the
    /// first event counts from the first one that lies inside the geometry.
    pub fn set_time(&mut self, range: Option<TimeRange>, unit: TimeUnit) {
        self.check.set_time(range, unit);
    }

    /// Whether an event of time `t` would be kept by the range of time; `None` while the range counts from a first
    /// event that has not come.
    pub fn keeps_time(&self, t: i64) -> Option<bool> {
        self.check.keeps_time(t)
    }

    /// The times that the range of time keeps, its ends if it is open to one side being the first or the last number
    /// there is; `None` while the range counts from a first event that has not come.
    pub fn kept_times(&self) -> Option<Range<i64>> {
        self.check.kept_times()
    }

    /// How many events are committed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is committed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many events fit in all.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many more events fit.
    pub fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// Makes room for `more` events. Only a [growing](Self::growing) builder grows.
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        if self.room() >= more {
            return Ok(());
        }
        let Memory::Columns { t, x, y, p } = &mut self.memory else {
            return Err(Error::limit(format!(
                "a batch of {} events is full",
                self.capacity
            )));
        };
        t.reserve(more)?;
        x.reserve(more)?;
        y.reserve(more)?;
        p.reserve(more)?;
        self.capacity = t.capacity().min(x.capacity()).min(y.capacity()).min(p.capacity());
        Ok(())
    }

    /// The room that is left, to be written and then [committed](Self::commit). Holds stale values.
    pub fn spare(&mut self) -> SpareColumns<'_> {
        let Range { start, end } = self.len..self.capacity;
        match &mut self.memory {
            Memory::Slot(slot) => slot.spare(start..end),
            Memory::Columns { t, x, y, p } => {
                let room = end - start;
                SpareColumns {
                    t: &mut t.spare_mut()[..room],
                    x: &mut x.spare_mut()[..room],
                    y: &mut y.spare_mut()[..room],
                    p: &mut p.spare_mut()[..room],
                }
            }
            Memory::Gone => SpareColumns::default(),
        }
    }

    /// Takes the first `written` events of the spare room into the batch: those outside the geometry are
    /// dropped, steps back in time are counted.
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
        self.set_len(self.len + done.kept)?;
        Ok(done)
    }

    /// Takes note of a batch of the same stream that goes to the caller as it is, without a copy in here: time goes on
    /// behind it. What is committed so far is not touched.
    pub fn pass(&mut self, batch: &EventBatch) -> Committed {
        self.check.pass(batch)
    }

    /// Takes the first `written` events of the spare room into the batch, which keep what a batch with this geometry
    /// promises: they are those of another batch. `in_order`: it is known that time never goes back among them.
    pub(crate) fn commit_checked(
        &mut self,
        written: usize,
        geometry: Option<Geometry>,
        in_order: bool,
    ) -> Result<()> {
        if self.len == 0 {
            self.check.geometry = geometry;
        } else if self.check.geometry != geometry {
            self.check.geometry = None;
        }
        let last_t = self.check.last_t.filter(|_| self.len > 0);
        let t = self.spare().t.get(..written).unwrap_or_default();
        let (Some(&first), Some(&last)) = (t.first(), t.last()) else {
            return Ok(());
        };
        let follows = last_t.is_none_or(|last_t| last_t <= first);
        let in_order = follows && (in_order || order::scan(t, None).steps_back == 0);
        self.check.in_order &= in_order;
        self.check.last_t = Some(last);
        self.set_len(self.len + written)
    }

    fn set_len(&mut self, len: usize) -> Result<()> {
        self.len = len;
        if let Memory::Columns { t, x, y, p } = &mut self.memory {
            t.set_len(len)?;
            x.set_len(len)?;
            y.set_len(len)?;
            p.set_len(len)?;
        }
        Ok(())
    }

    /// The room that is left, to be handed out in parts that are filled one beside the other, each with the checks of this
    /// builder. Then [`join`](Self::join) takes them in; until then nothing is committed.
    pub fn parts(&mut self) -> PartRooms<'_> {
        let check = self.check.for_part();
        PartRooms::new(self.spare(), check)
    }

    /// Commits what was filled into the first parts that [`parts`](Self::parts) handed out, in their order, and moves
    /// it together. Says of each whether its first event is earlier than its predecessor.
    ///
    /// # Errors
    /// If they are not those parts.
    pub fn join(&mut self, parts: &[FilledPart]) -> Result<Vec<bool>> {
        let claimed = parts
            .iter()
            .fold(0, |sum: usize, part| sum.saturating_add(part.capacity()));
        if claimed > self.room() || parts.iter().any(|part| part.len() > part.capacity()) {
            return Err(Error::internal("parts of another batch"));
        }
        let mut steps = Vec::with_capacity(parts.len());
        let (mut from, mut to) = (0, 0);
        for part in parts {
            if from != to {
                let moved = from..from + part.len();
                let spare = self.spare();
                spare.t.copy_within(moved.clone(), to);
                spare.x.copy_within(moved.clone(), to);
                spare.y.copy_within(moved.clone(), to);
                spare.p.copy_within(moved, to);
            }
            steps.push(self.check.join(part, self.len + to > 0));
            from += part.capacity();
            to += part.len();
        }
        self.set_len(self.len + to)?;
        Ok(steps)
    }

    /// The committed events.
    pub fn columns(&self) -> DvsColumns<'_> {
        match &self.memory {
            Memory::Slot(slot) => slot.columns(self.len),
            Memory::Columns { t, x, y, p } => DvsColumns {
                t: t.as_slice(),
                x: x.as_slice(),
                y: y.as_slice(),
                p: p.as_slice(),
            },
            Memory::Gone => DvsColumns::default(),
        }
    }

    /// What is known of the order of the committed events.
    pub fn order(&self) -> Order {
        if self.check.in_order {
            Order::Time
        } else {
            Order::Unknown
        }
    }

    /// Forgets the committed events and keeps the memory. Time goes on: a later event before the last one is
    /// still counted as a step back.
    pub fn clear(&mut self) {
        self.check.in_order = true;
        self.len = 0;
        if let Memory::Columns { t, x, y, p } = &mut self.memory {
            t.clear();
            x.clear();
            y.clear();
            p.clear();
        }
    }

    /// The place that the builder has come to, to [`rewind`](Self::rewind) to.
    pub fn mark(&self) -> BuilderMark {
        BuilderMark {
            len: self.len,
            check: self.check.clone(),
        }
    }

    /// Forgets what was committed since `mark`.
    ///
    /// # Errors
    /// Never, if the mark is of this builder and nothing was handed on since.
    pub fn rewind(&mut self, mark: BuilderMark) -> Result<()> {
        self.set_len(self.len.min(mark.len))?;
        self.check = mark.check;
        Ok(())
    }

    /// Keeps only the first `len` of the committed events.
    ///
    /// # Errors
    /// Never, as there is room for what is there; the type is that of the memory below.
    pub fn truncate(&mut self, len: usize) -> Result<()> {
        self.set_len(self.len.min(len))
    }

    /// Forgets the stream so far as well: the next event has no predecessor.
    pub fn reset(&mut self) {
        self.clear();
        self.check.last_t = None;
    }

    /// Goes on where `other` stands: its events so far, its geometry, its range of time.
    ///
    /// # Errors
    /// If there is not enough room.
    pub fn continue_from(&mut self, other: &Self) -> Result<()> {
        let columns = other.columns();
        self.reserve(columns.len())?;
        self.reset();
        let spare = self.spare();
        let count = columns.len();
        spare.t[..count].copy_from_slice(columns.t);
        spare.x[..count].copy_from_slice(columns.x);
        spare.y[..count].copy_from_slice(columns.y);
        spare.p[..count].copy_from_slice(columns.p);
        self.set_len(count)?;
        self.check = other.check.clone();
        Ok(())
    }

    /// The committed events as a batch that owns the memory; nothing is copied. The next batch gets new
    /// memory.
    ///
    /// # Errors
    /// If `meta` states a narrower geometry than the builder was told, or if memory runs out.
    pub fn finish(&mut self, meta: &Arc<Meta>) -> Result<EventBatch> {
        let (len, order) = (self.len, self.order());
        let batch = match std::mem::replace(&mut self.memory, Memory::Gone) {
            Memory::Slot(slot) => {
                let [t, x, y, p] = slot.into_arrow(len);
                EventBatch::from_checked_parts(t, x, y, p, Arc::default(), order)
            }
            Memory::Columns { t, x, y, p } => EventBatch::from_checked_parts(
                t.into_bytes().into_arrow(..),
                x.into_bytes().into_arrow(..),
                y.into_bytes().into_arrow(..),
                p.into_bytes().into_arrow(..),
                Arc::default(),
                order,
            ),
            Memory::Gone => EventBatch::empty(Arc::default()),
        };
        self.len = 0;
        self.check.in_order = true;
        let batch = if self.has_checked(meta) {
            batch.trust_meta(Arc::clone(meta))
        } else {
            batch.with_meta(Arc::clone(meta))?
        };
        Ok(batch)
    }

    /// Whether all that was committed lies within the geometry of `meta`.
    fn has_checked(&self, meta: &Meta) -> bool {
        meta.geometry.is_none() || meta.geometry == self.check.geometry
    }

    /// As [`finish`](Self::finish), for whoever is to change the columns in place. Those of a builder that
    /// [grows](Self::growing) are handed on, others copied.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use parallax_events::{BatchBuilder, Meta};
    /// let mut builder = BatchBuilder::growing()?;
    /// builder.reserve(1)?;
    /// builder.spare().t[0] = 17;
    /// builder.commit(1)?;
    /// let mut columns = builder.finish_columns(&Arc::new(Meta::default()))?;
    /// columns.t.as_mut_slice()[0] += 1;
    /// assert_eq!(columns.t.as_slice(), [18]);
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn finish_columns(&mut self, meta: &Arc<Meta>) -> Result<OwnedColumns> {
        let order = self.order();
        if self.has_checked(meta) {
            match std::mem::replace(&mut self.memory, Memory::Gone) {
                Memory::Columns { t, x, y, p } => {
                    (self.len, self.check.in_order) = (0, true);
                    return Ok(OwnedColumns { t, x, y, p, order });
                }
                others => self.memory = others,
            }
        }
        OwnedColumns::copied(&self.finish(meta)?)
    }

    /// Memory for the next batch, if the last one was handed on.
    pub fn provide(&mut self) -> Result<()> {
        if matches!(self.memory, Memory::Gone) {
            let loan = self.pool.as_ref().and_then(|pool| pool.loan().ok());
            let slot = loan.and_then(|loan| Slot::loan(loan, self.capacity).ok());
            self.memory = Memory::Slot(match slot {
                Some(slot) => slot,
                None => Slot::new(self.capacity)?,
            });
        }
        Ok(())
    }
}

fn copied<T: parallax_memory::Element>(values: &[T]) -> Result<Column<T>> {
    let mut column = Column::with_capacity(values.len())?;
    column.spare_mut()[..values.len()].copy_from_slice(values);
    column.set_len(values.len())?;
    Ok(column)
}
