//! Keeps the events of one polarity.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Pool, Result, Stateless,
};
use parallax_simd::select;

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "polarity",
    "Keeps the events of one polarity",
    &[ParamSpec::choice("keep", &["on", "off", "both"]).default("on").doc("Which events are kept")],
)
.with_doc("As evlib's `filter_by_polarity`.")
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let keep = match params.choice("keep")? {
        "on" => Some(1),
        "off" => Some(0),
        _ => None,
    };
    Ok(Box::new(Polarity { params, keep }))
}

#[derive(Debug)]
struct Polarity {
    params: Params,
    keep: Option<u8>,
}

impl EventOp for Polarity {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Stateless))
    }

    fn fork(&self, _: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(Stateless)))
    }

    fn run(&self, _: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        if let Some(keep) = self.keep {
            block.select_in_parts(pool, |events, mask| select::equal_u8(events.p, keep, mask));
        }
        Ok(())
    }
}
