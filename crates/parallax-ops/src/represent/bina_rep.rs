//! Bina-Rep: binary frames as the bits of a number.

use parallax_events::{Declaration, Geometry, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::bins::{Bins, EDGES, Edges};
use super::kernel::{Events, Kernel, Layout, Needs, Stage};
use super::polarity::{MERGE, Polarity};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "bina_rep",
    "Reads binary frames as the bits of a number from 0 to 1: f32 (time, polarity, y, x)",
    params![
        ParamSpec::int("frames").range(1, 4096).default(1).doc("How many frames a window becomes"),
        ParamSpec::int("bits").range(1, 24).default(8).doc("How many binary frames make one; the first is the highest bit"),
        EDGES,
        MERGE,
    ],
)
.with_doc(
    "Barchid, Mennesson and Djeraba, *Bina-Rep event frames: a simple and effective representation for event-based \
     cameras*, ICIP 2022. A window is cut into `frames * bits` bins; a bit says whether the pixel fired in its bin; the \
     number is divided by `2^bits - 1`. With `edges=floor` it is Tonic's `ToBinaRep` of `ToFrame(n_time_bins)`.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = BinaRep {
        frames: u32::try_from(params.int("frames")?).unwrap_or(1),
        bits: u32::try_from(params.int("bits")?).unwrap_or(1),
        edges: Edges::of(params.choice("edges")?),
        polarity: Polarity::of(params.choice("polarity")?),
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct BinaRep {
    frames: u32,
    bits: u32,
    edges: Edges,
    polarity: Polarity,
}

impl Kernel for BinaRep {
    type Cell = f32;
    type Memory = Scratch<u32>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("time", self.frames as usize), ("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<Scratch<u32>> {
        Ok(Scratch::new(self.frames as usize * self.polarity.channels() * geometry.pixels()))
    }

    fn needs(&self) -> Needs {
        Needs::Bounds
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let Some(bounds) = at.bounds else { return Ok(()) };
        let bins = Bins::new(bounds.length(), self.frames * self.bits, self.edges);
        let frame = self.polarity.channels() * at.geometry.pixels();
        let on_offset = (self.polarity.channels() - 1) * at.geometry.pixels();
        let width = usize::from(at.geometry.width);
        for event in events.columns.iter() {
            let Some(bin) = bins.of(bounds.offset(event.t)) else { continue };
            let place = usize::from(event.y) * width + usize::from(event.x) + usize::from(event.p) * on_offset;
            let numbers = at.memory.cells();
            if let Some(number) = numbers.get_mut((bin / self.bits) as usize * frame + place) {
                *number |= 1 << (self.bits - 1 - bin % self.bits);
            }
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let most = ((1_u32 << self.bits) - 1) as f32;
        for (cell, number) in at.cells.iter_mut().zip(at.memory.cells()) {
            *cell = *number as f32 / most;
        }
    }
}
