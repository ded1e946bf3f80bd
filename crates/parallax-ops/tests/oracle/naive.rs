//! Operators that look at time or at single pixels.

use std::collections::BTreeMap;

use parallax_events::{Event, EventBatch};

use crate::{hold, kept};

/// The pixel's last event before `index`, of those that `counts` says count.
fn last_of(events: &[Event], index: usize, counts: impl Fn(usize) -> bool) -> Option<Event> {
    let event = events[index];
    (0..index)
        .rev()
        .find(|&i| (events[i].x, events[i].y) == (event.x, event.y) && counts(i))
        .map(|i| events[i])
}

#[test]
fn polarity() {
    hold("polarity keep=on", |batch| {
        kept(batch, |i, events| events[i].p == 1)
    });
    hold("polarity keep=off", |batch| {
        kept(batch, |i, events| events[i].p == 0)
    });
    hold("polarity keep=both", EventBatch::to_events);
}

#[test]
fn time() {
    let within = |batch: &EventBatch, range: std::ops::Range<i128>| {
        kept(batch, |i, events| range.contains(&i128::from(events[i].t)))
    };
    hold("time range=1ms..20ms", |batch| within(batch, 1000..20_000));
    hold("time range=..0", |batch| within(batch, i128::MIN..0));
    hold("time range=1500ns..", |batch| within(batch, 2..i128::MAX));
    hold("time range=..", EventBatch::to_events);
    hold("time range=+1ms..+50ms", |batch| {
        let Some(first) = batch.columns().t.first().map(|&t| i128::from(t)) else {
            return Vec::new();
        };
        within(batch, first + 1000..first + 50_000)
    });
}

#[test]
fn decimate() {
    hold("decimate n=3", |batch| {
        kept(batch, |i, events| {
            let same = |event: &&Event| (event.x, event.y) == (events[i].x, events[i].y);
            (events[..=i].iter().filter(same).count()).is_multiple_of(3)
        })
    });
    hold("decimate n=1", EventBatch::to_events);
    hold("decimate n=4 per=stream", |batch| {
        kept(batch, |i, _| (i + 1).is_multiple_of(4))
    });
}

#[test]
fn refractory() {
    let late = |event: Event, last: Option<Event>| {
        last.is_none_or(|last| i128::from(event.t) - i128::from(last.t) > 1000)
    };
    hold("refractory period=1ms since=seen", |batch| {
        kept(batch, |i, events| late(events[i], last_of(events, i, |_| true)))
    });
    hold("refractory period=1ms", |batch| {
        let events = batch.to_events();
        let mut last = BTreeMap::new();
        let keep = |event: &Event| {
            let before = last.get(&(event.x, event.y)).copied();
            let keep = late(*event, before);
            if keep {
                last.insert((event.x, event.y), *event);
            }
            keep
        };
        events.into_iter().filter(keep).collect()
    });
}

#[test]
fn mask() {
    let listed = |event: Event| [(3, 4), (0, 0), (65_534, 2)].contains(&(event.x, event.y));
    let text = "mask pixels=\"3,4 0,0  65534,2 3,4\"";
    hold(text, |batch| kept(batch, |i, events| !listed(events[i])));
    hold(&format!("{text} keep=listed"), |batch| {
        kept(batch, |i, events| listed(events[i]))
    });
    // Small enough for bits.
    hold("mask pixels=\"1,1 2,1\" keep=listed", |batch| {
        kept(batch, |i, events| {
            events[i].y == 1 && [1, 2].contains(&events[i].x)
        })
    });
    hold("mask", EventBatch::to_events);
    for wrong in ["3", "3,", "3,4,5", "3,65536", "a,b", "-1,0"] {
        let error = parallax_ops::Compose::parse(&format!("mask pixels=\"{wrong}\"")).unwrap_err();
        assert!(error.to_string().contains("from 0 to 65535"), "{error}");
    }
}
