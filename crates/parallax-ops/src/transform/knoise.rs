//! Drops what too few neighbours confirm: noise by the k nearest events.

use parallax_events::{Declaration, EventOp, ParamSpec, Params, Result};

use super::profile;
use crate::neighbours::{Confirmed, OWN, RADIUS, TIME, neighbours};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "knoise",
    "Drops events without enough recent events around them",
    &[
        TIME,
        ParamSpec::int("k").range(1, 1088).default(2).doc("How many neighbouring pixels must have fired"),
        neighbours("8"),
        RADIUS,
        OWN,
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
    let least = u32::try_from(params.int("k")?).unwrap_or(1);
    Confirmed::boxed(params, least)
}
