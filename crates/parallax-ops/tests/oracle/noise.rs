//! Filters of noise: neighbourhoods and counts.

use std::collections::BTreeMap;

use parallax_events::{Event, EventBatch};

use crate::{hold, kept};

/// Of each event how many pixels around it fired less than `time` before it, by the last event of each.
fn supporters(batch: &EventBatch, time: i128, near: impl Fn(i32, i32) -> bool) -> Vec<usize> {
    let mut last: BTreeMap<(u16, u16), i64> = BTreeMap::new();
    let count = |event: Event| {
        let counts = |&(&(x, y), &t): &(&(u16, u16), &i64)| {
            near(
                i32::from(x) - i32::from(event.x),
                i32::from(y) - i32::from(event.y),
            ) && i128::from(event.t) - i128::from(t) < time
        };
        let found = last.iter().filter(counts).count();
        last.insert((event.x, event.y), event.t);
        found
    };
    batch.columns().iter().map(count).collect()
}

/// The events with at least `least` such pixels.
fn supported(batch: &EventBatch, time: i128, least: usize, near: impl Fn(i32, i32) -> bool) -> Vec<Event> {
    let counts = supporters(batch, time, near);
    kept(batch, |i, _| counts[i] >= least)
}

#[test]
fn background_activity() {
    let four = |x: i32, y: i32| x.abs() + y.abs() == 1;
    let eight = |x: i32, y: i32| x.abs().max(y.abs()) == 1;
    hold("background_activity time=2ms", |batch| {
        supported(batch, 2000, 1, four)
    });
    hold("background_activity time=300us neighbours=8", |batch| {
        supported(batch, 300, 1, eight)
    });
    hold("background_activity time=1ms own=true", |batch| {
        supported(batch, 1000, 1, |x, y| four(x, y) || (x, y) == (0, 0))
    });
    hold("background_activity time=100us radius=3", |batch| {
        supported(batch, 100, 1, |x, y| (x, y) != (0, 0) && x.abs() + y.abs() <= 3)
    });
}

#[test]
fn knoise() {
    let square = |radius: i32| move |x: i32, y: i32| (x, y) != (0, 0) && x.abs().max(y.abs()) <= radius;
    hold("knoise time=2ms k=2", |batch| {
        supported(batch, 2000, 2, square(1))
    });
    hold("knoise time=1ms k=5 radius=16", |batch| {
        supported(batch, 1000, 5, square(16))
    });
}

fn counts(batch: &EventBatch) -> BTreeMap<(u16, u16), u64> {
    let mut counts = BTreeMap::new();
    for event in batch.columns().iter() {
        *counts.entry((event.x, event.y)).or_insert(0) += 1;
    }
    counts
}

#[test]
fn hot_pixels() {
    hold("hot_pixels by=rate rate=40Hz", |batch| {
        let counts = counts(batch);
        let times = || batch.columns().t.iter().map(|&t| i128::from(t));
        let span = times().max().unwrap_or(0) - times().min().unwrap_or(0);
        kept(batch, |i, events| {
            span == 0 || counts[&(events[i].x, events[i].y)] as f64 <= 40.0 * (span as f64 / 1e6)
        })
    });
    hold("hot_pixels by=percentile percentile=90", |batch| {
        let counts = counts(batch);
        let mut sorted: Vec<u64> = counts.values().copied().collect();
        sorted.sort_unstable();
        let place = (0.9 * sorted.len().saturating_sub(1) as f64).round() as usize;
        kept(batch, |i, events| {
            counts[&(events[i].x, events[i].y)] <= sorted[place]
        })
    });
    hold("hot_pixels ratio=2 least=5", |batch| {
        let counts = counts(batch);
        let around = |x: u16, y: u16| {
            let near = |a: u16, b: u16| a.abs_diff(b) <= 1;
            let others = counts
                .iter()
                .filter(|&(&(a, b), _)| near(a, x) && near(b, y) && (a, b) != (x, y));
            others.map(|(_, &count)| count).max().unwrap_or(0).max(1)
        };
        let hot = |x: u16, y: u16| {
            let count = counts[&(x, y)];
            count >= 5 && count > 2 * around(x, y)
        };
        kept(batch, |i, events| !hot(events[i].x, events[i].y))
    });
    let (_, batch) = crate::streams::all().swap_remove(0);
    let error = crate::tried("hot_pixels memory=10KiB", &batch).unwrap_err();
    assert!(error.to_string().contains("raise `memory`"), "{error}");
}
