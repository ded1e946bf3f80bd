//! How many events came in a second, over time.

use parallax_events::{AxisName, Declaration, Geometry, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::bins::{Bins, Edges};
use super::kernel::{Bounds, Events, Kernel, Layout, Needs, Stage};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "event_rate",
    "Events a second, over time: f32 (time, polarity)",
    params![ParamSpec::int("bins").range(1, 1 << 20).default(100).doc("Into how many parts a window is cut")],
)
.with_doc(
    "The events of each bin and polarity, OFF first, over the length of a bin in seconds. Bins are even: the last event \
     is in the last one. A window in which no time passes counts as one unit of time a bin.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let bins = u32::try_from(params.int("bins")?).unwrap_or(1);
    Windowed::boxed(params, EventRate { bins })
}

#[derive(Debug)]
struct EventRate {
    bins: u32,
}

impl Kernel for EventRate {
    type Cell = f32;
    type Memory = Scratch<u64>;

    fn layout(&self, _: Geometry) -> Layout {
        Layout {
            shape: vec![self.bins as usize, 2],
            axes: ["time", "polarity"].map(AxisName::from).to_vec(),
        }
    }

    fn memory(&self, _: Geometry) -> Result<Scratch<u64>> {
        Ok(Scratch::new(2 * self.bins as usize))
    }

    fn needs(&self) -> Needs {
        Needs::Bounds
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let Some(bounds) = at.bounds else { return Ok(()) };
        let bins = Bins::new(bounds.length(), self.bins, Edges::Even);
        let counts = at.memory.cells();
        let mut count = |bin: usize, p: &[u8]| {
            let on = parallax_simd::sum::sum_u8(p);
            for (polarity, events) in [p.len() as u64 - on, on].into_iter().enumerate() {
                if let Some(count) = counts.get_mut(2 * bin + polarity) {
                    *count = count.saturating_add(events);
                }
            }
        };
        let columns = events.columns;
        if events.is_ordered {
            for (bin, range) in bins.ranges_in_time(columns.t, bounds).into_iter().enumerate() {
                count(bin, columns.slice(range).p);
            }
            return Ok(());
        }
        for (&t, p) in columns.t.iter().zip(columns.p.chunks(1)) {
            count(bins.of(bounds.offset(t)).unwrap_or(0) as usize, p);
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let length = at.bounds.map_or(0, Bounds::length) as f64;
        let seconds = (length / f64::from(self.bins)).max(1.0) * at.unit.nanos() as f64 / 1e9;
        for (cell, count) in at.cells.iter_mut().zip(at.memory.cells()) {
            *cell = (*count as f64 / seconds) as f32;
        }
    }
}
