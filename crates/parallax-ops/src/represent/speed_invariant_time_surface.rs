//! Speed-invariant time surfaces: ranks instead of times, so that a fast edge looks like a slow one.

use parallax_events::{Declaration, Geometry, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::kernel::{Events, Kernel, Layout, Stage};
use super::polarity::{MERGE, Polarity};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "speed_invariant_time_surface",
    "Ranks each pixel's last event among those around it: u8 (polarity, y, x)",
    params![
        ParamSpec::int("radius").unit("px").range(1, 7).default(3).doc("How far around an event values sink; a new event is `(2 radius + 1)^2`"),
        ParamSpec::choice("memory", &["stream", "window"])
            .default("stream")
            .doc("Whether a window begins with the surface that the one before it left"),
        MERGE,
    ],
)
.with_doc(
    "Manderscheid et al., *Speed invariant time surface for learning to detect corner points with event-based \
     cameras*, CVPR 2019. An event sets its pixel to `(2 r + 1)^2`; before that each value around it that is at least the \
     pixel's own sinks by 1, not below 0. ",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = SpeedInvariant {
        radius: params.int("radius")?.unsigned_abs() as usize,
        forgets: params.choice("memory")? == "window",
        polarity: Polarity::of(params.choice("polarity")?),
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct SpeedInvariant {
    radius: usize,
    forgets: bool,
    polarity: Polarity,
}

impl Kernel for SpeedInvariant {
    type Cell = u8;
    type Memory = Scratch<u8>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<Scratch<u8>> {
        Ok(Scratch::keeping(self.polarity.channels() * geometry.pixels(), !self.forgets))
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn counts_on(&self) -> bool {
        !self.forgets
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let (width, height) = (usize::from(at.geometry.width), usize::from(at.geometry.height));
        let newest = u8::try_from((2 * self.radius + 1).pow(2)).unwrap_or(u8::MAX);
        for event in events.columns.iter() {
            let (x, y) = (usize::from(event.x), usize::from(event.y));
            let channel = usize::from(event.p) * (self.polarity.channels() - 1);
            let surface = at.memory.cells().chunks_mut(width * height).nth(channel).unwrap_or_default();
            let Some(own) = surface.get(y * width + x).copied() else { continue };
            let columns = x.saturating_sub(self.radius)..(x + self.radius + 1).min(width);
            let first = y.saturating_sub(self.radius);
            let rows = (y + self.radius + 1).min(height) - first;
            for row in surface.chunks_mut(width).skip(first).take(rows) {
                for value in row.get_mut(columns.clone()).unwrap_or_default() {
                    *value = value.saturating_sub(u8::from(*value >= own));
                }
            }
            if let Some(value) = surface.get_mut(y * width + x) {
                *value = newest;
            }
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        at.cells.copy_from_slice(at.memory.cells());
    }
}
