//! How long pixels are silent: a histogram of the times between neighbouring events.

use bytemuck::{Pod, Zeroable};
use parallax_events::{AxisName, Declaration, Geometry, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::kernel::{Events, Kernel, Layout, Stage};
use super::polarity::{MERGE, Polarity};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "intervals",
    "Counts the times between neighbouring events of a pixel by their length: i32 (polarity, interval)",
    params![
        ParamSpec::int("bins").range(1, 64).default(32).doc("How many lengths are told apart"),
        MERGE,
    ],
)
.with_doc(
    "Bin `k` counts the intervals from `2^k` to below `2^(k + 1)` microseconds, bin 0 those below 2, the last bin all that \
     are longer. With `polarity=separate` the neighbours have the same polarity. Intervals lie inside one window; where \
     time steps back they are 0.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = Intervals {
        bins: params.int("bins")?.unsigned_abs() as usize,
        polarity: Polarity::of(params.choice("polarity")?),
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct Intervals {
    bins: usize,
    polarity: Polarity,
}

/// When a pixel last fired, if it did.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Last {
    fired: u64,
    t: i64,
}

impl Kernel for Intervals {
    type Cell = i32;
    type Memory = Scratch<Last>;

    fn layout(&self, _: Geometry) -> Layout {
        Layout {
            shape: vec![self.polarity.channels(), self.bins],
            axes: ["polarity", "interval"].map(AxisName::from).to_vec(),
        }
    }

    fn memory(&self, geometry: Geometry) -> Result<Scratch<Last>> {
        Ok(Scratch::new(self.polarity.channels() * geometry.pixels()))
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let width = usize::from(at.geometry.width);
        let nanos = u128::from(at.unit.nanos().unsigned_abs());
        let pixels = at.geometry.pixels();
        let last = at.memory.cells();
        for event in events.columns.iter() {
            let channel = usize::from(event.p) * (self.polarity.channels() - 1);
            let place = usize::from(event.y) * width + usize::from(event.x) + channel * pixels;
            let Some(last) = last.get_mut(place) else { continue };
            if last.fired != 0 {
                let ticks = if event.t > last.t { event.t.abs_diff(last.t) } else { 0 };
                let micros = u128::from(ticks) * nanos / 1000;
                let bin = (micros.max(1).ilog2() as usize).min(self.bins - 1);
                if let Some(count) = at.cells.get_mut(channel * self.bins + bin) {
                    *count = count.saturating_add(1);
                }
            }
            *last = Last { fired: 1, t: if last.fired != 0 { last.t.max(event.t) } else { event.t } };
        }
        Ok(())
    }
}
