//! Stretches of a stream that go through at once, each with cells of its own.
//!
//! What happened longer ago than an event counts tells nothing. So cells that are told of the events so shortly before a
//! stretch know all that matters to it. What else they know, of earlier stretches, may be old: as times do not go back, what
//! is too old in them is too old anyway.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use parallax_events::{Event, EventBatch, EventBlock, Order, Pool, Result, Stretch};

use super::{AnyTimes, Tick, Times, fits};
use crate::cells::Cells;
use crate::grid::worth_splitting;

/// So many cells all stretches together may have: at most a quarter of a gigabyte.
const MOST_CELLS: usize = 1 << 25;

/// Stretches have two to the power of these many events, so many that to hand one out costs little. The larger they are, the
/// fewer events are told of twice.
const LOG_SIZES: RangeInclusive<usize> = 16..=19;

/// One of so many events may be told of twice on average, and one of so many of a stretch.
const TWICE: usize = 48;
const TWICE_OF_STRETCH: usize = 4;

/// A stretch that turns out to be shorter is told of so many events before it nevertheless.
const LEAST_BEFORE: usize = 4 << 10;

/// No more events than these are remembered.
const MOST_RECENT: usize = 1 << 17;

/// Cells, while no stretch has them.
#[derive(Debug)]
struct Set<C: Tick> {
    cells: Cells<C>,
    /// The stretch that had them last, or 0 for none.
    stretch: u64,
    /// On this thread.
    thread: ThreadId,
}

/// Where they are then.
#[derive(Debug)]
pub(super) struct Home<C: Tick> {
    sets: Mutex<Vec<Set<C>>>,
    came_back: Condvar,
}

impl<C: Tick> Default for Home<C> {
    fn default() -> Self {
        Self {
            sets: Mutex::default(),
            came_back: Condvar::new(),
        }
    }
}

impl<C: Tick> Home<C> {
    fn lock(&self) -> MutexGuard<'_, Vec<Set<C>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As soon as there are so many.
    fn when_back(&self, count: usize) -> MutexGuard<'_, Vec<Set<C>>> {
        let sets = self.came_back.wait_while(self.lock(), |sets| sets.len() < count);
        sets.unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is wanted if there is one, else any.
    fn take(&self, is_wanted: impl FnMut(&Set<C>) -> bool) -> Option<Set<C>> {
        let mut sets = self.lock();
        let at = sets.iter().position(is_wanted);
        let at = at.or(sets.len().checked_sub(1))?;
        Some(sets.swap_remove(at))
    }

    /// From a stretch.
    pub(super) fn take_back(&self, cells: Cells<C>, stretch: u64) {
        let thread = thread::current().id();
        self.lock().push(Set {
            cells,
            stretch,
            thread,
        });
        self.came_back.notify_all();
    }
}

/// A stream that goes in stretches.
#[derive(Debug)]
pub(super) struct Cut {
    /// How many stretches can be under way at once.
    sets: usize,
    /// The number of the last stretch.
    stretch: u64,
    /// The latest time so far.
    newest: i64,
    /// The events that may count for what comes, in order.
    recent: Vec<Event>,
}

/// Which cells a stretch gets.
#[derive(Debug, Clone, Copy)]
enum Prefer {
    /// Those of the stretch before: they know everything.
    Newest,
    /// Those that this thread had last: what another one wrote comes slowly.
    Own,
}

impl<C: Tick> Times<C> {
    /// Each cell's last time as the stretches know it.
    pub(super) fn joined_cells(&self) -> Vec<C> {
        let mut joined = vec![C::NEVER; self.count];
        self.home
            .lock()
            .iter()
            .for_each(|set| join(&mut joined, &set.cells));
        joined
    }

    /// Ends the stretches: one set of cells knows everything again. Waits for those that are still away.
    pub(crate) fn gather(&mut self) {
        let Some(cut) = self.cut.take() else { return };
        let shared = Arc::clone(&self.home);
        let mut home = shared.when_back(cut.sets);
        self.cells = home.pop().map(|set| set.cells);
        home.iter().for_each(|set| join(self.cells(), &set.cells));
    }

    /// Gives cells to so many stretches at once, if the next event, whose time is `first`, is not before those so far.
    fn cut(&mut self, sets: usize, first: i64) -> Result<bool> {
        if self
            .cut
            .as_ref()
            .is_some_and(|cut| cut.sets < sets || cut.newest > first)
        {
            self.gather();
        }
        if self.cut.is_some() {
            return Ok(true);
        }
        let latest = self.cells().iter().copied().fold(C::NEVER, C::max);
        let newest = latest.time(self.base.unwrap_or_default());
        if newest > first {
            return Ok(false);
        }
        let shared = Arc::clone(&self.home);
        let mut home = shared.lock();
        let (stretch, thread) = (0, thread::current().id());
        while home.len() + 1 < sets {
            let cells = Cells::new(C::NEVER, self.count)?;
            home.push(Set {
                cells,
                stretch,
                thread,
            });
        }
        for set in home.iter_mut() {
            set.cells.copy_from_slice(self.cells());
            set.stretch = stretch;
        }
        home.extend(self.cells.take().map(|cells| Set {
            cells,
            stretch,
            thread,
        }));
        self.cut = Some(Cut {
            sets: home.len(),
            stretch,
            newest,
            recent: Vec::new(),
        });
        Ok(true)
    }

    /// Whether events in this order and of this number may go in stretches.
    fn may_be_cut(&self, order: Order, pool: Pool<'_>) -> bool {
        let is_small = self.count.saturating_mul(pool.threads()) <= MOST_CELLS;
        is_small && pool.threads() > 1 && order >= Order::Time && self.before.is_empty()
    }

    /// See [`AnyTimes::stretch`].
    fn stretch(&mut self, within: i64, batch: &EventBatch, pool: Pool<'_>) -> Result<Option<usize>> {
        let t = batch.columns().t;
        let Some(&first) = t.first() else { return Ok(None) };
        if !self.may_be_cut(batch.order(), pool) {
            return Ok(None);
        }
        let is_good =
            |&size: &usize| told_twice(t, size, within).is_some_and(|twice| twice <= t.len() / TWICE);
        let Some(size) = LOG_SIZES.map(|log| 1 << log).find(is_good) else {
            return Ok(None);
        };
        Ok(self.cut(pool.threads(), first)?.then_some(size))
    }

    /// See [`AnyTimes::fork`]; for some of the events of a block.
    fn fork(
        &mut self,
        within: i64,
        block: &EventBlock,
        events: Range<usize>,
        prefer: Prefer,
    ) -> Option<Self> {
        let Cut {
            stretch,
            newest,
            recent,
            ..
        } = self.cut.as_mut()?;
        let t = block.columns().t.get(events.clone())?;
        let (&first, &last) = t.first().zip(t.last())?;
        let is_in_order = block.order() >= Order::Time && *newest <= first;
        let fits = !C::IS_SHORT || self.base.is_some_and(|base| fits(base, first, last));
        let oldest = last.saturating_sub(within);
        let from = t.partition_point(|&t| t <= oldest);
        if !is_in_order || !fits || recent.len() + t.len() - from > MOST_RECENT {
            return None;
        }
        let thread = thread::current().id();
        let set = self.home.take(|set| match prefer {
            Prefer::Newest => set.stretch == *stretch,
            Prefer::Own => set.thread == thread,
        })?;
        let knows_all = set.stretch == *stretch;
        if !knows_all && recent.len() > t.len().max(LEAST_BEFORE) {
            self.home.lock().push(set);
            return None;
        }
        let before = if knows_all { Vec::new() } else { recent.clone() };
        let too_old = if from > 0 {
            recent.len()
        } else {
            recent.partition_point(|event| event.t <= oldest)
        };
        recent.drain(..too_old);
        block.for_each_in(events.start + from..events.end, |event| recent.push(event));
        *newest = last;
        *stretch += 1;
        Some(Self {
            cells: Some(set.cells),
            count: self.count,
            base: self.base,
            cut: None,
            home: Arc::clone(&self.home),
            before,
            stretch: Some(*stretch),
        })
    }

    /// The starts and the cells of the stretches of a block, one a thread if that is worth it; none if the block cannot go
    /// in stretches, and then one set of cells knows everything.
    pub(crate) fn forks(
        &mut self,
        within: i64,
        block: &EventBlock,
        pool: Pool<'_>,
    ) -> Result<Vec<(usize, Self)>> {
        let t = block.columns().t;
        let Some(&first) = t.first() else {
            return Ok(Vec::new());
        };
        let size = t.len().div_ceil(pool.threads()).next_multiple_of(64);
        let is_shared = self.may_be_cut(block.order(), pool)
            && worth_splitting(pool, block)
            && told_twice(t, size, within).is_some()
            && self.cut(pool.threads(), first)?;
        let (size, prefer) = if is_shared {
            (size, Prefer::Own)
        } else {
            (t.len(), Prefer::Newest)
        };
        let fork = |start| {
            Some((
                start,
                self.fork(within, block, start..t.len().min(start + size), prefer)?,
            ))
        };
        let forks: Option<Vec<_>> = (0..t.len()).step_by(size).map(fork).collect();
        if forks.is_none() {
            self.gather();
        }
        Ok(forks.unwrap_or_default())
    }

    /// The stretches of a block whose cells are `forks`, or the only one if these are the times of a stretch, each with its
    /// cells in what it goes by; none if the block does not go in stretches.
    pub(crate) fn stretches<'a, S>(
        &'a mut self,
        forks: &'a mut [(usize, Self)],
        state: impl Fn(&'a mut [C]) -> S,
    ) -> Vec<Stretch<S>> {
        let stretch = |(start, times): (usize, &'a mut Self)| Stretch {
            start,
            before: std::mem::take(&mut times.before),
            state: state(times.cells()),
        };
        if self.stretch.is_some() {
            return vec![stretch((0, self))];
        }
        let forks = forks.iter_mut().map(|(start, fork)| (*start, fork));
        forks.map(stretch).collect()
    }
}

/// How many events are told of twice if these times are cut into stretches of `size`; `None` if that is too much for one of them.
fn told_twice(t: &[i64], size: usize, within: i64) -> Option<usize> {
    let before = |start: usize| {
        let before = &t[start - size..start];
        let oldest = t[start].saturating_sub(within);
        let count = size - before.partition_point(|&t| t <= oldest);
        (count <= size / TWICE_OF_STRETCH).then_some(count)
    };
    (size..t.len()).step_by(size).map(before).sum()
}

/// The later of each cell's times.
fn join<C: Tick>(cells: &mut [C], others: &[C]) {
    let both = cells.iter_mut().zip(others);
    both.for_each(|(cell, &other)| *cell = other.max(*cell));
}

impl AnyTimes {
    /// Whether the stream goes in stretches.
    #[cfg(all(test, feature = "parallel"))]
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            Self::Short(times) => times.cut.is_some(),
            Self::Long(times) => times.cut.is_some(),
        }
    }

    /// How many events each stretch of a batch should have at least if stretches are to go through at once, on the threads of
    /// `pool`; `None` if they cannot. What happens counts for what comes less than `within` later. Changes nothing but that
    /// [forks](Self::fork) are given.
    pub(crate) fn stretch(
        &mut self,
        within: i64,
        batch: &EventBatch,
        pool: Pool<'_>,
    ) -> Result<Option<usize>> {
        if batch.order() < Order::Time {
            return Ok(None);
        }
        self.make_room(batch.columns().t, batch.order())?;
        match self {
            Self::Short(times) => times.stretch(within, batch, pool),
            Self::Long(times) => times.stretch(within, batch, pool),
        }
    }

    /// The times for the events of `block` alone, and these are behind them then; `None` if they have to go through here, once
    /// those before are through. There are as many at once as there are threads.
    pub(crate) fn fork(&mut self, within: i64, block: &EventBlock) -> Option<Self> {
        let all = 0..block.columns().len();
        match self {
            Self::Short(times) => times.fork(within, block, all, Prefer::Own).map(Self::Short),
            Self::Long(times) => times.fork(within, block, all, Prefer::Own).map(Self::Long),
        }
    }
}
