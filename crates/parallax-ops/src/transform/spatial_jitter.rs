//! Moves each event by a few pixels at random.

use parallax_events::{
    Declaration, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Philox, PixelsMut, Pool, Result,
    state_as,
};
use parallax_simd::displace::{self, Bounds};

use super::profile;
use crate::displacement::{Displacement, unit_normal};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "spatial_jitter",
    "Moves each event by a few pixels at random",
    &[
        ParamSpec::float("std_x").unit("px").range(0.0, 1000.0).default(1.0).doc("Standard deviation to the side"),
        ParamSpec::float("std_y").unit("px").range(0.0, 1000.0).default(1.0).doc("Standard deviation up and down"),
        ParamSpec::float("correlation").range(-1.0, 1.0).default(0.0).doc("How far both go together"),
        ParamSpec::choice("outside", &["drop", "clamp"])
            .default("drop")
            .doc("Events that leave the sensor: dropped, or put onto its edge"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed moves otherwise"),
    ],
)
.with_doc(
    "By a normal distribution, to the nearest pixel; no event moves by more than 6.34 standard deviations. Tonic's \
     `SpatialJitter` takes variances, and cuts towards zero, which moves events up and left by half a pixel on average.",
)
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let words = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    let std = (params.float("std_x")?, params.float("std_y")?);
    let correlation = params.float("correlation")?;
    Ok(Box::new(SpatialJitter {
        x: Displacement::new(std.0),
        y: Displacement::new(std.1),
        correlated: (correlation != 0.0).then_some(Correlated { std, correlation }),
        clamp: params.choice("outside")? == "clamp",
        words,
        params,
    }))
}

#[derive(Debug)]
struct SpatialJitter {
    params: Params,
    x: Displacement,
    y: Displacement,
    correlated: Option<Correlated>,
    clamp: bool,
    words: Philox,
}

#[derive(Debug, Clone, Copy)]
struct Correlated {
    std: (f64, f64),
    correlation: f64,
}

#[derive(Debug)]
struct Jitter {
    geometry: Geometry,
    /// Events so far.
    seen: u64,
}

impl EventOp for SpatialJitter {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Jitter { geometry: meta.require_geometry()?, seen: 0 }))
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut Jitter { geometry, ref mut seen } = state_as(state)?;
        let first = *seen;
        *seen = first.wrapping_add(block.kept() as u64);
        Ok(Some(Box::new(Jitter { geometry, seen: first })))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let &mut Jitter { geometry, ref mut seen } = state_as(state)?;
        let first = *seen;
        *seen = seen.wrapping_add(block.kept() as u64);
        // An event that leaves the sensor is on its edge by then, or in a column that no sensor has.
        block.change_pixels_within(pool, geometry, |before, PixelsMut { x, y, .. }| {
            self.shift(first.wrapping_add(before as u64), x, y, geometry);
        });
        Ok(())
    }
}

/// Events whose words are drawn at once.
const DRAWN: usize = 512;

impl SpatialJitter {
    /// Moves events, the first of which is number `first`: event `i` by words `2 (i % 2)` and the next of block `i / 2`.
    fn shift(&self, first: u64, x: &mut [u16], y: &mut [u16], geometry: Geometry) {
        let bounds = Bounds { width: geometry.width, height: geometry.height, clamps: self.clamp };
        let mut words = [[0; 4]; DRAWN / 2 + 1];
        let mut index = first;
        for (x, y) in x.chunks_mut(DRAWN).zip(y.chunks_mut(DRAWN)) {
            self.words.fill(index / 2, &mut words);
            // The first event may be the second of its block.
            let pairs = words.as_flattened().as_chunks::<2>().0;
            let pairs = pairs.get((index % 2) as usize..).unwrap_or_default();
            self.shift_by(pairs, x, y, bounds);
            index = index.wrapping_add(x.len() as u64);
        }
    }

    fn shift_by(&self, words: &[[u32; 2]], x: &mut [u16], y: &mut [u16], bounds: Bounds) {
        match (self.correlated, self.x.few_steps(), self.y.few_steps()) {
            (None, Some(to_side), Some(down)) => displace::shift(x, y, words, [to_side, down], bounds),
            (None, ..) => one_by_one(words, x, y, bounds, |[a, b]| (self.x.of(a), self.y.of(b))),
            (Some(Correlated { std, correlation }), ..) => {
                let rest = (1.0 - correlation * correlation).sqrt();
                one_by_one(words, x, y, bounds, |[a, b]| {
                    let (a, b) = (unit_normal(a), unit_normal(b));
                    let both = correlation * a + rest * b;
                    ((std.0 * a).round() as i32, (std.1 * both).round() as i32)
                });
            }
        }
    }
}

/// As [`displace::shift`], by any steps.
#[inline(always)]
fn one_by_one(
    words: &[[u32; 2]],
    x: &mut [u16],
    y: &mut [u16],
    bounds: Bounds,
    step: impl Fn([u32; 2]) -> (i32, i32),
) {
    let (right, bottom) = (i32::from(bounds.width) - 1, i32::from(bounds.height) - 1);
    for ((x, y), &words) in x.iter_mut().zip(y).zip(words) {
        let (to_side, down) = step(words);
        let (moved_x, moved_y) = (i32::from(*x) + to_side, i32::from(*y) + down);
        let (inside_x, inside_y) = (moved_x.clamp(0, right), moved_y.clamp(0, bottom));
        let inside = (moved_x, moved_y) == (inside_x, inside_y);
        *x = if inside || bounds.clamps { inside_x as u16 } else { displace::OUTSIDE };
        *y = inside_y as u16;
    }
}

impl OpState for Jitter {
    fn reset(&mut self) {
        self.seen = 0;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().u64(self.seen).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let seen = loaded.u64()?;
        loaded.end()?;
        self.seen = seen;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
