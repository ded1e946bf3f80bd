//! [`BatchMemory`]: where the batches that an element makes lie: in slots of a pool, one in each, so that their memory is
//! used again while it is in the cache.
//!
//! Nobody is waited for. Where those behind hold all slots, a batch has memory of its own: how much waits is for the queues
//! to say. So has a batch that would leave most of a slot empty, for it may wait for long.

use std::sync::Arc;

use parallax_events::{BatchBuilder, BatchLayout, EventBatch, EventBlock, Meta, Result};
use parallax_memory::{LoanedSlot, MemoryPool};
use parallax_pipeline::Context;

/// How many batches are in slots at once, and how many bytes they may have in all: a million events each is not too many.
const SLOTS: usize = 8;
const MOST_BYTES: usize = 128 << 20;

/// A pool of slots for batches of so many events; none if they would be too large. Where nobody holds on to batches, one slot
/// goes round, so the others are not had before they are needed.
pub(super) fn batch_pool(context: &Context, events: usize) -> Result<Option<MemoryPool>> {
    let bytes = BatchLayout::new(events)?.bytes();
    if bytes > MOST_BYTES / SLOTS {
        return Ok(None);
    }
    context.lazy_pool(SLOTS, bytes).map(Some)
}

/// Slots as large as the largest batch that came.
#[derive(Debug, Default)]
pub(super) struct BatchMemory {
    context: Option<Context>,
    events: usize,
    pool: Option<MemoryPool>,
}

impl BatchMemory {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: Some(context.clone()),
            ..Self::default()
        }
    }

    /// What is kept of the events in `block`, of which there were `events`, as a batch.
    pub(super) fn batch(
        &mut self,
        block: &mut EventBlock,
        events: usize,
        meta: &Arc<Meta>,
    ) -> Result<EventBatch> {
        if block.is_shared() {
            return block.to_batch(meta);
        }
        match self.slot(events, block.kept())? {
            Some(slot) => block.to_batch_in(BatchBuilder::in_loan(slot, self.events)?, meta),
            None => block.to_batch(meta),
        }
    }

    fn slot(&mut self, events: usize, kept: usize) -> Result<Option<LoanedSlot>> {
        if let Some(context) = self.context.as_ref().filter(|_| events > self.events) {
            self.events = events.next_power_of_two();
            self.pool = batch_pool(context, self.events)?;
        }
        let is_worth_it = (self.events / 4..=self.events).contains(&kept);
        let pool = self.pool.as_ref().filter(|_| is_worth_it);
        Ok(pool.and_then(|pool| pool.loan().ok()))
    }
}
