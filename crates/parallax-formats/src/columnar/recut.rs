//! Cuts a stream of batches into pieces of one size, whatever the sizes that come in.

use std::sync::Arc;

use parallax_events::{Error, EventBatch, Meta, Result};

/// Pieces of exactly `size` events, but for the last. A piece that lies within one incoming batch shares its
/// memory; others are gathered.
#[derive(Debug)]
pub(crate) struct Recut {
    size: usize,
    meta: Arc<Meta>,
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Recut {
    /// Pieces under the facts `meta`.
    pub(crate) fn new(size: usize, meta: Arc<Meta>) -> Self {
        Self {
            size,
            meta,
            t: Vec::new(),
            x: Vec::new(),
            y: Vec::new(),
            p: Vec::new(),
        }
    }

    /// Takes a batch and hands every piece that is complete to `emit`.
    ///
    /// # Errors
    /// If the batch counts time in another unit than the stream, holds an event outside the stream's geometry,
    /// or `emit` fails.
    pub(crate) fn push(
        &mut self,
        batch: &EventBatch,
        mut emit: impl FnMut(&EventBatch) -> Result<()>,
    ) -> Result<()> {
        if batch.meta().time_unit != self.meta.time_unit {
            return Err(Error::param(format!(
                "a batch in {} was written to a stream in {}",
                batch.meta().time_unit,
                self.meta.time_unit
            ))
            .with_hint("rescale the times first"));
        }
        let batch = batch.clone().with_meta(Arc::clone(&self.meta))?;
        let mut at = 0;
        while at < batch.len() {
            let left = batch.len() - at;
            if self.t.is_empty() && left >= self.size {
                emit(&batch.slice(at..at + self.size))?;
                at += self.size;
                continue;
            }
            let count = left.min(self.size - self.t.len());
            self.gather(&batch.slice(at..at + count));
            at += count;
            if self.t.len() == self.size {
                emit(&self.take()?)?;
            }
        }
        Ok(())
    }

    /// The last piece, if events are left.
    pub(crate) fn finish(&mut self) -> Result<Option<EventBatch>> {
        if self.t.is_empty() {
            Ok(None)
        } else {
            self.take().map(Some)
        }
    }

    fn gather(&mut self, batch: &EventBatch) {
        if self.t.is_empty() {
            // All the room at once: growing by doubling would hold it twice.
            self.t.reserve_exact(self.size);
            self.x.reserve_exact(self.size);
            self.y.reserve_exact(self.size);
            self.p.reserve_exact(self.size);
        }
        let columns = batch.columns();
        self.t.extend_from_slice(columns.t);
        self.x.extend_from_slice(columns.x);
        self.y.extend_from_slice(columns.y);
        self.p.extend_from_slice(columns.p);
    }

    fn take(&mut self) -> Result<EventBatch> {
        EventBatch::try_new(
            std::mem::take(&mut self.t),
            std::mem::take(&mut self.x),
            std::mem::take(&mut self.y),
            std::mem::take(&mut self.p),
            Arc::clone(&self.meta),
        )
    }
}
