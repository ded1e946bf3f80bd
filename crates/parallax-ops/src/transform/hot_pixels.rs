//! Drops all events of pixels that fire far too often.

use std::any::Any;
use std::sync::Arc;

use parallax_events::{
    Declaration, EventBatch, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result,
    TimeUnit, state_as,
};

use super::profile;
use crate::grid::geometry_for_grid;
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
    meta: Arc<Meta>,
    /// Events of each pixel; stops at the end of 32 bits.
    counts: Vec<u32>,
    /// The earliest and the latest time.
    span: Option<(i64, i64)>,
    /// All events so far, until they are handed on.
    held: Vec<EventBatch>,
    /// A bit for each hot pixel and how many of `held` were handed on, once the stream has ended.
    verdict: Option<(Vec<u64>, usize)>,
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
            meta: Arc::new(meta.clone()),
            counts: vec![0; geometry.pixels()],
            span: None,
            held: Vec::new(),
            verdict: None,
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let census = state_as::<Census>(state)?;
        let batch = block.to_batch(&census.meta)?;
        census.take(&batch);
        census.held.push(batch);
        block.clear();
        Ok(())
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock) -> Result<()> {
        let census = state_as::<Census>(state)?;
        let (hot, next) = census.verdict.get_or_insert_with(|| {
            let hot = match self.by {
                By::Rate(rate) => by_rate(&census.counts, census.span, census.unit, rate),
                By::Percentile(percentile) => by_percentile(&census.counts, percentile),
                By::Neighbours { ratio, least } => by_neighbours(&census.counts, census.geometry, ratio, least),
            };
            (hot, 0)
        });
        let width = usize::from(census.geometry.width);
        while block.is_empty()
            && let Some(batch) = census.held.get(*next)
        {
            block.load(batch);
            block.retain(|event| {
                let pixel = usize::from(event.y) * width + usize::from(event.x);
                hot.get(pixel / 64).is_none_or(|word| word >> (pixel % 64) & 1 == 0)
            });
            *next += 1;
        }
        Ok(())
    }
}

impl Census {
    fn take(&mut self, batch: &EventBatch) {
        let width = usize::from(self.geometry.width);
        let events = batch.columns();
        for (&x, &y) in events.x.iter().zip(events.y) {
            if let Some(count) = self.counts.get_mut(usize::from(y) * width + usize::from(x)) {
                *count = count.saturating_add(1);
            }
        }
        if let Some((first, last)) = parallax_simd::bounds::min_max_i64(events.t) {
            let (earliest, latest) = self.span.unwrap_or((first, last));
            self.span = Some((earliest.min(first), latest.max(last)));
        }
    }
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
        self.counts.fill(0);
        self.held.clear();
        (self.span, self.verdict) = (None, None);
    }

    fn save(&self) -> Vec<u8> {
        // The verdict follows from the counts.
        let handed_on = self.verdict.as_ref().map_or(0, |(_, next)| *next);
        Saved::default()
            .u32s(&self.counts)
            .optional_i64(self.span.map(|(first, _)| first))
            .optional_i64(self.span.map(|(_, last)| last))
            .events(self.held.iter().skip(handed_on))
            .bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let counts = loaded.u32s(self.counts.len())?;
        let span = loaded.optional_i64()?.zip(loaded.optional_i64()?);
        let events = loaded.events()?;
        loaded.end()?;
        let events = events.as_columns();
        let held = EventBatch::try_new(
            events.t.to_vec(),
            events.x.to_vec(),
            events.y.to_vec(),
            events.p.to_vec(),
            Arc::clone(&self.meta),
        )?;
        (self.counts, self.span, self.verdict) = (counts, span, None);
        self.held = vec![held];
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
