//! What filters do to events that are labelled: how much of the signal stays, and how much of the noise goes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;

use parallax_events::{Event, EventBatch, Philox, Pool};
use parallax_formats::{EventReader, ReadOptions};
use parallax_ops::Compose;
use parallax_testkit::{Label, Scene, recording};

fn kept(text: &str, batch: &EventBatch) -> EventBatch {
    let mut run = Compose::parse(text).unwrap().start(batch.meta()).unwrap();
    let mut out = parallax_events::BatchBuilder::growing().unwrap();
    run.push(batch, Pool::serial(), &mut out).unwrap();
    run.end(Pool::serial(), &mut out).unwrap();
    out.finish(run.output_meta()).unwrap()
}

/// The share of the events of each kind that is kept. Kept events are found again by their order.
fn shares(scene: &Scene, text: &str) -> (f64, f64) {
    let left = kept(text, scene.batch()).to_events();
    let mut left = left.iter().peekable();
    let (mut all, mut stayed) = ([0_u32; 2], [0_u32; 2]);
    for (event, label) in scene.batch().columns().iter().zip(scene.labels()) {
        let kind = usize::from(*label != Label::Signal);
        all[kind] += 1;
        if left.next_if(|kept| **kept == event).is_some() {
            stayed[kind] += 1;
        }
    }
    assert!(left.next().is_none());
    let share = |kind: usize| f64::from(stayed[kind]) / f64::from(all[kind]);
    (share(0), 1.0 - share(1))
}

/// A scene that no default was set on: its sensor, speed, noise and seed were written down before anything was tried on
/// it. It is ten times as slow as the other one, as most recordings are.
fn independent() -> Scene {
    let builder = Scene::builder().geometry(240, 180).seed(4242).duration(1_000_000);
    builder.edges(4).noise_rate(1.0).build().unwrap()
}

fn holds_the_bars(scene: &Scene, text: &str) {
    let (signal, noise) = shares(scene, text);
    println!(
        "{text}: {:.1} % of the signal kept, {:.1} % of the noise removed",
        100.0 * signal,
        100.0 * noise
    );
    assert!(
        signal >= 0.95 && noise >= 0.80,
        "{text}: {signal} kept, {noise} removed"
    );
}

#[test]
fn the_defaults_hold_on_a_scene_that_they_were_not_set_on() {
    let scene = independent();
    for text in ["background_activity", "knoise"] {
        holds_the_bars(&scene, text);
    }
}

/// Here edges cross the sensor within 25 to 100 ms: what counts as lately is shorter than by default.
#[test]
fn noise_goes_and_signal_stays() {
    let scene = Scene::builder()
        .geometry(128, 96)
        .seed(31)
        .edges(3)
        .noise_rate(5.0)
        .build()
        .unwrap();
    for text in [
        "background_activity time=1ms neighbours=8",
        "knoise time=1ms k=2",
        "knoise time=1ms k=4 radius=2",
    ] {
        holds_the_bars(&scene, text);
    }
}

#[test]
fn a_dead_time_keeps_where_the_signal_is() {
    let scene = Scene::builder()
        .geometry(64, 48)
        .seed(32)
        .edges(4)
        .build()
        .unwrap();
    for (scene, text) in [(scene, "refractory period=300us"), (independent(), "refractory")] {
        let left = kept(text, scene.batch());
        assert!(left.len() < scene.batch().len());
        // The distribution over 4 x 3 tiles: every tile keeps its share within a fifth.
        let size = scene.batch().meta().geometry.unwrap();
        let tiles = |batch: &EventBatch| {
            let mut tiles = [0.0_f64; 12];
            let tile =
                |at: u16, count: u16, all: u16| usize::from(at) * usize::from(count) / usize::from(all);
            for e in batch.columns().iter() {
                tiles[tile(e.y, 3, size.height) * 4 + tile(e.x, 4, size.width)] += 1.0;
            }
            tiles.map(|count| count / batch.len() as f64)
        };
        for (before, after) in tiles(scene.batch()).into_iter().zip(tiles(&left)) {
            assert!(
                (after / before - 1.0).abs() < 0.2,
                "{text}: {before} became {after}"
            );
        }
    }
}

#[test]
fn hot_pixels_are_found_in_real_recordings() {
    for id in ["rpg/slider_depth_events.txt", "faery/evt3.raw"] {
        let Some(path) = recording(id, "hot_pixels_are_found_in_real_recordings") else {
            continue;
        };
        let options = ReadOptions {
            geometry: parallax_events::Geometry::new(240, 180).ok(),
            ..ReadOptions::default()
        };
        let options = if id.starts_with("rpg") {
            options
        } else {
            ReadOptions::default()
        };
        let batch = EventReader::open(&path, &options).unwrap().read_all().unwrap();
        // The recording's own hot pixels have no label: they are dropped first.
        let clean = kept("hot_pixels", &batch);
        for rate in [200.0, 1000.0, 5000.0] {
            let (noisy, injected) = with_hot_pixels(&clean, 50, rate);
            let left = kept("hot_pixels", &noisy);
            let pixels = |batch: &EventBatch| {
                batch
                    .columns()
                    .iter()
                    .map(|e| (e.x, e.y))
                    .collect::<BTreeSet<_>>()
            };
            let found: BTreeSet<_> = pixels(&noisy).difference(&pixels(&left)).copied().collect();
            let right = found.intersection(&injected).count() as f64;
            let (precision, recall) = (right / found.len() as f64, right / injected.len() as f64);
            println!(
                "{id}, {rate} Hz: precision {precision:.3}, recall {recall:.3} of {}",
                injected.len()
            );
            assert!(
                precision >= 0.95 && recall >= 0.95,
                "{id} at {rate} Hz: {precision}, {recall}"
            );
        }
    }
}

/// The recording with pixels that fire at `rate`, with jitter, and which they are.
fn with_hot_pixels(batch: &EventBatch, count: u64, rate: f64) -> (EventBatch, BTreeSet<(u16, u16)>) {
    let geometry = batch.meta().geometry.unwrap();
    let random = Philox::new(8, "test/hot");
    let (first, last) = batch.span().unwrap();
    let gap = (1e6 / rate) as i64;
    let mut injected = BTreeSet::new();
    let mut events = batch.to_events();
    for pixel in 0..count {
        let x = random.below(pixel, 0, geometry.width.into()) as u16;
        let y = random.below(pixel, 1, geometry.height.into()) as u16;
        injected.insert((x, y));
        for nth in 0..(last - first) / gap {
            let jitter = i64::from(random.below(pixel << 32 | nth as u64, 2, gap as u32));
            events.push(Event::new(first + nth * gap + jitter, x, y, 1));
        }
    }
    events.sort_by_key(|e| e.t);
    (
        EventBatch::from_events(&events, Arc::clone(batch.meta())).unwrap(),
        injected,
    )
}
