//! Operators that draw: by the same numbers, and with the odds that they promise.

#![expect(
    clippy::disallowed_methods,
    reason = "the naive functions use the standard library's logarithm"
)]

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

#[test]
fn drop_pixel() {
    let words = Philox::new(11, "drop_pixel");
    let word = |e: Event| {
        let n = u64::from(e.y) * 65_536 + u64::from(e.x);
        words.at(n / 4)[n as usize % 4]
    };
    hold("drop_pixel chance=0.4 seed=11", |batch| {
        kept(batch, |i, events| {
            f64::from(word(events[i])) >= 0.4 * 4_294_967_296.0
        })
    });
    hold("drop_pixel chance=0", EventBatch::to_events);
    hold("drop_pixel chance=1", |_| Vec::new());
    // A sensor whose pixels are decided once and one with too many for that drop the same of them.
    let events: Vec<Event> = (0..200)
        .map(|i| Event::new(i, (i % 16) as u16, (i / 16) as u16, 0))
        .collect();
    let on = |w: u16, h: u16| {
        let meta = std::sync::Arc::new(parallax_events::Meta::with_geometry(w, h).unwrap());
        ours(
            "drop_pixel seed=5 chance=0.5",
            &EventBatch::from_events(&events, meta).unwrap(),
        )
    };
    assert_eq!(on(16, 13), on(4000, 4000));
}

#[test]
fn drop_time_of_the_whole() {
    let place = Philox::new(6, "drop_time");
    hold("drop_time every=0s ratio=0.3 seed=6", |batch| {
        let times = || batch.columns().t.iter().map(|&t| i128::from(t));
        let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        let length = last - first + 1;
        let gone = (0.3 * length as f64).round() as i128;
        let start = first + (place.unit_f64(0, 0) * (length - gone + 1) as f64) as i128;
        kept(batch, |i, events| {
            !(start..start + gone).contains(&events[i].t.into())
        })
    });
    hold("drop_time every=0s ratio=0", EventBatch::to_events);
    hold("drop_time every=0s ratio=1", |_| Vec::new());
    let (_, batch) = streams::all().swap_remove(0);
    let error = crate::tried("drop_time every=0s memory=10KiB", &batch).unwrap_err();
    assert_eq!(error.kind(), parallax_events::ErrorKind::Limit, "{error}");
}

#[test]
fn event_drop() {
    let mut ways = [0; 4];
    let (_, batch) = streams::all().swap_remove(2);
    for seed in 0..200_u64 {
        let draws = Philox::new(seed, "event_drop");
        let way = draws.below(0, 0, 4) as usize;
        ways[way] += 1;
        let tenths = 1 + draws.below(0, 1, 9);
        let twentieths = 1 + draws.below(0, 1, 5);
        let same = match way {
            0 => "polarity keep=both".to_owned(),
            1 => format!("drop_time every=0s ratio=0.{tenths} seed={seed}"),
            2 => format!("drop_area ratio={} seed={seed}", f64::from(twentieths) / 20.0),
            _ => format!("drop_event chance=0.{tenths} seed={seed}"),
        };
        assert_eq!(
            crate::tried(&format!("event_drop seed={seed}"), &batch).unwrap(),
            crate::tried(&same, &batch).unwrap(),
            "{same}"
        );
    }
    // 200 draws of four, six standard deviations.
    assert!(ways.iter().all(|count| (14..=86).contains(count)), "{ways:?}");
}

#[test]
fn uniform_noise() {
    let draws = Philox::new(7, "uniform_noise");
    let noise = |index: u64, t: i64, size: parallax_events::Geometry| {
        let [x, y, p, _] = draws.at(index);
        let place = |word: u32, all: u16| ((u64::from(word) * u64::from(all)) >> 32) as u16;
        Event::new(t, place(x, size.width), place(y, size.height), (p >> 31) as u8)
    };
    crate::hold_on(
        "uniform_noise rate=300Hz per=sensor seed=7",
        streams::ordinary(),
        |batch| {
            let size = batch.meta().geometry.unwrap();
            let (mut index, mut next, mut out) = (0, None, Vec::new());
            for event in batch.columns().iter() {
                // Sums of gaps as whole units and a fraction below 1.
                let gap = |index: u64| -(unit(draws.at(index)[3])).ln() / 300.0 * 1e6;
                let (mut t, mut fraction) = next.unwrap_or_else(|| {
                    let gap = gap(0);
                    (event.t + gap.floor() as i64, gap - gap.floor())
                });
                while t <= event.t {
                    out.push(noise(index, t, size));
                    index += 1;
                    let sum: f64 = fraction + gap(index);
                    (t, fraction) = (t + sum.floor() as i64, sum - sum.floor());
                }
                next = Some((t, fraction));
                out.push(event);
            }
            out
        },
    );
    crate::hold_on("uniform_noise n=250 seed=7", streams::ordinary(), |batch| {
        let Some(first) = batch.columns().t.iter().copied().min() else {
            return Vec::new();
        };
        let length = batch.columns().t.iter().max().unwrap() - first + 1;
        let at = |index: u64| first + (draws.unit_f64(index, 2) * length as f64) as i64;
        let size = batch.meta().geometry.unwrap();
        let mut left: Vec<Event> = (0..250).map(|index| noise(index, at(index), size)).collect();
        left.sort_by_key(|event| event.t);
        let mut out = Vec::new();
        for event in batch.columns().iter() {
            let due = left.partition_point(|noise| noise.t <= event.t);
            out.extend(left.drain(..due));
            out.push(event);
        }
        out.extend(left);
        out
    });
    // As many as promised, and in the order of time: 10 s at 20 x 12 pixels of 5 Hz, six standard deviations.
    let meta = std::sync::Arc::new(parallax_events::Meta::with_geometry(20, 12).unwrap());
    let ends = [Event::new(0, 0, 0, 0), Event::new(10_000_000, 0, 0, 0)];
    let found = ours(
        "uniform_noise rate=5Hz",
        &EventBatch::from_events(&ends, meta).unwrap(),
    );
    assert!(
        (12_000.0 - (found.len() - 2) as f64).abs() < 6.0 * 12_000_f64.sqrt(),
        "{}",
        found.len()
    );
    assert!(found.is_sorted_by_key(|event| event.t));
    let (_, far) = streams::all()
        .into_iter()
        .find(|(name, _)| *name == streams::AT_THE_ENDS)
        .unwrap();
    let error = crate::tried("uniform_noise", &far).unwrap_err();
    assert_eq!(error.kind(), parallax_events::ErrorKind::Limit, "{error}");
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
