//! The streams: a scene, noise, and what goes wrong in practice.

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Philox};
use parallax_testkit::Scene;

/// All of them whose times do not lie ages apart.
pub(crate) fn ordinary() -> Vec<(&'static str, EventBatch)> {
    let mut streams = all();
    streams.retain(|(name, _)| *name != AT_THE_ENDS);
    streams
}

/// The name of the one whose times lie at the ends of 64 bits.
pub(crate) const AT_THE_ENDS: &str = "the ends of 64 bits";

pub(crate) fn all() -> Vec<(&'static str, EventBatch)> {
    let random = Philox::new(17, "test/streams");
    let draw = |index: u64, lane: u32, n: u32| random.below(index, lane, n);
    let mut streams = Vec::new();
    let mut add = |name, width: u16, height: u16, events: Vec<Event>| {
        let meta = Arc::new(Meta::with_geometry(width, height).unwrap());
        streams.push((name, EventBatch::from_events(&events, meta).unwrap()));
    };
    let at = |t: i64, x: u32, y: u32, p: u32| Event::new(t, x as u16, y as u16, p as u8);

    // More than one row of bands, events on all their borders, and enough of them to be split over threads.
    let events = (0..20_000).map(|i| {
        at(
            i as i64 / 3 * 7,
            draw(i, 0, 9),
            60 + draw(i, 1, 10) + 64 * draw(i, 2, 2),
            draw(i, 3, 2),
        )
    });
    add(
        "random events around the borders of bands",
        9,
        140,
        events.collect(),
    );
    let events = (0..3000).map(|i| at(i as i64 * 400, draw(i, 0, 20), draw(i, 1, 12), draw(i, 2, 2)));
    add("sparse random events", 20, 12, events.collect());
    add(
        "one pixel",
        8,
        8,
        (0..500)
            .map(|i| at(i * i % 5000 * 30, 3, 4, (i % 2) as u32))
            .collect(),
    );
    let events = (0..1500).map(|i| at(1000, draw(i, 0, 6), draw(i, 1, 6), draw(i, 2, 2)));
    add("all at the same time", 6, 6, events.collect());
    let events = (0..2000).map(|i| at(3_000_000 - i as i64 * 700, draw(i, 0, 10), draw(i, 1, 10), 1));
    add("time running back, one polarity", 10, 10, events.collect());
    let events = (0..2000).map(|i| {
        at(
            i64::from(draw(i, 2, 4_000_000)) - 2_000_000,
            draw(i, 0, 5),
            draw(i, 1, 5),
            0,
        )
    });
    add("times in no order, before 0 too", 5, 5, events.collect());
    add(
        "one sensor pixel",
        1,
        1,
        (0..300).map(|i| at(i * 333, 0, 0, (i % 3 == 0).into())).collect(),
    );
    let events = (0..2000).map(|i| {
        at(
            i as i64 * 50,
            65_534 - draw(i, 0, 3) * 32_767,
            draw(i, 1, 3),
            draw(i, 2, 2),
        )
    });
    add("a sensor 65535 wide", 65_535, 3, events.collect());
    let ends = [i64::MIN + 1, i64::MIN + 2, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let events = ends.into_iter().flat_map(|t| [at(t, 1, 1, 0), at(t, 1, 2, 1)]);
    add(AT_THE_ENDS, 4, 4, events.collect());
    add("nothing", 4, 4, Vec::new());
    let scene = Scene::builder()
        .geometry(24, 18)
        .seed(5)
        .noise_rate(60.0)
        .hot_pixels(2, 2000.0)
        .build()
        .unwrap();
    streams.push(("a scene", scene.batch().clone()));
    streams
}
