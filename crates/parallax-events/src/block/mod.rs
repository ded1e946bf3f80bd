//! [`EventBlock`]: a stretch of a stream on its way through a chain of operators.
//!
//! In goes a batch, out come the events that the operators made of it, appended to a [`BatchBuilder`]. On the way nothing
//! is copied for as long as operators only drop events: they narrow a mask, one bit an event, and the next operator
//! goes on with that mask. The first operator that changes values makes the kept events move together into memory that
//! the block owns and uses again for the next stretch.
//!
//! Contract: every event of a block keeps what a batch promises (p is 0 or 1, x and y inside the geometry). An operator
//! that writes pixels may break that by mistake; [`EventBlock::check`] finds out, and the callers of operators ask it.

mod ask;
mod changes;
mod columns;
mod lookup;
mod mask;
mod relay;

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, PoisonError};

pub use changes::PixelsMut;
use changes::{Most, Owned, Written, select_inside};
pub use columns::EventColumns;
use lookup::Asks;
pub use lookup::Lookup;
pub use mask::Stretch;
use mask::{ColumnsMut, Copies, Mask};
use parallax_simd::{bounds, select};
pub use relay::{Relay, Turns};

use crate::{
    BatchBuilder, DvsColumns, Error, Event, EventBatch, Geometry, Meta, Order, Pool, Result, SpareColumns,
};

/// A stretch of a stream on its way through a chain of operators: columns, and which of their events are kept.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{BatchBuilder, EventBatch, EventBlock, Meta, Pool};
///
/// let meta = Arc::new(Meta::with_geometry(4, 4)?);
/// let batch = EventBatch::try_new(vec![1, 2, 3], vec![0, 1, 2], vec![0; 3], vec![1, 0, 1], Arc::clone(&meta))?;
/// let mut block = EventBlock::default();
/// block.load(&batch);
/// block.retain(|event| event.p == 1);
/// for x in block.pixels_mut().x {
///     *x = 3 - *x;
/// }
/// let mut out = BatchBuilder::growing()?;
/// block.append_to(&mut out, &meta, Pool::serial())?;
/// assert_eq!(out.columns().x, [3, 1]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct EventBlock {
    /// What was loaded.
    batch: EventBatch,
    /// Which columns are in `own` by now. The others, none of whose events were moved, are still those of the batch.
    owned: Owned,
    own: EventColumns,
    /// Where the next move goes.
    spare: EventColumns,
    mask: Mask,
    order: Order,
    /// What pixels and polarities were written since the last check.
    written: Written,
}

/// Events that one thread changes at once: their columns and what is drawn for them stay in its cache.
const CHANGED_AT_ONCE: usize = 16 << 10;

impl Default for EventBlock {
    fn default() -> Self {
        Self {
            batch: EventBatch::empty(Arc::default()),
            owned: Owned::NONE,
            own: EventColumns::default(),
            spare: EventColumns::default(),
            mask: Mask::default(),
            order: Order::Strict,
            written: Written::Nothing,
        }
    }
}

impl EventBlock {
    /// Becomes the events of `batch`, all kept, sharing its memory.
    pub fn load(&mut self, batch: &EventBatch) {
        self.batch = batch.clone();
        self.owned = Owned::NONE;
        self.order = batch.order();
        self.written = Written::Nothing;
        self.mask.all(batch.len());
    }

    /// Becomes no events at all.
    pub fn clear(&mut self) {
        self.own.clear();
        self.owned = Owned::ALL;
        self.order = Order::Strict;
        self.written = Written::Nothing;
        self.mask.all(0);
    }

    /// All events of the block, those too that are no longer kept.
    pub fn columns(&self) -> DvsColumns<'_> {
        self.owned.columns(&self.batch, &self.own)
    }

    /// How many events are kept.
    pub fn kept(&self) -> usize {
        self.mask.kept()
    }

    /// Whether no event is kept.
    pub fn is_empty(&self) -> bool {
        self.mask.kept() == 0
    }

    /// What is known of the order of the kept events.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Narrows the mask: `narrow` gets all events and a word of 64 bits for each 64 of them, lowest bit first, and
    /// clears the bits of what it drops. It sets none.
    pub fn select(&mut self, narrow: impl FnOnce(DvsColumns<'_>, &mut [u64])) {
        let (events, mask) = self.events_and_mask();
        mask.narrow(|words| narrow(events, words));
    }

    /// As [`select`](Self::select), on the threads of `pool`: `narrow` gets part after part of the events with the words
    /// of their mask.
    pub fn select_in_parts(&mut self, pool: Pool<'_>, narrow: impl Fn(DvsColumns<'_>, &mut [u64]) + Sync) {
        let (events, mask) = self.events_and_mask();
        mask.narrow_in_parts(pool, events, narrow);
    }

    /// Keeps those of the kept events for which `keep` says so; asked in order.
    #[inline]
    pub fn retain(&mut self, keep: impl FnMut(Event) -> bool) {
        self.retain_over(keep, Asks);
    }

    /// As [`retain`](Self::retain), by a rule that goes by what is remembered in `state`.
    #[inline]
    pub fn retain_over<S>(&mut self, state: S, rule: impl Lookup<S>) {
        let (events, mask) = self.events_and_mask();
        mask.retain(events, state, rule);
    }

    /// As [`retain_over`](Self::retain_over), by rows of pixels on the threads of `pool`. Each part has a state and a range of
    /// rows, and is asked for the kept events in those rows, in order; an event is kept if any part says so. Ranges may
    /// overlap, so that a part sees what happens around its own rows; an event in no range is dropped.
    pub fn retain_by_rows<S: Send>(
        &mut self,
        pool: Pool<'_>,
        parts: Vec<(RangeInclusive<u16>, S)>,
        rule: impl Lookup<S> + Send + Sync,
    ) {
        let (events, mask) = self.events_and_mask();
        let select = |events: DvsColumns<'_>, words: &mut [u64], rows: &RangeInclusive<u16>| {
            select::within_u16(events.y, rows.clone(), words);
        };
        mask.retain_in_parts(pool, events, parts, &select, rule);
    }

    /// As [`retain_over`](Self::retain_over), by stretches of events one behind the other on the threads of `pool`. Each has a
    /// state of its own, which is told of some events before it; what the rule says of those does not count. For rules that
    /// look only so far back.
    pub fn retain_by_stretches<S: Send>(
        &mut self,
        pool: Pool<'_>,
        stretches: Vec<Stretch<S>>,
        rule: impl Lookup<S> + Send + Sync,
    ) {
        let (events, mask) = self.events_and_mask();
        mask.retain_by_stretches(pool, events, stretches, rule);
    }

    /// Calls `each` with every kept event, in order.
    pub fn for_each(&self, mut each: impl FnMut(Event)) {
        let event = by_index(self.columns());
        self.mask.for_each(|index| each(event(index)));
    }

    /// As [`for_each`](Self::for_each), of those kept among the [`columns`](Self::columns)' events in a range.
    pub fn for_each_in(&self, range: Range<usize>, mut each: impl FnMut(Event)) {
        let event = by_index(self.columns());
        self.mask.for_each_in(range, |index| each(event(index)));
    }

    /// The kept events, next to each other: moved together only if some were dropped.
    pub fn packed(&mut self) -> DvsColumns<'_> {
        if !self.mask.is_all() {
            self.pack(Pool::serial());
        }
        self.columns()
    }

    /// Whether all events of the batch that was loaded are kept, as they were: [`to_batch`](Self::to_batch) then shares its
    /// memory.
    pub fn is_shared(&self) -> bool {
        self.owned == Owned::NONE && self.mask.is_all()
    }

    /// The kept events as a batch: those of an untouched block share its memory, else they are copied.
    ///
    /// # Errors
    /// If an operator wrote a pixel outside `meta`'s geometry.
    pub fn to_batch(&mut self, meta: &Arc<Meta>) -> Result<EventBatch> {
        if self.is_shared() {
            return self.batch.clone().with_meta(Arc::clone(meta));
        }
        let order = self.order;
        let DvsColumns { t, x, y, p } = self.packed();
        let batch = EventBatch::try_new(t.to_vec(), x.to_vec(), y.to_vec(), p.to_vec(), Arc::clone(meta))?;
        let order = order.max(batch.order());
        Ok(batch.with_order(order))
    }

    /// The kept events as a batch in the memory of `room`, such as a slot of a pool.
    ///
    /// # Errors
    /// As [`append_to`](Self::append_to).
    pub fn to_batch_in(&mut self, mut room: BatchBuilder, meta: &Arc<Meta>) -> Result<EventBatch> {
        let order = self.order;
        self.append_to(&mut room, meta, Pool::serial())?;
        let batch = room.finish(meta)?;
        let order = order.max(batch.order());
        Ok(batch.with_order(order))
    }

    /// The pixels and polarities of the kept events, in memory of the block's own. They must stay inside the geometry of
    /// the operator's output.
    pub fn pixels_mut(&mut self) -> PixelsMut<'_> {
        self.change_parts(Pool::serial(), |_, _| {});
        self.written = Written::Anything;
        PixelsMut {
            x: &mut self.own.x,
            y: &mut self.own.y,
            p: &mut self.own.p,
        }
    }

    /// As [`pixels_mut`](Self::pixels_mut), on the threads of `pool`: `change` gets part after part of the kept events, with
    /// how many come before.
    pub fn change_pixels(&mut self, pool: Pool<'_>, change: impl Fn(usize, PixelsMut<'_>) + Sync) {
        self.written = Written::UpTo(self.change_and_look(pool, change));
    }

    /// As [`change_pixels`](Self::change_pixels), for changes after which events may lie outside of `geometry`, that of the
    /// operator's output: those are dropped.
    pub fn change_pixels_within(
        &mut self,
        pool: Pool<'_>,
        geometry: Geometry,
        change: impl Fn(usize, PixelsMut<'_>) + Sync,
    ) {
        let most = self.change_and_look(pool, change);
        if !most.lies_in(geometry) {
            self.select_in_parts(pool, |events, mask| {
                select_inside(events.x, events.y, geometry, mask);
            });
        }
        let Most { x, y, p } = most;
        let (x, y) = (x.min(geometry.width - 1), y.min(geometry.height - 1));
        self.written = Written::UpTo(Most { x, y, p });
    }

    /// Lets `change` change the pixels of the kept events, and looks how far they reach then.
    fn change_and_look(&mut self, pool: Pool<'_>, change: impl Fn(usize, PixelsMut<'_>) + Sync) -> Most {
        let most = Mutex::new(Most::default());
        self.change_parts(pool, |before, mut pixels| {
            change(before, pixels.again());
            let part = Most::of(&pixels);
            most.lock().unwrap_or_else(PoisonError::into_inner).join(part);
        });
        most.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pixels of the kept events, in memory of the block's own, part by part.
    fn change_parts(&mut self, pool: Pool<'_>, change: impl Fn(usize, PixelsMut<'_>) + Sync) {
        // Ties may have changed places in the canonical order.
        self.order = self.order.min(Order::Time);
        if !self.mask.is_all() {
            return self.pack_and(pool, |before, ColumnsMut { x, y, p, .. }| {
                change(before, PixelsMut { x, y, p });
            });
        }
        let len = self.mask.kept();
        let from = (!self.owned.pixels).then(|| self.batch.columns());
        let EventColumns { x, y, p, .. } = &mut self.own;
        if from.is_some() {
            x.resize(len, 0);
            y.resize(len, 0);
            p.resize(len, 0);
        }
        self.owned.pixels = true;
        let rooms = x.chunks_mut(CHANGED_AT_ONCE).zip(y.chunks_mut(CHANGED_AT_ONCE));
        let rooms = rooms
            .zip(p.chunks_mut(CHANGED_AT_ONCE))
            .map(|((x, y), p)| PixelsMut { x, y, p });
        let parts = (0..).step_by(CHANGED_AT_ONCE).zip(rooms);
        let work = |(before, PixelsMut { x, y, p }): (usize, PixelsMut<'_>)| {
            if let Some(from) = from.map(|from| from.slice(before..before + x.len())) {
                x.copy_from_slice(from.x);
                y.copy_from_slice(from.y);
                p.copy_from_slice(from.p);
            }
            change(before, PixelsMut { x, y, p });
        };
        in_parts(pool, parts, work);
    }

    /// The times of the kept events, on the threads of `pool`: `change` gets part after part of them, with how many come before.
    pub fn change_times(&mut self, pool: Pool<'_>, change: impl Fn(usize, &mut [i64]) + Sync) {
        if !self.mask.is_all() {
            self.pack_and(pool, |before, columns| change(before, columns.t));
        } else {
            let from = (!self.owned.times).then(|| self.batch.columns());
            if from.is_some() {
                self.own.t.resize(self.mask.kept(), 0);
            }
            let rooms = self.own.t.chunks_mut(CHANGED_AT_ONCE);
            let work = |(before, t): (usize, &mut [i64])| {
                if let Some(from) = from {
                    t.copy_from_slice(&from.t[before..before + t.len()]);
                }
                change(before, t);
            };
            in_parts(pool, (0..).step_by(CHANGED_AT_ONCE).zip(rooms), work);
            self.owned.times = true;
        }
        self.order = Order::Unknown;
    }

    /// The times of the kept events, in memory of the block's own.
    pub fn times_mut(&mut self) -> &mut [i64] {
        self.change_times(Pool::serial(), |_, _| {});
        &mut self.own.t
    }

    /// Replaces the kept events: `write` reads them and appends to columns that are empty at first.
    ///
    /// # Errors
    /// What `write` returns.
    pub fn rewrite(
        &mut self,
        write: impl FnOnce(DvsColumns<'_>, &mut EventColumns) -> Result<()>,
    ) -> Result<()> {
        if !self.mask.is_all() {
            self.pack(Pool::serial());
        }
        let events = self.owned.columns(&self.batch, &self.own);
        self.spare.clear();
        let written = write(events, &mut self.spare);
        self.take_spare();
        self.order = Order::Unknown;
        self.written = Written::Anything;
        written
    }

    /// Appends the kept events, which are those of a stream with the facts `meta`, to `out`. Nothing is dropped, and the
    /// geometry that `out` knows is that of `meta` from now on.
    ///
    /// # Errors
    /// If `out` has a fixed capacity and is full; if an operator wrote what `meta` forbids.
    pub fn append_to(&mut self, out: &mut BatchBuilder, meta: &Meta, pool: Pool<'_>) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        self.check(meta, "an operator")?;
        out.reserve(self.mask.kept())?;
        let room = out.spare();
        let copies = Copies::to(&room);
        self.copy_to(room, copies, pool);
        out.commit_checked(self.mask.kept(), meta.geometry, self.order >= Order::Time)
    }

    /// Copies the kept events to a room for them.
    fn copy_to(&self, SpareColumns { t, x, y, p }: SpareColumns<'_>, copies: Copies, pool: Pool<'_>) {
        self.mask
            .compress(self.columns(), ColumnsMut { t, x, y, p }, copies, pool, |_, _| {});
    }

    /// An error if an operator wrote what its `meta` forbids; cheap where none wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind): the operator is at fault.
    pub fn check(&mut self, meta: &Meta, operator: &str) -> Result<()> {
        let written = std::mem::replace(&mut self.written, Written::Nothing);
        match written {
            Written::Nothing => return Ok(()),
            Written::UpTo(most)
                if most.p <= 1 && meta.geometry.is_none_or(|geometry| most.lies_in(geometry)) =>
            {
                return Ok(());
            }
            Written::UpTo(_) | Written::Anything => {}
        }
        let DvsColumns { t, x, y, p } = self.columns();
        let lengths = t.len() == x.len() && x.len() == y.len() && y.len() == p.len();
        // The pixels of what is no longer kept may lie anywhere.
        let inside = |events: DvsColumns<'_>, mask: &mut [u64]| {
            if let Some(geometry) = meta.geometry {
                select_inside(events.x, events.y, geometry, mask);
            }
        };
        if lengths && bounds::max_u8(p) <= 1 && self.mask.lies_within(self.columns(), inside) {
            return Ok(());
        }
        Err(Error::internal(format!(
            "`{operator}` wrote an event that its output cannot have"
        )))
    }

    /// Moves the kept events together into the block's own columns, by way of the spare ones if they are there already.
    fn pack(&mut self, pool: Pool<'_>) {
        self.pack_and(pool, |_, _| {});
    }

    /// That, and what was moved goes part by part to `then`, on the same thread, with how many come before.
    fn pack_and(&mut self, pool: Pool<'_>, then: impl Fn(usize, ColumnsMut<'_>) + Sync) {
        let kept = self.mask.kept();
        let (events, into) = if self.owned == Owned::NONE {
            (self.batch.columns(), &mut self.own)
        } else {
            (self.owned.columns(&self.batch, &self.own), &mut self.spare)
        };
        into.resize(kept);
        self.mask
            .compress(events, into.as_columns_mut(), Copies::Cached, pool, then);
        if self.owned != Owned::NONE {
            std::mem::swap(&mut self.own, &mut self.spare);
        }
        self.owned = Owned::ALL;
        self.mask.all(kept);
    }

    fn events_and_mask(&mut self) -> (DvsColumns<'_>, &mut Mask) {
        (self.owned.columns(&self.batch, &self.own), &mut self.mask)
    }

    fn take_spare(&mut self) {
        std::mem::swap(&mut self.own, &mut self.spare);
        self.owned = Owned::ALL;
        self.mask.all(self.own.len());
    }
}

/// Works on the parts, on the threads of `pool`. Without a list of them on one thread: this is done for every few thousand events.
fn in_parts<T: Send>(pool: Pool<'_>, parts: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    if pool.threads() == 1 {
        parts.for_each(work);
    } else {
        pool.map(parts.collect(), work);
    }
}

/// The event of an index. The columns have one length, so that a loop over them checks bounds once.
#[inline(always)]
fn by_index(DvsColumns { t, x, y, p }: DvsColumns<'_>) -> impl Fn(usize) -> Event + Copy {
    let (x, y, p) = (&x[..t.len()], &y[..t.len()], &p[..t.len()]);
    move |index| Event::new(t[index], x[index], y[index], p[index])
}
