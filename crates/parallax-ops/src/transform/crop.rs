//! Cuts a rectangle out of the sensor: its corner becomes (0, 0).

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Philox, Pool, Result,
    state_as,
};
use parallax_simd::select;

use super::profile;
use crate::fixed::Fixed;
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
        ParamSpec::choice("at", &["corner", "center", "random"])
            .default("corner")
            .doc("Where the rectangle lies: with its corner at x and y, in the middle, or anywhere"),
        ParamSpec::int("seed").min(0).default(0).doc("at=random: another seed puts it elsewhere"),
    ],
)
.with_doc(
    "Events outside go, the others move so that the corner is (0, 0), and the stream's sensor size becomes that of the \
     rectangle, which must lie inside the sensor. `region` leaves coordinates as they are. `at=center` is Tonic's \
     `CenterCrop`, whose rectangle may be larger than the sensor: its corner is `(W - w) / 2, (H - h) / 2`, rounded down. \
     `at=random` is Tonic's `RandomCrop`: one place for the whole stream, each that fits equally likely, the last one \
     too, which Tonic never takes.",
)
.with_aliases(&[("center_crop", "crop at=center w=.. h=.."), ("random_crop", "crop at=random w=.. h=..")])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let side = |name: &str| -> Result<Option<u16>> {
        let value = params.optional_int(name)?.map(u16::try_from).transpose();
        value.map_err(|error| Error::internal(error.to_string()))
    };
    let (corner, size) = ((side("x")?.unwrap_or(0), side("y")?.unwrap_or(0)), (side("w")?, side("h")?));
    let at = match params.choice("at")? {
        "corner" => At::Corner(corner.0, corner.1),
        word if corner != (0, 0) => {
            return Err(Error::param(format!("`crop at={word}` chooses the corner, and x and y do, too"))
                .with_hint("leave out x and y, or write at=corner"));
        }
        "center" => At::Center,
        _ => At::Random(Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id())),
    };
    Ok(Box::new(Crop { params, at, size }))
}

#[derive(Debug)]
struct Crop {
    params: Params,
    at: At,
    size: (Option<u16>, Option<u16>),
}

/// Where the rectangle lies.
#[derive(Debug, Clone, Copy)]
enum At {
    Corner(u16, u16),
    Center,
    Random(Philox),
}

impl At {
    /// The first column, or the first row: `axis` is 0 or 1. `length` is `None` if it goes on to the end of `all`.
    fn first(self, axis: u32, all: u16, length: Option<u16>) -> u16 {
        let free = all.saturating_sub(length.unwrap_or(all));
        match self {
            Self::Corner(x, y) => [x, y][axis as usize % 2],
            Self::Center => free / 2,
            Self::Random(place) => place.below(0, axis, u32::from(free) + 1) as u16,
        }
    }
}

/// The rectangle on a certain sensor.
#[derive(Debug, Clone, Copy)]
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
        let left = self.at.first(0, sensor.width, self.size.0);
        let top = self.at.first(1, sensor.height, self.size.1);
        let width = side("x", left, self.size.0, sensor.width)?;
        let height = side("y", top, self.size.1, sensor.height)?;
        Ok(Rectangle { corner: (left, top), size: Geometry::new(width, height)? })
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
        Ok(Box::new(Fixed(self.rectangle(meta)?)))
    }

    fn fork(&self, state: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut Fixed(fixed) = state_as::<Fixed<Rectangle>>(state)?;
        Ok(Some(Box::new(Fixed(fixed))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let Fixed(Rectangle { corner: (left, top), size }) = *state_as::<Fixed<Rectangle>>(state)?;
        block.select_in_parts(pool, |events, mask| {
            select::within_u16(events.x, left..=left.saturating_add(size.width - 1), mask);
            select::within_u16(events.y, top..=top.saturating_add(size.height - 1), mask);
        });
        if (left, top) != (0, 0) {
            block.change_pixels(pool, |_, pixels| {
                pixels.x.iter_mut().for_each(|x| *x -= left);
                pixels.y.iter_mut().for_each(|y| *y -= top);
            });
        }
        Ok(())
    }
}
