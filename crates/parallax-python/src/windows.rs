//! Windows of a recording or of a batch, one after another: in constant memory, and without a copy where a window lies
//! inside one batch.

use std::sync::{Arc, Mutex, PoisonError};

use parallax::events::{TimeUnit, WindowCursor, WindowSpec};
use parallax::{Error, EventBatch, EventReader, Meta, Result};
use pyo3::prelude::*;

use crate::batch::Batch;
use crate::error::raised;
use crate::reader::Shared;

/// Windows as Python asks for them, all in the stream's unit.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Spec {
    /// By time: how long.
    length: Option<i64>,
    /// By number of events: how many.
    count: Option<u64>,
    /// In the unit of the length, or in events.
    overlap: i64,
    start: Option<i64>,
    include_incomplete: bool,
    skip_empty: bool,
}

impl Spec {
    /// For a stream that counts in `unit`.
    pub(crate) fn of(&self, unit: TimeUnit) -> Result<WindowSpec> {
        let mut spec = match (self.length, self.count) {
            (Some(length), None) => WindowSpec::time(length, unit)?.with_overlap(self.overlap)?,
            (None, Some(count)) => {
                let overlap = u64::try_from(self.overlap).map_err(|_| {
                    Error::param(format!("`overlap` cannot be {}", self.overlap))
                        .with_hint("it is at least 0")
                })?;
                WindowSpec::count(count)?.with_overlap_events(overlap)?
            }
            _ => return Err(Error::internal("windows by neither time nor count, or by both")),
        };
        if let Some(start) = self.start {
            spec = spec.with_start(start)?;
        }
        Ok(spec
            .include_incomplete(self.include_incomplete)
            .skip_empty(self.skip_empty))
    }
}

/// Where the events come from.
#[derive(Clone)]
enum Feed {
    Reader(Shared),
    Batch,
}

/// Windows, one after another.
#[pyclass(frozen, module = "parallax._native")]
pub(crate) struct WindowReader {
    feed: Feed,
    state: Mutex<State>,
}

struct State {
    cursor: WindowCursor,
    /// Pushed next: empty, to ask for more of the windows that are complete already.
    next: EventBatch,
    nothing: EventBatch,
    has_ended: bool,
}

/// A window: its index, its time, whether it is complete, its events.
type WindowRow = (u64, Option<(i64, i64)>, bool, Batch);

impl WindowReader {
    /// Of what is left in a reader.
    pub(crate) fn of_reader(shared: Shared, cursor: WindowCursor, meta: Arc<Meta>) -> Self {
        let nothing = EventBatch::empty(meta);
        Self::new(Feed::Reader(shared), cursor, nothing.clone(), nothing)
    }

    /// Of a batch.
    pub(crate) fn of_batch(batch: &EventBatch, cursor: WindowCursor) -> Self {
        let nothing = EventBatch::empty(Arc::clone(batch.meta()));
        Self::new(Feed::Batch, cursor, batch.clone(), nothing)
    }

    fn new(feed: Feed, cursor: WindowCursor, next: EventBatch, nothing: EventBatch) -> Self {
        Self {
            feed,
            state: Mutex::new(State {
                cursor,
                next,
                nothing,
                has_ended: false,
            }),
        }
    }
}

#[pymethods]
impl WindowReader {
    /// The next window; `None` at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<WindowRow>> {
        loop {
            let window = py
                .detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).window())
                .map_err(raised)?;
            if let Some(row) = window {
                return Ok(Some(row));
            }
            let more = match &self.feed {
                Feed::Reader(shared) => shared.take(py, EventReader::next_batch)?,
                Feed::Batch => None,
            };
            let goes_on = py.detach(|| {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                match more {
                    Some(batch) => state.next = batch,
                    None if state.has_ended => return false,
                    None => state.has_ended = true,
                }
                true
            });
            if !goes_on {
                return Ok(None);
            }
        }
    }
}

impl State {
    /// The next window that is complete with what is there.
    fn window(&mut self) -> Result<Option<WindowRow>> {
        let next = std::mem::replace(&mut self.next, self.nothing.clone());
        let window = if self.has_ended {
            self.cursor.finish().next()
        } else {
            self.cursor.push(&next)?.next()
        };
        let Some(window) = window else { return Ok(None) };
        let events = Batch::of(window.to_batch()?);
        let time = window.window.time.map(|time| (time.start, time.end));
        Ok(Some((window.window.index, time, window.window.complete, events)))
    }
}
