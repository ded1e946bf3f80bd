//! The last time of each pixel: 32 bits for each while all of a stream's times fit into them, which is half of what has to stay
//! in the cache; 64 from the first block on whose times do not.

mod in_time;

use parallax_events::{EventBlock, Order, Result};
use parallax_memory::Element;
use parallax_simd::bounds::min_max_i64;

use crate::cells::Cells;

/// A time in a cell.
pub(crate) trait Tick: Element + Ord + Default + Send + Sync {
    /// No event yet: before all times.
    const NEVER: Self;

    /// A time of the stream; it is behind `base`, and near enough.
    fn of(t: i64, base: i64) -> Self;

    /// The time of the stream; `i64::MIN` for none.
    fn time(self, base: i64) -> i64;

    /// A span of time.
    fn span(span: i64) -> Self;

    /// What is exactly so long before, at least [`NEVER`](Self::NEVER).
    fn before(self, span: Self) -> Self;
}

/// From the base on, which itself stands for no event.
impl Tick for u32 {
    const NEVER: Self = 0;

    #[inline(always)]
    fn of(t: i64, base: i64) -> Self {
        t.wrapping_sub(base) as Self
    }

    fn time(self, base: i64) -> i64 {
        if self == Self::NEVER {
            i64::MIN
        } else {
            base.saturating_add(self.into())
        }
    }

    fn span(span: i64) -> Self {
        // So long ago is before all times that fit.
        Self::try_from(span).unwrap_or(Self::MAX)
    }

    #[inline(always)]
    fn before(self, span: Self) -> Self {
        self.saturating_sub(span)
    }
}

/// As they are. A real event at the first of all times counts as none.
impl Tick for i64 {
    const NEVER: Self = Self::MIN;

    #[inline(always)]
    fn of(t: i64, _: i64) -> Self {
        t
    }

    fn time(self, _: i64) -> i64 {
        self
    }

    fn span(span: i64) -> Self {
        span
    }

    #[inline(always)]
    fn before(self, span: Self) -> Self {
        self.saturating_sub(span)
    }
}

/// The last times of all cells.
#[derive(Debug)]
pub(crate) struct Times<C: Tick> {
    pub(crate) cells: Cells<C>,
    /// Where ticks are counted from, once there was an event.
    pub(crate) base: Option<i64>,
    /// The latest time of the stream while its blocks are cut in time. `cells` then knows what still counts, and only together
    /// with `others` every pixel's last time.
    pub(crate) latest: Option<i64>,
    /// Cells of the threads that went through earlier stretches. What they know may be old: as times do not go back, a
    /// time that still counts is not older than one that does not.
    pub(crate) others: Vec<Cells<C>>,
}

impl<C: Tick> Times<C> {
    pub(crate) fn new(count: usize) -> Result<Self> {
        Ok(Self {
            cells: Cells::new(C::NEVER, count)?,
            base: None,
            latest: None,
            others: Vec::new(),
        })
    }

    fn of(times: &[i64], base: Option<i64>) -> Result<Self> {
        let mut all = Self::new(times.len())?;
        all.base = base;
        let base = base.unwrap_or_default();
        for (cell, &t) in all.cells.iter_mut().zip(times) {
            *cell = if t == i64::MIN { C::NEVER } else { C::of(t, base) };
        }
        Ok(all)
    }

    fn reset(&mut self) {
        self.cells.fill(C::NEVER);
        (self.base, self.latest) = (None, None);
    }

    /// Every cell's last time.
    fn joined(&self) -> Vec<i64> {
        let base = self.base.unwrap_or_default();
        let others = if self.latest.is_some() {
            &self.others[..]
        } else {
            &[]
        };
        let last = |(index, &cell): (usize, &C)| {
            let others = others.iter().filter_map(|cells| cells.get(index).copied());
            others.fold(cell, C::max).time(base)
        };
        self.cells.iter().enumerate().map(last).collect()
    }
}

/// So far before the first event of a stream ticks begin: a later one may be earlier.
const SLACK: i64 = 1 << 30;

/// Where ticks of 32 bits are counted from if these are the first and the last time; `None` if they do not fit.
fn base_for(first: i64, last: i64) -> Option<i64> {
    let base = first.checked_sub(SLACK)?;
    fits(base, first, last).then_some(base)
}

fn fits(base: i64, first: i64, last: i64) -> bool {
    let is_tick = |t: i64| {
        t.checked_sub(base)
            .is_some_and(|ticks| (1..=u32::MAX.into()).contains(&ticks))
    };
    is_tick(first) && is_tick(last)
}

/// Short for as long as it goes.
#[derive(Debug)]
pub(crate) enum AnyTimes {
    Short(Times<u32>),
    Long(Times<i64>),
}

impl AnyTimes {
    /// No event in any of so many cells.
    pub(crate) fn new(count: usize) -> Result<Self> {
        Times::new(count).map(Self::Short)
    }

    /// These last times; `i64::MIN` for none.
    pub(crate) fn of(times: &[i64]) -> Result<Self> {
        let real = || times.iter().copied().filter(|&t| t != i64::MIN);
        match real().min().zip(real().max()) {
            None => Self::new(times.len()),
            Some((first, last)) => match base_for(first, last) {
                Some(base) => Times::of(times, Some(base)).map(Self::Short),
                None => Times::of(times, None).map(Self::Long),
            },
        }
    }

    /// Makes sure that the times of the block fit.
    pub(crate) fn make_room(&mut self, block: &EventBlock) -> Result<()> {
        let Self::Short(times) = self else { return Ok(()) };
        let t = block.columns().t;
        let span = if block.order() >= Order::Time {
            t.first().copied().zip(t.last().copied())
        } else {
            min_max_i64(t)
        };
        let Some((first, last)) = span else { return Ok(()) };
        if times.base.is_none() {
            times.base = base_for(first, last);
        }
        if !times.base.is_some_and(|base| fits(base, first, last)) {
            *self = Self::Long(Times::of(&times.joined(), None)?);
        }
        Ok(())
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Short(times) => times.cells.len(),
            Self::Long(times) => times.cells.len(),
        }
    }

    /// Every cell's last time.
    pub(crate) fn joined(&self) -> Vec<i64> {
        match self {
            Self::Short(times) => times.joined(),
            Self::Long(times) => times.joined(),
        }
    }

    /// No event in any cell.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::Short(times) => times.reset(),
            Self::Long(times) => times.reset(),
        }
    }
}
