//! Who fired nearby, and when: the last time of each pixel, laid out so that looking around never leaves the memory.
//!
//! Rows come in bands of 64. Each band is followed by nothing and shares nothing: it has a margin of its own on every side,
//! in which the rows of its neighbours are kept a second time. So bands can be worked on by different threads, and a
//! pixel at the edge looks around like any other. Events in order go in stretches instead (see [`crate::times`]). The layout
//! does not depend on the threads. Where a row lies, and where it is kept a second time, is looked up; a row that is kept
//! once is written to its place twice, which costs less than to ask.

#[cfg(all(test, feature = "parallel"))]
mod tests;

use std::any::Any;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use parallax_events::{
    Event, EventBatch, EventBlock, EventOp, Geometry, Lookup, Meta, Nanos, OpState, ParamSpec, Params, Pool,
    Result, Stretch, state_as,
};
use parallax_simd::prefetch::soon;

use crate::grid::{geometry_for_grid, row_range, shares, worth_splitting};
use crate::saved::{Loaded, Saved};
use crate::times::{AnyTimes, Tick, Times};

/// Rows of a band.
const BAND: usize = 64;

/// The largest radius: margins stay smaller than a band.
const MOST_RADIUS: i64 = 16;

/// Parameters of the operators that ask a neighbourhood; how large it is, they say for themselves.
pub(crate) const TIME: ParamSpec = ParamSpec::time("time")
    .min(Nanos(1))
    .default(Nanos(10_000_000))
    .doc("How long a neighbour's event counts");
pub(crate) const fn neighbours(default: &'static str) -> ParamSpec {
    ParamSpec::choice("neighbours", &["4", "8"])
        .default(default)
        .doc("Up to `radius` steps to the side, or the square around the pixel")
}
pub(crate) const RADIUS: ParamSpec = ParamSpec::int("radius")
    .unit("px")
    .range(1, MOST_RADIUS)
    .default(1)
    .doc("How far neighbours are looked for");
pub(crate) const OWN: ParamSpec = ParamSpec::bool("own")
    .default(false)
    .doc("Whether the pixel's own last event counts as a neighbour's");

/// Keeps the events that enough neighbours confirm.
#[derive(Debug)]
pub(crate) struct Confirmed {
    params: Params,
    shape: Shape,
    radius: usize,
    time: Nanos,
    least: u32,
    own: bool,
}

impl Confirmed {
    /// By `least` neighbours.
    pub(crate) fn boxed(params: Params, least: u32) -> Result<Box<dyn EventOp>> {
        let shape = if params.choice("neighbours")? == "4" {
            Shape::Diamond
        } else {
            Shape::Square
        };
        Ok(Box::new(Self {
            shape,
            radius: usize::try_from(params.int("radius")?).unwrap_or(1),
            time: params.time("time")?,
            least,
            own: params.bool("own")?,
            params,
        }))
    }
}

impl EventOp for Confirmed {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let rule = Rule {
            within: self.time.to_unit(meta.time_unit)?,
            least: self.least,
            own: self.own,
        };
        Ok(Box::new(LastTimes::new(
            meta,
            self.params.id(),
            self.shape,
            self.radius,
            rule,
        )?))
    }

    fn stretch(&self, state: &mut dyn OpState, batch: &EventBatch, pool: Pool<'_>) -> Result<Option<usize>> {
        state_as::<LastTimes>(state)?.stretch(batch, pool)
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let fork = state_as::<LastTimes>(state)?.fork(block);
        Ok(fork.map(|fork| Box::new(fork) as Box<dyn OpState>))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        state_as::<LastTimes>(state)?.retain(block, pool)
    }
}

/// Which pixels around one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Up to `radius` steps to the left, right, up and down: four neighbours for 1.
    Diamond,
    /// Up to `radius` columns and rows away: eight neighbours for 1.
    Square,
}

/// The last time of each pixel, and what is asked of those around an event.
#[derive(Debug)]
pub(crate) struct LastTimes {
    layout: Arc<Layout>,
    times: AnyTimes,
}

/// Where the cells of pixels lie, and what is asked of them.
#[derive(Debug)]
struct Layout {
    geometry: Geometry,
    radius: usize,
    /// Columns of a row with its margins.
    stride: usize,
    rule: Rule,
    /// Where the neighbours lie from a pixel, wrapping.
    offsets: Vec<usize>,
    rows: Vec<Row>,
}

/// Where the pixels of a row lie: the cell of the first, and its cell in the margin of the next band, if it is there, too.
#[derive(Debug, Clone, Copy)]
struct Row {
    own: u32,
    copy: u32,
}

/// The rows of a sensor with so many columns, margins included.
fn rows(height: usize, radius: usize, stride: usize) -> Vec<Row> {
    let bands = height.div_ceil(BAND);
    let row = |row| {
        let (band, inside) = (row / BAND, row % BAND);
        let own = (band * (BAND + 2 * radius) + radius + inside) * stride + radius;
        let copy = if inside < radius && band > 0 {
            own - 2 * radius * stride
        } else if inside + radius >= BAND && band + 1 < bands {
            own + 2 * radius * stride
        } else {
            own
        };
        // A sensor of 2²⁶ pixels has fewer than 2³² cells, whatever its margins.
        let cell = |cell| u32::try_from(cell).unwrap_or(u32::MAX);
        Row {
            own: cell(own),
            copy: cell(copy),
        }
    };
    (0..height).map(row).collect()
}

/// What is asked of a neighbourhood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// A neighbour counts if its last event is less than this before the event.
    pub(crate) within: i64,
    /// So many neighbours must count.
    pub(crate) least: u32,
    /// Whether the pixel's own last event counts as a neighbour's.
    pub(crate) own: bool,
}

impl LastTimes {
    pub(crate) fn new(meta: &Meta, operator: &str, shape: Shape, radius: usize, rule: Rule) -> Result<Self> {
        let geometry = geometry_for_grid(meta, operator)?;
        let stride = usize::from(geometry.width) + 2 * radius;
        let bands = usize::from(geometry.height).div_ceil(BAND);
        let reach = radius as isize;
        let around = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
        let inside = around.filter(|&(x, y)| match shape {
            Shape::Diamond => x.abs() + y.abs() <= reach,
            Shape::Square => true,
        });
        let offsets = inside
            .filter(|&place| place != (0, 0))
            .map(|(x, y)| (y * stride as isize + x).cast_unsigned())
            .collect();
        let layout = Arc::new(Layout {
            geometry,
            radius,
            stride,
            rule,
            offsets,
            rows: rows(geometry.height.into(), radius, stride),
        });
        let times = AnyTimes::new(bands * (BAND + 2 * radius) * stride)?;
        Ok(Self { layout, times })
    }

    /// Keeps the events whose neighbourhood fulfils the rule; every event counts as its pixel's last one afterwards.
    pub(crate) fn retain(&mut self, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        self.times.make_room(block.columns().t, block.order())?;
        match &mut self.times {
            AnyTimes::Short(times) => self.layout.retain(times, block, pool),
            AnyTimes::Long(times) => self.layout.retain(times, block, pool),
        }
    }

    /// See [`EventOp::stretch`].
    pub(crate) fn stretch(&mut self, batch: &EventBatch, pool: Pool<'_>) -> Result<Option<usize>> {
        self.times.stretch(self.layout.rule.within, batch, pool)
    }

    /// See [`EventOp::fork`].
    pub(crate) fn fork(&mut self, block: &EventBlock) -> Option<Self> {
        let times = self.times.fork(self.layout.rule.within, block)?;
        Some(Self {
            layout: Arc::clone(&self.layout),
            times,
        })
    }
}

impl Layout {
    fn retain<C: Tick>(&self, times: &mut Times<C>, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let mut forks = times.forks(self.rule.within, block, pool)?;
        let &Layout {
            geometry,
            radius,
            stride,
            rule,
            ref offsets,
            rows: ref all_rows,
        } = self;
        let (offsets, all_rows) = (&offsets[..], &all_rows[..]);
        let (base, within) = (times.base.unwrap_or_default(), C::span(rule.within));
        let part = |first_cell: usize, cells| Part {
            first_cell: u32::try_from(first_cell).unwrap_or(u32::MAX),
            cells,
            base,
            within,
            stride,
            rule,
        };
        let parts = if times.is_fork() || !forks.is_empty() {
            Parts::Stretches(times.stretches(&mut forks, |cells| part(0, cells)))
        } else if worth_splitting(pool, block) {
            let mut cells = times.cells();
            let band = (BAND + 2 * radius) * stride;
            let of_rows = |rows: Range<usize>| {
                let own = cells.split_off_mut(..rows.len().div_ceil(BAND) * band);
                let first_cell = rows.start / BAND * band;
                // It must see the events of its margins, too.
                (
                    row_range(&rows, radius),
                    part(first_cell, own.unwrap_or_default()),
                )
            };
            let shares = shares(pool, block, geometry.height, BAND);
            Parts::Rows(shares.into_iter().map(of_rows).collect())
        } else {
            Parts::Whole(part(0, times.cells()))
        };
        // One of the usual neighbourhoods is looked through without a loop.
        match *offsets {
            [a, b, c, d] => retain(
                block,
                pool,
                parts,
                Looks {
                    rows: all_rows,
                    around: [a, b, c, d],
                },
            ),
            [a, b, c, d, e, f, g, h] => {
                let around = [a, b, c, d, e, f, g, h];
                retain(
                    block,
                    pool,
                    parts,
                    Looks {
                        rows: all_rows,
                        around,
                    },
                );
            }
            _ => retain(
                block,
                pool,
                parts,
                Looks {
                    rows: all_rows,
                    around: offsets,
                },
            ),
        }
        Ok(())
    }
}

/// How a block is shared between threads.
enum Parts<'a, C> {
    Whole(Part<'a, C>),
    Rows(Vec<(RangeInclusive<u16>, Part<'a, C>)>),
    Stretches(Vec<Stretch<Part<'a, C>>>),
}

fn retain<'a, C: Tick, O: Around>(
    block: &mut EventBlock,
    pool: Pool<'_>,
    parts: Parts<'a, C>,
    looks: Looks<'_, O>,
) {
    match parts {
        Parts::Whole(whole) => block.retain_over(whole, looks),
        Parts::Stretches(stretches) => block.retain_by_stretches(pool, stretches, looks),
        Parts::Rows(parts) => block.retain_by_rows(pool, parts, looks),
    }
}

/// Some bands on their own.
struct Part<'a, C> {
    /// Which of all cells its first is.
    first_cell: u32,
    cells: &'a mut [C],
    base: i64,
    /// The rule's, in ticks of the cells.
    within: C,
    stride: usize,
    rule: Rule,
}

/// Where the neighbours of a pixel lie from it, wrapping.
trait Around: Copy + Send + Sync {
    fn offsets(self) -> impl Iterator<Item = usize>;
}

/// Looked through without a loop.
impl<const COUNT: usize> Around for [usize; COUNT] {
    #[inline(always)]
    fn offsets(self) -> impl Iterator<Item = usize> {
        self.into_iter()
    }
}

impl Around for &[usize] {
    #[inline(always)]
    fn offsets(self) -> impl Iterator<Item = usize> {
        self.iter().copied()
    }
}

/// Looks around each event.
#[derive(Debug, Clone, Copy)]
struct Looks<'a, O> {
    rows: &'a [Row],
    around: O,
}

/// The cells of an event, and its time.
#[derive(Debug, Clone, Copy, Default)]
struct Place<C> {
    own: u32,
    /// In the margin of the next band.
    copy: u32,
    now: C,
}

impl<C: Tick, O: Around> Lookup<Part<'_, C>> for Looks<'_, O> {
    type Key = Place<C>;

    #[inline(always)]
    fn key(&self, part: &Part<'_, C>, event: Event) -> Place<C> {
        // Of a row that this part only has in its margin, the own cell lies outside, before the first or behind the last.
        let column = u32::from(event.x).wrapping_sub(part.first_cell);
        let row = self.rows.get(usize::from(event.y));
        let cell = |row: Option<u32>| row.map_or(u32::MAX, |first| first.wrapping_add(column));
        Place {
            own: cell(row.map(|row| row.own)),
            copy: cell(row.map(|row| row.copy)),
            now: C::of(event.t, part.base),
        }
    }

    /// The cells of an event, and those above and below, will be asked for soon.
    #[inline(always)]
    fn ahead(&self, part: &Part<'_, C>, place: Place<C>) {
        let at = place.own as usize;
        soon(part.cells, at);
        soon(part.cells, at.wrapping_sub(part.stride));
        soon(part.cells, at.wrapping_add(part.stride));
    }

    #[inline(always)]
    fn keep(&self, part: &mut Part<'_, C>, Place { own, copy, now }: Place<C>) -> bool {
        let (own, cells) = (own as usize, &mut *part.cells);
        let before = cells.get_mut(own).map(|cell| std::mem::replace(cell, now));
        if let Some(cell) = cells.get_mut(copy as usize) {
            *cell = now;
        }
        let Some(before) = before else {
            return false;
        };
        let oldest = now.before(part.within);
        let mut count = u32::from(part.rule.own && before > oldest);
        for offset in self.around.offsets() {
            let last = cells.get(own.wrapping_add(offset)).copied().unwrap_or(C::NEVER);
            count += u32::from(last > oldest);
        }
        count >= part.rule.least
    }
}

impl OpState for LastTimes {
    fn reset(&mut self) {
        self.times.reset();
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.times.joined()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let times = loaded.i64s(self.times.len())?;
        loaded.end()?;
        self.times = AnyTimes::of(&times)?;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
