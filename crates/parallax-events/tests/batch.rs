//! What a batch promises, and that it keeps the promise without copying.
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int8Array, Int16Array, Int64Array, RecordBatch};
use parallax_events::{
    BatchBuilder, BatchLayout, Error, ErrorKind, Event, EventBatch, Geometry, Meta, Nanos, Order, Pool,
    SharedPool, TimeOrigin, TimeRange, TimeUnit, audio_schema, event_schema, imu_schema,
};
use parallax_memory::Region;
use proptest::prelude::*;

fn meta(width: u16, height: u16) -> Arc<Meta> {
    Arc::new(Meta::with_geometry(width, height).unwrap())
}

fn batch(events: &[(i64, u16, u16, u8)], meta: Arc<Meta>) -> Result<EventBatch, Error> {
    let events: Vec<Event> = events
        .iter()
        .map(|&(t, x, y, p)| Event::new(t, x, y, p))
        .collect();
    EventBatch::from_events(&events, meta)
}

#[test]
fn a_batch_refuses_what_it_does_not_promise() {
    for (events, column) in [
        ([(1, 0, 0, 2)], "p"),
        ([(1, 4, 0, 1)], "x"),
        ([(1, 0, 3, 1)], "y"),
        ([(1, 0, u16::MAX, 0)], "y"),
    ] {
        let error = batch(&events, meta(4, 3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(
            error
                .context()
                .any(|(key, value)| key == "column" && value == column),
            "{error}"
        );
    }
    let error = EventBatch::try_new(vec![1, 2], vec![0], vec![0, 0], vec![0, 0], meta(4, 3)).unwrap_err();
    assert!(error.to_string().contains("t 2, x 1, y 2, p 2"), "{error}");
}

/// Checked in parts, on one thread or two: what is wrong is found wherever it is, and named by its place in the batch.
#[test]
fn long_batches_are_checked_to_their_end() {
    let threads = SharedPool::new(2).unwrap();
    let len = 100_000;
    for pool in [Pool::serial(), threads.pool()] {
        let rows = || vec![2_u16; len];
        let covering =
            |t: Vec<i64>, x: Vec<u16>, p: Vec<u8>| EventBatch::covering(pool, t, x, rows(), p, meta(9, 9));
        let right = || {
            (
                (0..len as i64).collect::<Vec<_>>(),
                vec![3_u16; len],
                vec![1_u8; len],
            )
        };
        let (t, x, p) = right();
        let batch = covering(t, x, p).unwrap();
        assert_eq!(
            (batch.order(), batch.meta().geometry),
            (Order::Time, Geometry::new(4, 3).ok())
        );
        // In the middle, and on both sides of where parts may meet.
        for place in [1, 32_767, 32_768, 65_536, 70_001, len - 1] {
            let (mut t, x, p) = right();
            t[place] = t[place - 1] - 1;
            assert_eq!(covering(t, x, p).unwrap().order(), Order::Unknown, "{place}");
            let (t, mut x, p) = right();
            (x[place], x[len - 1]) = (4, 5);
            let batch = covering(t.clone(), x.clone(), p.clone()).unwrap();
            assert_eq!(batch.meta().geometry, Geometry::new(6, 3).ok(), "{place}");
            let first = if place == len - 1 { 5 } else { 4 };
            let error = EventBatch::try_new(t, x, rows(), p, meta(4, 3))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(&format!("x = {first} of event {place} ")),
                "{error}"
            );
            let (t, x, mut p) = right();
            p[place] = 2;
            let error = covering(t, x, p).unwrap_err().to_string();
            assert!(
                error.contains(&format!("polarity 2 of event {place} ")),
                "{error}"
            );
        }
        assert!(covering(vec![0; len], vec![u16::MAX; len], vec![0; len]).is_err());
        let nothing = EventBatch::covering(pool, vec![], vec![], vec![], vec![], meta(9, 9)).unwrap();
        assert_eq!(nothing.meta().geometry, Geometry::new(1, 1).ok());
    }
}

#[test]
fn columns_to_be_changed_are_those_of_the_batch() {
    let events = [Event::new(5, 1, 2, 1), Event::new(7, 3, 0, 0)];
    let growing = BatchBuilder::growing().unwrap();
    let in_slot = BatchBuilder::with_capacity(2).unwrap();
    for mut builder in [growing, in_slot] {
        builder.set_geometry(Some(Geometry::new(4, 3).unwrap()));
        builder.reserve(2).unwrap();
        fill(&mut builder, &events);
        let found = builder.finish_columns(&meta(4, 3)).unwrap();
        assert_eq!(found.t.as_slice(), [5, 7]);
        assert_eq!(
            (found.x.as_slice(), found.y.as_slice()),
            ([1, 3].as_slice(), [2, 0].as_slice())
        );
        assert_eq!(
            (found.p.as_slice(), found.order),
            ([1, 0].as_slice(), Order::Time)
        );
        // What it was not told of is checked.
        builder.provide().unwrap();
        builder.reserve(2).unwrap();
        fill(&mut builder, &events);
        assert!(builder.finish_columns(&meta(3, 3)).is_err());
    }
}

#[test]
fn order_is_what_the_times_say() {
    assert_eq!(
        batch(&[(1, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)], meta(4, 3))
            .unwrap()
            .order(),
        Order::Time
    );
    let back = batch(&[(2, 0, 0, 0), (1, 0, 0, 0)], meta(4, 3)).unwrap();
    assert_eq!(back.order(), Order::Unknown);
    assert_eq!(back.time_slice(0..9).unwrap_err().kind(), ErrorKind::Param);
}

#[test]
fn slices_share_the_memory() {
    let all = batch(
        &[(1, 0, 0, 0), (2, 1, 0, 1), (2, 2, 0, 0), (5, 3, 2, 1)],
        meta(4, 3),
    )
    .unwrap();
    let part = all.time_slice(2..5).unwrap();
    assert_eq!(part.columns().x, [1, 2]);
    assert_eq!(part.columns().t.as_ptr(), all.columns().t[1..].as_ptr());
    assert!(all.time_slice(3..3).unwrap().is_empty());
    assert_eq!(all.slice(2..99).len(), 2);
    assert!(all.slice(9..).is_empty());
}

#[test]
fn arrow_sees_the_same_bytes_and_the_same_facts() {
    let mut facts = Meta::with_geometry(4, 3).unwrap();
    facts.time_unit = TimeUnit::Nanos;
    facts.time_origin = TimeOrigin::Unix;
    facts.sensor = Some("a sensor".into());
    facts.extra.insert("serial_number".into(), "0001".into());
    let original = batch(&[(1, 0, 0, 0), (7, 3, 2, 1)], Arc::new(facts)).unwrap();
    let table = original.to_record_batch().unwrap();
    assert_eq!(table.schema(), event_schema(original.meta()));
    assert_eq!(
        table.column(1).to_data().buffers()[0].as_ptr(),
        original.columns().x.as_ptr().cast()
    );
    let back = EventBatch::from_record_batch(&table).unwrap();
    assert_eq!(back, original);
    assert_eq!(back.columns().t.as_ptr(), original.columns().t.as_ptr());
}

#[test]
fn arrow_columns_of_other_tools_are_converted_and_checked() {
    let table = |x: Vec<i16>, p: ArrayRef| {
        let t: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let x: ArrayRef = Arc::new(Int16Array::from(x));
        RecordBatch::try_from_iter([("t", t), ("x", x.clone()), ("y", x), ("p", p)]).unwrap()
    };
    let signs: ArrayRef = Arc::new(Int8Array::from(vec![-1, 1]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![false, true]));
    for p in [&signs, &flags] {
        let table = table(vec![3, 4], Arc::clone(p));
        assert_eq!(EventBatch::from_record_batch(&table).unwrap().columns().p, [0, 1]);
    }
    let error = EventBatch::from_record_batch(&table(vec![3, -4], signs)).unwrap_err();
    assert!(error.to_string().contains("-4 of row 1"), "{error}");
    let twos: ArrayRef = Arc::new(Int8Array::from(vec![1, 2]));
    assert!(EventBatch::from_record_batch(&table(vec![3, 4], twos)).is_err());
    let missing = table(vec![3, 4], Arc::new(Int8Array::from(vec![1, 1])))
        .project(&[0, 1, 3])
        .unwrap();
    let error = EventBatch::from_record_batch(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("t, x, p"), "{error}");
}

#[test]
fn other_streams_have_schemas_too() {
    let stereo = Meta {
        channels: Some(2),
        ..Meta::default()
    };
    assert_eq!(audio_schema(&stereo).unwrap().field(1).name(), "samples");
    assert!(audio_schema(&Meta::default()).is_err());
    assert_eq!(imu_schema(&Meta::default()).fields().len(), 7);
    let back = Meta::from_schema_metadata(audio_schema(&stereo).unwrap().metadata()).unwrap();
    assert_eq!(back, stereo);
}

#[test]
fn metadata_that_lie_are_refused() {
    for (pairs, word) in [
        (vec![("parallax.width", "4")], "only one"),
        (vec![("parallax.width", "0"), ("parallax.height", "3")], "0 x 3"),
        (
            vec![("parallax.width", "70000"), ("parallax.height", "3")],
            "70000",
        ),
        (vec![("parallax.time_unit", "h")], "\"h\""),
    ] {
        let error = Meta::from_pairs(pairs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains(word), "{error}");
    }
}

fn fill(builder: &mut BatchBuilder, events: &[Event]) -> parallax_events::Committed {
    let spare = builder.spare();
    for (i, e) in events.iter().enumerate() {
        (spare.t[i], spare.x[i], spare.y[i], spare.p[i]) = (e.t, e.x, e.y, e.p);
    }
    builder.commit(events.len()).unwrap()
}

#[test]
fn a_builder_in_a_slot_copies_nothing() {
    let layout = BatchLayout::new(1000).unwrap();
    let mut region = Region::new(layout.bytes()).unwrap();
    let address = region.as_mut_slice().as_ptr();
    let mut builder = BatchBuilder::in_region(region).unwrap();
    assert_eq!(builder.capacity(), 1000);
    fill(&mut builder, &[Event::new(5, 1, 2, 1)]);
    let batch = builder.finish(&meta(4, 3)).unwrap();
    assert_eq!(batch.columns().t.as_ptr().cast::<u8>(), address);
    assert_eq!(batch.to_events(), [Event::new(5, 1, 2, 1)]);
    assert_eq!(batch.buffers()[0].as_ptr(), address);
}

#[test]
fn a_slot_is_read_where_it_lies() {
    let layout = BatchLayout::new(3).unwrap();
    let mut region = Region::new(layout.bytes()).unwrap();
    region.as_mut_slice()[layout.x(2)].copy_from_slice(&[1, 0, 2, 0]);
    let bytes = region.seal().into_arrow(..);
    let batch = EventBatch::from_buffer(&bytes, &layout, 2, meta(4, 3)).unwrap();
    assert_eq!(batch.columns().x, [1, 2]);
    assert!(EventBatch::from_buffer(&bytes, &layout, 4, meta(4, 3)).is_err());
    assert!(EventBatch::from_buffer(&bytes.slice_with_length(0, 8), &layout, 1, meta(4, 3)).is_err());
    assert!(EventBatch::from_buffer(&bytes, &layout, 2, meta(2, 3)).is_err());
}

#[test]
fn steps_back_are_counted_across_batches_and_put_only_their_own_batch_out_of_order() {
    let mut builder = BatchBuilder::with_capacity(4).unwrap();
    assert_eq!(fill(&mut builder, &[Event::new(5, 0, 0, 0)]).steps_back, 0);
    builder.clear();
    let done = fill(&mut builder, &[Event::new(4, 0, 0, 0), Event::new(6, 0, 0, 0)]);
    assert_eq!((done.steps_back, done.first_step_back), (1, Some(0)));
    assert_eq!(builder.order(), Order::Time);
    assert_eq!(fill(&mut builder, &[Event::new(3, 0, 0, 0)]).steps_back, 1);
    assert_eq!(builder.order(), Order::Unknown);
    assert!(builder.commit(2).is_err(), "there is room for one more");
}

fn event() -> impl Strategy<Value = Event> {
    (-40_i64..40, 0_u16..6, 0_u16..6, 0_u8..3).prop_map(|(t, x, y, p)| Event::new(t, x, y, p))
}

proptest! {
    /// However events come in, what is kept is what a plain filter keeps.
    #[test]
    fn commit_is_a_filter(
        events in prop::collection::vec(event(), 0..60),
        cuts in prop::collection::vec(0_usize..60, 0..6),
        sized in any::<bool>(),
        range in (-50_i64..50, 1_i64..60, any::<bool>()),
        growing in any::<bool>(),
    ) {
        let geometry = sized.then(|| Geometry::new(4, 5).unwrap());
        let inside = |e: &Event| e.p <= 1 && geometry.is_none_or(|g| e.x < g.width && e.y < g.height);
        let (start, length, relative) = range;
        let nanos = |units: i64| Some(Nanos(units * 1_000));
        let time = if relative {
            TimeRange::relative(nanos(start.abs()), nanos(start.abs() + length)).unwrap()
        } else {
            TimeRange::absolute(nanos(start), nanos(start + length)).unwrap()
        };
        let first = events.iter().find(|e| inside(e)).map_or(0, |e| e.t);
        let start = if relative { first + start.abs() } else { start };
        let expected: Vec<Event> =
            events.iter().filter(|e| inside(e) && (start..start + length).contains(&e.t)).copied().collect();

        let mut builder =
            if growing { BatchBuilder::growing().unwrap() } else { BatchBuilder::with_capacity(60).unwrap() };
        builder.reserve(60).unwrap();
        builder.set_geometry(geometry);
        builder.set_time(Some(time), TimeUnit::Micros);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(events.len())).chain([0, events.len()]).collect();
        cuts.sort_unstable();
        let (mut outside, mut steps) = (0, 0);
        for pair in cuts.windows(2) {
            let done = fill(&mut builder, &events[pair[0]..pair[1]]);
            outside += done.outside;
            steps += done.steps_back;
        }
        let facts = Arc::new(Meta { geometry, ..Meta::default() });
        let batch = builder.finish(&facts).unwrap();
        prop_assert_eq!(&batch.to_events(), &expected);
        prop_assert_eq!(outside, events.iter().filter(|e| !inside(e)).count());
        prop_assert_eq!(steps, expected.windows(2).filter(|w| w[1].t < w[0].t).count() as u64);
        prop_assert_eq!(batch.order() == Order::Time, steps == 0);
    }
}
