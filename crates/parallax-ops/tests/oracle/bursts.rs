//! Filters that count events of a pixel or around it: contrast, decaying counts, activity.

use std::collections::BTreeMap;

use parallax_events::{Event, EventBatch};

use crate::{hold, kept};

/// The earlier events of the same pixel, the last one first.
fn earlier(events: &[Event], index: usize) -> impl Iterator<Item = Event> {
    let event = events[index];
    let before = events[..index].iter().rev().copied();
    before.filter(move |other| (other.x, other.y) == (event.x, event.y))
}

/// Whether the event goes on with a burst of 500 us.
fn goes_on(events: &[Event], index: usize) -> bool {
    let event = events[index];
    earlier(events, index)
        .next()
        .is_some_and(|last| last.p == event.p && i128::from(event.t) - i128::from(last.t) <= 500)
}

#[test]
fn stc() {
    hold("stc threshold=500us filter=stc_keep_trail", |batch| {
        kept(batch, |i, events| goes_on(events, i))
    });
    hold("stc threshold=500us filter=trail", |batch| {
        kept(batch, |i, events| !goes_on(events, i))
    });
    hold("stc threshold=500us", |batch| {
        // Of each pixel, in its own order: the first event of a run of one polarity that comes soon after the one before.
        let mut last: BTreeMap<(u16, u16), (Event, bool)> = BTreeMap::new();
        let keep = |event: &Event| {
            let before = last
                .get(&(event.x, event.y))
                .copied()
                .filter(|(before, _)| before.p == event.p);
            let soon = before.is_some_and(|(b, _)| i128::from(event.t) - i128::from(b.t) <= 500);
            let done = before.is_some_and(|(_, done)| done);
            let keep = soon && !done;
            last.insert((event.x, event.y), (*event, done || keep));
            keep
        };
        batch.to_events().into_iter().filter(keep).collect()
    });
}

#[test]
fn fast_decay() {
    let decayed = |batch: &EventBatch, side: u16, half_life: f64, threshold: f64| -> Vec<Event> {
        let mut cells: BTreeMap<(u16, u16), (f64, i64)> = BTreeMap::new();
        let keep = |event: &Event| {
            let (count, last) = cells
                .entry((event.x / side, event.y / side))
                .or_insert((0.0, event.t));
            let since = (i128::from(event.t) - i128::from(*last)).max(0) as f64;
            *count = *count * (-since / half_life).exp2() + 1.0;
            *last = event.t.max(*last);
            *count > threshold
        };
        batch.to_events().into_iter().filter(keep).collect()
    };
    hold("fast_decay", |batch| decayed(batch, 4, 10_000.0, 6.0));
    hold(
        "fast_decay half_life=700us subdivision=3 threshold=1.7",
        |batch| decayed(batch, 3, 700.0, 1.7),
    );
    hold("fast_decay subdivision=65535 threshold=0", EventBatch::to_events);
}

#[test]
fn activity() {
    // The last `least` events of every pixel before this one, as lists.
    let active = |batch: &EventBatch, window: i128, radius: u16, least: usize| -> Vec<Event> {
        let mut seen: BTreeMap<(u16, u16), Vec<i64>> = BTreeMap::new();
        let keep = |event: &Event| {
            let near = |&(&(x, y), _): &(&(u16, u16), &Vec<i64>)| {
                x.abs_diff(event.x) <= radius && y.abs_diff(event.y) <= radius
            };
            let count = |times: &Vec<i64>| {
                let counts = |t: &&i64| i128::from(event.t) - i128::from(**t) < window;
                times.iter().rev().take(least).filter(counts).count()
            };
            let found: usize = seen.iter().filter(near).map(|(_, times)| count(times)).sum();
            seen.entry((event.x, event.y)).or_default().push(event.t);
            found >= least
        };
        batch.to_events().into_iter().filter(keep).collect()
    };
    hold("activity window=2ms", |batch| active(batch, 2000, 1, 3));
    hold("activity window=1ms radius=0 least=1", |batch| {
        active(batch, 1000, 0, 1)
    });
    hold("activity window=5ms radius=3 least=17", |batch| {
        active(batch, 5000, 3, 17)
    });
}
