//! Drops all events of pixels that fire far too often.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use parallax_events::{
    Declaration, DvsColumns, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result, TimeUnit,
    state_as,
};
use parallax_simd::marks::Marks;
use parallax_simd::select;

use super::profile;
use crate::cells::Cells;
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
    /// Events of each pixel; stops at the end of 32 bits. One list for each thread so far, which are added up in the end.
    counts: Vec<Mutex<Option<Cells<u32>>>>,
    /// All events so far, until they are handed on.
    held: Held,
    /// A bit for each hot pixel, once the stream has ended.
    hot: Option<Vec<u64>>,
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
            held: Held::new(meta, &self.params)?,
            hot: None,
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let census = state_as::<Census>(state)?;
        census.count(block.packed(), pool)?;
        census.held.take(block)
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let census = state_as::<Census>(state)?;
        let (geometry, unit) = (census.geometry, census.unit);
        if census.hot.is_none() {
            let counts = census.added_up();
            census.hot = Some(match self.by {
                By::Rate(rate) => by_rate(&counts, census.held.span(), unit, rate),
                By::Percentile(percentile) => by_percentile(&counts, percentile),
                By::Neighbours { ratio, least } => by_neighbours(&counts, geometry, ratio, least),
            });
        }
        let hot = census.hot.as_deref().unwrap_or_default();
        let marks = Marks { width: geometry.width.into(), words: hot };
        while block.is_empty()
            && let Some(batch) = census.held.next()
        {
            block.load(&batch);
            block.select_in_parts(pool, |events, mask| marks.drop(events.x, events.y, mask));
        }
        Ok(())
    }
}

/// Events that a thread counts at once; no more than these are counted before a second thread has begun.
const PART: usize = 32 << 10;

impl Census {
    fn count(&mut self, events: DvsColumns<'_>, pool: Pool<'_>) -> Result<()> {
        let Self { geometry, counts, .. } = self;
        let width = usize::from(geometry.width);
        counts.resize_with((pool.threads() + 1).max(counts.len()), Mutex::default);
        let parts = events.x.chunks(PART).zip(events.y.chunks(PART)).collect();
        let count = |(x, y): (&[u16], &[u16])| {
            // Nobody else has this one.
            let Some(list) = counts.get(pool.place()) else { return Ok(()) };
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            let list = match &mut *list {
                Some(list) => list,
                none => none.insert(Cells::new(0, geometry.pixels())?),
            };
            let cells = &mut list[..];
            for (&x, &y) in x.iter().zip(y) {
                if let Some(count) = cells.get_mut(usize::from(y) * width + usize::from(x)) {
                    *count = count.saturating_add(1);
                }
            }
            Ok(())
        };
        pool.map(parts, count).into_iter().collect()
    }

    /// The counts of all threads. Each stops at the end of 32 bits, as their sum does, so it matters not who counted what.
    fn added_up(&self) -> Vec<u32> {
        let mut sums = Vec::new();
        for list in &self.counts {
            let list = list.lock().unwrap_or_else(PoisonError::into_inner);
            match list.as_deref() {
                Some(list) if sums.is_empty() => sums.extend_from_slice(list),
                Some(list) => sums.iter_mut().zip(list).for_each(|(sum, other)| *sum = other.saturating_add(*sum)),
                None => {}
            }
        }
        sums.resize(self.geometry.pixels(), 0);
        sums
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

fn by_percentile(counts: &[u32], percentile: f64) -> Vec<u64> {
    // How many pixels have each small count: nearly all do, so the place is found without putting the counts in order.
    let mut pixels = [0_usize; SMALL];
    let mut busy = Vec::new();
    for &count in counts {
        match pixels.get_mut(count as usize) {
            Some(pixels) => *pixels += 1,
            None => busy.push(count),
        }
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

/// Counts below this are small.
const SMALL: usize = 1024;

fn by_neighbours(counts: &[u32], geometry: Geometry, ratio: f64, least: u64) -> Vec<u64> {
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
    (0..).step_by(64).zip(counts.chunks(64)).map(word).collect()
}

impl OpState for Census {
    fn reset(&mut self) {
        for list in &mut self.counts {
            if let Some(list) = list.get_mut().unwrap_or_else(PoisonError::into_inner) {
                list.fill(0);
            }
        }
        self.held.reset();
        self.hot = None;
    }

    fn save(&self) -> Vec<u8> {
        // Which pixels are hot follows from the counts and the times.
        let counts = self.added_up();
        Saved::default().u32s(&counts).u8s(&self.held.save()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let counts = loaded.u32s(self.geometry.pixels())?;
        self.held.restore(loaded.rest())?;
        let mut cells = Cells::new(0, counts.len())?;
        cells.copy_from_slice(&counts);
        (self.counts, self.hot) = (vec![Mutex::new(Some(cells))], None);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
