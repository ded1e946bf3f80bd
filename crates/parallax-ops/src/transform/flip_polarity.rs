//! Turns ON into OFF and OFF into ON.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, Stateless,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "flip_polarity",
    "Turns ON into OFF and OFF into ON",
    &[
        ParamSpec::float("chance").range(0.0, 1.0).default(1.0).doc("How likely the stream is turned at all"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed decides anew"),
    ],
)
.with_doc("For all events of the stream or for none, as Tonic's `RandomFlipPolarity` does (its documentation says otherwise).")
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let draw = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id()).unit_f64(0, 0);
    let turned = draw < params.float("chance")?;
    Ok(Box::new(FlipPolarity { params, turned }))
}

#[derive(Debug)]
struct FlipPolarity {
    params: Params,
    turned: bool,
}

impl EventOp for FlipPolarity {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Stateless))
    }

    fn fork(&self, _: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(Stateless)))
    }

    fn run(&self, _: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.turned {
            for p in block.pixels_mut().p {
                *p ^= 1;
            }
        }
        Ok(())
    }
}
