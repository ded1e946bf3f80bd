//! Operators that move time, or let only so much pass in a time.

use std::collections::BTreeMap;

use parallax_events::{BatchBuilder, Event, EventBatch, FindingKind, Pool};
use parallax_ops::Compose;

use crate::{hold, hold_inside, hold_on, kept, streams};

fn moved(batch: &EventBatch, change: impl Fn(i64) -> i64) -> Vec<Event> {
    batch
        .columns()
        .iter()
        .map(|e| Event::new(change(e.t), e.x, e.y, e.p))
        .collect()
}

#[test]
fn time_skew() {
    hold_inside("time_skew scale=1.5 offset=100us", |batch| {
        moved(batch, |t| (3 * t).div_euclid(2) + 100)
    });
    hold_inside("time_skew offset=-7ms", |batch| moved(batch, |t| t - 7000));
    hold_on("time_skew scale=0.25", streams::ordinary(), |batch| {
        moved(batch, |t| t.div_euclid(4))
    });
    hold("time_skew scale=0", |batch| moved(batch, |_| 0));
    hold("time_skew", EventBatch::to_events);
}

#[test]
fn time_align() {
    hold_inside("time_align", |batch| {
        let first = batch.columns().t.first().copied().unwrap_or(0);
        moved(batch, |t| t - first)
    });
    hold_inside("time_align by=earliest at=3ms", |batch| {
        let earliest = batch.columns().t.iter().copied().min().unwrap_or(0);
        moved(batch, |t| t - earliest + 3000)
    });
    let (_, batch) = streams::all().swap_remove(0);
    let error = crate::tried("time_align by=earliest memory=10KiB", &batch).unwrap_err();
    assert!(error.to_string().contains("raise `memory`"), "{error}");
}

#[test]
fn time_reverse() {
    let reversed = |batch: &EventBatch, flip: u8| -> Vec<Event> {
        let latest = batch.columns().t.iter().copied().max().unwrap_or(0);
        let mut events = batch.to_events();
        events.reverse();
        events
            .iter()
            .map(|e| Event::new(latest - e.t, e.x, e.y, if flip == 1 { 1 - e.p } else { e.p }))
            .collect()
    };
    hold_inside("time_reverse", |batch| reversed(batch, 1));
    hold_inside("time_reverse flip_polarity=false", |batch| reversed(batch, 0));
    hold("time_reverse chance=0", EventBatch::to_events);
}

#[test]
fn merge_polarity() {
    let all = |batch: &EventBatch, p: u8| -> Vec<Event> {
        batch
            .columns()
            .iter()
            .map(|e| Event::new(e.t, e.x, e.y, p))
            .collect()
    };
    hold("merge_polarity", |batch| all(batch, 0));
    hold("merge_polarity to=on", |batch| all(batch, 1));
}

/// Of each event the window that it counts into: its own, or that of an earlier event if that is later.
fn windows(batch: &EventBatch, window: i128) -> Vec<i128> {
    let first = batch.columns().t.first().map_or(0, |&t| i128::from(t));
    let mut latest = 0;
    let of = |t: &i64| {
        latest = latest.max((i128::from(*t) - first).div_euclid(window));
        latest
    };
    batch.columns().t.iter().map(of).collect()
}

/// Which events a limit lets pass.
fn limited(batch: &EventBatch, budget: usize, head: bool) -> Vec<bool> {
    let mut places: BTreeMap<i128, Vec<usize>> = BTreeMap::new();
    for (index, window) in windows(batch, 2000).into_iter().enumerate() {
        places.entry(window).or_default().push(index);
    }
    let mut passes = vec![false; batch.len()];
    for indices in places.values() {
        let skipped = if head {
            indices.len().saturating_sub(budget)
        } else {
            0
        };
        for &index in indices.iter().skip(skipped).take(budget) {
            passes[index] = true;
        }
    }
    passes
}

#[test]
fn rate_limit() {
    for (policy, head) in [("drop_tail", false), ("drop_head", true)] {
        // 4500 a second in 2 ms: 9 events.
        let text = format!("rate_limit rate=4.5kHz window=2ms overflow={policy}");
        hold(&text, |batch| {
            let passes = limited(batch, 9, head);
            kept(batch, |i, _| passes[i])
        });
        for (name, batch) in streams::all() {
            let passes = limited(&batch, 9, head);
            let lost = passes.iter().filter(|passes| !**passes).count() as u64;
            // The order in which they are dropped: by window, and in a window from its front.
            let first = passes.iter().position(|passes| !passes);
            for size in [1, 50, batch.len().max(1)] {
                let mut run = Compose::parse(&text).unwrap().start(batch.meta()).unwrap();
                let mut out = BatchBuilder::growing().unwrap();
                for start in (0..batch.len()).step_by(size) {
                    run.push(&batch.slice(start..start + size), Pool::serial(), &mut out)
                        .unwrap();
                }
                run.end(Pool::serial(), &mut out).unwrap();
                let report = run.report().unwrap();
                assert_eq!(report.count(FindingKind::RateLimited), lost, "{text} on {name}");
                let found = report.findings().first();
                assert_eq!(
                    found.and_then(|f| f.first_event),
                    first.map(|i| i as u64),
                    "{text} on {name}"
                );
                assert!(found.is_none_or(|f| f.detail == policy), "{found:?}");
                assert!(report.first_fault().is_none());
            }
        }
    }
    hold("rate_limit rate=1000MHz window=1s", EventBatch::to_events);
    for (text, says) in [
        ("rate_limit rate=1Hz window=1ms", "make `window` longer"),
        (
            "rate_limit rate=1000MHz window=1s overflow=drop_head",
            "make `window` shorter",
        ),
    ] {
        let error = Compose::parse(text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}
