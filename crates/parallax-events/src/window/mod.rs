//! Windows: one calculator for all, by time, by count, at given points, with overlap.
//!
//! In goes a [`WindowSpec`] and either a whole batch ([`windows_of`]) or a stream of batches
//! ([`WindowCursor`]); out come [`Window`]s, as ranges of event indices, or slices that share the memory.
//!
//! - Windows are half-open: `[start, end)`. Empty windows exist, and are counted.
//! - Window 0 starts at the first event's t unless [`start`](WindowSpec::with_start) is given. Then events
//!   before the start are in no window.
//! - A window of time is complete once an event at or after its end is there: until then it might get more.
//!   A window of events is complete when it has them all.
//! - What is left at the end is one more, incomplete window, handed out only if asked for
//!   ([`include_incomplete`](WindowSpec::include_incomplete)), and only if it holds an event that no complete
//!   window holds. Windows at given points are always handed out, unless asked otherwise.
//! - A stream gives the same windows however it is cut into batches.
//!
//! The surprise: a hostile recording with two events 10¹² windows apart has 10¹² empty windows. They take no
//! memory, since windows are calculated one by one as they are asked for, but to walk over them takes time;
//! [`skip_empty`](WindowSpec::skip_empty) leaps over each run of them at once.

mod cursor;
mod plan;
mod spec;

use std::ops::Range;

pub use cursor::{CompletedWindows, WindowCursor, WindowSlices};
pub use spec::{TimeSpan, WindowSpec};

use crate::{DvsColumns, EventBatch, Result};
use plan::{Plan, Seen};

/// One window of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    /// Which window it is, from 0; skipped windows count.
    pub index: u64,
    /// The time it covers, half-open, in the stream's unit; `None` for windows of events. Of an incomplete
    /// window that reaches past the end of 64 bits the end is `i64::MAX`, although it holds an event there.
    pub time: Option<Range<i64>>,
    /// The events it holds, counted from the first event of the stream.
    pub events: Range<u64>,
    /// Whether the stream went on to the window's end.
    pub complete: bool,
}

impl Window {
    /// How many events it holds.
    pub fn len(&self) -> u64 {
        self.events.end - self.events.start
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Its events in the batch that it was calculated on, borrowed.
    pub fn columns<'a>(&self, batch: &'a EventBatch) -> DvsColumns<'a> {
        batch.columns().slice(self.range())
    }

    /// Its events in the batch that it was calculated on, sharing the memory.
    #[must_use]
    pub fn slice(&self, batch: &EventBatch) -> EventBatch {
        batch.slice(self.range())
    }

    fn range(&self) -> Range<usize> {
        let index = |event: u64| usize::try_from(event).unwrap_or(usize::MAX);
        index(self.events.start)..index(self.events.end)
    }
}

/// The windows of a whole recording, calculated one by one by binary search: the events are never scanned.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, TimeLiteral, TimeUnit, WindowSpec, windows_of};
///
/// let batch = EventBatch::try_new(vec![0, 9_000, 25_000], vec![1, 2, 3], vec![0; 3], vec![1; 3], Arc::new(Meta::default()))?;
/// let spec = WindowSpec::time(10.ms(), TimeUnit::Micros)?.include_incomplete(true);
/// let counts: Vec<u64> = windows_of(&batch, &spec)?.map(|window| window.len()).collect();
/// assert_eq!(counts, [2, 0, 1]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Param`](crate::ErrorKind) if the windows are of time and the batch is not known to be in order
/// of time, or counts in another unit.
pub fn windows_of<'a>(batch: &'a EventBatch, spec: &WindowSpec) -> Result<Windows<'a>> {
    spec.check_unit(batch.meta())?;
    if spec.needs_time_order() {
        batch.require_time_order()?;
    }
    Ok(Windows {
        plan: Plan::new(spec.clone()),
        t: batch.columns().t,
    })
}

/// The windows of a whole recording. See [`windows_of`].
#[derive(Debug, Clone)]
pub struct Windows<'a> {
    plan: Plan,
    t: &'a [i64],
}

impl Iterator for Windows<'_> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        self.plan.next(&Whole(self.t), true)
    }
}

impl std::iter::FusedIterator for Windows<'_> {}

struct Whole<'a>(&'a [i64]);

impl Seen for Whole<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn first_t(&self) -> Option<i64> {
        self.0.first().copied()
    }

    fn last_t(&self) -> Option<i64> {
        self.0.last().copied()
    }

    fn t(&self, index: u64) -> Option<i64> {
        self.0.get(usize::try_from(index).ok()?).copied()
    }

    fn first_at_or_after(&self, time: i64, from: u64) -> u64 {
        // Windows follow each other, so the place is near: steps that double, then a binary search.
        let mut low = usize::try_from(from).unwrap_or(usize::MAX).min(self.0.len());
        let mut step = 64;
        while let Some(&t) = self.0.get(low.saturating_add(step))
            && t < time
        {
            low += step;
            step = step.saturating_mul(2);
        }
        let high = low.saturating_add(step).min(self.0.len());
        (low + self.0[low..high].partition_point(|&t| t < time)) as u64
    }
}
