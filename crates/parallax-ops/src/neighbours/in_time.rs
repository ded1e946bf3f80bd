//! Blocks that are cut in time: each thread goes through a stretch of events with cells of its own.
//!
//! What happened longer ago than an event counts tells nothing, so a thread has to be told of that much before its
//! stretch only. Its cells stay as they are from block to block: what they know may be old, but as times do not go back,
//! what is too old in them is too old anyway.

use parallax_events::{EventBlock, Order, Pool, Result};

use super::ticks::{Tick, Times};
use crate::cells::Cells;
use crate::grid::worth_splitting;

/// So many cells all threads together may have for a block that is cut in time: a quarter of a gigabyte.
const MOST_CELLS: usize = 1 << 25;

impl<C: Tick> Times<C> {
    /// The run-up and the start of each stretch, one a thread, if the block is to be cut in time: it is in order and behind
    /// all that was before, and no run-up is long or reaches back before the block. There are cells for each then.
    pub(super) fn stretches(
        &mut self,
        within: i64,
        block: &EventBlock,
        pool: Pool<'_>,
    ) -> Result<Vec<(usize, usize)>> {
        let (threads, t) = (pool.threads(), block.columns().t);
        let is_small = self.cells.len().saturating_mul(threads) <= MOST_CELLS;
        if !is_small || !worth_splitting(pool, block) || block.order() < Order::Time {
            return Ok(Vec::new());
        }
        let mut stretches = vec![(0, 0)];
        for index in 1..threads {
            let start = t.len() / threads * index / 64 * 64;
            let oldest = t.get(start).map_or(i64::MIN, |t| t.saturating_sub(within));
            let run_up = t.partition_point(|&t| t <= oldest) / 64 * 64;
            if run_up == 0 || start - run_up > t.len() / threads / 4 {
                return Ok(Vec::new());
            }
            stretches.push((run_up, start));
        }
        let newest = |cells: &[C]| cells.iter().copied().fold(C::NEVER, C::max);
        let base = self.base.unwrap_or_default();
        let latest = self.latest.unwrap_or_else(|| newest(&self.cells).time(base));
        let (Some(&first), Some(&last)) = (t.first(), t.last()) else {
            return Ok(Vec::new());
        };
        if latest > first {
            return Ok(Vec::new());
        }
        if self.latest.is_none() {
            self.others.iter_mut().for_each(|cells| cells.fill(C::NEVER));
        }
        while self.others.len() < threads - 1 {
            self.others.push(Cells::new(C::NEVER, self.cells.len())?);
            self.turns.push(self.others.len());
        }
        self.latest = Some(last);
        Ok(stretches)
    }

    /// Before a block that is not cut in time. If it is behind all that was before, the cells know what counts for it.
    pub(super) fn go_on_whole(&mut self, block: &EventBlock) {
        let Some(latest) = self.latest else { return };
        let (t, is_ordered) = (block.columns().t, block.order() >= Order::Time);
        self.latest = match (t.first(), t.last()) {
            (Some(&first), Some(&last)) if is_ordered && latest <= first => Some(last),
            (None, _) => Some(latest),
            _ => {
                take_over(&mut self.cells, &self.others);
                None
            }
        };
    }
}

/// The later of each cell's times.
fn take_over<C: Tick>(cells: &mut [C], others: &[Cells<C>]) {
    for other in others {
        let both = cells.iter_mut().zip(other.iter());
        both.for_each(|(cell, &other)| *cell = other.max(*cell));
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use std::sync::Arc;

    use parallax_events::{EventBatch, Meta, OpState, SharedPool};

    use super::super::ticks::AnyTimes;
    use super::super::{LastTimes, Rule, Shape};
    use super::*;

    const SIZE: (u16, u16) = (31, 70);

    /// So many events from a time on, so many ticks apart.
    fn events(seed: u64, count: u64, from: i64, apart: u64) -> Result<EventBatch> {
        let mix = |index: u64| {
            let mixed = (index + (seed << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
        };
        let t: Vec<i64> = (0..count).map(|index| from + (index * apart) as i64).collect();
        let x: Vec<u16> = (0..count)
            .map(|index| (mix(index) % u64::from(SIZE.0)) as u16)
            .collect();
        // The second half of the events lies below the first, so that whoever saw one knows nothing of the other.
        let row = |index| (mix(index + count) % u64::from(SIZE.1 / 2) + index / (count / 2) * 35) as u16;
        let y: Vec<u16> = (0..count).map(row).collect();
        let p: Vec<u8> = (0..count).map(|index| (mix(index) >> 30 & 1) as u8).collect();
        let meta = Arc::new(Meta::with_geometry(SIZE.0, SIZE.1)?);
        EventBatch::try_new(t, x, y, p, meta)
    }

    fn block_of(batch: &EventBatch) -> EventBlock {
        let mut block = EventBlock::default();
        block.load(batch);
        // What was dropped before is neither seen nor a neighbour.
        block.retain(|event| event.x != 3);
        block
    }

    fn has_latest(last: &LastTimes) -> bool {
        match &last.times {
            AnyTimes::Short(times) => times.latest.is_some(),
            AnyTimes::Long(times) => times.latest.is_some(),
        }
    }

    #[test]
    fn a_block_cut_in_time_keeps_what_one_thread_keeps() -> Result<()> {
        let long = 60_000;
        let blocks = [
            (events(1, long, -5000, 3)?, true),
            // From a time at which what was before still counts, past the middle.
            (events(2, long, 60_000, 1)?, false),
            (events(3, long, 1_000_000, 2)?, true),
            // All at once and short ones are not cut, but go on with the same cells.
            (events(4, long, 2_000_000, 0)?, true),
            (events(5, 1000, 2_000_000, 1)?, true),
            (events(6, long, 2_001_000, 1)?, true),
            // Neighbours of the block before still count.
            (events(7, long, 2_061_000, 1)?, true),
            (events(8, 1000, 2_121_000, 1)?, true),
            // Time goes back to where that block was.
            (events(9, long, 2_121_500, 1)?, false),
        ];
        for threads in [2, 3] {
            let shared = SharedPool::new(threads)?;
            for (shape, radius, least, own) in [
                (Shape::Diamond, 1, 1, false),
                (Shape::Square, 1, 3, true),
                (Shape::Square, 2, 5, false),
            ] {
                let rule = Rule {
                    within: 700,
                    least,
                    own,
                };
                let meta = Meta::with_geometry(SIZE.0, SIZE.1)?;
                let new = || LastTimes::new(&meta, "test", shape, radius, rule);
                let (mut alone, mut together) = (new()?, new()?);
                for (number, (batch, has_others)) in blocks.iter().enumerate() {
                    let (mut one, mut several) = (block_of(batch), block_of(batch));
                    alone.retain(&mut one, Pool::serial())?;
                    together.retain(&mut several, shared.pool())?;
                    assert_eq!(has_latest(&together), *has_others, "block {number}");
                    let meta = batch.meta();
                    assert!(one.kept() > 0 && one.kept() < batch.len(), "block {number}");
                    assert_eq!(
                        one.to_batch(meta)?.columns(),
                        several.to_batch(meta)?.columns(),
                        "block {number}"
                    );
                    assert_eq!(alone.save(), together.save(), "block {number}");
                }
            }
        }
        Ok(())
    }
}
