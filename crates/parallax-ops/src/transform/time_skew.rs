//! Stretches and shifts time: t becomes t * scale + offset.

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result, state_as,
};

use super::profile;
use crate::fixed::Fixed;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "time_skew",
    "Stretches and shifts time",
    &[
        ParamSpec::float("scale").range(0.0, 1e9).default(1.0).doc("What times are multiplied by"),
        ParamSpec::time("offset").default(Nanos(0)).doc("What is added afterwards; negative moves to an earlier time"),
    ],
)
.with_doc(
    "t becomes `t * scale + offset`, rounded down: Tonic's `TimeSkew`, which cuts towards 0. The product is that of 64-bit \
     floats, as there, so it is exact up to 2⁵³ units; with `scale=1` it is exact everywhere. A time that leaves 64 bits is \
     an error. Times count from the stream's origin: put `time_align` before it to stretch from the first event on.",
)
.with_aliases(&[
    ("time_shift", "time_skew offset=.."),
    ("time_scale", "time_skew scale=.."),
    ("temporal_downsample", "time_skew scale=.."),
])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let (scale, offset) = (params.float("scale")?, params.time("offset")?);
    Ok(Box::new(TimeSkew { params, scale, offset }))
}

#[derive(Debug)]
struct TimeSkew {
    params: Params,
    scale: f64,
    offset: Nanos,
}

impl EventOp for TimeSkew {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Fixed(self.offset.to_unit(meta.time_unit)?)))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let offset = state_as::<Fixed<i64>>(state)?.0;
        if self.scale == 1.0 {
            if offset != 0 {
                for t in block.times_mut() {
                    *t = t.checked_add(offset).ok_or_else(|| beyond(DECLARATION.id(), *t))?;
                }
            }
            return Ok(());
        }
        for t in block.times_mut() {
            // A cast stops at the ends of 64 bits, which no product inside reaches.
            let product = (*t as f64 * self.scale).floor() as i64;
            *t = Some(product)
                .filter(|&product| product > i64::MIN && product < i64::MAX)
                .and_then(|product| product.checked_add(offset))
                .ok_or_else(|| beyond(DECLARATION.id(), *t))?;
        }
        Ok(())
    }
}

/// The error of a time that has no place after `operator`.
pub(super) fn beyond(operator: &str, t: i64) -> Error {
    Error::param(format!("`{operator}` would move the time {t} out of 64 bits"))
        .with_hint("cut the stream down with `time` first")
}
