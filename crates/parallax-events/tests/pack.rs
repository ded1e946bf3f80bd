//! Packing is lossless, and unpacking believes nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use parallax_events::{ErrorKind, Event, EventBatch, Meta, PackedEvents, pack, unpack};
use proptest::prelude::*;

fn meta(width: u16, height: u16) -> Arc<Meta> {
    Arc::new(Meta {
        sensor: Some("a sensor".into()),
        ..Meta::with_geometry(width, height).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unpacking_undoes_packing(
        (width, height, events) in (1..=u16::MAX, 1..=u16::MAX).prop_flat_map(|(width, height)| {
            let event = (any::<i64>(), 0..width, 0..height, 0_u8..2);
            (Just(width), Just(height), prop::collection::vec(event, 0..50))
        })
    ) {
        let events: Vec<Event> = events.into_iter().map(|(t, x, y, p)| Event::new(t, x, y, p)).collect();
        let batch = EventBatch::from_events(&events, meta(width, height)).unwrap();
        let packed = pack(&batch).unwrap();
        for (i, event) in events.iter().enumerate() {
            prop_assert_eq!(packed.t[i], event.t);
            prop_assert_eq!(u64::from(packed.index[i]), u64::from(event.y) * u64::from(width) + u64::from(event.x));
            prop_assert_eq!(packed.value[i], i8::try_from(event.p).unwrap() * 2 - 1);
        }
        prop_assert_eq!(packed.t.as_ptr(), batch.columns().t.as_ptr());
        prop_assert_eq!(unpack(&packed).unwrap(), batch);
    }
}

#[test]
fn the_largest_sensor_fits() {
    let corner = Event::new(0, u16::MAX - 1, u16::MAX - 1, 1);
    let batch = EventBatch::from_events(&[corner], meta(u16::MAX, u16::MAX)).unwrap();
    let packed = pack(&batch).unwrap();
    assert_eq!(packed.index[0], 65_535 * 65_535 - 1);
    assert_eq!(unpack(&packed).unwrap(), batch);
}

#[test]
fn unpacking_names_what_is_wrong() {
    let packed = |t: usize, index: Vec<u32>, value: Vec<i8>, meta| PackedEvents {
        t: vec![0; t].into(),
        index: index.into(),
        value: value.into(),
        meta,
    };
    let message = |packed: PackedEvents| {
        let error = unpack(&packed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        error.message().to_owned()
    };
    let outside = message(packed(2, vec![11, 12], vec![1, 1], meta(4, 3)));
    assert_eq!(
        outside,
        "pixel 12 of event 1 is outside the sensor of 4x3: 12 pixels"
    );
    message(packed(1, vec![u32::MAX], vec![1], meta(u16::MAX, u16::MAX)));
    for value in [0, 2, i8::MIN] {
        let neither = message(packed(3, vec![0; 3], vec![1, -1, value], meta(4, 3)));
        assert_eq!(neither, format!("value {value} of event 2 is neither -1 nor +1"));
    }
    message(packed(2, vec![0], vec![1, 1], meta(4, 3)));
    message(packed(1, vec![0], vec![1, 1], meta(4, 3)));

    let unknown = packed(1, vec![0], vec![1], Arc::default());
    assert_eq!(unpack(&unknown).unwrap_err().kind(), ErrorKind::Param);
    let batch = EventBatch::from_events(&[Event::new(0, 0, 0, 0)], Arc::default()).unwrap();
    assert!(
        pack(&batch)
            .unwrap_err()
            .to_string()
            .contains("--geometry 1280x720")
    );
}
