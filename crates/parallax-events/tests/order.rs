//! Canonical order against the standard library's stable sort on plain tuples.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use parallax_events::{
    Error, ErrorKind, Event, EventBatch, FindingKind, Order, OrderPolicy, Pool, Report, StrictCheck,
    check_strict_order, ensure_strict_order, strict_permutation,
};
use proptest::prelude::*;

fn batch(events: &[Event]) -> EventBatch {
    EventBatch::from_events(events, Arc::default()).unwrap()
}

/// The oracle: where each event of the sorted batch was before.
fn naive(events: &[Event]) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..events.len()).collect();
    indices.sort_by_key(|&i| (events[i].t, events[i].y, events[i].x, events[i].p));
    indices
}

fn assert_sorts(events: &[Event]) {
    let batch = batch(events);
    let order = naive(events);
    let expected: Vec<Event> = order.iter().map(|&i| events[i]).collect();
    let was_strict = order.iter().enumerate().all(|(i, &was)| i == was);

    let sorted = ensure_strict_order(&batch, Pool::serial()).unwrap();
    assert_eq!(sorted.to_events(), expected);
    assert_eq!(sorted.order(), Order::Strict);
    assert_eq!(sorted.meta(), batch.meta());
    let permutation = strict_permutation(&batch, Pool::serial());
    assert_eq!(permutation, (!was_strict).then_some(order));
    assert_eq!(check_strict_order(&batch).is_ok(), was_strict);
    check_strict_order(&sorted).unwrap();
    if was_strict {
        assert_same_memory(&batch, &sorted);
    }
}

fn assert_same_memory(a: &EventBatch, b: &EventBatch) {
    for (a, b) in a.buffers().iter().zip(b.buffers()) {
        assert_eq!((a.as_ptr(), a.len()), (b.as_ptr(), b.len()));
    }
}

/// Few values, so that ties and duplicates are common.
fn any_event() -> impl Strategy<Value = Event> {
    let t = prop_oneof![-3_i64..4, Just(i64::MIN), Just(i64::MAX)];
    let pixel = || prop_oneof![0_u16..3, Just(u16::MAX)];
    (t, pixel(), pixel(), 0_u8..2).prop_map(|(t, x, y, p)| Event::new(t, x, y, p))
}

/// Rising times with few or many events late, and some ahead, as sensors and merged streams have them.
fn nearly_ordered() -> impl Strategy<Value = Vec<Event>> {
    prop_oneof![Just(4_u32), Just(150)].prop_flat_map(|on_time| {
        let late = prop_oneof![
            on_time => Just(0_i64),
            1 => 0_i64..5,
            1 => 0_i64..500,
            1 => Just(-1000),
        ];
        prop::collection::vec((0_i64..3, late, 0_u16..4, 0_u16..4, 0_u8..2), 0..600).prop_map(|steps| {
            let mut now = -200;
            steps
                .into_iter()
                .map(|(step, late, x, y, p)| {
                    now += step;
                    Event::new(now - late, x, y, p)
                })
                .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sorts_as_the_standard_library_does(events in prop::collection::vec(any_event(), 0..300)) {
        assert_sorts(&events);
    }

    #[test]
    fn sorts_nearly_ordered_events(events in nearly_ordered()) {
        assert_sorts(&events);
    }

    #[test]
    fn sorts_concatenated_parts(mut parts in prop::collection::vec(nearly_ordered(), 1..4)) {
        parts.iter_mut().for_each(|part| part.sort());
        assert_sorts(&parts.concat());
    }

    #[test]
    fn a_stream_is_checked_across_its_borders(events in nearly_ordered(), cut in 0_usize..600) {
        let whole = batch(&events);
        let mut check = StrictCheck::default();
        let in_parts = check.push(&whole.slice(..cut)).and_then(|()| check.push(&whole.slice(cut..)));
        let text = |result: Result<(), Error>| result.map_err(|e| e.to_string());
        prop_assert_eq!(text(in_parts), text(check_strict_order(&whole)));
    }
}

#[test]
fn sorts_the_corner_cases() {
    let e = Event::new;
    assert_sorts(&[]);
    assert_sorts(&[e(5, 1, 2, 0)]);
    assert_sorts(&[e(5, 1, 2, 0); 100]);
    assert_sorts(&(0..5000).rev().map(|t| e(t, 0, 0, 0)).collect::<Vec<_>>());
    assert_sorts(&[
        e(i64::MAX, 0, 0, 0),
        e(i64::MIN, u16::MAX, u16::MAX, 1),
        e(0, 0, 0, 0),
    ]);
    // Each key decides in its turn: t, then y, then x, then p.
    assert_sorts(&[
        e(0, 0, 1, 0),
        e(0, 9, 0, 0),
        e(0, 1, 0, 1),
        e(0, 1, 0, 0),
        e(-1, 9, 9, 1),
    ]);
    // One event late by everything.
    let mut late: Vec<Event> = (0..5000).map(|t| e(t, 0, 0, 0)).collect();
    late.push(e(-1, 0, 0, 0));
    assert_sorts(&late);
}

#[test]
fn only_ties_out_of_order_leave_the_times_where_they_are() {
    let events: Vec<Event> = (0..1000)
        .map(|i| Event::new(i / 5, 0, 4 - (i % 5) as u16, 0))
        .collect();
    let batch = batch(&events);
    let sorted = ensure_strict_order(&batch, Pool::serial()).unwrap();
    assert_eq!(sorted.buffers()[0].as_ptr(), batch.buffers()[0].as_ptr());
    assert_sorts(&events);
}

#[test]
fn a_slice_is_sorted_by_itself() {
    let events: Vec<Event> = (0..100).rev().map(|t| Event::new(t, 0, 0, 1)).collect();
    let slice = batch(&events).slice(10..20);
    let sorted = ensure_strict_order(&slice, Pool::serial()).unwrap();
    assert_eq!(sorted.columns().t, (80..90).collect::<Vec<i64>>());
}

#[cfg(feature = "parallel")]
#[test]
fn the_number_of_threads_changes_nothing() {
    // Long enough for the parallel path, with many duplicates.
    let events: Vec<Event> = (0..300_000_u64)
        .map(|i| {
            let z = (i + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            Event::new(
                (z >> 50) as i64 - 5000,
                (z >> 8) as u16 % 4,
                (z >> 16) as u16 % 4,
                (z >> 30) as u8 & 1,
            )
        })
        .collect();
    let batch = batch(&events);
    let order = naive(&events);
    for count in [1, 2, 3, 8] {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .build()
            .unwrap();
        let pool = Pool::from(&threads);
        assert_eq!(strict_permutation(&batch, pool).unwrap(), order);
        let sorted = ensure_strict_order(&batch, pool).unwrap();
        assert!(sorted.columns().iter().eq(order.iter().map(|&i| events[i])));
    }
}

#[test]
fn the_check_names_the_first_event_and_both() {
    let events = [
        Event::new(1, 0, 0, 0),
        Event::new(3, 7, 5, 1),
        Event::new(3, 2, 5, 0),
        Event::new(0, 0, 0, 0),
    ];
    let error = check_strict_order(&batch(&events)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(
        error.message(),
        "event 2 (t 3, y 5, x 2, p 0) comes after (t 3, y 5, x 7, p 1): not in order of t, y, x, p"
    );
}

#[test]
fn policies_keep_sort_and_refuse() {
    let events = [
        Event::new(3, 0, 0, 0),
        Event::new(1, 0, 0, 0),
        Event::new(2, 0, 0, 0),
    ];
    let batch = batch(&events);
    let apply = |name: &str| {
        let mut report = Report::default();
        let result = OrderPolicy::from_name(name)
            .unwrap()
            .apply(&batch, Pool::serial(), &mut report);
        assert_eq!(report.count(FindingKind::TimeBack), 1);
        assert_eq!(report.findings()[0].first_event, Some(1));
        assert_eq!(report.findings()[0].detail, "t = 3, then 1");
        result
    };
    assert_eq!(apply("keep").unwrap().to_events(), events);
    assert_eq!(apply("strict").unwrap().columns().t, [1, 2, 3]);
    assert_eq!(apply("check").unwrap_err().kind(), ErrorKind::Malformed);

    let error = OrderPolicy::from_name("strikt").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown order \"strikt\"; did you mean strict? the policies are keep, strict, check"
    );
}
