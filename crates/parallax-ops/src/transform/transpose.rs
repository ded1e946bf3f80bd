//! Mirrors the sensor at its main diagonal: x and y change places.

use parallax_events::{
    Declaration, EventBlock, EventOp, Geometry, Meta, OpState, Params, Pool, Result, Stateless,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new("transpose", "Lets x and y change places", &[])
    .with_doc(
        "The sensor's width and height change places, too. It mirrors the picture; `rotate angle=90` turns it, and is \
         `transpose ! flip_x`.",
    )
    .with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    Ok(Box::new(Transpose { params }))
}

#[derive(Debug)]
struct Transpose {
    params: Params,
}

impl EventOp for Transpose {
    fn params(&self) -> &Params {
        &self.params
    }

    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        let turned = input.geometry.map(|g| Geometry { width: g.height, height: g.width });
        Ok(Meta { geometry: turned, ..input.clone() })
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Stateless))
    }

    fn fork(&self, _: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(Stateless)))
    }

    fn run(&self, _: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let pixels = block.pixels_mut();
        pixels.x.swap_with_slice(pixels.y);
        Ok(())
    }
}
