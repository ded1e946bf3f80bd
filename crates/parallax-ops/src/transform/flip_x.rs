//! Mirrors left and right: x becomes width - 1 - x.

use std::any::Any;

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, Stateless,
    state_as,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "flip_x",
    "Mirrors left and right",
    &[
        ParamSpec::float("chance").range(0.0, 1.0).default(1.0).doc("How likely the stream is turned at all"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed decides anew"),
    ],
)
.with_doc("x becomes width - 1 - x, for all events of the stream or for none: Tonic's `RandomFlipLR`.")
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let draw = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id()).unit_f64(0, 0);
    let turned = draw < params.float("chance")?;
    Ok(Box::new(FlipX { params, turned }))
}

#[derive(Debug)]
struct FlipX {
    params: Params,
    turned: bool,
}

impl EventOp for FlipX {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Mirror { last: meta.require_geometry()?.width - 1 }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let last = state_as::<Mirror>(state)?.last;
        if self.turned {
            for x in block.pixels_mut().x {
                *x = last.saturating_sub(*x);
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Mirror {
    /// The last column.
    last: u16,
}

impl OpState for Mirror {
    fn reset(&mut self) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        Stateless.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
