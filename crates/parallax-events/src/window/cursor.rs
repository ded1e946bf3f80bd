//! Windows of a stream of batches: each is handed out as soon as it is complete, as slices of the batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::plan::{Needed, Plan, Seen};
use super::{Window, WindowSpec};
use crate::{Error, ErrorKind, EventBatch, Meta, Result};

/// Cuts a stream of batches into windows. It holds on to the batches that a window still to come needs, and
/// to no others.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, WindowCursor, WindowSpec};
///
/// let meta = Arc::new(Meta::default());
/// let mut cursor = WindowCursor::new(WindowSpec::count(2)?.include_incomplete(true), &meta)?;
/// let mut sizes = Vec::new();
/// for times in [vec![0, 1, 2], vec![3, 4]] {
///     let n = times.len();
///     let batch = EventBatch::try_new(times, vec![0; n], vec![0; n], vec![0; n], Arc::clone(&meta))?;
///     // The second window reaches from the first batch into the second: two slices.
///     sizes.extend(cursor.push(&batch)?.map(|window| window.slices.len()));
/// }
/// sizes.extend(cursor.finish().map(|window| window.slices.len()));
/// assert_eq!(sizes, [1, 2, 1]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WindowCursor {
    plan: Plan,
    stream: Stream,
    needs_time_order: bool,
    ended: bool,
}

/// One window of a stream, with its events.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSlices {
    /// Which window it is; its events are counted from the first event of the stream.
    pub window: Window,
    /// Its events, in order, sharing the memory of the batches they came in: none if it is empty, one slice if
    /// it lies inside one batch.
    pub slices: Vec<EventBatch>,
    meta: Arc<Meta>,
}

impl WindowSlices {
    /// Its events as one batch: copied only if they came in several.
    ///
    /// # Errors
    /// As [`EventBatch::concat`].
    pub fn to_batch(&self) -> Result<EventBatch> {
        match self.slices.as_slice() {
            [] => Ok(EventBatch::empty(Arc::clone(&self.meta))),
            slices => EventBatch::concat(slices),
        }
    }
}

impl WindowCursor {
    /// A cursor at the start of a stream with these facts.
    ///
    /// # Errors
    /// [`ErrorKind::Param`] if the windows are given in another unit than the stream's.
    pub fn new(spec: WindowSpec, meta: &Arc<Meta>) -> Result<Self> {
        spec.check_unit(meta)?;
        Ok(Self {
            needs_time_order: spec.needs_time_order(),
            plan: Plan::new(spec),
            stream: Stream {
                held: VecDeque::new(),
                len: 0,
                first_t: None,
                last_t: None,
                meta: Arc::clone(meta),
            },
            ended: false,
        })
    }

    /// Takes the next batch and hands out the windows that are now complete, calculated as they are asked for.
    /// Those not taken come with the next call.
    ///
    /// # Errors
    /// [`ErrorKind::Param`] if the windows are of time and time goes back, inside the batch or from the one
    /// before, or is not known not to; if the batch's unit is another; [`ErrorKind::Closed`] after
    /// [`finish`](Self::finish).
    pub fn push(&mut self, batch: &EventBatch) -> Result<CompletedWindows<'_>> {
        if self.ended {
            return Err(Error::new(ErrorKind::Closed, "the stream of windows has ended")
                .with_hint("start a new WindowCursor"));
        }
        let (unit, expected) = (batch.meta().time_unit, self.stream.meta.time_unit);
        if unit != expected {
            return Err(Error::param(format!(
                "a batch in {unit} in a stream in {expected}"
            )));
        }
        if self.needs_time_order {
            batch.require_time_order()?;
            if let (Some((first, _)), Some(last)) = (batch.span(), self.stream.last_t)
                && first < last
            {
                return Err(Error::param(format!(
                    "a batch starts at t = {first}, the one before ended at {last}"
                ))
                .with_hint("read with order=strict"));
            }
        }
        self.stream.push(batch);
        Ok(CompletedWindows(self))
    }

    /// The windows that are complete and were not taken yet.
    pub fn completed(&mut self) -> CompletedWindows<'_> {
        CompletedWindows(self)
    }

    /// Ends the stream and hands out the windows that are left.
    pub fn finish(&mut self) -> CompletedWindows<'_> {
        self.ended = true;
        CompletedWindows(self)
    }

    /// How many events it holds on to.
    pub fn held_events(&self) -> u64 {
        self.stream.held.iter().map(|held| held.batch.len() as u64).sum()
    }

    fn next_window(&mut self) -> Option<WindowSlices> {
        let window = self.plan.next(&self.stream, self.ended);
        let found = window.map(|window| WindowSlices {
            slices: self.stream.slices(window.events.clone()),
            window,
            meta: Arc::clone(&self.stream.meta),
        });
        self.stream.release(self.plan.needed(self.stream.first_t));
        found
    }
}

/// The windows that are complete. An iterator that borrows the [`WindowCursor`].
#[derive(Debug)]
pub struct CompletedWindows<'a>(&'a mut WindowCursor);

impl Iterator for CompletedWindows<'_> {
    type Item = WindowSlices;

    fn next(&mut self) -> Option<WindowSlices> {
        self.0.next_window()
    }
}

impl std::iter::FusedIterator for CompletedWindows<'_> {}

/// The batches still needed, none of them empty.
#[derive(Debug, Clone)]
struct Stream {
    held: VecDeque<Held>,
    len: u64,
    first_t: Option<i64>,
    last_t: Option<i64>,
    meta: Arc<Meta>,
}

#[derive(Debug, Clone)]
struct Held {
    /// The index of its first event in the stream.
    first: u64,
    batch: EventBatch,
}

impl Held {
    fn end(&self) -> u64 {
        self.first + self.batch.len() as u64
    }

    fn last_t(&self) -> Option<i64> {
        self.batch.span().map(|(_, last)| last)
    }
}

impl Stream {
    fn push(&mut self, batch: &EventBatch) {
        let Some((first, last)) = batch.span() else { return };
        self.first_t.get_or_insert(first);
        self.last_t = Some(last);
        self.held.push_back(Held {
            first: self.len,
            batch: batch.clone(),
        });
        self.len += batch.len() as u64;
    }

    fn slices(&self, events: Range<u64>) -> Vec<EventBatch> {
        if events.is_empty() {
            return Vec::new();
        }
        let from = self.held.partition_point(|held| held.end() <= events.start);
        let holding = self.held.range(from..).take_while(|held| held.first < events.end);
        holding
            .map(|held| {
                let inside = |index: u64| index.clamp(held.first, held.end()) - held.first;
                held.batch
                    .slice(inside(events.start) as usize..inside(events.end) as usize)
            })
            .collect()
    }

    fn release(&mut self, needed: Needed) {
        while let Some(held) = self.held.front() {
            let keep = match needed {
                Needed::All => true,
                Needed::FromTime(time) => held.last_t().is_some_and(|last| last >= time),
                Needed::FromEvent(index) => held.end() > index,
                Needed::Nothing => false,
            };
            if keep {
                break;
            }
            self.held.pop_front();
        }
    }
}

impl Seen for Stream {
    fn len(&self) -> u64 {
        self.len
    }

    fn first_t(&self) -> Option<i64> {
        self.first_t
    }

    fn last_t(&self) -> Option<i64> {
        self.last_t
    }

    fn t(&self, index: u64) -> Option<i64> {
        let held = self
            .held
            .get(self.held.partition_point(|held| held.end() <= index))?;
        held.batch
            .columns()
            .t
            .get(usize::try_from(index.checked_sub(held.first)?).ok()?)
            .copied()
    }

    fn first_at_or_after(&self, time: i64, _: u64) -> u64 {
        match self.held.get(
            self.held
                .partition_point(|held| held.last_t().is_some_and(|last| last < time)),
        ) {
            Some(held) => held.first + held.batch.columns().t.partition_point(|&t| t < time) as u64,
            None => self.len,
        }
    }
}
