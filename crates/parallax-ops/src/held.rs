//! A whole stream, held until its end is known, for operators that must have seen all of it.
//!
//! Batches that nobody changed before are held by reference; how much is held is bounded by a parameter of the operator.

use std::any::Any;
use std::sync::Arc;

use parallax_events::{Error, EventBatch, EventBlock, Meta, OpState, Order, ParamSpec, Params, Result};
use parallax_simd::bounds::min_max_i64;

use crate::saved::{Loaded, Saved};

/// Bytes that an event takes.
const EVENT_BYTES: u64 = 13;

/// How much an operator may hold: the parameter `memory` of all that hold a stream.
pub(crate) const MEMORY: ParamSpec = ParamSpec::size("memory")
    .min(1 << 10)
    .default(8 << 30)
    .doc("How many bytes the events that are held may take, at 13 each; more of them is an error");

/// The events so far, in their order, and the extremes of their times.
#[derive(Debug)]
pub(crate) struct Held {
    meta: Arc<Meta>,
    operator: &'static str,
    most: u64,
    events: u64,
    batches: Vec<EventBatch>,
    /// The earliest and the latest time.
    span: Option<(i64, i64)>,
    /// How many batches were handed on after the end.
    handed_on: usize,
}

impl Held {
    /// Nothing yet, of a stream with these facts; the bound is the parameter [`MEMORY`].
    pub(crate) fn new(meta: &Meta, params: &Params) -> Result<Self> {
        Ok(Self {
            meta: Arc::new(meta.clone()),
            operator: params.id(),
            most: params.size("memory")?,
            events: 0,
            batches: Vec::new(),
            span: None,
            handed_on: 0,
        })
    }

    /// Takes over the events of the block and leaves it empty.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](parallax_events::ErrorKind) if more would be held than the parameter allows.
    pub(crate) fn take(&mut self, block: &mut EventBlock) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        self.events += block.kept() as u64;
        if self.events.saturating_mul(EVENT_BYTES) > self.most {
            return Err(Error::limit(format!(
                "`{}` holds the whole stream, and it has more than {} bytes of events",
                self.operator, self.most
            ))
            .with_hint("raise `memory`, or cut the stream down with `time` first"));
        }
        let batch = block.to_batch(&self.meta)?;
        block.clear();
        let found = if batch.order() >= Order::Time {
            batch.span()
        } else {
            min_max_i64(batch.columns().t)
        };
        if let Some((first, last)) = found {
            let (earliest, latest) = self.span.unwrap_or((first, last));
            self.span = Some((earliest.min(first), latest.max(last)));
        }
        self.batches.push(batch);
        Ok(())
    }

    /// The earliest and the latest time; `None` if there is no event.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// The facts of the stream.
    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The next batch, once the stream has ended.
    pub(crate) fn next(&mut self) -> Option<EventBatch> {
        let batch = self.batches.get_mut(self.handed_on)?;
        self.handed_on += 1;
        Some(std::mem::replace(
            batch,
            EventBatch::empty(Arc::clone(&self.meta)),
        ))
    }

    /// The next batch from the end, once the stream has ended.
    pub(crate) fn next_back(&mut self) -> Option<EventBatch> {
        self.batches.pop()
    }
}

impl OpState for Held {
    fn reset(&mut self) {
        self.batches.clear();
        (self.events, self.span, self.handed_on) = (0, None, 0);
    }

    fn save(&self) -> Vec<u8> {
        Saved::default()
            .optional_pair(self.span)
            .events(self.batches.iter())
            .bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let span = loaded.optional_pair()?;
        let batch = loaded.batch(&self.meta)?;
        loaded.end()?;
        self.events = batch.len() as u64;
        self.batches.clear();
        if !batch.is_empty() {
            self.batches.push(batch);
        }
        (self.span, self.handed_on) = (span, 0);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
