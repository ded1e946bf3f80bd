//! Mirrors left and right: x becomes width - 1 - x.

use parallax_events::{Declaration, EventOp, Params, Result};

use super::profile;
use crate::mirror::{self, Axis, Mirror};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new("flip_x", "Mirrors left and right", mirror::PARAMS)
    .with_doc("x becomes width - 1 - x, for all events of the stream or for none: Tonic's `RandomFlipLR`.")
    .with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    Mirror::boxed(params, Axis::X)
}
