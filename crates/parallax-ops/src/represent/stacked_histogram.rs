//! Stacked histograms: counts per polarity and bin of time as channels of one image, 8 bits each.

use parallax_events::{Declaration, DvsColumns, Geometry, ParamSpec, Params, Represent, Result};
use parallax_simd::accumulate::{self, Planes};

use super::accumulator::Windowed;
use super::bins::{Bins, Edges};
use super::kernel::{Events, Kernel, Layout, Needs, Stage};
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "stacked_histogram",
    "Counts per polarity and bin of time as channels: u8 (channel, y, x)",
    params![
        ParamSpec::int("bins").range(1, 1024).default(10).doc("Bins of time; there are twice as many channels, those of OFF first"),
        ParamSpec::int("cutoff").range(1, 255).default(10).doc("The largest count; more events do not count"),
        ParamSpec::choice("edges", &["rvt", "window"])
            .default("rvt")
            .doc("Bins from the first event of a window to its last one and windows that hold both their ends, or bins of the window itself, which ends before the next one"),
    ],
)
.with_doc(
    "The input of RVT: Gehrig and Scaramuzza, *Recurrent vision transformers for object detection with event cameras*, \
     CVPR 2023, `StackedHistogram`. With `edges=rvt` an event goes to bin \
     `floor((t - first) / max(last - first, 1) * bins)`, in 32-bit floats as RVT calculates it, the last event to the \
     last bin; and windows of time hold the events at both their ends, so that an event on an edge is in two. Counts \
     stop at `cutoff`, where those of RVT's fast mode wrap at 256 before they are cut.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = StackedHistogram {
        bins: u32::try_from(params.int("bins")?).unwrap_or(1),
        cutoff: u8::try_from(params.int("cutoff")?).unwrap_or(u8::MAX),
        is_rvt: params.choice("edges")? == "rvt",
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct StackedHistogram {
    bins: u32,
    cutoff: u8,
    is_rvt: bool,
}

impl StackedHistogram {
    /// RVT's bin, in RVT's arithmetic.
    fn bin(&self, t: i64, (first, last): (i64, i64)) -> u32 {
        let length = last.abs_diff(first).max(1) as f32;
        let place = t.abs_diff(first) as f32 / length * self.bins as f32;
        (place as u32).min(self.bins - 1)
    }

    fn add_to(&self, cells: &mut [u8], geometry: Geometry, bin: u32, events: DvsColumns<'_>) {
        let frame = geometry.pixels();
        let off = frame * bin as usize;
        let planes = Planes { offset: [off, off + frame * self.bins as usize], weight: [1, 1] };
        let sensor = (usize::from(geometry.width), usize::from(geometry.height));
        accumulate::add(events.x, events.y, events.p, sensor, planes, cells);
    }
}

impl Kernel for StackedHistogram {
    type Cell = u8;
    type Memory = ();

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("channel", 2 * self.bins as usize)], geometry)
    }

    fn memory(&self, _: Geometry) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Needs {
        if self.is_rvt { Needs::Whole } else { Needs::Bounds }
    }

    fn has_closed_windows(&self) -> bool {
        self.is_rvt
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let (Some(bounds), Some(extent)) = (at.bounds, at.extent) else { return Ok(()) };
        let bins = Bins::new(bounds.length(), self.bins, Edges::Even);
        let bin = |t: i64| {
            if self.is_rvt { self.bin(t, extent) } else { bins.of(bounds.offset(t)).unwrap_or(0) }
        };
        let columns = events.columns;
        if !events.is_ordered {
            for index in 0..columns.len() {
                let one = columns.slice(index..index + 1);
                self.add_to(at.cells, at.geometry, one.t.first().map_or(0, |&t| bin(t)), one);
            }
            return Ok(());
        }
        let mut from = 0;
        for index in 0..self.bins {
            let rest = columns.t.get(from..).unwrap_or_default();
            let end = from + rest.partition_point(|&t| bin(t) <= index);
            self.add_to(at.cells, at.geometry, index, columns.slice(from..end));
            from = end;
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        for cell in at.cells.iter_mut() {
            *cell = (*cell).min(self.cutoff);
        }
    }
}
