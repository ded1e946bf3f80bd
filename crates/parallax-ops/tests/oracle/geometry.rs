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
fn regions() {
    let one = |e: Event| (2..7).contains(&e.x) && (1..5).contains(&e.y);
    let other = |e: Event| (5..6).contains(&e.x) && (3..65_535).contains(&e.y);
    let text = "regions boxes=\"2,1,5,4  5,3,1,65532\"";
    hold(text, |batch| {
        kept(batch, |i, events| one(events[i]) || other(events[i]))
    });
    hold(&format!("{text} keep=outside"), |batch| {
        kept(batch, |i, events| !one(events[i]) && !other(events[i]))
    });
    hold("regions boxes=65534,0,65536,65536", |batch| {
        kept(batch, |i, events| events[i].x >= 65_534)
    });
    hold("regions", EventBatch::to_events);
    for wrong in [
        "3",
        "1,2,3",
        "1,2,3,4,5",
        "0,0,0,1",
        "0,0,1,65537",
        "65536,0,1,1",
        "a,b,c,d",
        "0,0,-1,1",
    ] {
        let error = Compose::parse(&format!("regions boxes=\"{wrong}\"")).unwrap_err();
        assert!(error.to_string().contains("from 1 to 65536"), "{error}");
    }
}

/// The sensor's size behind a chain.
fn size_behind(text: &str, batch: &EventBatch) -> (u16, u16) {
    let meta = Compose::parse(text).unwrap().output_meta(batch.meta()).unwrap();
    meta.geometry.map(|g| (g.width, g.height)).unwrap()
}

#[test]
fn rotations() {
    let size = |batch: &EventBatch| {
        let size = batch.meta().geometry.unwrap();
        (size.width, size.height)
    };
    hold("transpose", |batch| {
        moved(batch, |e| Event::new(e.t, e.y, e.x, e.p))
    });
    hold("rotate", |batch| {
        moved(batch, |e| Event::new(e.t, size(batch).1 - 1 - e.y, e.x, e.p))
    });
    hold("rotate angle=180", |batch| {
        moved(batch, |e| {
            Event::new(e.t, size(batch).0 - 1 - e.x, size(batch).1 - 1 - e.y, e.p)
        })
    });
    hold("rotate angle=270", |batch| {
        moved(batch, |e| Event::new(e.t, e.y, size(batch).0 - 1 - e.x, e.p))
    });
    for (_, batch) in streams::all() {
        let (w, h) = size(&batch);
        for text in ["transpose", "rotate angle=90", "rotate angle=270"] {
            assert_eq!(size_behind(text, &batch), (h, w), "{text}");
        }
        assert_eq!(size_behind("rotate angle=180", &batch), (w, h));
        // What any picture does.
        let whole = batch.to_events();
        for text in [
            "rotate ! rotate angle=270",
            "rotate angle=180 ! rotate angle=180",
            "transpose ! transpose",
            "rotate ! flip_x ! transpose",
        ] {
            assert_eq!(crate::ours(text, &batch), whole, "{text}");
        }
    }
}

#[test]
fn crops_without_a_corner() {
    for (name, batch) in streams::all() {
        let size = batch.meta().geometry.unwrap();
        let (w, h) = (size.width.div_ceil(2), size.height.div_ceil(3));
        let cut = |x: u16, y: u16| -> Vec<Event> {
            let inside = |e: &Event| e.x >= x && e.y >= y && e.x - x < w && e.y - y < h;
            batch
                .columns()
                .iter()
                .filter(inside)
                .map(|e| Event::new(e.t, e.x - x, e.y - y, e.p))
                .collect()
        };
        let text = format!("crop at=center w={w} h={h}");
        assert_eq!(
            crate::ours(&text, &batch),
            cut((size.width - w) / 2, (size.height - h) / 2),
            "{name}"
        );
        assert_eq!(size_behind(&text, &batch), (w, h));
        let place = parallax_events::Philox::new(8, "crop");
        let first =
            |all: u16, length: u16, lane: u32| place.below(0, lane, u32::from(all - length) + 1) as u16;
        let text = format!("crop at=random w={w} h={h} seed=8");
        assert_eq!(
            crate::ours(&text, &batch),
            cut(first(size.width, w, 0), first(size.height, h, 1)),
            "{name}"
        );
    }
    let error = Compose::parse("crop at=center x=3 w=4").unwrap_err();
    assert!(error.to_string().contains("leave out x and y"), "{error}");
    // Every place comes up, the first and the last too.
    let (_, batch) = streams::all().swap_remove(1);
    let corners = |seed: u32| {
        crate::ours(
            &format!("crop at=random w=18 h=12 seed={seed}"),
            &batch.slice(..60),
        )
    };
    let found: std::collections::BTreeSet<Vec<Event>> = (0..60).map(corners).collect();
    assert_eq!(found.len(), 3);
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
