//! One of four ways to drop events, drawn by the seed: EventDrop.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, Stateless,
};

use super::profile;
use crate::held::MEMORY;
use crate::{Build, Operator, event_op};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "event_drop",
    "Drops events at random, by time or by area, as the seed decides",
    &[
        ParamSpec::int("seed").min(0).default(0).doc("Another seed draws another way, ratio and place"),
        MEMORY,
    ],
)
.with_doc(
    "The augmentation of Gu, Sng, Hu and Yu, \"EventDrop: data augmentation for event-based learning\" (2021), and Tonic's \
     `EventDrop`. One of four, equally likely, for the whole stream: nothing goes; one stretch of time (`drop_time every=0s`, \
     ratio 0.1 to 0.9); one rectangle (`drop_area`, 0.05 to 0.25 of each side); single events (`drop_event`, chance 0.1 to \
     0.9). Ratios are drawn in steps of 0.1, of 0.05 for the rectangle. Only the stretch of time holds the stream until it \
     ends. Give each sample its own seed.",
)
.with_tags(profile::WHOLE_STREAM);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let seed = params.int("seed")?;
    let draws = Philox::new(seed.unsigned_abs(), DECLARATION.id());
    let tenths = draws.below(0, 1, 9) + 1;
    let way = match draws.below(0, 0, 4) {
        0 => None,
        1 => {
            let memory = params.size("memory")?;
            Some(format!("drop_time every=0s ratio=0.{tenths} seed={seed} memory={memory}"))
        }
        2 => {
            let ratio = f64::from(draws.below(0, 1, 5) + 1) / 20.0;
            Some(format!("drop_area ratio={ratio} seed={seed}"))
        }
        _ => Some(format!("drop_event chance=0.{tenths} seed={seed}")),
    };
    let way = way.map(|text| event_op(&text)).transpose()?;
    Ok(Box::new(EventDrop { params, way }))
}

#[derive(Debug)]
struct EventDrop {
    params: Params,
    /// The operator that does it; `None` if nothing goes.
    way: Option<Box<dyn EventOp>>,
}

impl EventOp for EventDrop {
    fn params(&self) -> &Params {
        &self.params
    }

    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        // Asked for whatever was drawn, so that no seed comes as a surprise.
        input.require_geometry()?;
        Ok(input.clone())
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        meta.require_geometry()?;
        match &self.way {
            Some(way) => way.state(meta),
            None => Ok(Box::new(Stateless)),
        }
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        match &self.way {
            Some(way) => way.run(state, block, pool),
            None => Ok(()),
        }
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        match &self.way {
            Some(way) => way.finish(state, block, pool),
            None => Ok(()),
        }
    }
}
