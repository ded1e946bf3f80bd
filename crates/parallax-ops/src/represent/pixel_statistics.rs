//! What each pixel did: how often, which way, how regularly.

use bytemuck::{Pod, Zeroable};
use parallax_events::{Declaration, Geometry, Params, Represent, Result};

use super::accumulator::Windowed;
use super::kernel::{Bounds, Events, Kernel, Layout, Stage};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "pixel_statistics",
    "Count, ON share, rate, mean and deviation of the intervals of each pixel: f32 (statistic, y, x)",
    params![],
)
.with_doc(
    "The five planes: how many events; which part of them was ON; events a second over the length of the window; the mean \
     of the times between neighbouring events of the pixel, in seconds; their standard deviation (of the population). Where \
     there is nothing to take a statistic of, it is 0. Where time steps back the interval is 0.",
);

/// How many planes there are.
const STATISTICS: usize = 5;

fn build(params: Params) -> Result<Box<dyn Represent>> {
    Windowed::boxed(params, PixelStatistics)
}

#[derive(Debug)]
struct PixelStatistics;

/// What a pixel had; intervals in ticks.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Pixel {
    count: u64,
    on: u64,
    last: i64,
    sum: f64,
    squares: f64,
}

impl Kernel for PixelStatistics {
    type Cell = f32;
    type Memory = Scratch<Pixel>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("statistic", STATISTICS)], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<Scratch<Pixel>> {
        Ok(Scratch::new(geometry.pixels()))
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let width = usize::from(at.geometry.width);
        let pixels = at.memory.cells();
        for event in events.columns.iter() {
            let Some(pixel) = pixels.get_mut(usize::from(event.y) * width + usize::from(event.x)) else { continue };
            if pixel.count > 0 {
                let interval = if event.t > pixel.last { event.t.abs_diff(pixel.last) as f64 } else { 0.0 };
                pixel.sum += interval;
                pixel.squares += interval * interval;
            }
            pixel.last = if pixel.count > 0 { pixel.last.max(event.t) } else { event.t };
            pixel.count = pixel.count.saturating_add(1);
            pixel.on = pixel.on.saturating_add(event.p.into());
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let second = at.unit.nanos() as f64 / 1e9;
        let length = at.bounds.map_or(0, Bounds::length) as f64 * second;
        let places = at.geometry.pixels();
        for (place, pixel) in at.memory.cells().iter().enumerate() {
            let over = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
            let count = pixel.count as f64;
            let intervals = count - 1.0;
            let mean = over(pixel.sum, intervals);
            let variance = over(pixel.squares, intervals) - mean * mean;
            let values = [
                count,
                over(pixel.on as f64, count),
                over(count, length),
                mean * second,
                variance.max(0.0).sqrt() * second,
            ];
            for (statistic, value) in values.into_iter().enumerate() {
                if let Some(cell) = at.cells.get_mut(statistic * places + place) {
                    *cell = value as f32;
                }
            }
        }
    }
}
