//! Drops what too few neighbours confirm: noise by the k nearest events.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result, TimeUnit, state_as,
};

use super::profile;
use crate::neighbours::{LastTimes, MOST_RADIUS, Rule, Shape};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "knoise",
    "Drops events without enough recent events around them",
    &[
        ParamSpec::time("time").min(Nanos(1)).default(Nanos(10_000_000)).doc("How long a neighbour's event counts"),
        ParamSpec::int("k").range(1, 1088).default(2).doc("How many neighbouring pixels must have fired"),
        ParamSpec::choice("neighbours", &["4", "8"])
            .default("8")
            .doc("Up to `radius` steps to the side, or the square around the pixel"),
        ParamSpec::int("radius").unit("px").range(1, MOST_RADIUS).default(1).doc("How far neighbours are looked for"),
        ParamSpec::bool("own").default(false).doc("Whether the pixel's own last event counts as a neighbour's"),
    ],
)
.with_doc(
    "An event is kept if the `k`-th nearest in time of the last events of its neighbours, whatever the polarity, is less than \
     `time` before it: at least `k` pixels around it fired lately. Guo and Delbruck, \"Low cost and latency event camera \
     background activity denoising\" (2022), where it is the spatio-temporal correlation filter; `k=1` is \
     `background_activity`."
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let shape = if params.choice("neighbours")? == "4" { Shape::Diamond } else { Shape::Square };
    Ok(Box::new(Knoise {
        shape,
        radius: usize::try_from(params.int("radius")?).unwrap_or(1),
        time: params.time("time")?,
        least: u32::try_from(params.int("k")?).unwrap_or(1),
        own: params.bool("own")?,
        params,
    }))
}

#[derive(Debug)]
struct Knoise {
    params: Params,
    shape: Shape,
    radius: usize,
    time: Nanos,
    least: u32,
    own: bool,
}

impl Knoise {
    fn rule(&self, unit: TimeUnit) -> Result<Rule> {
        Ok(Rule { within: self.time.to_unit(unit)?, least: self.least, own: self.own })
    }
}

impl EventOp for Knoise {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let rule = self.rule(meta.time_unit)?;
        Ok(Box::new(LastTimes::new(meta, DECLARATION.id(), self.shape, self.radius, rule)?))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        state_as::<LastTimes>(state)?.retain(block, pool);
        Ok(())
    }
}
