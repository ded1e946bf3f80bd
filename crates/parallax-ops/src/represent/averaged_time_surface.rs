//! Averages of what each event saw around it: HATS.

use parallax_events::{
    AxisName, Declaration, Error, Geometry, Nanos, ParamSpec, Params, Represent, Result,
};

use super::accumulator::Windowed;
use super::kernel::{Events, Kernel, Layout, Stage};
use super::neighbourhoods::{Fade, Neighbourhoods};
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "averaged_time_surface",
    "Averages the time surfaces around all events of a cell: f32 (cell, polarity, y, x)",
    params![
        ParamSpec::int("cell").unit("px").range(1, 4096).default(10).doc("Side of a cell; cells lie row by row, the last ones cut short by the sensor's edge"),
        ParamSpec::int("size").unit("px").range(1, 31).default(5).doc("Side of a surface, an odd number; its middle is the event"),
        ParamSpec::time("past").min(Nanos(1)).default(Nanos(1_000_000)).doc("How far back an event looks, both ends inside"),
        ParamSpec::time("tau").min(Nanos(1)).default(Nanos(100_000)).doc("Time constant of the fading"),
        ParamSpec::choice("decay", &["exp", "linear"]).default("exp").doc("exp(-age / tau), or 1 - age / (3 tau) down to 0"),
    ],
)
.with_doc(
    "Sironi et al., *HATS: histograms of averaged time surfaces for robust event-based object classification*, CVPR \
     2018. An event sees the events of its own cell and polarity, itself among them, that came no later and lie \
     within `past` and within the surface around it; each adds its faded weight at its place. The surfaces of a cell's \
     events are averaged. So is Tonic's `ToAveragedTimesurface`, except that with `decay=linear` weights stop at 0 \
     here. Where time steps back, an event counts as if it came at the latest time so far. Every window stands alone. \
     What has faded below 1e-26 of an event may be counted a little longer than `past` says.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let size = params.int("size")?;
    if size % 2 == 0 {
        return Err(Error::param(format!("`size` of `averaged_time_surface` cannot be `{size}`: it is even"))
            .with_context("allowed", "odd numbers from 1 to 31"));
    }
    let kernel = AveragedTimeSurface {
        cell: params.int("cell")?.unsigned_abs() as usize,
        size: size.unsigned_abs() as usize,
        past: params.time("past")?,
        tau: params.time("tau")?,
        is_linear: params.choice("decay")? == "linear",
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct AveragedTimeSurface {
    cell: usize,
    size: usize,
    past: Nanos,
    tau: Nanos,
    is_linear: bool,
}

impl Kernel for AveragedTimeSurface {
    type Cell = f32;
    type Memory = Neighbourhoods;

    fn layout(&self, geometry: Geometry) -> Layout {
        let cells = usize::from(geometry.width).div_ceil(self.cell) * usize::from(geometry.height).div_ceil(self.cell);
        Layout {
            shape: vec![cells, 2, self.size, self.size],
            axes: ["cell", "polarity", "y", "x"].map(AxisName::from).to_vec(),
        }
    }

    fn memory(&self, geometry: Geometry) -> Result<Neighbourhoods> {
        Neighbourhoods::new(geometry, self.cell, self.size, self.is_linear)
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let tau = at.ticks(self.tau);
        let fade = Fade::new(at.ticks(self.past), if self.is_linear { 3.0 * tau } else { tau }, self.is_linear);
        at.memory.add(events, fade, at.pool)
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        at.memory.averages(at.cells, at.pool);
    }
}
