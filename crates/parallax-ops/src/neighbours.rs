//! Who fired nearby, and when: the last time of each pixel, laid out so that looking around never leaves the memory.
//!
//! Rows come in bands of 64. Each band is followed by nothing and shares nothing: it has a margin of its own on every side,
//! in which the rows of its neighbours are kept a second time. So bands can be worked on by different threads, and a
//! pixel at the edge looks around like any other. Events in order are cut in time instead: what happened longer
//! ago than an event counts tells nothing, so a thread has to run up that much only. The layout does not depend on the threads. Where a row lies, and where it
//! is kept a second time, is looked up; a row that is kept once is written to its place twice, which costs less than to ask.

use std::any::Any;
use std::ops::Range;

use parallax_events::{
    Event, EventBlock, EventOp, Geometry, Meta, Nanos, OpState, Order, ParamSpec, Params, Pool, Result,
    Stretch, state_as,
};
use parallax_simd::prefetch::soon;

use crate::grid::{geometry_for_grid, row_range, shares, worth_splitting};
use crate::saved::{Loaded, Saved};

/// Rows of a band.
const BAND: usize = 64;

/// So many cells all threads together may have for a block that is cut in time: a quarter of a gigabyte.
const MOST_CELLS: usize = 1 << 25;

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

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        state_as::<LastTimes>(state)?.retain(block, pool);
        Ok(())
    }
}

/// No event yet. A real event at this time counts as none.
const NEVER: i64 = i64::MIN;

/// Which pixels around one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Up to `radius` steps to the left, right, up and down: four neighbours for 1.
    Diamond,
    /// Up to `radius` columns and rows away: eight neighbours for 1.
    Square,
}

/// The last time of each pixel.
#[derive(Debug)]
pub(crate) struct LastTimes {
    geometry: Geometry,
    radius: usize,
    /// Columns of a row with its margins.
    stride: usize,
    rule: Rule,
    /// Where the neighbours lie from a pixel, wrapping.
    offsets: Vec<usize>,
    rows: Vec<Row>,
    cells: Vec<i64>,
    /// The latest time of the stream while its blocks are cut in time. `cells` then knows what still counts, and only together
    /// with `others` every pixel's last time.
    latest: Option<i64>,
    /// Cells of the threads that went through earlier stretches. What they know may be old: as times do not go back, a
    /// time that still counts is not older than one that does not.
    others: Vec<Vec<i64>>,
}

/// Where the pixels of a row lie: the cell of the first, and its cell in the margin of the next band, if it is there, too.
#[derive(Debug, Clone, Copy)]
struct Row {
    own: usize,
    copy: usize,
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
        Row { own, copy }
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
        let cells = vec![NEVER; bands * (BAND + 2 * radius) * stride];
        Ok(Self {
            geometry,
            radius,
            stride,
            rule,
            offsets,
            rows: rows(geometry.height.into(), radius, stride),
            cells,
            latest: None,
            others: Vec::new(),
        })
    }

    /// Keeps the events whose neighbourhood fulfils the rule; every event counts as its pixel's last one afterwards.
    pub(crate) fn retain(&mut self, block: &mut EventBlock, pool: Pool<'_>) {
        let stretches = self.stretches(block, pool);
        let last = stretches.len().checked_sub(2);
        if last.is_none() {
            self.join();
        }
        let &mut Self {
            geometry,
            radius,
            stride,
            rule,
            ..
        } = self;
        let (offsets, all_rows) = (&self.offsets, &self.rows);
        let part = |rows: Range<usize>, first_cell, cells| Part {
            rows,
            first_cell,
            cells,
            radius,
            stride,
            rule,
        };
        let parts = if stretches.is_empty() {
            let mut cells = self.cells.as_mut_slice();
            let band = (BAND + 2 * radius) * stride;
            let of_rows = |rows: Range<usize>| {
                let own = cells.split_off_mut(..rows.len().div_ceil(BAND) * band);
                let first_cell = rows.start / BAND * band;
                part(rows, first_cell, own.unwrap_or_default())
            };
            let shares = shares(pool, block, geometry.height, BAND);
            Parts::Rows(shares.into_iter().map(of_rows).collect())
        } else {
            let others = self.others.iter_mut().map(Vec::as_mut_slice);
            let cells = std::iter::once(self.cells.as_mut_slice()).chain(others);
            let stretch = |((run_up, start), cells)| Stretch {
                run_up,
                start,
                state: part(0..geometry.height.into(), 0, cells),
            };
            Parts::Stretches(stretches.into_iter().zip(cells).map(stretch).collect())
        };
        // One of the usual neighbourhoods is looked through without a loop.
        match offsets.as_slice() {
            &[a, b, c, d] => retain(block, pool, parts, all_rows, |part, event| {
                part.fulfils(all_rows, event, [a, b, c, d])
            }),
            &[a, b, c, d, e, f, g, h] => {
                retain(block, pool, parts, all_rows, |part, event| {
                    part.fulfils(all_rows, event, [a, b, c, d, e, f, g, h])
                });
            }
            offsets => retain(block, pool, parts, all_rows, |part, event| {
                part.fulfils(all_rows, event, offsets.iter().copied())
            }),
        }
        // Who went through the last stretch goes on in the next block.
        if let Some(last) = last.and_then(|last| self.others.get_mut(last)) {
            std::mem::swap(&mut self.cells, last);
        }
    }

    /// The run-up and the start of each stretch, one a thread, if the block is to be cut in time: it is in order and behind
    /// all that was before, and no run-up is long or reaches back before the block. There are cells for each then.
    fn stretches(&mut self, block: &EventBlock, pool: Pool<'_>) -> Vec<(usize, usize)> {
        let (threads, t) = (pool.threads(), block.columns().t);
        let is_small = self.cells.len().saturating_mul(threads) <= MOST_CELLS;
        if !is_small || !worth_splitting(pool, block) || block.order() < Order::Time {
            return Vec::new();
        }
        let mut stretches = vec![(0, 0)];
        for index in 1..threads {
            let start = t.len() / threads * index / 64 * 64;
            let oldest = t.get(start).map_or(NEVER, |t| t.saturating_sub(self.rule.within));
            let run_up = t.partition_point(|&t| t <= oldest) / 64 * 64;
            if run_up == 0 || start - run_up > t.len() / threads / 4 {
                return Vec::new();
            }
            stretches.push((run_up, start));
        }
        let newest = |cells: &[i64]| cells.iter().copied().max().unwrap_or(NEVER);
        let latest = self.latest.unwrap_or_else(|| newest(&self.cells));
        let (Some(&first), Some(&last)) = (t.first(), t.last()) else {
            return Vec::new();
        };
        if latest > first {
            return Vec::new();
        }
        if self.latest.is_none() {
            self.others.iter_mut().for_each(|cells| cells.fill(NEVER));
        }
        let more = || vec![NEVER; self.cells.len()];
        self.others
            .resize_with((threads - 1).max(self.others.len()), more);
        self.latest = Some(last);
        stretches
    }

    /// Every pixel's last time.
    fn joined(&self) -> Vec<i64> {
        let mut cells = self.cells.clone();
        if self.latest.is_some() {
            for other in &self.others {
                let both = cells.iter_mut().zip(other);
                both.for_each(|(cell, &other)| *cell = other.max(*cell));
            }
        }
        cells
    }

    /// From now on the block is not cut in time.
    fn join(&mut self) {
        if self.latest.is_some() {
            self.cells = self.joined();
            self.latest = None;
        }
    }
}

/// How a block is shared between threads.
enum Parts<'a> {
    Rows(Vec<Part<'a>>),
    Stretches(Vec<Stretch<Part<'a>>>),
}

fn retain<'a>(
    block: &mut EventBlock,
    pool: Pool<'_>,
    parts: Parts<'a>,
    rows: &[Row],
    fulfils: impl Fn(&mut Part<'a>, Event) -> bool + Sync,
) {
    let ahead = |part: &Part<'a>, event| part.fetch(rows, event);
    match parts {
        Parts::Stretches(stretches) => block.retain_by_stretches(pool, stretches, ahead, fulfils),
        Parts::Rows(mut parts) => {
            if let [whole] = parts.as_mut_slice() {
                return block.retain_over(whole, ahead, fulfils);
            }
            // It must see the events of its margins, too.
            let seen = |part: Part<'a>| (row_range(&part.rows, part.radius), part);
            block.retain_by_rows(pool, parts.into_iter().map(seen).collect(), ahead, fulfils);
        }
    }
}

/// Some bands on their own.
struct Part<'a> {
    /// The rows of the sensor that are in it, margins aside.
    rows: Range<usize>,
    /// Which of all cells its first is.
    first_cell: usize,
    cells: &'a mut [i64],
    radius: usize,
    stride: usize,
    rule: Rule,
}

impl Part<'_> {
    /// The cells of an event, and those above and below, will be asked for soon.
    #[inline(always)]
    fn fetch(&self, rows: &[Row], event: Event) {
        let Some(row) = rows.get(usize::from(event.y)) else {
            return;
        };
        let at = row
            .own
            .wrapping_add(usize::from(event.x))
            .wrapping_sub(self.first_cell);
        soon(self.cells, at);
        soon(self.cells, at.wrapping_sub(self.stride));
        soon(self.cells, at.wrapping_add(self.stride));
    }

    #[inline(always)]
    fn fulfils(&mut self, rows: &[Row], event: Event, offsets: impl IntoIterator<Item = usize>) -> bool {
        let Some(row) = rows.get(usize::from(event.y)) else {
            return false;
        };
        // Of a row that this part only has in its margin, the own cell lies outside, before the first or behind the last.
        let column = usize::from(event.x).wrapping_sub(self.first_cell);
        let (at, copy) = (row.own.wrapping_add(column), row.copy.wrapping_add(column));
        let before = self.cells.get_mut(at).map(|own| std::mem::replace(own, event.t));
        if let Some(cell) = self.cells.get_mut(copy) {
            *cell = event.t;
        }
        let Some(before) = before else {
            return false;
        };
        let oldest = event.t.saturating_sub(self.rule.within);
        let mut count = u32::from(self.rule.own && before > oldest);
        for offset in offsets {
            let last = self.cells.get(at.wrapping_add(offset)).copied().unwrap_or(NEVER);
            count += u32::from(last > oldest);
        }
        count >= self.rule.least
    }
}

impl OpState for LastTimes {
    fn reset(&mut self) {
        self.cells.fill(NEVER);
        self.latest = None;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.joined()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let cells = loaded.i64s(self.cells.len())?;
        loaded.end()?;
        (self.cells, self.latest) = (cells, None);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use std::sync::Arc;

    use parallax_events::{EventBatch, SharedPool};

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
        let y: Vec<u16> = (0..count)
            .map(|index| (mix(index + count) % u64::from(SIZE.1)) as u16)
            .collect();
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

    #[test]
    fn a_block_cut_in_time_keeps_what_one_thread_keeps() -> Result<()> {
        let long = 60_000;
        let blocks = [
            (events(1, long, -5000, 3)?, true),
            // From a time at which what was before still counts, past the middle.
            (events(2, long, 60_000, 1)?, false),
            (events(3, long, 1_000_000, 2)?, true),
            // All at once; then a short one; then one that takes up where the last ended.
            (events(4, long, 2_000_000, 0)?, false),
            (events(5, 1000, 2_000_000, 1)?, false),
            (events(6, long, 2_001_000, 1)?, true),
            // Neighbours of the block before still count, and the one after that is cut no more.
            (events(7, long, 2_061_000, 1)?, true),
            (events(8, 1000, 2_121_000, 1)?, false),
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
                for (number, (batch, is_cut)) in blocks.iter().enumerate() {
                    let (mut one, mut several) = (block_of(batch), block_of(batch));
                    alone.retain(&mut one, Pool::serial());
                    together.retain(&mut several, shared.pool());
                    assert_eq!(together.latest.is_some(), *is_cut, "block {number}");
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
