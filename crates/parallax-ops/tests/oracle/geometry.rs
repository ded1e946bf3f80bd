//! Operators that look at where events are.

use parallax_events::{Event, EventBatch};
use parallax_ops::{Compose, event_op};

use crate::streams;
use crate::{hold, kept};

#[test]
fn region() {
    let inside = |event: Event| (2..7).contains(&event.x) && (1..5).contains(&event.y);
    hold("region x=2 y=1 w=5 h=4", |batch| {
        kept(batch, |i, events| inside(events[i]))
    });
    hold("region x=2 y=1 w=5 h=4 keep=outside", |batch| {
        kept(batch, |i, events| !inside(events[i]))
    });
    hold("region", EventBatch::to_events);
    hold("region x=65534", |batch| {
        kept(batch, |i, events| events[i].x >= 65_534)
    });
}

fn moved(batch: &EventBatch, change: impl Fn(Event) -> Event) -> Vec<Event> {
    batch.columns().iter().map(change).collect()
}

#[test]
fn flips() {
    let size = |batch: &EventBatch| batch.meta().geometry.unwrap();
    hold("flip_x", |batch| {
        moved(batch, |e| Event::new(e.t, size(batch).width - 1 - e.x, e.y, e.p))
    });
    hold("flip_y", |batch| {
        moved(batch, |e| Event::new(e.t, e.x, size(batch).height - 1 - e.y, e.p))
    });
    hold("flip_polarity", |batch| {
        moved(batch, |e| Event::new(e.t, e.x, e.y, 1 - e.p))
    });
    for id in ["flip_x", "flip_y", "flip_polarity"] {
        hold(&format!("{id} chance=0"), EventBatch::to_events);
        // With even odds about half of the seeds turn the stream: 200 draws, six standard deviations.
        let (_, batch) = streams::all().swap_remove(0);
        let turned = (0..200).filter(|seed| {
            let op = event_op(&format!("{id} chance=0.5 seed={seed}")).unwrap();
            let mut state = op.state(batch.meta()).unwrap();
            op.apply(state.as_mut(), &batch.slice(..50)).unwrap() != batch.slice(..50)
        });
        assert!((58..=142).contains(&turned.count()));
    }
}

#[test]
fn crop() {
    for (name, batch) in streams::all() {
        let size = batch.meta().geometry.unwrap();
        let (x, y) = (size.width / 3, size.height / 4);
        let (w, h) = ((size.width / 2).max(1), (size.height / 2).max(1));
        let text = format!("crop x={x} y={y} w={w} h={h}");
        let wanted: Vec<Event> = batch
            .columns()
            .iter()
            .filter(|e| e.x >= x && e.y >= y && e.x - x < w && e.y - y < h)
            .map(|e| Event::new(e.t, e.x - x, e.y - y, e.p))
            .collect();
        assert_eq!(crate::ours(&text, &batch), wanted, "{text} on {name}");
        let meta = Compose::parse(&text).unwrap().output_meta(batch.meta()).unwrap();
        assert_eq!(meta.geometry.map(|g| (g.width, g.height)), Some((w, h)));
        let error = Compose::parse("crop x=65534 w=2")
            .unwrap()
            .start(batch.meta())
            .unwrap_err();
        assert!(
            error.to_string().contains("does not lie inside the sensor"),
            "{error}"
        );
    }
}
