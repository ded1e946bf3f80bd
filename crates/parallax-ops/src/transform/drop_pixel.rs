//! Drops all events of random pixels.

use parallax_events::{
    Declaration, EventBlock, EventOp, Geometry, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, state_as,
};
use parallax_simd::marks::Marks;

use super::profile;
use crate::fixed::Fixed;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "drop_pixel",
    "Drops all events of random pixels",
    &[
        ParamSpec::float("chance").range(0.0, 1.0).default(0.1).doc("How likely a pixel is dropped"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed drops others"),
    ],
)
.with_doc(
    "Each pixel is dropped or not on its own, for the whole stream: Tonic's `RandomDropPixel`. Pixel (x, y) is decided by \
     word `n % 4` of Philox block `n / 4`, n being `65536 * y + x`, so the sensor's size does not matter and need not be \
     known. `mask` drops listed pixels, `hot_pixels by=rate` those that fire too often: both are Tonic's `DropPixel`.",
)
.with_aliases(&[("random_drop_pixel", "drop_pixel")])
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    // Of 2^32 words so many drop the pixel.
    let dropping = (params.float("chance")? * 4_294_967_296.0).round() as u64;
    let words = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    Ok(Box::new(DropPixel { params, dropping, words }))
}

#[derive(Debug)]
struct DropPixel {
    params: Params,
    dropping: u64,
    words: Philox,
}

/// Up to so many pixels the choice is made once for all of them, 512 KiB of bits; on larger sensors for each event.
const MOST_BITS: usize = 1 << 22;

/// A bit for each pixel that is dropped.
#[derive(Debug)]
struct Chosen {
    width: u32,
    words: Vec<u64>,
}

impl DropPixel {
    fn drops(&self, x: u16, y: u16) -> bool {
        let word = self.words.at(u64::from(y) << 14 | u64::from(x) >> 2)[usize::from(x) % 4];
        u64::from(word) < self.dropping
    }

    fn chosen(&self, geometry: Geometry) -> Chosen {
        let mut words = vec![0; geometry.pixels().div_ceil(64)];
        let pixels = (0..geometry.height).flat_map(|y| (0..geometry.width).map(move |x| (x, y)));
        for (place, (x, y)) in pixels.enumerate() {
            if let Some(word) = words.get_mut(place / 64) {
                *word |= u64::from(self.drops(x, y)) << (place % 64);
            }
        }
        Chosen { width: geometry.width.into(), words }
    }
}

impl EventOp for DropPixel {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let small = meta.geometry.filter(|geometry| geometry.pixels() <= MOST_BITS);
        Ok(Box::new(Fixed(small.map(|geometry| self.chosen(geometry)))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        match &state_as::<Fixed<Option<Chosen>>>(state)?.0 {
            Some(Chosen { width, words }) => {
                let marks = Marks { width: *width, words };
                block.select_in_parts(pool, |events, mask| marks.drop(events.x, events.y, mask));
            }
            None => block.retain(|event| !self.drops(event.x, event.y)),
        }
        Ok(())
    }
}
