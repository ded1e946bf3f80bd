//! Merges streams of events into one in the order of time; events of one time in the order of the pads.
//!
//! An event that is earlier than one before it in its own stream is late. `late=keep` has it take the place that its
//! stream's newest time has, so that each stream keeps its order; `drop` leaves it out, so that the output is in order;
//! `error` fails. How many there were is said on the bus. The answer does not depend on how the streams are cut.
//!
//! All streams must count time in one unit and have one origin. The sensor of the output is the smallest that holds all;
//! other facts are those of the first pad. A stream that has nothing to say holds the others back until it goes on or
//! ends: only then is it known what comes next. At most one packet of each stream is held here.

use std::sync::Arc;

use parallax_events::{
    Declaration, Error, Event, EventBatch, EventColumns, Geometry, Meta, Order, ParamSpec, Params, Result,
};
use parallax_pipeline::{Aggregator, Built, Caps, Context, ElementRow, Media, Out, Packet, Ports};

use crate::adapters::{events_of, timed};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::AGGREGATOR, build);

static DECLARATION: Declaration = Declaration::new(
    "merge",
    "Merges streams of events into one in the order of time",
    &[ParamSpec::choice("late", &["keep", "drop", "error"]).default("keep")
        .doc("What becomes of events that are earlier than one before them in their own stream")],
)
.with_doc(
    "An event that is earlier than one before it in its own stream is late. `keep` has it take the place \
     of its stream's newest time, `drop` leaves it out, `error` fails. Streams must agree in the unit and \
     origin of time; one that is silent holds the others back until it goes on or ends.",
);

/// A run of at least so many events is cut out of its batch, not copied.
const LONG: usize = 4096;

fn build(params: Params) -> Result<Built> {
    let late = match params.choice("late")? {
        "drop" => Late::Drop,
        "error" => Late::Refuse,
        _ => Late::Keep,
    };
    Ok(Built::aggregator(Merge { late, pads: Vec::new(), meta: None, merged: EventColumns::default(), context: None }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    Keep,
    Drop,
    Refuse,
}

#[derive(Debug)]
struct Merge {
    late: Late,
    pads: Vec<Pad>,
    /// The facts of the output, from the first event on.
    meta: Option<Arc<Meta>>,
    /// What is to be pushed next.
    merged: EventColumns,
    context: Option<Context>,
}

#[derive(Debug)]
struct Pad {
    /// What is to be merged, and how much of it has been.
    batch: Option<(EventBatch, usize)>,
    has_ended: bool,
    /// The latest time so far.
    newest: i64,
    late: u64,
}

/// When an event's turn is: the newest time of its stream, then its pad.
type Turn = (i64, usize);

impl Pad {
    const fn new() -> Self {
        Self { batch: None, has_ended: false, newest: i64::MIN, late: 0 }
    }

    /// The time at which its next event's turn is.
    fn time(&self) -> Option<i64> {
        let (batch, next) = self.batch.as_ref()?;
        Some(self.newest.max(*batch.columns().t.get(*next)?))
    }
}

impl Merge {
    /// Merges as far as it is known what comes next.
    fn advance(&mut self, out: &mut Out<'_>) -> Result<()> {
        while self.pads.iter().all(|pad| pad.has_ended || pad.batch.is_some()) {
            let turns = self.pads.iter().enumerate().filter_map(|(index, pad)| Some((pad.time()?, index)));
            let mut turns: Vec<Turn> = turns.collect();
            let Some(first) = turns.iter().copied().min() else { break };
            turns.retain(|turn| *turn != first);
            self.take(first.1, turns.into_iter().min(), out)?;
        }
        self.push_merged(out)
    }

    /// Takes the events of a pad whose turn is before `other`.
    fn take(&mut self, index: usize, other: Option<Turn>, out: &mut Out<'_>) -> Result<()> {
        let meta = match &self.meta {
            Some(meta) => Arc::clone(meta),
            None => Arc::clone(self.meta.insert(joined(&self.pads)?)),
        };
        let Some(pad) = self.pads.get_mut(index) else { return Ok(()) };
        let Some((batch, start)) = pad.batch.take() else { return Ok(()) };
        let is_before = |time: i64| other.is_none_or(|other| (time, index) < other);
        let rest = batch.columns().slice(start..batch.len());
        let is_ordered = batch.order() >= Order::Time && rest.t.first().is_some_and(|&t| pad.newest <= t);
        let taken = if is_ordered {
            let taken = rest.t.partition_point(|&t| is_before(t));
            pad.newest = rest.t.get(..taken).and_then(<[i64]>::last).copied().unwrap_or(pad.newest);
            taken
        } else {
            let late = self.late;
            let mut taken = 0;
            for event in rest.iter() {
                if !is_before(pad.newest.max(event.t)) {
                    break;
                }
                taken += 1;
                if event.t < pad.newest {
                    pad.late += 1;
                    match late {
                        Late::Keep => {}
                        Late::Drop => continue,
                        Late::Refuse => return Err(too_late(index, event, pad.newest)),
                    }
                }
                pad.newest = pad.newest.max(event.t);
                self.merged.push(event);
            }
            taken
        };
        let end = start + taken;
        if end < batch.len() {
            pad.batch = Some((batch.clone(), end));
        }
        if is_ordered && taken >= LONG {
            self.push_merged(out)?;
            return out.push(timed(batch.slice(start..end).with_meta(meta)?));
        }
        if is_ordered {
            self.merged.extend(rest.slice(0..taken));
        }
        Ok(())
    }

    fn push_merged(&mut self, out: &mut Out<'_>) -> Result<()> {
        match &self.meta {
            Some(meta) if !self.merged.is_empty() => {
                out.push(timed(std::mem::take(&mut self.merged).into_batch(meta)?))
            }
            _ => Ok(()),
        }
    }
}

fn too_late(pad: usize, event: Event, newest: i64) -> Error {
    Error::malformed(format!("an event of `sink_{pad}` at {} comes after one at {newest}", event.t))
        .with_hint("late=keep or late=drop goes on")
}

/// The facts of all that wait, as one stream.
fn joined(pads: &[Pad]) -> Result<Arc<Meta>> {
    let mut waiting = pads.iter().enumerate().filter_map(|(index, pad)| Some((index, pad.batch.as_ref()?.0.meta())));
    let Some((first, meta)) = waiting.next() else { return Ok(Arc::default()) };
    let mut joined = Meta::clone(meta);
    for (index, other) in waiting {
        agree(&joined, first, other, index)?;
        joined.geometry = match (joined.geometry, other.geometry) {
            (Some(a), Some(b)) => Some(Geometry { width: a.width.max(b.width), height: a.height.max(b.height) }),
            _ => None,
        };
    }
    Ok(Arc::new(joined))
}

/// An error unless times and places of both mean the same.
fn agree(ours: &Meta, pad: usize, theirs: &Meta, other: usize) -> Result<()> {
    let differ = |what: &str, a: String, b: String| {
        Err(Error::param(format!("{what} of `sink_{pad}` is {a}, that of `sink_{other}` is {b}")))
    };
    if ours.time_unit != theirs.time_unit {
        return differ("the unit of time", ours.time_unit.to_string(), theirs.time_unit.to_string());
    }
    if ours.time_origin != theirs.time_origin {
        return differ("the origin of time", format!("{:?}", ours.time_origin), format!("{:?}", theirs.time_origin));
    }
    if ours.origin != theirs.origin {
        return differ("the corner of the origin", format!("{:?}", ours.origin), format!("{:?}", theirs.origin));
    }
    Ok(())
}

impl Aggregator for Merge {
    fn accepts(&self, _: usize, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn offers(&self, _: &[Caps]) -> Caps {
        Caps::of(Media::Events)
    }

    fn start(&mut self, context: &Context, pads: usize) -> Result<()> {
        self.context = Some(context.clone());
        self.pads = (0..pads).map(|_| Pad::new()).collect();
        self.meta = None;
        Ok(())
    }

    fn wants(&self, pad: usize) -> bool {
        self.pads.get(pad).is_some_and(|pad| pad.batch.is_none())
    }

    fn process(&mut self, pad: usize, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let batch = events_of(packet.payload, "merge")?;
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(meta) = &self.meta {
            agree(meta, 0, batch.meta(), pad)?;
        }
        if let Some(pad) = self.pads.get_mut(pad) {
            pad.batch = Some((batch, 0));
        }
        self.advance(out)
    }

    fn end(&mut self, pad: usize, out: &mut Out<'_>) -> Result<()> {
        if let Some(pad) = self.pads.get_mut(pad) {
            pad.has_ended = true;
        }
        self.advance(out)
    }

    fn drain(&mut self, _: &mut Out<'_>) -> Result<()> {
        let what = if self.late == Late::Drop { "dropped" } else { "kept in their stream's order" };
        if let Some(context) = &self.context {
            for (index, pad) in self.pads.iter().enumerate().filter(|(_, pad)| pad.late > 0) {
                context.warn(format!("{} late events of `sink_{index}` were {what}", pad.late));
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.pads.iter_mut().for_each(|pad| *pad = Pad::new());
        self.meta = None;
        self.merged.clear();
    }
}
