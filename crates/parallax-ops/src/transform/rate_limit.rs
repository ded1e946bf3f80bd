//! Lets no more events pass in a window of time than a rate allows.

use std::any::Any;
use std::collections::VecDeque;

use parallax_events::{
    Declaration, Error, Event, EventBlock, EventColumns, EventOp, FindingKind, Geometry, Meta, Nanos, OpState,
    ParamSpec, Params, Pool, Report, Result, state_as,
};

use super::profile;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "rate_limit",
    "Drops what exceeds a rate, the newest or the oldest of each window",
    &[
        ParamSpec::rate("rate").range(1e-3, 1e12).default(10e6).doc("How many events a second may pass"),
        ParamSpec::time("window").min(Nanos(1)).default(Nanos(10_000_000)).doc("Over which time the rate is kept"),
        ParamSpec::choice("overflow", &["drop_tail", "drop_head"])
            .default("drop_tail")
            .doc("What goes: the newest of a window's events, or the oldest"),
    ],
)
.with_doc(
    "Windows follow each other from the first event on, and each lets `rate * window` events pass, rounded down. \
     `drop_tail` lets the first ones pass at once; `drop_head` holds them back until their window is over. An event that is \
     earlier than the window that is being filled counts into it. How many went is reported. The policies are those of \
     EventFlow's sensor buffers; its third one, `block`, makes a sensor wait and means nothing for a stream that is there.",
)
.with_aliases(&[
    ("rate_limiter", "rate_limit"),
    ("event_rate_control", "rate_limit"),
    ("drop_head", "rate_limit overflow=drop_head"),
    ("drop_tail", "rate_limit overflow=drop_tail"),
])
.with_tags(profile::ALL);

/// A window that is held back has no more events than this: 2 GiB of them.
const MOST_HELD: u64 = 1 << 27;

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let (rate, window) = (params.rate("rate")?, params.time("window")?);
    let budget = (rate * window.0 as f64 / 1e9).floor() as u64;
    let drop_head = params.choice("overflow")? == "drop_head";
    if budget == 0 {
        return Err(Error::param(format!("`rate_limit` of {rate} Hz lets no event pass in a window of {window}"))
            .with_hint("make `window` longer"));
    }
    if drop_head && budget > MOST_HELD {
        return Err(Error::limit(format!("`rate_limit` would hold back {budget} events of a window"))
            .with_context("allowed", format!("{MOST_HELD} events"))
            .with_hint("make `window` shorter, or write overflow=drop_tail"));
    }
    Ok(Box::new(RateLimit { params, window, budget, drop_head }))
}

#[derive(Debug)]
struct RateLimit {
    params: Params,
    window: Nanos,
    /// Events of a window.
    budget: u64,
    drop_head: bool,
}

#[derive(Debug)]
struct Flow {
    geometry: Option<Geometry>,
    window: i64,
    /// The first event's time.
    first: Option<i64>,
    /// The window that is being filled, counted from the first event.
    current: i64,
    /// Events of it that were not dropped.
    passed: u64,
    /// Those of them that are held back.
    held: VecDeque<Event>,
    /// Events of the stream so far.
    seen: u64,
    dropped: u64,
    first_dropped: u64,
}

impl Flow {
    /// Whether the event begins a new window.
    fn turns(&mut self, t: i64) -> bool {
        let since = i128::from(t) - i128::from(*self.first.get_or_insert(t));
        let window = i64::try_from(since.div_euclid(self.window.into())).unwrap_or(i64::MAX);
        let turns = since >= 0 && window > self.current;
        if turns {
            (self.current, self.passed) = (window, 0);
        }
        turns
    }

    fn drop(&mut self, index: u64) {
        if self.dropped == 0 {
            self.first_dropped = index;
        }
        self.dropped = self.dropped.saturating_add(1);
    }

    /// Lets the first `budget` events of a window pass.
    fn passes(&mut self, event: Event, budget: u64) -> bool {
        self.turns(event.t);
        let passes = self.passed < budget;
        if passes {
            self.passed += 1;
        } else {
            self.drop(self.seen);
        }
        self.seen = self.seen.wrapping_add(1);
        passes
    }

    /// Holds the event back; those of a window that is over go to `out`.
    fn hold(&mut self, event: Event, budget: u64, out: &mut EventColumns) {
        if self.turns(event.t) {
            self.release(out);
        }
        if self.held.len() as u64 >= budget && self.held.pop_front().is_some() {
            self.drop(self.seen.wrapping_sub(self.held.len() as u64 + 1));
        }
        self.held.push_back(event);
        self.seen = self.seen.wrapping_add(1);
    }

    fn release(&mut self, out: &mut EventColumns) {
        self.held.drain(..).for_each(|event| out.push(event));
    }
}

impl EventOp for RateLimit {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let window = self.window.to_unit(meta.time_unit)?;
        Ok(Box::new(Flow {
            geometry: meta.geometry,
            window,
            first: None,
            current: 0,
            passed: 0,
            held: VecDeque::new(),
            seen: 0,
            dropped: 0,
            first_dropped: 0,
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let flow = state_as::<Flow>(state)?;
        if !self.drop_head {
            block.retain(|event| flow.passes(event, self.budget));
            return Ok(());
        }
        block.rewrite(|events, out| {
            events.iter().for_each(|event| flow.hold(event, self.budget, out));
            Ok(())
        })
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let flow = state_as::<Flow>(state)?;
        if flow.held.is_empty() {
            return Ok(());
        }
        block.rewrite(|_, out| {
            flow.release(out);
            Ok(())
        })
    }

    fn report(&self, state: &mut dyn OpState, report: &mut Report) -> Result<()> {
        let flow = state_as::<Flow>(state)?;
        let policy = if self.drop_head { "drop_head" } else { "drop_tail" };
        report.note(FindingKind::RateLimited, flow.dropped, None, Some(flow.first_dropped), || policy.to_owned());
        Ok(())
    }
}

impl OpState for Flow {
    fn reset(&mut self) {
        (self.first, self.current, self.passed) = (None, 0, 0);
        (self.seen, self.dropped, self.first_dropped) = (0, 0, 0);
        self.held.clear();
    }

    fn save(&self) -> Vec<u8> {
        Saved::default()
            .optional_i64(self.first)
            .i64(self.current)
            .u64(self.passed)
            .u64(self.seen)
            .u64(self.dropped)
            .u64(self.first_dropped)
            .event_list(self.held.len(), self.held.iter().copied())
            .bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let (first, current, passed) = (loaded.optional_i64()?, loaded.i64()?, loaded.u64()?);
        let (seen, dropped, first_dropped) = (loaded.u64()?, loaded.u64()?, loaded.u64()?);
        let held = loaded.events()?;
        loaded.end()?;
        let inside = |event: Event| self.geometry.is_none_or(|g| event.x < g.width && event.y < g.height);
        if !held.as_columns().iter().all(|event| event.p <= 1 && inside(event)) {
            return Err(Error::malformed("the saved state holds an event that the stream cannot have"));
        }
        (self.first, self.current, self.passed) = (first, current, passed);
        (self.seen, self.dropped, self.first_dropped) = (seen, dropped, first_dropped);
        self.held = held.as_columns().iter().collect();
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
