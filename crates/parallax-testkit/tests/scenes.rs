//! Scenes are what they say: in order, labelled, repeatable, with the rates that were asked for.

use parallax_events::{Order, check_strict_order};
use parallax_testkit::{Digester, Label, Scene, digest};

#[test]
fn the_same_settings_give_the_same_scene_and_another_seed_another() {
    let scene = |seed| {
        Scene::builder()
            .seed(seed)
            .noise_rate(10.0)
            .hot_pixels(2, 100.0)
            .build()
            .unwrap()
    };
    assert_eq!(scene(1).batch(), scene(1).batch());
    assert_eq!(scene(1).labels(), scene(1).labels());
    assert_ne!(scene(1).batch(), scene(2).batch());
}

#[test]
fn events_lie_in_order_inside_the_sensor_and_the_duration() {
    let builder = Scene::builder()
        .geometry(30, 20)
        .start(-7_000)
        .duration(50_000)
        .edges(3)
        .noise_rate(50.0);
    let scene = builder.hot_pixels(4, 1_000.0).build().unwrap();
    let batch = scene.batch();
    assert_eq!(batch.len(), scene.labels().len());
    assert_eq!(batch.order(), Order::Time);
    check_strict_order(batch).unwrap();
    let events = batch.columns();
    assert!(events.t.iter().all(|t| (-7_000..43_000).contains(t)));
    assert!(events.x.iter().all(|&x| x < 30) && events.y.iter().all(|&y| y < 20));
}

#[test]
fn rates_are_kept_and_labels_true() {
    let builder = Scene::builder()
        .geometry(40, 30)
        .duration(500_000)
        .noise_rate(4.0);
    let scene = builder.hot_pixels(3, 200.0).build().unwrap();
    let count = |label| scene.labels().iter().filter(|&&known| known == label).count();
    // 40 * 30 pixels, 4 Hz, half a second; three pixels, 200 Hz, half a second.
    assert_eq!(count(Label::Noise), 2_400);
    assert_eq!(count(Label::HotPixel), 300);
    let mut pixels = scene.hot_pixels().to_vec();
    pixels.sort_unstable();
    pixels.dedup();
    assert_eq!(pixels.len(), 3);
    for (event, label) in scene.batch().columns().iter().zip(scene.labels()) {
        let hot = scene.hot_pixels().contains(&(event.x, event.y));
        assert!(*label != Label::HotPixel || hot, "{event:?}");
    }
    // Two edges cross most pixels at least once.
    assert!(
        count(Label::Signal) > 2 * 1_200 * 3 / 4,
        "{}",
        count(Label::Signal)
    );
}

#[test]
fn an_edge_alone_moves() {
    let scene = Scene::builder()
        .geometry(64, 48)
        .edges(1)
        .duration(200_000)
        .build()
        .unwrap();
    let events = scene.batch().to_events();
    assert!(scene.labels().iter().all(|&label| label == Label::Signal));
    assert!(events.iter().all(|event| event.p == events[0].p));
    // At any moment the events of a millisecond cover a small part of the sensor.
    let middle: Vec<_> = events
        .iter()
        .filter(|event| (100_000..101_000).contains(&event.t))
        .collect();
    assert!(
        !middle.is_empty() && middle.len() < 64 * 48 / 10,
        "{}",
        middle.len()
    );
}

/// Computed with Python's hashlib and numpy's definition of the matrix.
#[test]
fn the_digest_is_that_of_the_matrix() {
    let meta = std::sync::Arc::default();
    let events = [
        parallax_events::Event::new(-1, 2, 3, 1),
        parallax_events::Event::new(5, 65_535, 0, 0),
    ];
    let batch = parallax_events::EventBatch::from_events(&events, meta).unwrap();
    let found = digest(batch.columns());
    assert_eq!(
        (found.n, found.n_on, found.t_first, found.t_last, found.x_max),
        (2, 1, -1, 5, 65_535)
    );
    assert_eq!(
        (found.sum_t, found.ordsum_t, found.ordsum_x),
        (4, 9, 2 + 2 * 65_535)
    );
    assert_eq!(
        found.sha256,
        "3e555e47bf37043e19f193b75957d140881a499cbf652014b0ccd4d6c144a41a"
    );
    let mut one_by_one = Digester::default();
    one_by_one.push(batch.slice(..1).columns());
    one_by_one.push(batch.slice(1..).columns());
    assert_eq!(one_by_one.finish(), found);
}
