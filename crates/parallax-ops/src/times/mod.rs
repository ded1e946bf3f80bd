//! The last time of each pixel: 32 bits for each while all of a stream's times fit into them, which is half of what has to stay
//! in the cache; 64 from the first block on whose times do not.

mod forks;

use std::sync::Arc;

use forks::{Cut, Home};
use parallax_events::{Event, Order, Result};
use parallax_memory::Element;
use parallax_simd::bounds::min_max_i64;

use crate::cells::Cells;

/// A time in a cell.
pub(crate) trait Tick: Element + Ord + Default + Send + Sync {
    /// No event yet: before all times.
    const NEVER: Self;

    /// Whether not every time of a stream need fit.
    const IS_SHORT: bool;

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
    const IS_SHORT: bool = true;

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
    const IS_SHORT: bool = false;

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
    /// None while the stream goes in stretches: what those know is what is known.
    cells: Option<Cells<C>>,
    count: usize,
    /// Where ticks are counted from, once there was an event.
    pub(crate) base: Option<i64>,
    cut: Option<Cut>,
    home: Arc<Home<C>>,
    /// What the cells are to be told first.
    before: Vec<Event>,
    /// Of which stretch the cells are, if they are those of one alone; they go home in the end.
    stretch: Option<u64>,
}

impl<C: Tick> Drop for Times<C> {
    fn drop(&mut self) {
        if let Some((cells, stretch)) = self.cells.take().zip(self.stretch) {
            self.home.take_back(cells, stretch);
        }
    }
}

impl<C: Tick> Times<C> {
    /// The cells; none while the stream goes in stretches.
    pub(crate) fn cells(&mut self) -> &mut [C] {
        self.cells.as_deref_mut().unwrap_or_default()
    }

    /// Whether these are the times of one stretch alone.
    pub(crate) fn is_fork(&self) -> bool {
        self.stretch.is_some()
    }

    pub(crate) fn new(count: usize) -> Result<Self> {
        Ok(Self {
            cells: Some(Cells::new(C::NEVER, count)?),
            count,
            base: None,
            cut: None,
            home: Arc::default(),
            before: Vec::new(),
            stretch: None,
        })
    }

    fn of(times: &[i64], base: Option<i64>) -> Result<Self> {
        let mut all = Self::new(times.len())?;
        all.base = base;
        let base = base.unwrap_or_default();
        for (cell, &t) in all.cells().iter_mut().zip(times) {
            *cell = if t == i64::MIN { C::NEVER } else { C::of(t, base) };
        }
        Ok(all)
    }

    fn reset(&mut self) {
        self.gather();
        self.cells().fill(C::NEVER);
        self.base = None;
    }

    /// Every cell's last time; `i64::MIN` for none.
    pub(crate) fn joined(&self) -> Vec<i64> {
        let base = self.base.unwrap_or_default();
        let time = |cell: &C| cell.time(base);
        match &self.cells {
            Some(cells) => cells.iter().map(time).collect(),
            None => self.joined_cells().iter().map(time).collect(),
        }
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

    /// Makes sure that these times of the stream, in this order, fit.
    pub(crate) fn make_room(&mut self, t: &[i64], order: Order) -> Result<()> {
        let Self::Short(times) = self else { return Ok(()) };
        let span = if order >= Order::Time {
            t.first().copied().zip(t.last().copied())
        } else {
            min_max_i64(t)
        };
        let Some((first, last)) = span else { return Ok(()) };
        if times.base.is_none() {
            times.base = base_for(first, last);
        }
        if !times.base.is_some_and(|base| fits(base, first, last)) {
            times.gather();
            *self = Self::Long(Times::of(&times.joined(), None)?);
        }
        Ok(())
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Short(times) => times.count,
            Self::Long(times) => times.count,
        }
    }

    /// Every cell's last time; `i64::MIN` for none.
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
