//! Plays the stream backwards.

use parallax_events::{
    Declaration, Event, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, Stateless,
    state_as,
};

use super::profile;
use super::time_skew::beyond;
use crate::held::{Held, MEMORY};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "time_reverse",
    "Plays the stream backwards",
    &[
        ParamSpec::bool("flip_polarity").default(true).doc("Whether ON becomes OFF: what grew brighter grows darker"),
        ParamSpec::float("chance").range(0.0, 1.0).default(1.0).doc("How likely the stream is turned at all"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed decides anew"),
        MEMORY,
    ],
)
.with_doc(
    "t becomes the latest time less t, and the last event comes first: Tonic's `RandomTimeReversal`. The stream is held \
     until it ends. A time that leaves 64 bits is an error.",
)
.with_aliases(&[("time_reversal", "time_reverse"), ("random_time_reversal", "time_reverse chance=0.5")])
.with_tags(profile::WHOLE_STREAM);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let draw = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id()).unit_f64(0, 0);
    let turned = draw < params.float("chance")?;
    let flip = params.bool("flip_polarity")?;
    Ok(Box::new(TimeReverse { params, turned, flip }))
}

#[derive(Debug)]
struct TimeReverse {
    params: Params,
    turned: bool,
    flip: bool,
}

impl EventOp for TimeReverse {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        if self.turned {
            return Ok(Box::new(Held::new(meta, &self.params)?));
        }
        Ok(Box::new(Stateless))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.turned {
            state_as::<Held>(state)?.take(block)?;
        }
        Ok(())
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if !self.turned {
            return Ok(());
        }
        let held = state_as::<Held>(state)?;
        let (Some((_, latest)), Some(batch)) = (held.span(), held.next_back()) else {
            return Ok(());
        };
        block.rewrite(|_, out| {
            for Event { t, x, y, p, .. } in batch.columns().iter().rev() {
                let turned = latest.checked_sub(t).ok_or_else(|| beyond(DECLARATION.id(), t))?;
                out.push(Event::new(turned, x, y, p ^ u8::from(self.flip)));
            }
            Ok(())
        })
    }
}
