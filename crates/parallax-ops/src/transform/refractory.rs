//! Drops the events of a pixel that follow one too soon: a dead time.

use std::any::Any;

use parallax_events::{
    Declaration, Event, EventBlock, EventOp, Geometry, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result,
    state_as,
};
use parallax_simd::prefetch::soon;

use super::profile;
use crate::cells::Cells;
use crate::grid::{geometry_for_grid, row_range, shares, worth_splitting};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "refractory",
    "Drops the events of a pixel that follow one too soon",
    &[
        ParamSpec::time("period").min(Nanos(1)).default(Nanos(1_000_000)).doc("Dead time of a pixel"),
        ParamSpec::choice("since", &["kept", "seen"])
            .default("kept")
            .doc("What the dead time counts from: the pixel's last event that was kept, or its last event"),
    ],
)
.with_doc(
    "An event is kept if it comes more than `period` after the pixel's last one; a pixel's first event is kept. \
     `since=kept` is what a sensor's dead time does: a pixel that fires all the time gives one event a period. \
     `since=seen` is Tonic's `RefractoryPeriod` and evlib's `filter_noise`: there such a pixel falls silent. An event \
     that is earlier than its pixel's last one is dropped.",
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let (period, every) = (params.time("period")?, params.choice("since")? == "seen");
    Ok(Box::new(Refractory { params, period, every }))
}

#[derive(Debug)]
struct Refractory {
    params: Params,
    period: Nanos,
    /// Whether events that are dropped begin a dead time, too.
    every: bool,
}

/// No event yet. A time that is the end of a dead time is larger, since a period is at least 1.
const NEVER: i64 = i64::MIN;

#[derive(Debug)]
struct DeadTimes {
    geometry: Geometry,
    period: i64,
    /// Of each pixel the last time of its dead time. Saturates at the end of 64 bits: nothing comes behind that.
    until: Cells<i64>,
}

impl EventOp for Refractory {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        let period = self.period.to_unit(meta.time_unit)?;
        Ok(Box::new(DeadTimes { geometry, period, until: Cells::new(NEVER, geometry.pixels())? }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let DeadTimes { geometry, period, until } = state_as::<DeadTimes>(state)?;
        let (width, period, mut until) = (usize::from(geometry.width), *period, &mut until[..]);
        // One loop each: whether a cell is written must not be asked for every event.
        match (self.every, worth_splitting(pool, block)) {
            (true, false) => block.retain_over(
                &mut until,
                |until, event| soon(until, pixel(width, event)),
                |until, event| after_seen(until, width, period, event),
            ),
            (false, false) => block.retain_over(
                &mut until,
                |until, event| soon(until, pixel(width, event)),
                |until, event| after_kept(until, width, period, event),
            ),
            (every, true) => {
                let mut rest = until;
                let parts = shares(pool, block, geometry.height, 1)
                    .into_iter()
                    .map(|rows| {
                        let until = rest.split_off_mut(..rows.len() * width).unwrap_or_default();
                        (row_range(&rows, 0), (rows.start, until))
                    })
                    .collect();
                let moved = |first: usize, mut event: Event| {
                    event.y -= first as u16;
                    event
                };
                block.retain_by_rows(
                    pool,
                    parts,
                    move |(first, until), event| soon(until, pixel(width, moved(*first, event))),
                    move |(first, until), event| {
                        let event = moved(*first, event);
                        if every {
                            after_seen(until, width, period, event)
                        } else {
                            after_kept(until, width, period, event)
                        }
                    },
                );
            }
        }
        Ok(())
    }
}

#[inline(always)]
fn after_seen(cells: &mut [i64], width: usize, period: i64, event: Event) -> bool {
    let Some(until) = cell(cells, width, event) else { return false };
    let keep = event.t > *until || *until == NEVER;
    *until = event.t.saturating_add(period);
    keep
}

#[inline(always)]
fn after_kept(cells: &mut [i64], width: usize, period: i64, event: Event) -> bool {
    let Some(until) = cell(cells, width, event) else { return false };
    let keep = event.t > *until || *until == NEVER;
    // Written in any case: whether an event is kept is hard to guess.
    *until = if keep { event.t.saturating_add(period) } else { *until };
    keep
}

#[inline(always)]
fn cell(cells: &mut [i64], width: usize, event: Event) -> Option<&mut i64> {
    cells.get_mut(pixel(width, event))
}

#[inline(always)]
fn pixel(width: usize, event: Event) -> usize {
    usize::from(event.y) * width + usize::from(event.x)
}

impl OpState for DeadTimes {
    fn reset(&mut self) {
        self.until.fill(NEVER);
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.until).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let until = loaded.i64s(self.until.len())?;
        loaded.end()?;
        self.until.copy_from_slice(&until);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
