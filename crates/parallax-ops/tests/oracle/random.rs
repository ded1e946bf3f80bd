//! Operators that draw: by the same numbers, and with the odds that they promise.

use parallax_events::{Event, EventBatch, Philox, normal_quantile};

use crate::{hold, kept, ours, streams};

/// The middle of one of 2³² cells.
fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

#[test]
fn drop_event() {
    let words = Philox::new(9, "drop_event");
    hold("drop_event chance=0.3 seed=9", |batch| {
        kept(batch, |i, _| {
            f64::from(words.at(i as u64 / 4)[i % 4]) >= 0.3 * 4_294_967_296.0
        })
    });
    hold("drop_event chance=0", EventBatch::to_events);
    hold("drop_event chance=1", |_| Vec::new());
    let (_, batch) = streams::all().swap_remove(0);
    let left = ours("drop_event chance=0.3", &batch).len() as f64;
    // Six standard deviations.
    let (expected, std) = (0.7 * batch.len() as f64, (0.21 * batch.len() as f64).sqrt());
    assert!((left - expected).abs() < 6.0 * std, "{left} of {}", batch.len());
}

#[test]
fn drop_time() {
    let places = Philox::new(3, "drop_time");
    hold("drop_time every=2ms ratio=0.25 seed=3", |batch| {
        let first = batch.columns().t.first().map_or(0, |&t| i128::from(t));
        kept(batch, |i, events| {
            let since = i128::from(events[i].t) - first;
            let (period, inside) = (since.div_euclid(2000), since.rem_euclid(2000));
            let start = (places.unit_f64(period as u64, 0) * 1501.0) as i128;
            inside < start || inside >= start + 500
        })
    });
    hold("drop_time ratio=0", EventBatch::to_events);
    hold("drop_time ratio=1", |_| Vec::new());
}

#[test]
fn drop_area() {
    let place = Philox::new(4, "drop_area");
    hold("drop_area ratio=0.5 seed=4", |batch| {
        let size = batch.meta().geometry.unwrap();
        let first = |all: u16, lane: u32| place.below(0, lane, u32::from(all - all / 2) + 1);
        let (left, top) = (first(size.width, 0), first(size.height, 1));
        let inside = |at: u16, first: u32, all: u16| (first..first + u32::from(all / 2)).contains(&at.into());
        kept(batch, |i, events| {
            !(inside(events[i].x, left, size.width) && inside(events[i].y, top, size.height))
        })
    });
    hold("drop_area ratio=0", EventBatch::to_events);
    hold("drop_area ratio=1", |_| Vec::new());
}

fn jittered(batch: &EventBatch, clamp: bool, step: impl Fn(u32, u32) -> (f64, f64)) -> Vec<Event> {
    let words = Philox::new(6, "spatial_jitter");
    let size = batch.meta().geometry.unwrap();
    let moved = batch.columns().iter().enumerate().filter_map(|(i, e)| {
        let drawn = words.at(i as u64 / 2);
        let (to_side, down) = step(drawn[i % 2 * 2], drawn[i % 2 * 2 + 1]);
        let (x, y) = (f64::from(e.x) + to_side.round(), f64::from(e.y) + down.round());
        let (right, bottom) = (f64::from(size.width - 1), f64::from(size.height - 1));
        let inside = (0.0..=right).contains(&x) && (0.0..=bottom).contains(&y);
        (inside || clamp)
            .then(|| Event::new(e.t, x.clamp(0.0, right) as u16, y.clamp(0.0, bottom) as u16, e.p))
    });
    moved.collect()
}

#[test]
fn spatial_jitter() {
    hold("spatial_jitter std_x=1.5 std_y=0.5 seed=6", |batch| {
        jittered(batch, false, |a, b| {
            (1.5 * normal_quantile(unit(a)), 0.5 * normal_quantile(unit(b)))
        })
    });
    hold("spatial_jitter std_x=30 std_y=0 outside=clamp seed=6", |batch| {
        jittered(batch, true, |a, _| (30.0 * normal_quantile(unit(a)), 0.0))
    });
    hold("spatial_jitter correlation=0.6 seed=6", |batch| {
        jittered(batch, false, |a, b| {
            let (a, b) = (normal_quantile(unit(a)), normal_quantile(unit(b)));
            (a, 0.6 * a + 0.8 * b)
        })
    });
    hold("spatial_jitter std_x=0 std_y=0", EventBatch::to_events);
}

#[test]
fn time_jitter() {
    let draws = Philox::new(2, "time_jitter");
    let moved = |batch: &EventBatch| {
        let times = batch.columns();
        let moved = times.iter().enumerate().map(|(i, e)| {
            let (even, odd) = draws.normal(i as u64 / 2);
            let by = (1500.0 * if i % 2 == 0 { even } else { odd }).round() as i64;
            Event::new(e.t.saturating_add(by), e.x, e.y, e.p)
        });
        moved.collect::<Vec<Event>>()
    };
    hold("time_jitter std=1500us seed=2", moved);
    hold("time_jitter std=1500us seed=2 negative=drop", |batch| {
        moved(batch).into_iter().filter(|event| event.t >= 0).collect()
    });
    hold("time_jitter std=0ms", EventBatch::to_events);
}
