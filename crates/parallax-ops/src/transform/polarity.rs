//! Keeps the events of one polarity.

use std::sync::Arc;

use parallax_events::{
    Declaration, EventBatch, EventOp, Meta, OpState, ParamSpec, Params, Result, Stateless,
};

use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "polarity",
    "Keeps the events of one polarity",
    &[ParamSpec::choice("keep", &["on", "off", "both"]).default("on").doc("Which events are kept")],
);

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

    fn apply(&self, _: &mut dyn OpState, batch: &EventBatch) -> Result<EventBatch> {
        let Some(keep) = self.keep else { return Ok(batch.clone()) };
        let kept: Vec<_> = batch.columns().iter().filter(|event| event.p == keep).collect();
        EventBatch::from_events(&kept, Arc::clone(batch.meta()))
    }
}
