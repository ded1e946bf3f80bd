//! Drops the events of a pixel that follow one too soon: a dead time.

use std::any::Any;

use parallax_events::{
    Declaration, Event, EventBatch, EventBlock, EventOp, Geometry, Lookup, Meta, Nanos, OpState, ParamSpec, Params,
    Pool, Result, state_as,
};
use parallax_simd::prefetch::soon;

use super::profile;
use crate::grid::{Rows, geometry_for_grid, worth_splitting};
use crate::saved::{Loaded, Saved};
use crate::times::{AnyTimes, Tick, Times};
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
     that is earlier than its pixel's last one is dropped. Behind one at the first of all times (-2⁶³) nothing is.",
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

#[derive(Debug)]
struct DeadTimes {
    geometry: Geometry,
    period: i64,
    /// When each pixel's dead time began: its last event, or the last that was kept.
    began: AnyTimes,
}

impl EventOp for Refractory {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        let period = self.period.to_unit(meta.time_unit)?;
        Ok(Box::new(DeadTimes { geometry, period, began: AnyTimes::new(geometry.pixels())? }))
    }

    fn stretch(&self, state: &mut dyn OpState, batch: &EventBatch, pool: Pool<'_>) -> Result<Option<usize>> {
        let DeadTimes { period, began, .. } = state_as::<DeadTimes>(state)?;
        counts_for(self.every, *period).map_or(Ok(None), |within| began.stretch(within, batch, pool))
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut DeadTimes { geometry, period, ref mut began } = state_as::<DeadTimes>(state)?;
        let fork = counts_for(self.every, period).and_then(|within| began.fork(within, block));
        Ok(fork.map(|began| Box::new(DeadTimes { geometry, period, began }) as Box<dyn OpState>))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let DeadTimes { geometry, period, began } = state_as::<DeadTimes>(state)?;
        began.make_room(block.columns().t, block.order())?;
        match began {
            AnyTimes::Short(began) => retain(began, *geometry, *period, self.every, block, pool),
            AnyTimes::Long(began) => retain(began, *geometry, *period, self.every, block, pool),
        }
    }
}

fn retain<C: Tick>(
    began: &mut Times<C>,
    geometry: Geometry,
    period: i64,
    every: bool,
    block: &mut EventBlock,
    pool: Pool<'_>,
) -> Result<()> {
    let (base, width) = (began.base.unwrap_or_default(), usize::from(geometry.width));
    let ticks = C::span(period);
    let (since_seen, since_kept) =
        (DeadTime::<C, true> { base, width, period: ticks }, DeadTime::<C, false> { base, width, period: ticks });
    let whole = Rows::all;
    if let Some(within) = counts_for(every, period) {
        let mut forks = began.forks(within, block, pool)?;
        if began.is_fork() || !forks.is_empty() {
            block.retain_by_stretches(pool, began.stretches(&mut forks, whole), since_seen);
            return Ok(());
        }
    }
    let cells = began.cells();
    if !worth_splitting(pool, block) {
        // One loop each: whether a cell is written must not be asked for every event.
        if every {
            block.retain_over(whole(cells), since_seen);
        } else {
            block.retain_over(whole(cells), since_kept);
        }
        return Ok(());
    }
    let parts = Rows::shared(cells, geometry, pool, block);
    if every {
        block.retain_by_rows(pool, parts, since_seen);
    } else {
        block.retain_by_rows(pool, parts, since_kept);
    }
    Ok(())
}

/// For how long an event counts: what was seen tells nothing once the period is over; what was kept hangs on what was kept before,
/// without end.
fn counts_for(every: bool, period: i64) -> Option<i64> {
    every.then_some(period.saturating_add(1))
}

/// Whether an event is kept, by the cell of its pixel: the last event that was seen there, or the last that was kept.
#[derive(Debug, Clone, Copy)]
struct DeadTime<C, const SEEN: bool> {
    base: i64,
    width: usize,
    period: C,
}

impl<C: Tick, const SEEN: bool> Lookup<Rows<'_, C>> for DeadTime<C, SEEN> {
    type Key = (usize, C);

    #[inline(always)]
    fn key(&self, rows: &Rows<'_, C>, event: Event) -> Self::Key {
        (rows.index(self.width, event), C::of(event.t, self.base))
    }

    #[inline(always)]
    fn ahead(&self, rows: &Rows<'_, C>, (pixel, _): Self::Key) {
        soon(rows.cells, pixel);
    }

    #[inline(always)]
    fn keep(&self, rows: &mut Rows<'_, C>, (pixel, now): Self::Key) -> bool {
        let Some(cell) = rows.cells.get_mut(pixel) else { return false };
        let keep = now.before(self.period) > *cell || *cell == C::NEVER;
        // Written in any case: whether an event is kept is hard to guess.
        *cell = if SEEN || keep { now } else { *cell };
        keep
    }
}

impl OpState for DeadTimes {
    fn reset(&mut self) {
        self.began.reset();
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.began.joined()).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let began = loaded.i64s(self.began.len())?;
        loaded.end()?;
        self.began = AnyTimes::of(&began)?;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use parallax_events::{EventBatch, SharedPool};

    use super::*;

    /// Many events of few pixels, from a time on.
    fn events(from: i64, apart: i64) -> Result<EventBatch> {
        let count = 60_000;
        let mix = |index: u64| (index + from.unsigned_abs()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let t: Vec<i64> = (0..count).map(|index| from + index * apart).collect();
        let x: Vec<u16> = (0..count as u64).map(|index| (mix(index) % 31) as u16).collect();
        let y: Vec<u16> = (0..count as u64).map(|index| (mix(index) / 31 % 17) as u16).collect();
        EventBatch::try_new(t, x, y, vec![1; count as usize], Arc::new(Meta::with_geometry(31, 17)?))
    }

    #[test]
    fn a_stream_cut_in_time_keeps_what_the_rule_says() -> Result<()> {
        let hour = 3_600_000_000;
        // In order; short ticks apart; back in time; past 32 bits.
        let blocks = [
            (events(0, 2)?, true),
            (events(120_000, 1)?, true),
            (events(150_000, 1)?, false),
            (events(hour, 3)?, true),
            (events(3 * hour, 3)?, true),
        ];
        for (since, every) in [("seen", true), ("kept", false)] {
            for (threads, period) in [(1, 1000), (2, 1000), (3, 1000), (3, 1), (2, 300), (2, 3 * hour)] {
                let shared = SharedPool::new(threads)?;
                let period_text = format!("{period}us");
                let params = Params::of(&DECLARATION).set("period", period_text)?.set("since", since)?.build()?;
                let op = build(params)?;
                let mut state = op.state(blocks[0].0.meta())?;
                let mut began = HashMap::new();
                for (number, (batch, in_order)) in blocks.iter().enumerate() {
                    let mut block = EventBlock::default();
                    block.load(batch);
                    op.run(state.as_mut(), &mut block, shared.pool())?;
                    let mut wanted = Vec::new();
                    for event in batch.columns().iter() {
                        let last = began.get(&(event.x, event.y));
                        let keep = last.is_none_or(|last| event.t > last + period);
                        if keep {
                            wanted.push(event);
                        }
                        if keep || every {
                            began.insert((event.x, event.y), event.t);
                        }
                    }
                    let found: Vec<Event> = block.packed().iter().collect();
                    assert!(found == wanted, "since {since}, period {period}, {threads} threads, block {number}");
                    let is_cut = state_as::<DeadTimes>(state.as_mut())?.began.is_cut();
                    let is_short = period < hour;
                    assert_eq!(is_cut, every && threads > 1 && is_short && *in_order, "block {number}");
                }
            }
        }
        Ok(())
    }
}
