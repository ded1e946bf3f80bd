//! Drops the events of listed pixels, or of all others.

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Pool, Result, Stateless,
};
use parallax_simd::marks::Marks;

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "mask",
    "Drops the events of listed pixels, or of all others",
    &[
        ParamSpec::text("pixels").default("").doc("`x,y` of each, with blanks between: \"3,4 17,0\""),
        ParamSpec::choice("keep", &["others", "listed"]).default("others").doc("Which events are kept"),
    ],
)
.with_doc("As Tonic's `DropPixel` with coordinates. A pixel outside the sensor is allowed: it has no events.")
.with_aliases(&[("pixel_list", "mask pixels=\"x,y x,y\"")])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let listed = Pixels::parse(params.text("pixels")?)?;
    let keep_listed = params.choice("keep")? == "listed";
    Ok(Box::new(Mask { params, listed, keep_listed }))
}

#[derive(Debug)]
struct Mask {
    params: Params,
    listed: Pixels,
    keep_listed: bool,
}

/// A bit for each pixel of the rectangle from (0, 0) to the last one listed, or the list itself if that is far smaller.
#[derive(Debug)]
enum Pixels {
    Bits { width: u32, words: Vec<u64> },
    /// In ascending order, y * 2¹⁶ + x.
    List(Vec<u32>),
}

/// A rectangle of so many pixels takes 128 KiB of bits.
const MOST_BITS: usize = 1 << 20;

impl Pixels {
    fn parse(text: &str) -> Result<Self> {
        let mut pixels = Vec::new();
        for word in text.split_whitespace() {
            let wrong = || {
                Error::param(format!("`pixels` of `mask` has `{word}`"))
                    .with_context("allowed", "x,y with both from 0 to 65535")
            };
            let (x, y) = word.split_once(',').ok_or_else(wrong)?;
            let number = |text: &str| text.parse::<u16>().map_err(|_| wrong());
            pixels.push(u32::from(number(y)?) << 16 | u32::from(number(x)?));
        }
        pixels.sort_unstable();
        pixels.dedup();
        let (column, row) = (|pixel: &u32| *pixel as usize & 0xFFFF, |pixel: &u32| *pixel as usize >> 16);
        let width = pixels.iter().map(column).max().map_or(0, |last| last + 1);
        let height = pixels.last().map_or(0, |pixel| row(pixel) + 1);
        if width * height > MOST_BITS {
            return Ok(Self::List(pixels));
        }
        let mut words = vec![0_u64; (width * height).div_ceil(64)];
        for pixel in &pixels {
            let place = row(pixel) * width + column(pixel);
            if let Some(word) = words.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        Ok(Self::Bits { width: width as u32, words })
    }
}

impl EventOp for Mask {
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
        match &self.listed {
            Pixels::Bits { width, words } => {
                let marks = Marks { width: *width, words };
                block.select_in_parts(pool, |events, mask| {
                    if self.keep_listed {
                        marks.keep(events.x, events.y, mask);
                    } else {
                        marks.drop(events.x, events.y, mask);
                    }
                });
            }
            Pixels::List(pixels) => block.retain(|event| {
                let pixel = u32::from(event.y) << 16 | u32::from(event.x);
                pixels.binary_search(&pixel).is_ok() == self.keep_listed
            }),
        }
        Ok(())
    }
}
