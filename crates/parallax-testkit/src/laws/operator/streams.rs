//! The streams that operators are tried on.

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Philox, Result};

use crate::Scene;

/// A stream as one batch, with its name.
pub(super) type Stream = (&'static str, EventBatch);

/// A scene, the same with disorder, and one pixel that fires in bursts.
pub(super) fn streams() -> Result<Vec<Stream>> {
    let scene = Scene::builder()
        .seed(11)
        .noise_rate(20.0)
        .hot_pixels(3, 800.0)
        .build()?;
    let meta = Arc::clone(scene.batch().meta());
    Ok(vec![
        ("a scene", scene.batch().clone()),
        ("a scene with steps back in time", disordered(scene.batch())?),
        ("one hot pixel in bursts", bursts(&meta)?),
        ("a scene before time 0", before_zero()?),
    ])
}

/// Neighbours swapped here and there.
fn disordered(batch: &EventBatch) -> Result<EventBatch> {
    let random = Philox::new(5, "testkit/disorder");
    let mut events = batch.to_events();
    for index in 0..events.len() {
        let [chance, far, ..] = random.at(index as u64);
        let other = index + 1 + far as usize % 20;
        if chance % 16 == 0 && other < events.len() {
            events.swap(index, other);
        }
    }
    EventBatch::from_events(&events, Arc::clone(batch.meta()))
}

/// Many events of one pixel at the same few times, both polarities.
fn bursts(meta: &Arc<Meta>) -> Result<EventBatch> {
    let events: Vec<Event> = (0..2000)
        .map(|i| Event::new(i / 50 * 1000, 5, 6, (i % 3 == 0).into()))
        .collect();
    EventBatch::from_events(&events, Arc::clone(meta))
}

fn before_zero() -> Result<EventBatch> {
    let scene = Scene::builder()
        .seed(12)
        .start(-50_000)
        .edges(1)
        .noise_rate(10.0)
        .build()?;
    Ok(scene.batch().clone())
}

/// The batch in pieces of `size` events.
pub(super) fn pieces(batch: &EventBatch, size: usize) -> Vec<EventBatch> {
    (0..batch.len())
        .step_by(size)
        .map(|start| batch.slice(start..start.saturating_add(size)))
        .collect()
}

/// The batch cut at places drawn by `seed`, empty pieces among them.
pub(super) fn random_pieces(batch: &EventBatch, seed: u64) -> Vec<EventBatch> {
    let random = Philox::new(seed, "testkit/pieces");
    let (mut pieces, mut start, mut index) = (Vec::new(), 0, 0);
    while start < batch.len() {
        let [kind, size, ..] = random.at(index);
        index += 1;
        let len = match kind % 4 {
            0 => 0,
            1 => 1,
            2 => 1 + size as usize % 10,
            _ => 1 + size as usize % 2000,
        };
        pieces.push(batch.slice(start..start + len));
        start += len;
    }
    pieces
}
