//! Drops what no neighbour confirms: background activity.

use parallax_events::{Declaration, EventOp, Params, Result};

use super::profile;
use crate::neighbours::{Confirmed, OWN, RADIUS, TIME, neighbours};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "background_activity",
    "Drops events without a recent event next to them",
    &[
        TIME,
        neighbours("4"),
        RADIUS,
        OWN,
    ],
)
.with_doc(
    "An event is kept if the last event of any neighbouring pixel, whatever the polarity, is less than `time` before it; \
     where time goes back, a later event counts too. Delbruck, \"Frame-free dynamic digital vision\" (2008). With the \
     defaults this is Tonic's `Denoise`, except that Tonic lets the events before `filter_time` pass, since its memory \
     begins there."
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    Confirmed::boxed(params, 1)
}
