//! Blocks that are cut in time: each thread goes through a stretch of events with cells of its own.
//!
//! What happened longer ago than an event counts tells nothing, so a thread has to be told of that much before its
//! stretch only. Its cells stay as they are from block to block: what they know may be old, but as times do not go back,
//! what is too old in them is too old anyway.

use parallax_events::{EventBlock, Order, Pool, Result, Stretch};

use super::{Tick, Times};
use crate::cells::Cells;
use crate::grid::worth_splitting;

/// So many cells all threads together may have for a block that is cut in time: at most a quarter of a gigabyte.
const MOST_CELLS: usize = 1 << 25;

impl<C: Tick> Times<C> {
    /// The run-up and the start of each stretch, one a thread, if the block is to be cut in time: it is in order and behind
    /// all that was before, and no run-up is long or reaches back before the block. There are cells for each then.
    pub(crate) fn stretches(
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
        }
        self.latest = Some(last);
        Ok(stretches)
    }

    /// Those stretches, each with cells of its own in what it goes by. [`hand_on`](Self::hand_on) has to follow.
    pub(crate) fn with_cells<'a, S>(
        &'a mut self,
        stretches: Vec<(usize, usize)>,
        state: impl Fn(&'a mut [C]) -> S,
    ) -> Vec<Stretch<S>> {
        let others = self.others.iter_mut().map(|cells| &mut cells[..]);
        let cells = std::iter::once(&mut self.cells[..]).chain(others);
        let stretch = |((run_up, start), cells)| Stretch {
            run_up,
            start,
            state: state(cells),
        };
        stretches.into_iter().zip(cells).map(stretch).collect()
    }

    /// After a block of so many stretches: who went through the last one goes on in the next block.
    pub(crate) fn hand_on(&mut self, stretches: usize) {
        if let Some(last) = stretches.checked_sub(2)
            && let Some(cells) = self.others.get_mut(last)
        {
            std::mem::swap(&mut self.cells, cells);
        }
    }

    /// Before a block that is not cut in time. If it is behind all that was before, the cells know what counts for it.
    pub(crate) fn go_on_whole(&mut self, block: &EventBlock) {
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
