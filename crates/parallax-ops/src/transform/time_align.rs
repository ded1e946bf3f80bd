//! Lets time begin at 0: the time of the first event is taken from all.

use std::any::Any;

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result, state_as,
};

use super::profile;
use super::time_skew::beyond;
use crate::held::{Held, MEMORY};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "time_align",
    "Lets time begin at 0",
    &[
        ParamSpec::choice("by", &["first", "earliest"])
            .default("first")
            .doc("Whose time becomes `at`: that of the first event, or the earliest of all"),
        ParamSpec::time("at").default(Nanos(0)).doc("Where time begins"),
        MEMORY,
    ],
)
.with_doc(
    "`by=earliest` is Tonic's `TimeAlignment`; the stream is held until it ends, since the earliest time may come last. \
     `by=first` holds nothing and is the same for a stream in order. A time that leaves 64 bits is an error.",
)
.with_aliases(&[("time_alignment", "time_align by=earliest")])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let (at, earliest) = (params.time("at")?, params.choice("by")? == "earliest");
    Ok(Box::new(TimeAlign { params, at, earliest }))
}

#[derive(Debug)]
struct TimeAlign {
    params: Params,
    at: Nanos,
    earliest: bool,
}

/// The state of `by=first`.
#[derive(Debug)]
struct Aligned {
    at: i64,
    /// The first event's time.
    first: Option<i64>,
}

impl EventOp for TimeAlign {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let at = self.at.to_unit(meta.time_unit)?;
        if self.earliest {
            return Ok(Box::new(Held::new(meta, &self.params)?));
        }
        Ok(Box::new(Aligned { at, first: None }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.earliest {
            return state_as::<Held>(state)?.take(block);
        }
        let Aligned { at, first } = state_as::<Aligned>(state)?;
        let times = block.times_mut();
        if let Some(&t) = times.first() {
            moved(times, *first.get_or_insert(t), *at)?;
        }
        Ok(())
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if !self.earliest {
            return Ok(());
        }
        let held = state_as::<Held>(state)?;
        let at = self.at.to_unit(held.meta().time_unit)?;
        if let (Some((earliest, _)), Some(batch)) = (held.span(), held.next()) {
            block.load(&batch);
            moved(block.times_mut(), earliest, at)?;
        }
        Ok(())
    }
}

/// `origin` becomes `at`.
fn moved(times: &mut [i64], origin: i64, at: i64) -> Result<()> {
    let offset = i128::from(at) - i128::from(origin);
    for t in times {
        *t = i64::try_from(i128::from(*t) + offset).map_err(|_| beyond(DECLARATION.id(), *t))?;
    }
    Ok(())
}

impl OpState for Aligned {
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
