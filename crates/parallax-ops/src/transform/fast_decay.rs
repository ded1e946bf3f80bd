//! Drops the events of quiet corners, by a small picture of decaying counts.

use std::any::Any;

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Geometry, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result, state_as,
};
use parallax_simd::math::exp_f64;

use super::profile;
use crate::grid::geometry_for_grid;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "fast_decay",
    "Drops events where little else happens, by counts that decay",
    &[
        ParamSpec::time("half_life").min(Nanos(1)).default(Nanos(10_000_000)).doc("In this time a count falls to its half"),
        ParamSpec::int("subdivision").unit("px").range(1, 65_535).default(4).doc("Width and height of a cell with one count"),
        ParamSpec::float("threshold").range(0.0, 1e9).default(6.0).doc("What a cell's count must exceed"),
    ],
)
.with_doc(
    "A cell's count decays by `2^(-dt / half_life)` since the cell's last event and grows by 1 with each; the event is kept if \
     the count is above `threshold` then. The `FastDecayNoiseFilter` of dv-processing, with its defaults, in 64-bit floats. \
     Where time goes back nothing decays (there, counts would grow).",
)
.with_aliases(&[("fast_decay_noise_filter", "fast_decay")])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let side = u16::try_from(params.int("subdivision")?).map_err(|error| Error::internal(error.to_string()))?;
    let (half_life, threshold) = (params.time("half_life")?, params.float("threshold")?);
    Ok(Box::new(FastDecay { params, half_life, side, threshold }))
}

#[derive(Debug)]
struct FastDecay {
    params: Params,
    half_life: Nanos,
    /// Of a cell, in pixels.
    side: u16,
    threshold: f64,
}

#[derive(Debug)]
struct Counts {
    width: usize,
    /// The exponent for one unit of time.
    per_unit: f64,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    count: f64,
    /// The latest time; of no meaning while the count is 0.
    last: i64,
}

impl EventOp for FastDecay {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let Geometry { width, height } = geometry_for_grid(meta, DECLARATION.id())?;
        let (width, height) = (width.div_ceil(self.side).into(), usize::from(height.div_ceil(self.side)));
        let half_life = self.half_life.0 as f64 / meta.time_unit.nanos() as f64;
        let per_unit = -std::f64::consts::LN_2 / half_life;
        Ok(Box::new(Counts { width, per_unit, cells: vec![Cell::default(); width * height] }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let Counts { width, per_unit, cells } = state_as::<Counts>(state)?;
        block.retain(|event| {
            let place = usize::from(event.y / self.side) * *width + usize::from(event.x / self.side);
            let Some(cell) = cells.get_mut(place) else { return false };
            if cell.count == 0.0 {
                cell.last = event.t;
            }
            let since = (i128::from(event.t) - i128::from(cell.last)).max(0);
            cell.count = cell.count * exp_f64(since as f64 * *per_unit) + 1.0;
            cell.last = cell.last.max(event.t);
            cell.count > self.threshold
        });
        Ok(())
    }
}

impl OpState for Counts {
    fn reset(&mut self) {
        self.cells.fill(Cell::default());
    }

    fn save(&self) -> Vec<u8> {
        let flat: Vec<i64> =
            self.cells.iter().flat_map(|cell| [cell.count.to_bits().cast_signed(), cell.last]).collect();
        Saved::default().i64s(&flat).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let flat = loaded.i64s(2 * self.cells.len())?;
        loaded.end()?;
        let cell = |[count, last]: &[i64; 2]| Cell { count: f64::from_bits(count.cast_unsigned()), last: *last };
        self.cells = flat.as_chunks::<2>().0.iter().map(cell).collect();
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
