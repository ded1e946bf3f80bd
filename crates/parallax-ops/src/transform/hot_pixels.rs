//! Drops all events of pixels that fire far too often.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use parallax_events::{
    Declaration, DvsColumns, EventBatch, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result, TimeUnit,
    state_as,
};
use parallax_simd::marks::Marks;
use parallax_simd::prefetch::stretch_soon;
use parallax_simd::select;

use super::profile;
use crate::cells::Cells;
use crate::fixed::Fixed;
use crate::grid::geometry_for_grid;
use crate::held::{Held, MEMORY};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "hot_pixels",
    "Drops the events of pixels that fire far too often",
    &[
        ParamSpec::choice("by", &["neighbours", "rate", "percentile"])
            .default("neighbours")
            .doc("What a pixel's count of events is held against"),
        ParamSpec::float("ratio")
            .range(1.0, 1e9)
            .default(5.0)
            .doc("by=neighbours: hot is more than so many times the busiest of the eight pixels around"),
        ParamSpec::int("least")
            .unit("events")
            .range(1, 4_000_000_000)
            .default(20)
            .doc("by=neighbours: no pixel with fewer events is hot"),
        ParamSpec::rate("rate").min(0.0).default(1000.0).doc("by=rate: hot is more than so many events a second"),
        ParamSpec::float("percentile")
            .unit("%")
            .range(0.0, 100.0)
            .default(99.9)
            .doc("by=percentile: hot is more than this percentile of the pixels that fired at all"),
        MEMORY,
    ],
)
.with_doc(
    "It looks at the whole stream before it lets any event go, so all of it is held until the end (by reference where \
     nothing was changed before). `by=rate` counts over the time from the earliest to the latest event, as Tonic's \
     `DropPixel` does; where that is 0, no pixel is hot. `by=percentile` is evlib's `filter_hot_pixels`: the pixel at \
     place `percentile * pixels / 100` of the counts in order, both polarities together; what lies above it is dropped. \
     `by=neighbours` finds single pixels that stand out: light moves over several, a defect does not.",
)
.with_tags(profile::WHOLE_STREAM);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let by = match params.choice("by")? {
        "rate" => By::Rate(params.rate("rate")?),
        "percentile" => By::Percentile(params.float("percentile")?),
        _ => By::Neighbours { ratio: params.float("ratio")?, least: params.int("least")?.unsigned_abs() },
    };
    Ok(Box::new(HotPixels { params, by }))
}

#[derive(Debug)]
struct HotPixels {
    params: Params,
    by: By,
}

#[derive(Debug, Clone, Copy)]
enum By {
    Neighbours { ratio: f64, least: u64 },
    Rate(f64),
    Percentile(f64),
}

#[derive(Debug)]
struct Census {
    geometry: Geometry,
    unit: TimeUnit,
    /// One for each thread so far, which are added up in the end.
    counts: Vec<Mutex<Option<Counts>>>,
    /// Events of each pixel before those, in a stream that was saved; stops at the end of 32 bits.
    saved: Option<Cells<u32>>,
    /// All events so far, until they are handed on.
    held: Held,
    /// A bit for each hot pixel, once the stream has ended: then events are not counted, but those of these pixels dropped.
    hot: Option<Arc<[u64]>>,
}

/// What drops the events of hot pixels.
#[derive(Debug)]
struct Hot {
    width: u32,
    words: Arc<[u64]>,
}

impl Hot {
    fn narrow(&self, block: &mut EventBlock, pool: Pool<'_>) {
        let marks = Marks { width: self.width, words: &self.words };
        block.select_in_parts(pool, |events, mask| marks.drop(events.x, events.y, mask));
    }
}

impl EventOp for HotPixels {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        Ok(Box::new(Census {
            geometry,
            unit: meta.time_unit,
            counts: Vec::new(),
            saved: None,
            held: Held::new(meta, &self.params)?,
            hot: None,
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        if let Ok(hot) = state_as::<Fixed<Hot>>(state) {
            hot.0.narrow(block, pool);
            return Ok(());
        }
        let census = state_as::<Census>(state)?;
        if let Some(hot) = census.hot() {
            hot.narrow(block, pool);
            return Ok(());
        }
        census.count(block.packed(), pool)?;
        census.held.take(block)
    }

    fn fork(&self, state: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let hot = state_as::<Census>(state)?.hot();
        Ok(hot.map(|hot| Box::new(Fixed(hot)) as Box<dyn OpState>))
    }

    fn holds(&self, state: &mut dyn OpState) -> Result<bool> {
        Ok(state_as::<Census>(state)?.hot.is_none())
    }

    fn again(&self, state: &mut dyn OpState, pool: Pool<'_>) -> Result<Option<EventBatch>> {
        let census = state_as::<Census>(state)?;
        let (geometry, unit) = (census.geometry, census.unit);
        if census.hot.is_none() {
            let mut counts = Cells::stale(geometry.pixels())?;
            census.add_up(&mut counts, pool);
            let hot = match self.by {
                By::Rate(rate) => by_rate(&counts, census.held.span(), unit, rate),
                By::Percentile(percentile) => by_percentile(&counts, percentile, pool),
                By::Neighbours { ratio, least } => by_neighbours(&counts, geometry, ratio, least, pool),
            };
            census.hot = Some(hot.into());
        }
        Ok(census.held.next())
    }
}

/// Events that a thread counts at once; no more than these are counted before a second thread has begun.
const PART: usize = 32 << 10;

impl Census {
    fn hot(&self) -> Option<Hot> {
        let width = self.geometry.width.into();
        self.hot.as_ref().map(|words| Hot { width, words: Arc::clone(words) })
    }

    fn count(&mut self, events: DvsColumns<'_>, pool: Pool<'_>) -> Result<()> {
        let Self { geometry, counts, .. } = self;
        counts.resize_with((pool.threads() + 1).max(counts.len()), Mutex::default);
        let parts = events.x.chunks(PART).zip(events.y.chunks(PART)).collect();
        let count = |(x, y): (&[u16], &[u16])| {
            // Nobody else has this one.
            let Some(list) = counts.get(pool.place()) else { return Ok(()) };
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            let list = match &mut *list {
                Some(list) => list,
                none => none.insert(Counts::new(*geometry)?),
            };
            list.add(x, y, geometry.width);
            Ok(())
        };
        pool.map(parts, count).into_iter().collect()
    }

    /// Writes how many events each pixel had, as everybody counted; stops at the end of 32 bits.
    fn add_up(&self, sums: &mut [u32], pool: Pool<'_>) {
        let lists: Vec<_> = self.counts.iter().map(|list| list.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        let lists: Vec<&Counts> = lists.iter().filter_map(|list| list.as_ref()).collect();
        let parts = (0..).step_by(PIXELS).zip(sums.chunks_mut(PIXELS)).collect();
        pool.map(parts, |(start, sums): (usize, &mut [u32])| {
            let here = start..start + sums.len();
            match self.saved.as_ref().and_then(|saved| saved.get(here.clone())) {
                Some(saved) => sums.copy_from_slice(saved),
                None => sums.fill(0),
            }
            for rest in lists.iter().filter_map(|list| list.rest.get(here.clone())) {
                sums.iter_mut().zip(rest).for_each(|(sum, &rest)| *sum = sum.saturating_add(rest.into()));
            }
        });
        for &pixel in lists.iter().flat_map(|list| &list.full) {
            if let Some(sum) = sums.get_mut(pixel as usize) {
                *sum = sum.saturating_add(FULL);
            }
        }
    }
}

/// Pixels that a thread looks at at once.
const PIXELS: usize = 1 << 14;

/// How often each pixel fired, in a byte each, so that the pixels of a sensor stay in the second-level cache of a core.
#[derive(Debug)]
struct Counts {
    /// What the byte holds.
    rest: Cells<u8>,
    /// The pixel, each time that its byte began anew.
    full: Vec<u32>,
}

/// Events whose pixels are worked out at once, and how far ahead events are asked for.
const AT_ONCE: usize = 256;
const AHEAD: usize = 4 * AT_ONCE;

/// Events after which a byte begins anew.
const FULL: u32 = 1 << u8::BITS;

impl Counts {
    fn new(geometry: Geometry) -> Result<Self> {
        Ok(Self { rest: Cells::new(0, geometry.pixels())?, full: Vec::new() })
    }

    fn add(&mut self, x: &[u16], y: &[u16], width: u16) {
        let rest = &mut self.rest[..];
        let mut pixels = [0_u32; AT_ONCE];
        let parts = x.chunks(AT_ONCE).zip(y.chunks(AT_ONCE));
        for ((xs, ys), later) in parts.zip((AHEAD..).step_by(AT_ONCE)) {
            // The CPU does not read ahead into another page by itself.
            stretch_soon(x, later..later + AT_ONCE);
            stretch_soon(y, later..later + AT_ONCE);
            for ((pixel, &x), &y) in pixels.iter_mut().zip(xs).zip(ys) {
                *pixel = u32::from(y) * u32::from(width) + u32::from(x);
            }
            let mut count = |pixel: u32| {
                if let Some(count) = rest.get_mut(pixel as usize) {
                    *count = count.wrapping_add(1);
                    if *count == 0 {
                        self.full.push(pixel);
                    }
                }
            };
            // Several a turn: a loop so short takes longer where it lies badly in the CPU's caches.
            let (fours, others) = pixels[..xs.len()].as_chunks();
            fours.iter().for_each(|&[a, b, c, d]| {
                count(a);
                count(b);
                count(c);
                count(d);
            });
            others.iter().for_each(|&pixel| count(pixel));
        }
    }
}

/// The pixels that fired more often, as bits.
fn above(counts: &[u32], most: u32) -> Vec<u64> {
    let Some(least) = most.checked_add(1) else { return Vec::new() };
    let mut hot = vec![u64::MAX; counts.len().div_ceil(64)];
    select::at_least_u32(counts, least, &mut hot);
    hot
}

fn by_rate(counts: &[u32], span: Option<(i64, i64)>, unit: TimeUnit, rate: f64) -> Vec<u64> {
    let length = span.map_or(0, |(first, last)| last.abs_diff(first));
    if length == 0 {
        return Vec::new();
    }
    let most = rate * (length as f64 / unit.per_second() as f64);
    // Whole counts: more than the largest whole number that is not more.
    if most < f64::from(u32::MAX) { above(counts, most as u32) } else { Vec::new() }
}

fn by_percentile(counts: &[u32], percentile: f64, pool: Pool<'_>) -> Vec<u64> {
    // How many pixels have each small count: nearly all do, so the place is found without putting the counts in order.
    let part = counts.len().div_ceil(pool.threads()).max(1);
    let found = pool.map(counts.chunks(part).collect(), small_and_busy);
    let mut pixels = [0; SMALL];
    let mut busy = Vec::new();
    for (small, more) in found {
        pixels.iter_mut().zip(small).for_each(|(pixels, small)| *pixels += small);
        busy.extend(more);
    }
    pixels[0] = 0;
    let few: usize = pixels.iter().sum();
    let Some(last) = (few + busy.len()).checked_sub(1) else { return Vec::new() };
    let mut place = ((percentile / 100.0 * last as f64).round() as usize).min(last);
    if place >= few {
        let (_, &mut most, _) = busy.select_nth_unstable(place - few);
        return above(counts, most);
    }
    let is_before = |pixels: &usize| place.checked_sub(*pixels).map(|rest| place = rest).is_some();
    let most = pixels.iter().copied().take_while(is_before).count() as u32;
    above(counts, most)
}

/// How many pixels have each count that is small, and what the counts of the others are.
fn small_and_busy(counts: &[u32]) -> ([usize; SMALL], Vec<u32>) {
    let mut lanes = [[0_u32; LANES]; SMALL];
    let mut busy = Vec::new();
    for counts in counts.chunks(LANES) {
        for (lane, &count) in counts.iter().enumerate() {
            match lanes.get_mut(count as usize) {
                Some(pixels) => pixels[lane] += 1,
                None => busy.push(count),
            }
        }
    }
    (lanes.map(|lanes| lanes.iter().map(|&pixels| pixels as usize).sum()), busy)
}

/// Counts below this are small.
const SMALL: usize = 1024;

/// Neighbours often have the same count: each goes on from its own number, so that none waits for the one before.
const LANES: usize = 4;

fn by_neighbours(counts: &[u32], geometry: Geometry, ratio: f64, least: u64, pool: Pool<'_>) -> Vec<u64> {
    let (width, height) = (usize::from(geometry.width), usize::from(geometry.height));
    let is_hot = |pixel: usize, count: u32| {
        if u64::from(count) < least {
            return false;
        }
        let (x, y) = (pixel % width, pixel / width);
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        let busiest = rows
            .flat_map(|row| (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| row * width + column))
            .filter(|&other| other != pixel)
            .filter_map(|other| counts.get(other))
            .max();
        // A quiet neighbourhood counts as one event.
        f64::from(count) > ratio * f64::from(busiest.copied().unwrap_or(0).max(1))
    };
    let word = |(start, counts): (usize, &[u32])| {
        let places = counts.iter().enumerate();
        places.fold(0, |bits, (place, &count)| bits | u64::from(is_hot(start + place, count)) << place)
    };
    let mut hot = vec![0; counts.len().div_ceil(64)];
    let parts = (0..).step_by(PIXELS).zip(counts.chunks(PIXELS).zip(hot.chunks_mut(PIXELS / 64)));
    pool.map(parts.collect(), |(start, (counts, hot)): (usize, (&[u32], &mut [u64]))| {
        let words = (start..).step_by(64).zip(counts.chunks(64)).map(word);
        hot.iter_mut().zip(words).for_each(|(hot, word)| *hot = word);
    });
    hot
}

impl OpState for Census {
    fn reset(&mut self) {
        for list in &mut self.counts {
            if let Some(Counts { rest, full }) = list.get_mut().unwrap_or_else(PoisonError::into_inner) {
                rest.fill(0);
                full.clear();
            }
        }
        self.saved = None;
        self.held.reset();
        self.hot = None;
    }

    fn save(&self) -> Vec<u8> {
        // Which pixels are hot follows from the counts and the times.
        let mut counts = vec![0; self.geometry.pixels()];
        self.add_up(&mut counts, Pool::serial());
        Saved::default().u32s(&counts).u8s(&self.held.save()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let counts = loaded.u32s(self.geometry.pixels())?;
        self.held.restore(loaded.rest())?;
        let mut saved = Cells::new(0, counts.len())?;
        saved.copy_from_slice(&counts);
        (self.counts, self.saved, self.hot) = (Vec::new(), Some(saved), None);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use parallax_events::SharedPool;

    use super::*;

    #[test]
    fn counts_go_on_where_a_byte_ends_and_where_a_saved_stream_begins() -> Result<()> {
        let counts = [0, 1, 255, 256, 257, 511, 512, 70_000];
        let x: Vec<u16> = (0..).zip(counts).flat_map(|(x, count)| std::iter::repeat_n(x, count)).collect();
        let zeros = vec![0; x.len()];
        let meta = Arc::new(Meta::with_geometry(8, 1)?);
        let batch = EventBatch::try_new(vec![0; x.len()], x, vec![0; zeros.len()], zeros, Arc::clone(&meta))?;
        let found = |census: &Census| {
            let mut sums = vec![0; 8];
            census.add_up(&mut sums, Pool::serial());
            sums
        };
        let op = build(Params::of(&DECLARATION).build()?)?;
        for threads in [1, 2] {
            let shared = SharedPool::new(threads)?;
            let (mut state, mut other) = (op.state(&meta)?, op.state(&meta)?);
            for times in 1..=3 {
                let mut block = EventBlock::default();
                block.load(&batch);
                op.run(state.as_mut(), &mut block, shared.pool())?;
                let wanted = counts.map(|count| times * count as u32);
                assert_eq!(found(state_as(state.as_mut())?), wanted, "{threads} threads");
                other.restore(&state.save())?;
                assert_eq!(other.save(), state.save(), "{threads} threads");
                std::mem::swap(&mut state, &mut other);
            }
            state.reset();
            assert_eq!(found(state_as(state.as_mut())?), [0; 8]);
        }
        Ok(())
    }
}
