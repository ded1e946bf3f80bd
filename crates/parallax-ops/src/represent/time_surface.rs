//! How long ago each pixel fired, as a value that fades.

use std::marker::PhantomData;

use parallax_events::{Declaration, Geometry, Nanos, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::kernel::{Bounds, Events, Kernel, Layout, Stage};
use super::last_times::{Fading, LastTimes};
use super::polarity::{MERGE, Polarity};
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "time_surface",
    "Fades each pixel's last event: exp(-age / tau), (polarity, y, x)",
    params![
        ParamSpec::time("tau").min(Nanos(1)).default(Nanos(50_000_000)).doc("Time constant: after it 1/e is left"),
        ParamSpec::choice("decay", &["exp", "linear"])
            .default("exp")
            .doc("exp(-age / tau), or 1 - age / tau down to 0"),
        ParamSpec::choice("memory", &["stream", "window"])
            .default("stream")
            .doc("Whether a pixel's last event may lie in an earlier window"),
        MERGE,
        ParamSpec::choice("dtype", &["f32", "f64"]).default("f32").doc("What a cell is"),
    ],
)
.with_doc(
    "Lagorce et al., *HOTS: a hierarchy of event-based time surfaces for pattern recognition*, TPAMI 2017. The age is \
     taken at the end of the window, or at the last event where no window is given; a pixel that never fired is \
     exactly 0. With `memory=stream` a window every `dt` gives the surfaces of Tonic's `ToTimesurface`.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    match params.choice("dtype")? {
        "f64" => TimeSurface::<f64>::boxed(params),
        _ => TimeSurface::<f32>::boxed(params),
    }
}

#[derive(Debug)]
struct TimeSurface<T> {
    tau: Nanos,
    is_linear: bool,
    forgets: bool,
    polarity: Polarity,
    cell: PhantomData<T>,
}

impl<T: Fading> TimeSurface<T> {
    fn boxed(params: Params) -> Result<Box<dyn Represent>> {
        let surface = Self {
            tau: params.time("tau")?,
            is_linear: params.choice("decay")? == "linear",
            forgets: params.choice("memory")? == "window",
            polarity: Polarity::of(params.choice("polarity")?),
            cell: PhantomData,
        };
        Windowed::boxed(params, surface)
    }
}

impl<T: Fading> Kernel for TimeSurface<T> {
    type Cell = T;
    type Memory = LastTimes;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<LastTimes> {
        LastTimes::new(self.polarity.channels() * geometry.pixels(), self.forgets)
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let on_offset = (self.polarity.channels() - 1) * at.geometry.pixels();
        at.memory.add(events, usize::from(at.geometry.width), on_offset)
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        // Without an event there is no time to look back from, and nothing to see.
        let Some(Bounds { end, .. }) = at.bounds else {
            at.cells.fill(bytemuck::Zeroable::zeroed());
            return;
        };
        let rate = 1.0 / at.ticks(self.tau);
        at.memory.fade(end, rate, self.is_linear, at.cells, at.pool);
    }
}
