//! Drops all events of pixels that fire far too often.

use std::any::Any;

use parallax_events::{
    Declaration, DvsColumns, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result, TimeUnit,
    state_as,
};

use super::profile;
use crate::grid::geometry_for_grid;
use crate::held::{Held, MEMORY};
use crate::saved::{Loaded, Saved};
use crate::work;
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
    counts: Vec<Vec<u32>>,
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
            counts: vec![vec![0; geometry.pixels()]],
            held: Held::new(meta, &self.params)?,
            hot: None,
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let census = state_as::<Census>(state)?;
        census.count(block.packed(), pool);
        census.held.take(block)
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let census = state_as::<Census>(state)?;
        let (geometry, unit, span) = (census.geometry, census.unit, census.held.span());
        let hot = census.hot.get_or_insert_with(|| {
            let counts = added_up(&census.counts);
            match self.by {
                By::Rate(rate) => by_rate(&counts, span, unit, rate),
                By::Percentile(percentile) => by_percentile(&counts, percentile),
                By::Neighbours { ratio, least } => by_neighbours(&counts, geometry, ratio, least),
            }
        });
        let width = usize::from(geometry.width);
        while block.is_empty()
            && let Some(batch) = census.held.next()
        {
            block.load(&batch);
            block.select_in_parts(pool, |events, mask| drop_hot(events, width, hot, mask));
        }
        Ok(())
    }
}

/// Clears the bits of the events of hot pixels.
fn drop_hot(events: DvsColumns<'_>, width: usize, hot: &[u64], mask: &mut [u64]) {
    for (word, (x, y)) in mask.iter_mut().zip(events.x.chunks(64).zip(events.y.chunks(64))) {
        let mut found = 0;
        for (place, (&x, &y)) in x.iter().zip(y).enumerate() {
            let pixel = usize::from(y) * width + usize::from(x);
            found |= (hot.get(pixel / 64).map_or(0, |bits| bits >> (pixel % 64)) & 1) << place;
        }
        *word &= !found;
    }
}

/// Fewer events are counted before a second thread has begun.
const LEAST_TO_SPLIT: usize = 32 << 10;

impl Census {
    fn count(&mut self, events: DvsColumns<'_>, pool: Pool<'_>) {
        let width = usize::from(self.geometry.width);
        let threads = if events.len() < LEAST_TO_SPLIT { 1 } else { pool.threads() };
        self.counts.resize_with(threads.max(self.counts.len()), || vec![0; self.geometry.pixels()]);
        let part = events.len().div_ceil(threads).max(1);
        let parts = events.x.chunks(part).zip(events.y.chunks(part)).zip(&mut self.counts).collect();
        work::for_each(pool, parts, |((x, y), counts): ((&[u16], &[u16]), &mut Vec<u32>)| {
            for (&x, &y) in x.iter().zip(y) {
                if let Some(count) = counts.get_mut(usize::from(y) * width + usize::from(x)) {
                    *count = count.saturating_add(1);
                }
            }
        });
    }
}

/// The counts of all threads. Each stops at the end of 32 bits, as their sum does, so it matters not who counted what.
fn added_up(counts: &[Vec<u32>]) -> Vec<u32> {
    let mut sums = counts.first().cloned().unwrap_or_default();
    for others in counts.iter().skip(1) {
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum = sum.saturating_add(*other));
    }
    sums
}

/// The pixels whose count passes, as bits.
fn pixels_where(counts: &[u32], hot: impl Fn(usize, u32) -> bool) -> Vec<u64> {
    let word = |(start, counts): (usize, &[u32])| {
        let places = counts.iter().enumerate();
        places.fold(0, |bits, (place, &count)| bits | u64::from(hot(start + place, count)) << place)
    };
    (0..).step_by(64).zip(counts.chunks(64)).map(word).collect()
}

fn by_rate(counts: &[u32], span: Option<(i64, i64)>, unit: TimeUnit, rate: f64) -> Vec<u64> {
    let length = span.map_or(0, |(first, last)| last.abs_diff(first));
    if length == 0 {
        return Vec::new();
    }
    let most = rate * (length as f64 / unit.per_second() as f64);
    pixels_where(counts, |_, count| f64::from(count) > most)
}

fn by_percentile(counts: &[u32], percentile: f64) -> Vec<u64> {
    let mut active: Vec<u32> = counts.iter().copied().filter(|&count| count > 0).collect();
    if active.is_empty() {
        return Vec::new();
    }
    let place = (percentile / 100.0 * (active.len() - 1) as f64).round() as usize;
    let place = place.min(active.len() - 1);
    let (_, &mut most, _) = active.select_nth_unstable(place);
    pixels_where(counts, |_, count| count > most)
}

fn by_neighbours(counts: &[u32], geometry: Geometry, ratio: f64, least: u64) -> Vec<u64> {
    let (width, height) = (usize::from(geometry.width), usize::from(geometry.height));
    pixels_where(counts, |pixel, count| {
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
    })
}

impl OpState for Census {
    fn reset(&mut self) {
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
        self.held.reset();
        self.hot = None;
    }

    fn save(&self) -> Vec<u8> {
        // Which pixels are hot follows from the counts and the times.
        let counts = added_up(&self.counts);
        Saved::default().u32s(&counts).u8s(&self.held.save()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let counts = loaded.u32s(self.geometry.pixels())?;
        self.held.restore(loaded.rest())?;
        (self.counts, self.hot) = (vec![counts], None);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
