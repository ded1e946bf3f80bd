//! Turns the sensor by a quarter, a half or three quarters.

use parallax_events::{
    Declaration, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Pool, Result, state_as,
};

use super::profile;
use crate::fixed::Fixed;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "rotate",
    "Turns the sensor by 90, 180 or 270 degrees",
    &[ParamSpec::choice("angle", &["90", "180", "270"]).default("90").doc("Degrees clockwise, as a person sees it")],
)
.with_doc(
    "With W columns, H rows and y downwards: 90 makes of (x, y) the pixel (H - 1 - y, x), 180 (W - 1 - x, H - 1 - y), and \
     270, a quarter counter-clockwise, (y, W - 1 - x). By 90 and 270 the sensor's width and height change places.",
)
.with_aliases(&[
    ("rotate90", "rotate angle=90"),
    ("rotate_cw", "rotate angle=90"),
    ("rotate_ccw", "rotate angle=270"),
    ("rotate180", "rotate angle=180"),
])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let quarters = match params.choice("angle")? {
        "90" => 1,
        "180" => 2,
        _ => 3,
    };
    Ok(Box::new(Rotate { params, quarters }))
}

#[derive(Debug)]
struct Rotate {
    params: Params,
    /// Clockwise: 1, 2 or 3.
    quarters: u8,
}

impl EventOp for Rotate {
    fn params(&self) -> &Params {
        &self.params
    }

    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        let Geometry { width, height } = input.require_geometry()?;
        let turned = if self.quarters == 2 { (width, height) } else { (height, width) };
        Ok(Meta { geometry: Some(Geometry::new(turned.0, turned.1)?), ..input.clone() })
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Fixed(meta.require_geometry()?)))
    }

    fn fork(&self, state: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut Fixed(fixed) = state_as::<Fixed<Geometry>>(state)?;
        Ok(Some(Box::new(Fixed(fixed))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let Fixed(Geometry { width, height }) = *state_as::<Fixed<Geometry>>(state)?;
        let pixels = block.pixels_mut();
        if self.quarters != 2 {
            pixels.x.swap_with_slice(pixels.y);
        }
        // By now x is a row if the sensor was turned on its side.
        match self.quarters {
            1 => mirror(pixels.x, height),
            2 => {
                mirror(pixels.x, width);
                mirror(pixels.y, height);
            }
            _ => mirror(pixels.y, width),
        }
        Ok(())
    }
}

fn mirror(places: &mut [u16], length: u16) {
    let last = length - 1;
    places.iter_mut().for_each(|place| *place = last.saturating_sub(*place));
}
