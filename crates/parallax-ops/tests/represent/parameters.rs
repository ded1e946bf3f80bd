//! What is refused, and how it is said.

use std::sync::Arc;

use parallax_events::{ErrorKind, EventBatch, Meta, Pool, Span, WindowSpec};
use parallax_ops::{Tensors, represent, tensor_of};

#[test]
fn a_wrong_parameter_names_itself_its_value_and_what_is_allowed() {
    for (text, parts) in [
        ("frame bins=0", &["`bins`", "`frame`", "`0`", "1 to 65536"][..]),
        ("voxel bins=-1", &["`bins`", "`voxel`", "`-1`", "1 to 65536"]),
        (
            "voxel grid=evlib",
            &["`grid`", "`voxel`", "`evlib`", "zhu, tonic"],
        ),
        (
            "time_surface tau=0us",
            &["`tau`", "`time_surface`", "at least 1ns"],
        ),
        ("frame window=0ms", &["`window`", "`frame`", "at least 1ns"]),
        (
            "frame window=1ms window_events=5",
            &["`window=`", "`window_events=`", "not both"],
        ),
        ("frame overlap=1ms", &["`overlap`", "needs `window=`"]),
        (
            "frame overlap_events=1",
            &["`overlap_events`", "needs `window_events=`"],
        ),
        (
            "frame window=1ms overlap=1ms",
            &["overlap", "does not fit", "frame"],
        ),
        (
            "frame window_events=5 overlap_events=5",
            &["overlap", "does not fit", "frame"],
        ),
    ] {
        let error = represent(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Param, "{text}");
        let said = format!("{error}");
        for part in parts {
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}

/// Whether they come from the parameters or from whoever drives the operator.
#[test]
fn windows_that_would_count_twice_are_refused() {
    let meta = Arc::new(Meta::with_geometry(4, 4).unwrap());
    let millisecond = || WindowSpec::time(1000, meta.time_unit).unwrap();
    let overlapping = [
        millisecond().with_overlap(1).unwrap(),
        WindowSpec::count(9).unwrap().with_overlap_events(1).unwrap(),
        WindowSpec::at_times([5..9, 0..6]).unwrap(),
        WindowSpec::at_indices([0..3, 2..4]).unwrap(),
    ];
    let apart = [
        millisecond(),
        WindowSpec::count(9).unwrap(),
        WindowSpec::at_times([5..9, 7..7, 0..5]).unwrap(),
        WindowSpec::at_indices([0..3, 3..4]).unwrap(),
    ];
    let error = represent("decay window=2ms overlap=1ms").unwrap_err();
    assert!(error.to_string().contains("memory=stream"), "{error}");
    for spec in overlapping {
        let error =
            Tensors::with_windows(represent("decay").unwrap(), Some(spec.clone()), &meta).unwrap_err();
        assert!(
            error.to_string().contains("cannot overlap with `memory=stream`"),
            "{error}"
        );
        for text in ["decay memory=window", "frame"] {
            Tensors::with_windows(represent(text).unwrap(), Some(spec.clone()), &meta).unwrap();
        }
    }
    for spec in apart {
        Tensors::with_windows(represent("decay").unwrap(), Some(spec), &meta).unwrap();
    }
}

#[test]
fn windows_that_the_stream_cannot_count_are_refused() {
    let frame = represent("frame window=1500ns").unwrap();
    let error = frame.windows(&Meta::default()).unwrap_err();
    assert!(error.to_string().contains("operator: frame"), "{error}");
}

#[test]
fn a_claimed_sensor_is_not_allocated() {
    let meta = Arc::new(Meta::with_geometry(u16::MAX, u16::MAX).unwrap());
    for text in ["frame", "voxel bins=65536", "time_surface"] {
        let error = represent(text).unwrap().state(&meta, Span::Events).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{text}: {error}");
    }
}

#[test]
fn a_batch_of_another_sensor_is_refused() {
    let frame = represent("frame").unwrap();
    let meta = Meta::with_geometry(4, 4).unwrap();
    let mut state = frame.state(&meta, Span::Events).unwrap();
    let other = EventBatch::empty(Arc::new(Meta::with_geometry(5, 5).unwrap()));
    let error = frame
        .accumulate_batch(state.as_mut(), &other, Pool::serial())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
}

#[test]
fn a_window_of_time_leaves_out_what_lies_outside() {
    let meta = Arc::new(Meta::with_geometry(1, 1).unwrap());
    for t in [vec![0, 10, 20, 30], vec![30, 0, 20, 10]] {
        let batch = EventBatch::try_new(t, vec![0; 4], vec![0; 4], vec![1; 4], Arc::clone(&meta)).unwrap();
        let frame = represent("frame polarity=sum").unwrap();
        let mut state = frame.state(&meta, Span::Time { start: 10, end: 30 }).unwrap();
        frame
            .accumulate(state.as_mut(), batch.columns(), Pool::serial())
            .unwrap();
        let view = frame.view(state.as_mut(), Pool::serial()).unwrap();
        assert_eq!(
            (view.as_slice::<i32>().unwrap(), view.time_span()),
            (&[2][..], Some((10, 30)))
        );
        assert_eq!(
            tensor_of(frame.as_ref(), &batch, Pool::serial())
                .unwrap()
                .time_span(),
            Some((0, 31))
        );
    }
}
