//! How many events each pixel had: one frame for a window, or one for each of its bins.

use std::marker::PhantomData;

use parallax_events::{Declaration, DvsColumns, Geometry, ParamSpec, Params, Pool, Represent, Result};
use parallax_simd::accumulate::{self, Counter, Planes};

use super::accumulator::Windowed;
use super::bins::{Bins, EDGES, Edges};
use super::kernel::{Cell, Events, Kernel, Layout, Needs, Stage};
use super::polarity::{POLARITY, Polarity};
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "frame",
    "Counts the events of each pixel: (polarity, y, x), or (time, polarity, y, x) with bins",
    params![
        ParamSpec::int("bins").range(1, 65_536).optional().doc("Cuts each window into so many frames"),
        ParamSpec::choice("bins_of", &["time", "events"])
            .default("time")
            .doc("Whether the bins are equally long in time or have equally many events"),
        EDGES,
        POLARITY,
        ParamSpec::choice("dtype", &["i32", "i16", "u8", "u16", "f32"])
            .default("i32")
            .doc("What a cell counts in; whole numbers stop at their ends instead of wrapping"),
    ],
)
.with_doc(
    "Event frames, also called event histograms or count images: Maqueda et al., *Event-based vision meets deep \
     learning on steering prediction*, CVPR 2018. With `edges=floor` the frames are those of Tonic's `ToFrame` \
     (`n_time_bins`; `n_event_bins` with `bins_of=events`), except that Tonic's 16-bit counts wrap. A window counts \
     its events from its first instant up to, not including, its end. With `bins` and no window the bins reach from \
     the first event to the last one.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let polarity = Polarity::of(params.choice("polarity")?);
    match params.choice("dtype")? {
        "i16" => Frame::<i16>::boxed(params, polarity),
        "u8" => Frame::<u8>::boxed(params, polarity),
        "u16" => Frame::<u16>::boxed(params, polarity),
        "f32" => Frame::<f32>::boxed(params, polarity),
        _ => Frame::<i32>::boxed(params, polarity),
    }
}

/// Batches of so many events are worth a second thread.
const WORTH_THREADS: usize = 1 << 15;

#[derive(Debug)]
struct Frame<T> {
    bins: Option<u32>,
    is_by_events: bool,
    edges: Edges,
    polarity: Polarity,
    cell: PhantomData<T>,
}

impl<T: Cell + Counter> Frame<T> {
    fn boxed(params: Params, polarity: Polarity) -> Result<Box<dyn Represent>> {
        let frame = Self {
            bins: params.optional_int("bins")?.and_then(|bins| u32::try_from(bins).ok()),
            is_by_events: params.choice("bins_of")? == "events",
            edges: Edges::of(params.choice("edges")?),
            polarity,
            cell: PhantomData,
        };
        Windowed::boxed(params, frame)
    }

    fn planes(&self, geometry: Geometry) -> Planes<T> {
        self.polarity.planes(geometry)
    }
}

impl<T: Cell + Counter> Kernel for Frame<T> {
    type Cell = T;
    type Memory = ();

    fn layout(&self, geometry: Geometry) -> Layout {
        let polarities = ("polarity", self.polarity.channels());
        match self.bins {
            None => Layout::frames(&[polarities], geometry),
            Some(bins) => Layout::frames(&[("time", bins as usize), polarities], geometry),
        }
    }

    fn memory(&self, _: Geometry) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Needs {
        match self.bins {
            None => Needs::Nothing,
            Some(_) if self.is_by_events => Needs::Whole,
            Some(_) => Needs::Bounds,
        }
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let planes = self.planes(at.geometry);
        let Some(bins) = self.bins else {
            add_to(at.cells, at.geometry, planes, events.columns);
            return Ok(());
        };
        let Some(bounds) = at.bounds else { return Ok(()) };
        let frame = self.polarity.channels() * at.geometry.pixels();
        let ranges = if self.is_by_events {
            Bins::new(at.count, bins, self.edges).ranges_in_count(events.columns.len(), at.before)
        } else {
            let bins = Bins::new(bounds.length(), bins, self.edges);
            if !events.is_ordered {
                for event in events.columns.iter() {
                    let Some(bin) = bins.of(bounds.offset(event.t)) else { continue };
                    let cells = at.cells.chunks_exact_mut(frame).nth(bin as usize).unwrap_or_default();
                    accumulate::add(&[event.x], &[event.y], &[event.p], sensor(at.geometry), planes, cells);
                }
                return Ok(());
            }
            bins.ranges_in_time(events.columns.t, bounds)
        };
        let pool = if events.columns.len() < WORTH_THREADS { Pool::serial() } else { at.pool };
        let frames: Vec<_> = at.cells.chunks_exact_mut(frame).zip(ranges).collect();
        pool.map(frames, |(cells, range)| {
            add_to(cells, at.geometry, planes, events.columns.slice(range));
        });
        Ok(())
    }

    fn erase(&self, cells: &mut [T], geometry: Geometry, events: DvsColumns<'_>) -> bool {
        if self.bins.is_some() {
            return false;
        }
        accumulate::erase(events.x, events.y, events.p, sensor(geometry), self.planes(geometry).offset, cells);
        true
    }
}

fn add_to<T: Counter>(cells: &mut [T], geometry: Geometry, planes: Planes<T>, events: DvsColumns<'_>) {
    accumulate::add(events.x, events.y, events.p, sensor(geometry), planes, cells);
}

fn sensor(geometry: Geometry) -> (usize, usize) {
    (usize::from(geometry.width), usize::from(geometry.height))
}
