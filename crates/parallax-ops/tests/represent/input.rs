//! The streams that representations are tried on, and how a tensor is compared with naive cells.

use std::sync::Arc;

use parallax_events::{DType, Event, EventBatch, Geometry, Meta, Philox, Pool, Tensor};
use parallax_ops::{represent, tensor_of};
use parallax_testkit::Scene;

/// Random streams, a scene, and one pixel, one time, time that runs back, one polarity, the smallest and the widest sensors.
pub(crate) fn streams() -> Vec<(&'static str, EventBatch)> {
    let random = |seed: u64, count: u64, width: u16, height: u16| -> Vec<Event> {
        let numbers = Philox::new(seed, "tests/represent");
        let event = |index: u64| {
            let [a, b, c, d] = numbers.at(index);
            let step = index as i64 * 7 + i64::from(a % 7);
            Event::new(
                1_000_000 + step,
                (b % u32::from(width)) as u16,
                (c % u32::from(height)) as u16,
                (d % 2) as u8,
            )
        };
        (0..count).map(event).collect()
    };
    let mut back = random(2, 900, 9, 5);
    back.reverse();
    let mut shuffled = random(3, 900, 9, 5);
    for index in (0..890).step_by(5) {
        shuffled.swap(index, index + 7);
    }
    let with_t = |mut events: Vec<Event>, t: fn(i64) -> i64| {
        events.iter_mut().for_each(|event| event.t = t(event.t));
        events
    };
    let scene = Scene::builder()
        .seed(3)
        .edges(2)
        .noise_rate(30.0)
        .build()
        .unwrap();
    let mut streams = vec![("a scene", scene.batch().clone())];
    for (name, events, width, height) in [
        ("random", random(1, 4000, 16, 12), 16, 12),
        ("one pixel sensor", random(4, 500, 1, 1), 1, 1),
        ("65535 wide", random(5, 2000, 65_535, 1), 65_535, 1),
        ("65535 high", random(6, 2000, 1, 65_535), 1, 65_535),
        ("all at one time", with_t(random(7, 300, 8, 8), |_| 77), 8, 8),
        ("time running back", back, 9, 5),
        ("time stepping back", shuffled, 9, 5),
        ("one event", random(8, 1, 4, 4), 4, 4),
        (
            "two ticks",
            with_t(random(9, 300, 4, 4), |t| i64::from(t > 1_001_000)),
            4,
            4,
        ),
        (
            "before zero",
            with_t(random(10, 700, 6, 6), |t| t - 1_002_000),
            6,
            6,
        ),
    ] {
        let meta = Arc::new(Meta::with_geometry(width, height).unwrap());
        streams.push((name, EventBatch::from_events(&events, meta).unwrap()));
    }
    let mut constant = random(11, 600, 7, 7);
    constant
        .iter_mut()
        .for_each(|event| *event = Event::new(event.t, event.x, event.y, 1));
    let meta = Arc::new(Meta::with_geometry(7, 7).unwrap());
    streams.push(("one polarity", EventBatch::from_events(&constant, meta).unwrap()));
    streams
}

pub(crate) fn geometry(batch: &EventBatch) -> Geometry {
    batch.meta().geometry.unwrap()
}

/// What the operator that `text` names makes of the whole batch.
pub(crate) fn made(text: &str, batch: &EventBatch) -> Tensor {
    tensor_of(represent(text).unwrap().as_ref(), batch, Pool::serial()).unwrap()
}

/// The cells as `f64`.
pub(crate) fn cells(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::U8 => tensor
            .as_slice::<u8>()
            .unwrap()
            .iter()
            .map(|&cell| cell.into())
            .collect(),
        DType::U16 => tensor
            .as_slice::<u16>()
            .unwrap()
            .iter()
            .map(|&cell| cell.into())
            .collect(),
        DType::I16 => tensor
            .as_slice::<i16>()
            .unwrap()
            .iter()
            .map(|&cell| cell.into())
            .collect(),
        DType::I32 => tensor
            .as_slice::<i32>()
            .unwrap()
            .iter()
            .map(|&cell| cell.into())
            .collect(),
        DType::F32 => tensor
            .as_slice::<f32>()
            .unwrap()
            .iter()
            .map(|&cell| cell.into())
            .collect(),
        DType::F64 => tensor.as_slice::<f64>().unwrap().to_vec(),
    }
}

/// Fails where a cell is further from the naive one than `tolerance`, relative to the larger of it and 1.
pub(crate) fn near(found: &Tensor, wanted: &[f64], tolerance: f64, who: &str) {
    let found = cells(found);
    assert_eq!(found.len(), wanted.len(), "{who}");
    for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!(
            (found - wanted).abs() <= tolerance * wanted.abs().max(1.0),
            "{who}: cell {index} is {found}, not {wanted}"
        );
    }
}
