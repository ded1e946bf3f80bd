//! Owned columns that an operator writes its own events into.

use std::sync::Arc;

use super::mask::ColumnsMut;
use crate::{DvsColumns, Event, EventBatch, Meta, Result};

/// Four columns of one length that grow as needed and keep their memory when cleared.
#[derive(Debug, Clone, Default)]
pub struct EventColumns {
    pub(super) t: Vec<i64>,
    pub(super) x: Vec<u16>,
    pub(super) y: Vec<u16>,
    pub(super) p: Vec<u8>,
}

impl EventColumns {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// The events, borrowed.
    pub fn as_columns(&self) -> DvsColumns<'_> {
        DvsColumns {
            t: &self.t,
            x: &self.x,
            y: &self.y,
            p: &self.p,
        }
    }

    /// One more event.
    pub fn push(&mut self, event: Event) {
        self.t.push(event.t);
        self.x.push(event.x);
        self.y.push(event.y);
        self.p.push(event.p);
    }

    /// More events, copied.
    pub fn extend(&mut self, events: DvsColumns<'_>) {
        self.t.extend_from_slice(events.t);
        self.x.extend_from_slice(events.x);
        self.y.extend_from_slice(events.y);
        self.p.extend_from_slice(events.p);
    }

    /// The events as a batch of a stream with these facts; nothing is copied.
    ///
    /// # Errors
    /// As [`EventBatch::try_new`].
    pub fn into_batch(self, meta: &Arc<Meta>) -> Result<EventBatch> {
        EventBatch::try_new(self.t, self.x, self.y, self.p, Arc::clone(meta))
    }

    /// Forgets the events and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Keeps the first `len` events.
    pub fn truncate(&mut self, len: usize) {
        self.t.truncate(len);
        self.x.truncate(len);
        self.y.truncate(len);
        self.p.truncate(len);
    }

    /// The events, to be written.
    pub(super) fn as_columns_mut(&mut self) -> ColumnsMut<'_> {
        ColumnsMut {
            t: &mut self.t,
            x: &mut self.x,
            y: &mut self.y,
            p: &mut self.p,
        }
    }

    /// Makes room for `len` events, with any values.
    pub(super) fn resize(&mut self, len: usize) {
        self.t.resize(len, 0);
        self.x.resize(len, 0);
        self.y.resize(len, 0);
        self.p.resize(len, 0);
    }
}
