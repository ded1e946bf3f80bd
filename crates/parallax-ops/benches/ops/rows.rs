//! What is measured: the chain, the peer, and what is to be reached.

use parallax_events::TensorView;

use crate::recording::Sensor;

const MILLION: usize = 1_000_000;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) chain: &'static str,
    pub(crate) sensor: Sensor,
    /// At most so many events.
    pub(crate) events: usize,
    /// The case of `peers.py`; empty for none.
    pub(crate) peer: &'static str,
    pub(crate) reach: Reach,
    /// How close the peer's answer must be to ours; `None` if it does not mean the same.
    pub(crate) tolerance: Option<f64>,
    /// What the call-back does with each tensor while the clock runs.
    pub(crate) each: fn(TensorView<'_>) -> f64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// So many times as fast as the peer.
    Times(f64),
    /// At most so many times the roofline: every input column read once, what is kept written once.
    Roofline(f64),
    /// At most so many microseconds.
    Micros(f64),
    /// None is set.
    Open,
}

const fn row(name: &'static str, chain: &'static str, peer: &'static str, reach: Reach) -> Row {
    Row {
        name,
        chain,
        sensor: Sensor::Full,
        events: usize::MAX,
        peer,
        reach,
        tolerance: Some(0.0),
        each: nothing,
    }
}

impl Row {
    const fn folded(self) -> Self {
        Self {
            sensor: Sensor::Folded,
            ..self
        }
    }

    const fn events(self, events: usize) -> Self {
        Self { events, ..self }
    }

    const fn within(self, tolerance: f64) -> Self {
        Self {
            tolerance: Some(tolerance),
            ..self
        }
    }

    const fn means_something_else(self) -> Self {
        Self {
            tolerance: None,
            ..self
        }
    }

    const fn each(self, each: fn(TensorView<'_>) -> f64) -> Self {
        Self { each, ..self }
    }
}

use Reach::{Micros, Open, Roofline, Times};

pub(crate) const ROWS: &[Row] = &[
    // The middle half: its range is filled in, since it depends on the events.
    row("time slice", TIME_SLICE, "polars:time", Micros(10.0)),
    row(
        "region",
        "region x=320 y=180 w=640 h=360",
        "polars:region",
        Roofline(1.2),
    ),
    row(
        "region, most kept",
        "region x=0 y=0 w=1216 h=720",
        "",
        Roofline(1.2),
    ),
    row("polarity", "polarity keep=on", "polars:polarity", Roofline(1.2)),
    row(
        "hot pixels",
        "hot_pixels by=percentile",
        "evlib:hot_pixels",
        Times(10.0),
    ),
    row("hot pixels, by neighbours", "hot_pixels", "", Open),
    row(
        "refractory",
        "refractory since=seen",
        "evlib:refractory",
        Times(10.0),
    ),
    row(
        "refractory, Tonic",
        "refractory since=seen",
        "tonic:refractory",
        Open,
    ),
    row("refractory, since kept", "refractory", "", Open),
    row(
        "background activity",
        "background_activity",
        "tonic:background_activity",
        Times(300.0),
    ),
    row("k-nearest noise", "knoise", "", Open),
    row(
        "voxel grid, 10 bins",
        "voxel bins=10 grid=tonic",
        "tonic:voxel",
        Times(15.0),
    )
    .folded()
    .within(1e-5),
    row(
        "frames, 20 bins",
        "frame bins=20 edges=floor dtype=i16",
        "tonic:frames",
        Times(20.0),
    )
    .folded(),
    row(
        "frames of 10 ms, 16 pixels read",
        "frame window=10ms dtype=i16",
        "tonic:frames_10ms_16",
        Times(150.0),
    )
    .folded()
    .each(sixteen),
    row(
        "frames of 10 ms, every pixel summed",
        "frame window=10ms dtype=i16",
        "tonic:frames_10ms_all",
        Times(40.0),
    )
    .folded()
    .each(all),
    row(
        "time surface every 100 ms",
        "time_surface window=100ms tau=5ms",
        "tonic:time_surface",
        Times(40.0),
    )
    .folded()
    .within(1e-5),
    row(
        "averaged time surface, 1 M events",
        "averaged_time_surface size=7 cell=10 past=1s tau=5ms",
        "tonic:averaged_time_surface",
        Times(500.0),
    )
    .folded()
    .events(MILLION)
    .within(1e-5),
    row(
        "spatial jitter",
        "spatial_jitter",
        "tonic:spatial_jitter",
        Times(10.0),
    )
    .means_something_else(),
    row("decimation", "decimate n=10", "tonic:decimate", Times(200.0)),
    row(
        "drop event",
        "drop_event chance=0.2",
        "tonic:drop_event",
        Times(10.0),
    )
    .means_something_else(),
    row("time jitter", "time_jitter std=10us", "tonic:time_jitter", Open).means_something_else(),
    row("flip", "flip_x", "tonic:flip", Open),
    row("crop", "crop x=320 y=180 w=640 h=360", "tonic:crop", Open),
];

pub(crate) const TIME_SLICE: &str = "time";

fn nothing(view: TensorView<'_>) -> f64 {
    view.len() as f64
}

fn sixteen(view: TensorView<'_>) -> f64 {
    let cells = view.as_slice::<i16>().unwrap();
    cells
        .iter()
        .step_by(cells.len() / 16)
        .map(|cell| f64::from(*cell))
        .sum()
}

fn all(view: TensorView<'_>) -> f64 {
    parallax_simd::sum::sum_i16(view.as_slice().unwrap()) as f64
}
