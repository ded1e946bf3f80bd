//! Adds events that mean nothing: anywhere, at any time, of either polarity.

use parallax_events::{
    Declaration, Error, Event, EventBlock, EventColumns, EventOp, Geometry, Meta, OpState, ParamSpec, Params,
    Philox, Pool, Result, state_as,
};
use parallax_simd::math::ln_f64;

use super::profile;
use crate::held::{Held, MEMORY};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "uniform_noise",
    "Adds noise: events anywhere, at any time, of either polarity",
    &[
        ParamSpec::rate("rate").range(1e-9, 1e12).default(1.0).doc("How many events a second on average"),
        ParamSpec::choice("per", &["pixel", "sensor"]).default("pixel").doc("Whether `rate` is that of a pixel or of all"),
        ParamSpec::int("n")
            .unit("events")
            .range(0, 1_000_000_000)
            .optional()
            .doc("So many events in all, instead of by `rate`; the stream is held until it ends"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed adds others"),
        MEMORY,
    ],
)
.with_doc(
    "By rate, times are a Poisson process from the first event on: the gap before noise event k is \
     `-ln((w + 1/2) / 2³²) / rate`, w being word 3 of its Philox block; x, y and p come from words 0 to 2. A noise event comes \
     before the first event that is not earlier, so a stream in order stays in order; none comes after the last event. \
     `n=` is Tonic's `UniformNoise`: exactly so many, their times spread evenly over the time from the earliest event to \
     the latest. A stream without events stays so.",
)
.with_aliases(&[("add_noise", "uniform_noise")])
.with_tags(profile::AUGMENTATION);

/// No gap of the stream may ask for more events than this: a time that is far off must not fill the memory.
const MOST_IN_A_GAP: f64 = 1e8;

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let draws = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    let (rate, per_pixel) = (params.rate("rate")?, params.choice("per")? == "pixel");
    let count = params.optional_int("n")?.map(i64::unsigned_abs);
    Ok(Box::new(UniformNoise { params, rate, per_pixel, count, draws }))
}

#[derive(Debug)]
struct UniformNoise {
    params: Params,
    rate: f64,
    per_pixel: bool,
    count: Option<u64>,
    draws: Philox,
}

/// The state by rate: the next noise event.
#[derive(Debug)]
struct Noise {
    geometry: Geometry,
    /// Units of time between two events on average.
    gap: f64,
    index: u64,
    /// Its time, and what is behind the decimal point; `None` before the first event of the stream.
    next: Option<(i64, f64)>,
}

/// The state by number: the stream so far, and after its end the noise that is left, in order of time.
#[derive(Debug)]
struct Whole {
    held: Held,
    geometry: Geometry,
    noise: Option<std::vec::IntoIter<Event>>,
}

impl UniformNoise {
    /// Noise event `index` at the time `t`.
    fn event(&self, index: u64, t: i64, geometry: Geometry) -> Event {
        let x = self.draws.below(index, 0, geometry.width.into()) as u16;
        let y = self.draws.below(index, 1, geometry.height.into()) as u16;
        Event::new(t, x, y, self.draws.below(index, 2, 2) as u8)
    }

    /// How long it is from the noise event before until this one.
    fn gap(&self, index: u64, mean: f64) -> f64 {
        let [.., word] = self.draws.at(index);
        -ln_f64((f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0)) * mean
    }

    /// The noise up to the time of `event`, then the event.
    fn up_to(&self, noise: &mut Noise, event: Event, out: &mut EventColumns) -> Result<()> {
        let Noise { geometry, gap, index, next } = noise;
        let mut at = match *next {
            Some(at) => at,
            None => later((event.t, 0.0), self.gap(*index, *gap)),
        };
        let wanted = (i128::from(event.t) - i128::from(at.0)) as f64 / *gap;
        if wanted > MOST_IN_A_GAP {
            return Err(Error::limit(format!(
                "`uniform_noise` would add some {wanted:.0} events before the time {}",
                event.t
            ))
            .with_hint("cut the gap out of the stream with `time`, or lower `rate`"));
        }
        while at.0 <= event.t && at.0 < i64::MAX {
            out.push(self.event(*index, at.0, *geometry));
            *index = index.wrapping_add(1);
            at = later(at, self.gap(*index, *gap));
        }
        *next = Some(at);
        out.push(event);
        Ok(())
    }

    /// All noise of a stream over this time, in order.
    fn spread(&self, count: u64, span: (i64, i64), geometry: Geometry) -> Vec<Event> {
        let length = (i128::from(span.1) - i128::from(span.0) + 1) as f64;
        let place = |index: u64| {
            let since = (self.draws.unit_f64(index, 2) * length) as i128;
            let t = (i128::from(span.0) + since).min(span.1.into());
            self.event(index, t as i64, geometry)
        };
        let mut noise: Vec<Event> = (0..count).map(place).collect();
        noise.sort_by_key(|event| event.t);
        noise
    }
}

/// A time and its fraction, `gap` later; stops at the end of 64 bits.
fn later((t, fraction): (i64, f64), gap: f64) -> (i64, f64) {
    let sum = fraction + gap;
    let whole = sum.floor();
    (t.saturating_add(whole as i64), sum - whole)
}

impl EventOp for UniformNoise {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = meta.require_geometry()?;
        if let Some(count) = self.count {
            if count.saturating_mul(13) > self.params.size("memory")? {
                return Err(Error::limit(format!("{count} noise events take more memory than `memory` allows"))
                    .with_hint("raise `memory`"));
            }
            let held = Held::new(meta, &self.params)?;
            return Ok(Box::new(Whole { held, geometry, noise: None }));
        }
        let pixels = if self.per_pixel { geometry.pixels() as f64 } else { 1.0 };
        let gap = meta.time_unit.per_second() as f64 / (self.rate * pixels);
        Ok(Box::new(Noise { geometry, gap, index: 0, next: None }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.count.is_some() {
            return state_as::<Whole>(state)?.held.take(block);
        }
        let noise = state_as::<Noise>(state)?;
        block.rewrite(|events, out| events.iter().try_for_each(|event| self.up_to(noise, event, out)))
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let Some(count) = self.count else { return Ok(()) };
        let Whole { held, geometry, noise } = state_as::<Whole>(state)?;
        let Some(span) = held.span() else { return Ok(()) };
        let noise = noise.get_or_insert_with(|| self.spread(count, span, *geometry).into_iter());
        let Some(batch) = held.next() else {
            return block.rewrite(|_, out| {
                noise.for_each(|event| out.push(event));
                Ok(())
            });
        };
        block.rewrite(|_, out| {
            for event in batch.columns().iter() {
                while let Some(&first) = noise.as_slice().first().filter(|noise| noise.t <= event.t) {
                    out.push(first);
                    noise.next();
                }
                out.push(event);
            }
            Ok(())
        })
    }
}

impl OpState for Noise {
    fn reset(&mut self) {
        (self.index, self.next) = (0, None);
    }

    fn save(&self) -> Vec<u8> {
        let fraction = self.next.map_or(0.0, |(_, fraction)| fraction);
        Saved::default()
            .u64(self.index)
            .optional_i64(self.next.map(|(t, _)| t))
            .u64(fraction.to_bits())
            .bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let (index, t) = (loaded.u64()?, loaded.optional_i64()?);
        let fraction = f64::from_bits(loaded.u64()?);
        loaded.end()?;
        if !(0.0..1.0).contains(&fraction) {
            return Err(Error::malformed("the saved state names a fraction of time that is none"));
        }
        (self.index, self.next) = (index, t.map(|t| (t, fraction)));
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

impl OpState for Whole {
    fn reset(&mut self) {
        self.held.reset();
        self.noise = None;
    }

    fn save(&self) -> Vec<u8> {
        self.held.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.noise = None;
        self.held.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
