//! Cuts a rectangle out of the sensor: its corner becomes (0, 0).

use std::any::Any;

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result,
    Stateless, state_as,
};
use parallax_simd::select;

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "crop",
    "Cuts a rectangle out of the sensor",
    &[
        ParamSpec::int("x").unit("px").range(0, 65_534).default(0).doc("Left column"),
        ParamSpec::int("y").unit("px").range(0, 65_534).default(0).doc("Top row"),
        ParamSpec::int("w").unit("px").range(1, 65_535).optional().doc("How many columns; all to the right if not given"),
        ParamSpec::int("h").unit("px").range(1, 65_535).optional().doc("How many rows; all below if not given"),
    ],
)
.with_doc(
    "Events outside go, the others move so that the corner is (0, 0), and the stream's sensor size becomes that of the \
     rectangle, which must lie inside the sensor. `region` leaves coordinates as they are.",
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let side = |name: &str| -> Result<Option<u16>> {
        let value = params.optional_int(name)?.map(u16::try_from).transpose();
        value.map_err(|error| Error::internal(error.to_string()))
    };
    let (corner, size) = ((side("x")?.unwrap_or(0), side("y")?.unwrap_or(0)), (side("w")?, side("h")?));
    Ok(Box::new(Crop { params, corner, size }))
}

#[derive(Debug)]
struct Crop {
    params: Params,
    corner: (u16, u16),
    size: (Option<u16>, Option<u16>),
}

/// The rectangle on a certain sensor.
#[derive(Debug)]
struct Rectangle {
    corner: (u16, u16),
    size: Geometry,
}

impl Crop {
    fn rectangle(&self, meta: &Meta) -> Result<Rectangle> {
        let sensor = meta.require_geometry()?;
        let side = |name: &str, first: u16, length: Option<u16>, all: u16| {
            let rest = all.saturating_sub(first);
            let length = length.unwrap_or(rest);
            if length > 0 && length <= rest {
                return Ok(length);
            }
            Err(Error::param(format!(
                "`crop` from {name} = {first} on, {length} px long, does not lie inside the sensor of {sensor}"
            ))
            .with_context("allowed", format!("{name} below {all}, and no more than what is left")))
        };
        let width = side("x", self.corner.0, self.size.0, sensor.width)?;
        let height = side("y", self.corner.1, self.size.1, sensor.height)?;
        Ok(Rectangle { corner: self.corner, size: Geometry::new(width, height)? })
    }
}

impl EventOp for Crop {
    fn params(&self) -> &Params {
        &self.params
    }

    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        Ok(Meta { geometry: Some(self.rectangle(input)?.size), ..input.clone() })
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(self.rectangle(meta)?))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let &mut Rectangle { corner: (left, top), size } = state_as(state)?;
        block.select(|events, mask| {
            select::within_u16(events.x, left..=left.saturating_add(size.width - 1), mask);
            select::within_u16(events.y, top..=top.saturating_add(size.height - 1), mask);
        });
        if (left, top) != (0, 0) {
            let pixels = block.pixels_mut();
            pixels.x.iter_mut().for_each(|x| *x -= left);
            pixels.y.iter_mut().for_each(|y| *y -= top);
        }
        Ok(())
    }
}

impl OpState for Rectangle {
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
