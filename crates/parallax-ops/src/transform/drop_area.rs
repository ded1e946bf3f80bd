//! Drops the events of one random rectangle.

use std::any::Any;
use std::ops::RangeInclusive;

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, Stateless,
    state_as,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "drop_area",
    "Drops the events of one random rectangle",
    &[
        ParamSpec::float("ratio")
            .range(0.0, 1.0)
            .default(0.2)
            .doc("The rectangle's width and height, of those of the sensor"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed drops another rectangle"),
    ],
)
.with_doc("The rectangle is the same for the whole stream and lies inside the sensor: Tonic's `DropEventByArea`.")
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let place = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    let ratio = params.float("ratio")?;
    Ok(Box::new(DropArea { params, ratio, place }))
}

#[derive(Debug)]
struct DropArea {
    params: Params,
    ratio: f64,
    place: Philox,
}

/// Columns and rows that are dropped; `None` if there are none.
#[derive(Debug)]
struct Area(Option<(RangeInclusive<u16>, RangeInclusive<u16>)>);

impl EventOp for DropArea {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = meta.require_geometry()?;
        let side = |all: u16, lane: u32| {
            let length = (f64::from(all) * self.ratio) as u16;
            let first = self.place.below(0, lane, u32::from(all - length) + 1) as u16;
            (length > 0).then(|| first..=first + (length - 1))
        };
        Ok(Box::new(Area(side(geometry.width, 0).zip(side(geometry.height, 1)))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if let Area(Some((columns, rows))) = state_as(state)? {
            block.retain(|event| !(columns.contains(&event.x) && rows.contains(&event.y)));
        }
        Ok(())
    }
}

impl OpState for Area {
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
