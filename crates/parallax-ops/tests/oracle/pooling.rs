//! Smaller sensors: scaled, summed, integrated, differentiated.

use std::collections::BTreeMap;

use parallax_events::{Event, EventBatch, Geometry};
use parallax_ops::Compose;

use crate::{hold, streams};

fn size(batch: &EventBatch) -> Geometry {
    batch.meta().geometry.unwrap()
}

/// What is wanted of a sensor: no more pixels than it has.
fn wanted(batch: &EventBatch) -> (u16, u16) {
    (size(batch).width.min(5), size(batch).height.min(2))
}

/// To that size, in whole numbers.
fn scaled(batch: &EventBatch) -> Vec<Event> {
    let (all, (w, h)) = (size(batch), wanted(batch));
    let place = |at: u16, to: u16, all: u16| (u64::from(at) * u64::from(to) / u64::from(all)) as u16;
    let moved = |e: Event| Event::new(e.t, place(e.x, w, all.width), place(e.y, h, all.height), e.p);
    batch.columns().iter().map(moved).collect()
}

fn hold_scaled(rest: &str, naive: impl Fn(Vec<Event>) -> Vec<Event>) {
    for (name, batch) in streams::all() {
        let (w, h) = wanted(&batch);
        let text = format!("downsample w={w} h={h} {rest}");
        assert_eq!(
            crate::ours(&text, &batch),
            naive(scaled(&batch)),
            "{text} on {name}"
        );
        let meta = Compose::parse(&text).unwrap().output_meta(batch.meta()).unwrap();
        assert_eq!(
            meta.geometry.map(|g| (g.width, g.height)),
            Some((w, h)),
            "{text} on {name}"
        );
    }
}

#[test]
fn scale() {
    hold_scaled("", |events| events);
    hold("downsample", |batch| {
        batch
            .columns()
            .iter()
            .map(|e| Event::new(e.t, e.x / 2, e.y / 2, e.p))
            .collect()
    });
    hold("downsample factor=0.3", |batch| {
        let place = |at: u16| (f64::from(at) * 0.3) as u16;
        batch
            .columns()
            .iter()
            .map(|e| Event::new(e.t, place(e.x), place(e.y), e.p))
            .collect()
    });
    hold("downsample factor=1", EventBatch::to_events);
    let (_, batch) = streams::all().swap_remove(1);
    let error = Compose::parse("downsample w=21")
        .unwrap()
        .start(batch.meta())
        .unwrap_err();
    assert!(error.to_string().contains("allowed: 1 to 20 px"), "{error}");
}

#[test]
fn sum() {
    hold_scaled("method=sum threshold=3", |events| {
        let mut sums: BTreeMap<(u16, u16), i64> = BTreeMap::new();
        let passes = |event: &Event| {
            let sum = sums.entry((event.x, event.y)).or_default();
            *sum += if event.p == 1 { 1 } else { -1 };
            let passes = sum.abs() == 3;
            if passes {
                *sum = 0;
            }
            passes
        };
        events.into_iter().filter(passes).collect()
    });
}

/// The spikes of each part that is over, in the order of parts and pixels: part, y, x, polarity.
fn spikes(events: &[Event], part: i128, threshold: i64) -> Vec<(i128, u16, u16, u8)> {
    let Some(first) = events.first().map(|event| i128::from(event.t)) else {
        return Vec::new();
    };
    let mut latest = 0;
    let mut parts: BTreeMap<i128, Vec<Event>> = BTreeMap::new();
    for event in events {
        // `part` is a number of parts a millisecond.
        latest = latest.max(((i128::from(event.t) - first) * part).div_euclid(1000));
        parts.entry(latest).or_default().push(*event);
    }
    parts.remove(&latest);
    let mut sums: BTreeMap<(u16, u16), i64> = BTreeMap::new();
    let mut found = Vec::new();
    for (part, events) in parts {
        for event in events {
            *sums.entry((event.y, event.x)).or_default() += if event.p == 1 { 1 } else { -1 };
        }
        for (&(y, x), sum) in &mut sums {
            if sum.abs() >= threshold {
                found.push((part, y, x, (*sum > 0).into()));
                *sum = 0;
            }
        }
    }
    found
}

fn first(events: &[Event]) -> i128 {
    events.first().map_or(0, |event| i128::from(event.t))
}

#[test]
fn integrator() {
    hold_scaled("method=integrator threshold=2 window=1ms", |events| {
        let at = |window: i128| (first(&events) + 1000 * window) as i64;
        spikes(&events, 1, 2)
            .into_iter()
            .map(|(window, y, x, p)| Event::new(at(window), x, y, p))
            .collect()
    });
}

#[test]
fn differentiator() {
    hold_scaled("method=differentiator threshold=1 window=1ms bins=3", |events| {
        let mut counts: BTreeMap<(i128, u16, u16, u8), u64> = BTreeMap::new();
        for (part, y, x, p) in spikes(&events, 3, 1) {
            *counts.entry((part.div_euclid(3), y, x, p)).or_default() += 1;
        }
        // The last window is over when an event lies behind it.
        let last = events
            .iter()
            .map(|e| (i128::from(e.t) - first(&events)).div_euclid(1000))
            .max();
        let more = |&(&(window, y, x, p), &count): &(&(i128, u16, u16, u8), &u64)| {
            let before = counts.get(&(window - 1, y, x, p)).copied().unwrap_or(0);
            window > 0 && Some(window) < last && count > before
        };
        let at = |window: i128| (first(&events) + 1000 * (window - 1)) as i64;
        let made = |(&(window, y, x, p), _): (&(i128, u16, u16, u8), &u64)| Event::new(at(window), x, y, p);
        counts.iter().filter(more).map(made).collect()
    });
}
