//! Keeps the events inside a range of time.

use std::any::Any;
use std::ops::{Range, RangeInclusive};

use parallax_events::{
    Declaration, EventBatch, EventBlock, EventOp, Meta, OpState, Order, ParamSpec, Params, Pool, Result,
    TimeRange, TimeUnit, state_as,
};
use parallax_simd::select;

use super::profile;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "time",
    "Keeps the events inside a range of time",
    &[ParamSpec::text("range").default("..").doc(
        "`a..b` in recorded time, `+a..+b` from the first event on; the end is not inside",
    )],
)
.with_doc(
    "Events that are known to be in order of time are cut out without a copy. Half-open, unlike Tonic's `CropTime` and \
     evlib's `filter_by_time`, which take the last time too.",
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let range = params.text("range")?.parse()?;
    Ok(Box::new(Time { params, range }))
}

#[derive(Debug)]
struct Time {
    params: Params,
    range: TimeRange,
}

#[derive(Debug)]
struct TimeState {
    unit: TimeUnit,
    /// The first event's time.
    first: Option<i64>,
}

impl Time {
    /// The times that are kept; `None` if there are none.
    fn kept(&self, state: &mut TimeState, first: Option<i64>) -> Option<RangeInclusive<i64>> {
        state.first = state.first.or(first);
        let origin = if self.range.is_relative() { i128::from(state.first?) } else { 0 };
        // t units >= start ns exactly if t >= start rounded up to whole units; likewise for the end.
        let nanos = i128::from(state.unit.nanos());
        let units = |time: i64| origin - (-i128::from(time)).div_euclid(nanos);
        let start = self.range.start().map_or(i128::from(i64::MIN), |start| units(start.0));
        let last = self.range.end().map_or(i128::from(i64::MAX), |end| units(end.0) - 1);
        let clamped = |time: i128| time.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let some = start <= last && start <= i64::MAX.into() && last >= i64::MIN.into();
        some.then(|| clamped(start)..=clamped(last))
    }
}

impl EventOp for Time {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(TimeState { unit: meta.time_unit, first: None }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let state = state_as::<TimeState>(state)?;
        let mut first = None;
        if state.first.is_none() {
            block.for_each(|event| first = first.or(Some(event.t)));
        }
        match self.kept(state, first) {
            Some(kept) => block.select(|events, mask| select::within_i64(events.t, kept, mask)),
            None => block.select(|_, mask| mask.fill(0)),
        }
        Ok(())
    }

    fn narrow(&self, state: &mut dyn OpState, batch: &EventBatch) -> Result<Option<Range<usize>>> {
        if batch.order() < Order::Time {
            return Ok(None);
        }
        let t = batch.columns().t;
        let Some(kept) = self.kept(state_as(state)?, t.first().copied()) else {
            return Ok(Some(0..0));
        };
        let start = t.partition_point(|t| t < kept.start());
        Ok(Some(start..t.partition_point(|t| t <= kept.end())))
    }
}

impl OpState for TimeState {
    fn reset(&mut self) {
        self.first = None;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().optional_i64(self.first).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let first = loaded.optional_i64()?;
        loaded.end()?;
        self.first = first;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
