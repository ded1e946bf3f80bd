//! `parallax synth OUT`: a synthetic scene, for trying things where there is no recording.
//!
//! Tilted bright bars drift over the sensor: their leading edges make ON events, their trailing edges OFF events, and
//! noise lies over all. The same seed gives the same events everywhere: all arithmetic is on integers.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use parallax::events::Philox;
use parallax::formats::{create, writable};
use parallax::{Event, EventBatch, Geometry, Meta, WriteOptions};

use crate::output::Output;
use crate::{figures, reading, stop, streams};

/// Make a synthetic recording: bars that drift over the sensor, and noise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax synth scene.parquet
  parallax synth --seconds 10 --seed 7 --geometry 1280x720 scene.csv")]
pub(crate) struct Arguments {
    /// The file to make; - is standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The output's format, as `id` or `id key=value ..`; by its extension if absent
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// How long the scene lasts
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Another seed is another scene
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The sensor's size
    #[arg(long, value_name = "WxH", default_value = "320x240", value_parser = Geometry::parse)]
    geometry: Geometry,
    /// Replace the output if it exists
    #[arg(long, short)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.output;
    let in_output = |error| reading::in_output(error, path);
    let options = WriteOptions {
        format: arguments.to.clone(),
    };
    let extension = reading::extension(path);
    writable(extension.as_deref(), &options).map_err(in_output)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;
    let meta = Arc::new(Meta {
        sensor: Some("synthetic".to_owned()),
        ..Meta::with_geometry(arguments.geometry.width, arguments.geometry.height)?
    });
    let mut writer = create(output.writer(), extension.as_deref(), &meta, &options).map_err(in_output)?;
    let scene = Scene::new(arguments.seed, arguments.geometry);
    let mut events = Vec::new();
    let mut total = 0;
    let slices = i64::from(arguments.seconds) * SLICES_PER_SECOND;
    for slice in 0..slices {
        stop::check()?;
        scene.slice(slice, &mut events);
        if events.len() >= BATCH || slice + 1 == slices {
            total += events.len() as u64;
            writer
                .write(&EventBatch::from_events(&events, Arc::clone(&meta))?)
                .map_err(in_output)?;
            events.clear();
        }
    }
    writer.finish().map_err(in_output)?;
    let bytes = output.commit().map_err(in_output)?;
    streams::tell(&format!(
        "{}: {} synthetic events, {}",
        path.display(),
        figures::count(total),
        figures::bytes(bytes)
    ));
    Ok(ExitCode::SUCCESS)
}

/// Events are made and sorted in slices of this many microseconds.
const SLICE_US: i64 = 1_000;
const SLICES_PER_SECOND: i64 = 1_000_000 / SLICE_US;
/// So many events are written at once.
const BATCH: usize = 1 << 20;
/// Positions and speeds are in 2^-16 of a pixel.
const FRACTION: u32 = 16;
/// Of 256 crossings so many are seen.
const SEEN: u32 = 220;
/// Noise, in events of a pixel in 1000 seconds.
const NOISE_MILLIHERTZ: u64 = 200;

/// A scene without state: any slice can be asked for.
#[derive(Debug)]
struct Scene {
    geometry: Geometry,
    bars: Vec<Bar>,
    crossings: Philox,
    noise: Philox,
}

#[derive(Debug)]
struct Bar {
    /// Where its trailing edge starts in row 0.
    start: i64,
    /// How far it goes in a slice; negative to the left.
    per_slice: i64,
    /// How far an edge leans to the right from one row to the next.
    lean: i64,
    /// How wide it is.
    width: i64,
}

impl Scene {
    const BARS: u64 = 3;

    fn new(seed: u64, geometry: Geometry) -> Self {
        let dice = Philox::new(seed, "synth/bars");
        let pixels = |count: u32| i64::from(count) << FRACTION;
        let bar = |index: u64| {
            let roll = |lane: u32, n: u32| dice.below(index, lane, n);
            let speed = pixels(60 + roll(0, 240)) / SLICES_PER_SECOND;
            Bar {
                start: pixels(roll(1, geometry.width.into())),
                per_slice: if roll(2, 2) == 0 { speed } else { -speed },
                lean: i64::from(roll(3, 1 << FRACTION)) - (1 << (FRACTION - 1)),
                width: pixels(4 + roll(4, 24)),
            }
        };
        Self {
            geometry,
            bars: (0..Self::BARS).map(bar).collect(),
            crossings: Philox::new(seed, "synth/crossings"),
            noise: Philox::new(seed, "synth/noise"),
        }
    }

    /// Appends the events of a slice in canonical order.
    fn slice(&self, slice: i64, events: &mut Vec<Event>) {
        let first = events.len();
        let (width, height) = (i64::from(self.geometry.width), self.geometry.height);
        let mut crossing = (slice as u64) << 32;
        for bar in &self.bars {
            for (edge, leads) in [(0, bar.per_slice < 0), (bar.width, bar.per_slice > 0)] {
                for y in 0..height {
                    let from = bar.start + edge + bar.lean * i64::from(y) + bar.per_slice * slice;
                    for column in crossed(from, from + bar.per_slice) {
                        let [chance, jitter, ..] = self.crossings.at(crossing);
                        crossing += 1;
                        if chance % 256 < SEEN {
                            let t = slice * SLICE_US + i64::from(jitter) % SLICE_US;
                            events.push(Event::new(t, column.rem_euclid(width) as u16, y, u8::from(leads)));
                        }
                    }
                }
            }
        }
        self.add_noise(slice, events);
        if let Some(new) = events.get_mut(first..) {
            new.sort_unstable_by_key(|event| (event.t, event.y, event.x, event.p));
        }
    }

    fn add_noise(&self, slice: i64, events: &mut Vec<Event>) {
        // So many in a million slices: the fraction of one becomes a chance.
        let expected = self.geometry.pixels() as u64 * NOISE_MILLIHERTZ;
        let per_slice = SLICES_PER_SECOND as u64 * 1_000;
        let is_more = u64::from(self.noise.below(slice as u64, 0, per_slice as u32)) < expected % per_slice;
        for index in 0..expected / per_slice + u64::from(is_more) {
            let index = (slice as u64) << 32 | (index + 1);
            let roll = |lane: u32, n: u32| self.noise.below(index, lane, n);
            let t = slice * SLICE_US + i64::from(roll(0, SLICE_US as u32));
            let x = roll(1, self.geometry.width.into()) as u16;
            let y = roll(2, self.geometry.height.into()) as u16;
            events.push(Event::new(t, x, y, roll(3, 2) as u8));
        }
    }
}

/// The columns whose border an edge passes on its way.
fn crossed(from: i64, to: i64) -> Range<i64> {
    let (low, high) = (from.min(to), from.max(to));
    (low >> FRACTION) + 1..(high >> FRACTION) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_is_in_order_inside_the_sensor_and_the_same_again() {
        let geometry = Geometry::new(64, 48).unwrap();
        let make = |seed| {
            let scene = Scene::new(seed, geometry);
            let mut events = Vec::new();
            (0..500).for_each(|slice| scene.slice(slice, &mut events));
            events
        };
        let events = make(1);
        assert!(events.is_sorted_by_key(|event| (event.t, event.y, event.x, event.p)));
        assert!(
            events
                .iter()
                .all(|event| event.x < 64 && event.y < 48 && (0..500_000).contains(&event.t))
        );
        let on = events.iter().filter(|event| event.p == 1).count();
        assert!(
            events.len() > 5_000 && on > events.len() / 3 && on < events.len() * 2 / 3,
            "{on} of {}",
            events.len()
        );
        assert_eq!(events, make(1));
        assert_ne!(events, make(2));
    }

    #[test]
    fn an_edge_crosses_each_column_once() {
        let positions: Vec<i64> = (0..1_000).map(|step| step * 7_919).collect();
        let total: i64 = positions
            .windows(2)
            .map(|pair| crossed(pair[0], pair[1]).count() as i64)
            .sum();
        assert_eq!(total, (999 * 7_919) >> FRACTION);
    }
}
