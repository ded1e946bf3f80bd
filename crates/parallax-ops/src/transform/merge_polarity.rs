//! Gives all events the same polarity.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Pool, Result, Stateless,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "merge_polarity",
    "Gives all events the same polarity",
    &[ParamSpec::choice("to", &["off", "on"]).default("off").doc("Which one")],
)
.with_doc(
    "No event goes; `polarity keep=on` is what drops those of one polarity. Tonic's `MergePolarities` makes all OFF.",
)
.with_aliases(&[
    ("merge_polarities", "merge_polarity"),
    ("drop_polarity", "merge_polarity (which polarity it was) or polarity keep=on (the events of the other)"),
])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let p = u8::from(params.choice("to")? == "on");
    Ok(Box::new(MergePolarity { params, p }))
}

#[derive(Debug)]
struct MergePolarity {
    params: Params,
    p: u8,
}

impl EventOp for MergePolarity {
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
        block.pixels_mut().p.fill(self.p);
        Ok(())
    }
}
