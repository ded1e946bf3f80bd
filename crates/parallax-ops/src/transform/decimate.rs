//! Keeps every so manieth event.

use std::any::Any;

use parallax_events::{
    Declaration, Error, Event, EventBlock, EventOp, Geometry, Lookup, Meta, OpState, ParamSpec, Params, Pool, Result, state_as,
};
use parallax_simd::prefetch::soon;

use super::profile;
use crate::cells::Cells;
use crate::grid::{Rows, geometry_for_grid, worth_splitting};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "decimate",
    "Keeps one of every few events",
    &[
        ParamSpec::int("n").unit("events").range(1, 1_000_000_000).default(10).doc("Of how many events one is kept"),
        ParamSpec::choice("per", &["pixel", "stream"]).default("pixel").doc("What the events are counted by"),
    ],
)
.with_doc("The last of each `n` is kept, per pixel whatever the polarity: Tonic's `Decimation`.")
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let n = u32::try_from(params.int("n")?).map_err(|error| Error::internal(error.to_string()))?;
    let per_pixel = params.choice("per")? == "pixel";
    Ok(Box::new(Decimate { params, n, per_pixel }))
}

#[derive(Debug)]
struct Decimate {
    params: Params,
    n: u32,
    per_pixel: bool,
}

#[derive(Debug)]
struct Counters {
    /// The sensor's, if pixels count.
    geometry: Option<Geometry>,
    /// Events since the last kept one, below n; of each pixel, or one for all.
    counts: Cells<u32>,
}

impl EventOp for Decimate {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        if !self.per_pixel {
            return Ok(Box::new(Counters { geometry: None, counts: Cells::new(0, 1)? }));
        }
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        let counts = Cells::new(0, geometry.pixels())?;
        Ok(Box::new(Counters { geometry: Some(geometry), counts }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let Counters { geometry, counts } = state_as::<Counters>(state)?;
        let width = geometry.map_or(0, |geometry| geometry.width.into());
        let (rule, counts) = (EveryNth { width, n: self.n }, &mut counts[..]);
        match *geometry {
            None => block.retain(|_| counts.first_mut().is_some_and(|count| rule.counts(count))),
            Some(geometry) if worth_splitting(pool, block) => {
                let parts = Rows::shared(counts, geometry, pool, block);
                block.retain_by_rows(pool, parts, rule);
            }
            Some(_) => block.retain_over(Rows::all(counts), rule),
        }
        Ok(())
    }
}

/// Keeps the last of `n` events.
#[derive(Debug, Clone, Copy)]
struct EveryNth {
    width: usize,
    n: u32,
}

impl EveryNth {
    #[inline(always)]
    fn counts(self, count: &mut u32) -> bool {
        let next = count.wrapping_add(1);
        let keep = next >= self.n;
        *count = if keep { 0 } else { next };
        keep
    }
}

impl Lookup<Rows<'_, u32>> for EveryNth {
    type Key = usize;

    #[inline(always)]
    fn key(&self, rows: &Rows<'_, u32>, event: Event) -> usize {
        rows.index(self.width, event)
    }

    #[inline(always)]
    fn ahead(&self, rows: &Rows<'_, u32>, pixel: usize) {
        soon(rows.cells, pixel);
    }

    #[inline(always)]
    fn keep(&self, rows: &mut Rows<'_, u32>, pixel: usize) -> bool {
        rows.cells.get_mut(pixel).is_some_and(|count| self.counts(count))
    }
}

impl OpState for Counters {
    fn reset(&mut self) {
        self.counts.fill(0);
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().u32s(&self.counts).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let counts = loaded.u32s(self.counts.len())?;
        loaded.end()?;
        self.counts.copy_from_slice(&counts);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
