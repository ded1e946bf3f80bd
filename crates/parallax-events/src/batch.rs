//! A batch of events: four Arrow columns and what is known of them.
//!
//! A batch is checked once, where it is made ([`EventBatch::try_new`], [`BatchBuilder`](crate::BatchBuilder)):
//! the columns have one length, p is 0 or 1, x and y lie inside a declared geometry. Whoever receives a
//! batch relies on it. Cloning and slicing are O(1) and share the memory.

use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use arrow_buffer::{Buffer, ScalarBuffer};
use bytemuck::{Pod, Zeroable};
use parallax_simd::{bounds, order};

use crate::{BatchLayout, Error, Geometry, Meta, Pool, Result};

/// What is known of a batch's order. Later variants imply the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Order {
    /// Nothing.
    #[default]
    Unknown,
    /// t never goes back.
    Time,
    /// The canonical order: by (t, y, x, p).
    Strict,
}

/// The columns of a batch, borrowed: `t` in the stream's unit, `x` and `y` in pixels, `p` 0 (OFF) or 1 (ON).
/// All have the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DvsColumns<'a> {
    /// Time stamps.
    pub t: &'a [i64],
    /// Columns, counted to the right.
    pub x: &'a [u16],
    /// Rows, counted downwards.
    pub y: &'a [u16],
    /// Polarities: 0 is OFF, 1 is ON.
    pub p: &'a [u8],
}

impl<'a> DvsColumns<'a> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// The columns of the events in `range`, which is cut to what there is.
    pub fn slice(&self, range: Range<usize>) -> DvsColumns<'a> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        DvsColumns {
            t: &self.t[start..end],
            x: &self.x[start..end],
            y: &self.y[start..end],
            p: &self.p[start..end],
        }
    }

    /// The events, one after another.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Event> + ExactSizeIterator + use<'a> {
        let Self { t, x, y, p } = *self;
        (0..t.len()).map(move |i| Event::new(t[i], x[i], y[i], p[i]))
    }
}

/// One event as a record of 16 bytes, for export and for tests; inside Parallax events live in columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct Event {
    /// The time stamp, in the stream's unit.
    pub t: i64,
    /// The column.
    pub x: u16,
    /// The row.
    pub y: u16,
    /// The polarity: 0 is OFF, 1 is ON.
    pub p: u8,
    padding: [u8; 3],
}

impl Event {
    /// An event.
    #[inline]
    pub const fn new(t: i64, x: u16, y: u16, p: u8) -> Self {
        Self {
            t,
            x,
            y,
            p,
            padding: [0; 3],
        }
    }
}

/// A batch of events in four Arrow columns: `t: i64, x: u16, y: u16, p: u8`, 13 bytes an event, no nulls.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, Order};
///
/// let meta = Arc::new(Meta::with_geometry(4, 2)?);
/// let batch = EventBatch::try_new(vec![5, 7], vec![3, 0], vec![1, 1], vec![1, 0], meta)?;
/// assert_eq!(batch.len(), 2);
/// assert_eq!(batch.order(), Order::Time);
/// assert_eq!(batch.slice(1..2).columns().t, [7]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventBatch {
    t: ScalarBuffer<i64>,
    x: ScalarBuffer<u16>,
    y: ScalarBuffer<u16>,
    p: ScalarBuffer<u8>,
    meta: Arc<Meta>,
    order: Order,
}

/// A batch as a window or a stream hands it out: the same type.
pub type EventChunk = EventBatch;

impl EventBatch {
    /// A batch of these columns, without copying them. Checks all that a batch promises, and whether time
    /// ever goes back.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind) names the column, the event and the value that break it.
    pub fn try_new(
        t: impl Into<ScalarBuffer<i64>>,
        x: impl Into<ScalarBuffer<u16>>,
        y: impl Into<ScalarBuffer<u16>>,
        p: impl Into<ScalarBuffer<u8>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        Self::looked_over(
            t.into(),
            x.into(),
            y.into(),
            p.into(),
            meta,
            Pool::serial(),
            |_, meta| Ok(meta),
        )
    }

    /// As [`try_new`](Self::try_new), checked on the threads of `pool`, for a sensor that is as large as the events need,
    /// whatever `meta` says of it.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new); a pixel of 65,535 lies in no sensor.
    pub fn covering(
        pool: Pool<'_>,
        t: impl Into<ScalarBuffer<i64>>,
        x: impl Into<ScalarBuffer<u16>>,
        y: impl Into<ScalarBuffer<u16>>,
        p: impl Into<ScalarBuffer<u8>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        Self::looked_over(
            t.into(),
            x.into(),
            y.into(),
            p.into(),
            meta,
            pool,
            |[x, y], meta| {
                let geometry = Geometry::new(x.saturating_add(1), y.saturating_add(1))?;
                Ok(Arc::new(Meta {
                    geometry: Some(geometry),
                    ..Arc::unwrap_or_clone(meta)
                }))
            },
        )
    }

    /// A batch of these columns under the facts that `meta_for` has for their largest x and y.
    fn looked_over(
        t: ScalarBuffer<i64>,
        x: ScalarBuffer<u16>,
        y: ScalarBuffer<u16>,
        p: ScalarBuffer<u8>,
        meta: Arc<Meta>,
        pool: Pool<'_>,
        meta_for: impl FnOnce([u16; 2], Arc<Meta>) -> Result<Arc<Meta>>,
    ) -> Result<Self> {
        let columns = DvsColumns {
            t: &t,
            x: &x,
            y: &y,
            p: &p,
        };
        check_lengths(columns)?;
        let part = |start: usize| start..t.len().min(start + CHECKED);
        let parts = (0..t.len()).step_by(CHECKED).map(part).collect();
        let found = pool.map(parts, |range: Range<usize>| {
            let (own, before) = (columns.slice(range.clone()), range.start.checked_sub(1));
            let steps_back = order::scan(own.t, before.map(|before| t[before])).steps_back;
            let most = [bounds::max_u16(own.x), bounds::max_u16(own.y)];
            (most, bounds::max_u8(own.p), steps_back == 0)
        });
        let most = |axis: usize| found.iter().map(|(most, ..)| most[axis]).max().unwrap_or(0);
        let most = [most(0), most(1)];
        let meta = meta_for(most, meta)?;
        let is_inside = meta
            .geometry
            .is_none_or(|geometry| t.is_empty() || (most[0] < geometry.width && most[1] < geometry.height));
        if !is_inside || found.iter().any(|&(_, p, _)| p > 1) {
            // Which event it is.
            check_values(columns, meta.geometry)?;
        }
        let in_order = found.iter().all(|&(.., in_order)| in_order);
        let order = if in_order { Order::Time } else { Order::Unknown };
        Ok(Self {
            t,
            x,
            y,
            p,
            meta,
            order,
        })
    }

    /// The first `len` events of a slot that is laid out as `layout` says, without copying them.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new), and if the buffer is too small for `len` events.
    pub fn from_buffer(buffer: &Buffer, layout: &BatchLayout, len: usize, meta: Arc<Meta>) -> Result<Self> {
        if len > layout.capacity() || buffer.len() < layout.bytes() {
            return Err(Error::malformed(format!(
                "a slot of {} bytes laid out for {} events cannot hold {len}",
                buffer.len(),
                layout.capacity()
            )));
        }
        if buffer.as_ptr().align_offset(align_of::<i64>()) != 0 {
            return Err(Error::malformed("the slot is not aligned to 8 bytes"));
        }
        let part = |range: Range<usize>| buffer.slice_with_length(range.start, range.len());
        Self::try_new(
            part(layout.t(len)),
            part(layout.x(len)),
            part(layout.y(len)),
            part(layout.p(len)),
            meta,
        )
    }

    /// A builder for a batch in a slot that a pool has loaned: [`BatchBuilder::in_loan`](crate::BatchBuilder::in_loan).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use parallax_events::{BatchLayout, EventBatch, Meta};
    /// use parallax_memory::{MemoryPool, PoolConfig};
    ///
    /// let pool = MemoryPool::new(&PoolConfig::new(1, BatchLayout::new(100)?.bytes()))?;
    /// let mut builder = EventBatch::builder_in(pool.loan()?, 100)?;
    /// builder.spare().t[0] = 17;
    /// builder.commit(1)?;
    /// let batch = builder.finish(&Arc::new(Meta::default()))?;
    /// let [t, ..] = batch.buffers();
    /// drop(batch);
    /// assert_eq!((t.typed_data::<i64>(), pool.stats().in_use), (&[17][..], 1));
    /// drop(t);
    /// assert_eq!(pool.stats().in_use, 0);
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](crate::ErrorKind) if the slot is too small.
    pub fn builder_in(slot: parallax_memory::LoanedSlot, capacity: usize) -> Result<crate::BatchBuilder> {
        crate::BatchBuilder::in_loan(slot, capacity)
    }

    /// From parts that the builder has already checked.
    pub(crate) fn from_checked_parts(
        t: Buffer,
        x: Buffer,
        y: Buffer,
        p: Buffer,
        meta: Arc<Meta>,
        order: Order,
    ) -> Self {
        Self {
            t: t.into(),
            x: x.into(),
            y: y.into(),
            p: p.into(),
            meta,
            order,
        }
    }

    /// No events.
    pub fn empty(meta: Arc<Meta>) -> Self {
        let none = || Buffer::from_vec(Vec::<i64>::new());
        Self::from_checked_parts(none(), none(), none(), none(), meta, Order::Strict)
    }

    /// A batch of these events, copied into columns.
    pub fn from_events(events: &[Event], meta: Arc<Meta>) -> Result<Self> {
        Self::try_new(
            events.iter().map(|e| e.t).collect::<Vec<_>>(),
            events.iter().map(|e| e.x).collect::<Vec<_>>(),
            events.iter().map(|e| e.y).collect::<Vec<_>>(),
            events.iter().map(|e| e.p).collect::<Vec<_>>(),
            meta,
        )
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// The columns, borrowed.
    pub fn columns(&self) -> DvsColumns<'_> {
        DvsColumns {
            t: &self.t,
            x: &self.x,
            y: &self.y,
            p: &self.p,
        }
    }

    /// The facts of the stream.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// What is known of the order.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The four columns as Arrow buffers, sharing the memory: t, x, y, p.
    pub fn buffers(&self) -> [Buffer; 4] {
        [
            self.t.clone().into_inner(),
            self.x.clone().into_inner(),
            self.y.clone().into_inner(),
            self.p.clone().into_inner(),
        ]
    }

    /// The events in `range` (cut to what there is), sharing the memory.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len(),
        };
        let end = end.min(self.len());
        let start = start.min(end);
        let len = end - start;
        Self {
            t: self.t.slice(start, len),
            x: self.x.slice(start, len),
            y: self.y.slice(start, len),
            p: self.p.slice(start, len),
            meta: Arc::clone(&self.meta),
            order: self.order,
        }
    }

    /// The events with `start <= t < end`, sharing the memory: two binary searches, never a scan.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the batch is not known to be in order of time.
    pub fn time_slice(&self, time: Range<i64>) -> Result<Self> {
        self.require_time_order()?;
        let start = self.t.partition_point(|&t| t < time.start);
        let end = self.t.partition_point(|&t| t < time.end).max(start);
        Ok(self.slice(start..end))
    }

    /// An error unless the batch is known to be in order of time.
    pub fn require_time_order(&self) -> Result<()> {
        if self.order >= Order::Time {
            return Ok(());
        }
        Err(Error::param("the events are not known to be in order of time")
            .with_hint("read with order=strict, or call ensure_strict_order first"))
    }

    /// First and last time stamp in stream order; `None` if empty. In a batch of unknown order they need not
    /// be the smallest and the largest.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((*self.t.first()?, *self.t.last()?))
    }

    /// The same events under other facts, sharing the memory.
    ///
    /// # Errors
    /// If an event lies outside the new geometry.
    pub fn with_meta(mut self, meta: Arc<Meta>) -> Result<Self> {
        if meta.geometry != self.meta.geometry {
            check_geometry(self.columns(), meta.geometry)?;
        }
        self.meta = meta;
        Ok(self)
    }

    /// Other facts, whose geometry the builder has checked already.
    #[must_use]
    pub(crate) fn trust_meta(mut self, meta: Arc<Meta>) -> Self {
        self.meta = meta;
        self
    }

    /// States an order that the caller has established.
    #[must_use]
    pub(crate) fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// All batches one after another, in new memory. The facts are those of the first.
    ///
    /// # Errors
    /// If there is no batch, or if two differ in unit, origin or geometry.
    pub fn concat(batches: &[Self]) -> Result<Self> {
        let Some(first) = batches.first() else {
            return Err(Error::param("no batch to concatenate"));
        };
        for batch in batches {
            let (a, b) = (&first.meta, &batch.meta);
            if (a.time_unit, a.time_origin, a.origin, a.geometry)
                != (b.time_unit, b.time_origin, b.origin, b.geometry)
            {
                return Err(Error::param(
                    "batches of different units, origins or geometries do not concatenate",
                ));
            }
        }
        if let [only] = batches {
            return Ok(only.clone());
        }
        let columns: Vec<_> = batches.iter().map(Self::columns).collect();
        Self::try_new(
            columns.iter().flat_map(|c| c.t).copied().collect::<Vec<_>>(),
            columns.iter().flat_map(|c| c.x).copied().collect::<Vec<_>>(),
            columns.iter().flat_map(|c| c.y).copied().collect::<Vec<_>>(),
            columns.iter().flat_map(|c| c.p).copied().collect::<Vec<_>>(),
            Arc::clone(&first.meta),
        )
    }

    /// The events as records, copied: for export to code that wants an array of structures.
    pub fn to_events(&self) -> Vec<Event> {
        self.columns().iter().collect()
    }
}

impl PartialEq for EventBatch {
    /// The same events in the same order under the same facts. What is known of the order is not compared.
    fn eq(&self, other: &Self) -> bool {
        self.columns() == other.columns() && self.meta == other.meta
    }
}

/// Events that are checked at once: they stay in the second-level cache.
const CHECKED: usize = 32 << 10;

fn check_lengths(DvsColumns { t, x, y, p }: DvsColumns<'_>) -> Result<()> {
    if x.len() != t.len() || y.len() != t.len() || p.len() != t.len() {
        return Err(Error::malformed(format!(
            "the columns have different lengths: t {}, x {}, y {}, p {}",
            t.len(),
            x.len(),
            y.len(),
            p.len()
        )));
    }
    Ok(())
}

/// What a batch promises of its values, or the error that names the first event that breaks it.
fn check_values(columns: DvsColumns<'_>, geometry: Option<Geometry>) -> Result<()> {
    let p = columns.p;
    if let Some(index) = bounds::first_above_u8(p, 1) {
        return Err(Error::malformed(format!(
            "polarity {} of event {index} is neither 0 nor 1",
            p[index]
        ))
        .with_context("column", "p"));
    }
    check_geometry(columns, geometry)
}

fn check_geometry(columns: DvsColumns<'_>, geometry: Option<Geometry>) -> Result<()> {
    let Some(geometry) = geometry else { return Ok(()) };
    for (name, values, size) in [
        ("x", columns.x, geometry.width),
        ("y", columns.y, geometry.height),
    ] {
        if let Some(index) = bounds::first_above_u16(values, size.saturating_sub(1)) {
            return Err(Error::malformed(format!(
                "{name} = {} of event {index} is outside the sensor of {geometry}",
                values[index]
            ))
            .with_context("column", name));
        }
    }
    Ok(())
}
