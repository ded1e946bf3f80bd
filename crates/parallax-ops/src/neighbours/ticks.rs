//! Times as cells keep them: 32 bits for each pixel while all of a stream's times fit into them, which is half of what has to
//! stay in the cache; 64 from the first block on whose times do not.

use parallax_events::{EventBlock, Order, Result};
use parallax_memory::Element;
use parallax_simd::bounds::min_max_i64;

use crate::cells::Cells;

/// A time in a cell.
pub(super) trait Tick: Element + Ord + Send + Sync {
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
pub(super) struct Times<C: Tick> {
    pub(super) cells: Cells<C>,
    /// Where ticks are counted from, once there was an event.
    pub(super) base: Option<i64>,
    /// The latest time of the stream while its blocks are cut in time. `cells` then knows what still counts, and only together
    /// with `others` every pixel's last time.
    pub(super) latest: Option<i64>,
    /// Cells of the threads that went through earlier stretches. What they know may be old: as times do not go back, a
    /// time that still counts is not older than one that does not.
    pub(super) others: Vec<Cells<C>>,
    /// Whose turn it is, of `cells` and each of the others: what one thread has changed stays with it.
    pub(super) turns: Vec<usize>,
}

impl<C: Tick> Times<C> {
    fn new(count: usize) -> Result<Self> {
        Ok(Self {
            cells: Cells::new(C::NEVER, count)?,
            base: None,
            latest: None,
            others: Vec::new(),
            turns: vec![0],
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
pub(super) enum AnyTimes {
    Short(Times<u32>),
    Long(Times<i64>),
}

impl AnyTimes {
    /// No event in any of so many cells.
    pub(super) fn new(count: usize) -> Result<Self> {
        Times::new(count).map(Self::Short)
    }

    /// These last times; `i64::MIN` for none.
    pub(super) fn of(times: &[i64]) -> Result<Self> {
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
    pub(super) fn make_room(&mut self, block: &EventBlock) -> Result<()> {
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
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Short(times) => times.cells.len(),
            Self::Long(times) => times.cells.len(),
        }
    }

    /// Every cell's last time.
    pub(super) fn joined(&self) -> Vec<i64> {
        match self {
            Self::Short(times) => times.joined(),
            Self::Long(times) => times.joined(),
        }
    }

    /// No event in any cell.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Short(times) => times.reset(),
            Self::Long(times) => times.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parallax_events::{EventBatch, Meta, OpState, Pool};

    use super::super::{LastTimes, Rule, Shape};
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    /// Events of three pixels next to each other at these times.
    fn block(times: &[i64]) -> Result<EventBlock> {
        let x = (0..times.len())
            .map(|index| (index % 3) as u16)
            .collect::<Vec<_>>();
        let zeros = vec![0; times.len()];
        let y = vec![0_u16; times.len()];
        let meta = Arc::new(Meta::with_geometry(3, 1)?);
        let mut block = EventBlock::default();
        block.load(&EventBatch::try_new(times.to_vec(), x, y, zeros, meta)?);
        Ok(block)
    }

    fn kept(last: &mut LastTimes, times: &[i64]) -> Result<Vec<i64>> {
        let mut block = block(times)?;
        last.retain(&mut block, Pool::serial())?;
        Ok(block.packed().t.to_vec())
    }

    #[test]
    fn what_does_not_fit_into_32_bits_makes_cells_long_and_answers_stay() -> Result<()> {
        let meta = Meta::with_geometry(3, 1)?;
        for within in [1, 700, 2 * HOUR, i64::MAX] {
            let rule = Rule {
                within,
                least: 1,
                own: true,
            };
            // Blocks of a stream, and whether its times still fit.
            let blocks: [(&[i64], bool); 6] = [
                (&[], true),
                (&[0, 1, 2, 600, 699, 700, 1399, 1400, 2200], true),
                // Late by as much as there is slack for.
                (&[1 - SLACK, 2 - SLACK, 1500], true),
                (&[HOUR / 2, HOUR / 2 + 1, HOUR / 2 + 2], true),
                (&[2 * HOUR, 2 * HOUR + 1, 2 * HOUR + 700], false),
                (
                    &[
                        i64::MIN + 1,
                        i64::MIN + 2,
                        3,
                        2 * HOUR + 701,
                        i64::MAX,
                        i64::MAX - 1,
                    ],
                    false,
                ),
            ];
            let new = || LastTimes::new(&meta, "test", Shape::Square, 1, rule);
            let (mut short, mut long, mut restored) = (new()?, new()?, new()?);
            long.times = AnyTimes::Long(Times::new(long.times.len())?);
            for (times, fits) in blocks {
                let wanted = kept(&mut long, times)?;
                assert_eq!(kept(&mut short, times)?, wanted, "{within} {times:?}");
                assert_eq!(
                    matches!(short.times, AnyTimes::Short(_)),
                    fits,
                    "{within} {times:?}"
                );
                assert_eq!(short.save(), long.save(), "{within} {times:?}");
                // What was saved goes on as what went on.
                assert_eq!(kept(&mut restored, times)?, wanted, "{within} {times:?}");
                restored.restore(&long.save())?;
                assert_eq!(restored.save(), long.save(), "{within} {times:?}");
            }
            short.reset();
            assert_eq!(kept(&mut short, &[5, 6])?, kept(&mut new()?, &[5, 6])?);
        }
        Ok(())
    }
}
