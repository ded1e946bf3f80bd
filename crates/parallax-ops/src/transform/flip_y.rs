//! Mirrors top and bottom: y becomes height - 1 - y.

use parallax_events::{Declaration, EventOp, Params, Result};

use super::profile;
use crate::mirror::{self, Axis, Mirror};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new("flip_y", "Mirrors top and bottom", mirror::PARAMS)
    .with_doc("y becomes height - 1 - y, for all events of the stream or for none: Tonic's `RandomFlipUD`.")
    .with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    Mirror::boxed(params, Axis::Y)
}
