//! Keeps the events inside a rectangle, where they are.

use std::ops::RangeInclusive;

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Pool, Result, Stateless,
};
use parallax_simd::select;

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "region",
    "Keeps the events inside a rectangle",
    &[
        ParamSpec::int("x").unit("px").range(0, 65_535).default(0).doc("Left column"),
        ParamSpec::int("y").unit("px").range(0, 65_535).default(0).doc("Top row"),
        ParamSpec::int("w").unit("px").range(1, 65_536).default(65_536).doc("How many columns"),
        ParamSpec::int("h").unit("px").range(1, 65_536).default(65_536).doc("How many rows"),
        ParamSpec::choice("keep", &["inside", "outside"]).default("inside").doc("Which events are kept"),
    ],
)
.with_doc(
    "Coordinates and the sensor's size stay as they are; `crop` moves the corner to (0, 0). As evlib's \
     `filter_by_roi`, whose bounds are both inside: `x_max = x + w - 1`.",
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let side = |first: &str, length: &str| {
        let (first, length) = (params.int(first)?, params.int(length)?);
        let last = first.saturating_add(length - 1).clamp(0, 65_535);
        let whole = |value: i64| u16::try_from(value).map_err(|error| Error::internal(error.to_string()));
        Ok::<_, Error>(whole(first)?..=whole(last)?)
    };
    let (columns, rows) = (side("x", "w")?, side("y", "h")?);
    let outside = params.choice("keep")? == "outside";
    Ok(Box::new(Region { columns, rows, outside, params }))
}

#[derive(Debug)]
struct Region {
    params: Params,
    columns: RangeInclusive<u16>,
    rows: RangeInclusive<u16>,
    outside: bool,
}

impl EventOp for Region {
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
        if self.outside {
            block.retain(|event| !(self.columns.contains(&event.x) && self.rows.contains(&event.y)));
            return Ok(());
        }
        block.select_in_parts(pool, |events, mask| {
            select::within_u16(events.x, self.columns.clone(), mask);
            select::within_u16(events.y, self.rows.clone(), mask);
        });
        Ok(())
    }
}
