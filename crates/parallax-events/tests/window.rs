//! Windows against their definition, worked out event by event; streams against whole recordings.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::ops::Range;
use std::sync::Arc;

use parallax_events::{
    ErrorKind, Event, EventBatch, Meta, TimeLiteral, TimeUnit, Window, WindowCursor, WindowSlices,
    WindowSpec, windows_of,
};
use proptest::prelude::*;

const US: TimeUnit = TimeUnit::Micros;

/// Events at these times, told apart by x.
fn batch(times: &[i64]) -> EventBatch {
    let events: Vec<Event> = times
        .iter()
        .enumerate()
        .map(|(i, &t)| Event::new(t, i as u16, 0, 0))
        .collect();
    EventBatch::from_events(&events, Arc::default()).unwrap()
}

fn whole(times: &[i64], spec: &WindowSpec) -> Vec<Window> {
    windows_of(&batch(times), spec).unwrap().collect()
}

/// The definition of windows of time.
fn naive_time(times: &[i64], length: i64, overlap: i64, start: Option<i64>, incomplete: bool) -> Vec<Window> {
    let mut windows = Vec::new();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return windows;
    };
    let mut begin = start.unwrap_or(first);
    loop {
        let end = begin + length;
        let complete = last >= end;
        if !complete && (!incomplete || begin > last) {
            return windows;
        }
        let from = times.iter().filter(|t| **t < begin).count() as u64;
        let inside = times.iter().filter(|t| (begin..end).contains(*t)).count() as u64;
        let index = windows.len() as u64;
        windows.push(Window {
            index,
            time: Some(begin..end),
            events: from..from + inside,
            complete,
        });
        if !complete {
            return windows;
        }
        begin += length - overlap;
    }
}

/// The definition of windows of events.
fn naive_count(len: u64, length: u64, overlap: u64, incomplete: bool) -> Vec<Window> {
    let (mut windows, mut begin, mut covered) = (Vec::new(), 0, 0);
    while begin + length <= len {
        windows.push(Window {
            index: windows.len() as u64,
            time: None,
            events: begin..begin + length,
            complete: true,
        });
        covered = begin + length;
        begin += length - overlap;
    }
    if incomplete && covered < len {
        windows.push(Window {
            index: windows.len() as u64,
            time: None,
            events: begin..len,
            complete: false,
        });
    }
    windows
}

/// The definition of given windows of time.
fn naive_at(times: &[i64], ranges: &[Range<i64>], incomplete: bool) -> Vec<Window> {
    let indexed = ranges.iter().enumerate().map(|(index, range)| {
        let from = times.iter().filter(|t| **t < range.start).count() as u64;
        let inside = times.iter().filter(|t| range.contains(*t)).count() as u64;
        let complete = times.iter().any(|t| *t >= range.end);
        Window {
            index: index as u64,
            time: Some(range.clone()),
            events: from..from + inside,
            complete,
        }
    });
    indexed.filter(|window| window.complete || incomplete).collect()
}

/// The windows of the stream that `batch` cut at `cuts` is; of each push at most `take` are taken at once.
fn streamed(batch: &EventBatch, cuts: &[usize], take: usize, spec: &WindowSpec) -> Vec<WindowSlices> {
    let mut cursor = WindowCursor::new(spec.clone(), batch.meta()).unwrap();
    let mut found = Vec::new();
    let mut borders: Vec<usize> = cuts.iter().map(|cut| cut % (batch.len() + 1)).collect();
    borders.extend([0, batch.len()]);
    borders.sort_unstable();
    for pair in borders.windows(2) {
        found.extend(cursor.push(&batch.slice(pair[0]..pair[1])).unwrap().take(take));
    }
    found.extend(cursor.finish());
    assert_eq!(cursor.finish().next(), None);
    assert_eq!(cursor.push(batch).unwrap_err().kind(), ErrorKind::Closed);
    found
}

fn assert_streamed_is_whole(times: &[i64], cuts: &[usize], take: usize, spec: &WindowSpec) {
    let batch = batch(times);
    let expected: Vec<Window> = windows_of(&batch, spec).unwrap().collect();
    let found = streamed(&batch, cuts, take, spec);
    let windows: Vec<Window> = found.iter().map(|found| found.window.clone()).collect();
    assert_eq!(windows, expected);
    for found in &found {
        let expected = found.window.slice(&batch);
        assert_eq!(found.to_batch().unwrap(), expected);
        assert!(found.slices.iter().all(|slice| !slice.is_empty()));
        assert_eq!(found.window.columns(&batch), expected.columns());
        // Nothing was copied: every slice points into the batch it came from.
        let mut at = found.window.events.start as usize;
        for slice in &found.slices {
            assert_eq!(slice.columns().t.as_ptr(), batch.columns().t[at..].as_ptr());
            at += slice.len();
        }
    }
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![4 => 0_i64..4, 1 => 0_i64..40];
    (-50_i64..50, prop::collection::vec(step, 0..60)).prop_map(|(first, steps)| {
        steps
            .iter()
            .scan(first, |t, step| {
                *t += step;
                Some(*t)
            })
            .collect()
    })
}

fn cuts() -> impl Strategy<Value = (Vec<usize>, usize)> {
    (
        prop::collection::vec(0_usize..61, 0..8),
        prop_oneof![Just(usize::MAX), 0_usize..4],
    )
}

fn not_empty(windows: &[Window]) -> Vec<Window> {
    windows
        .iter()
        .filter(|window| !window.is_empty())
        .cloned()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_time(
        times in times(), (cuts, take) in cuts(), length in 1_i64..30, overlap in 0_i64..30,
        start in prop::option::of(-80_i64..300), incomplete: bool,
    ) {
        let overlap = overlap % length;
        let mut spec = WindowSpec::time(length, US).unwrap().with_overlap(overlap).unwrap().include_incomplete(incomplete);
        if let Some(start) = start {
            spec = spec.with_start(start).unwrap();
        }
        let expected = naive_time(&times, length, overlap, start, incomplete);
        prop_assert_eq!(&whole(&times, &spec), &expected);
        assert_streamed_is_whole(&times, &cuts, take, &spec);
        let skipping = spec.skip_empty(true);
        prop_assert_eq!(whole(&times, &skipping), not_empty(&expected));
        assert_streamed_is_whole(&times, &cuts, take, &skipping);
    }

    #[test]
    fn windows_of_events(
        times in times(), (cuts, take) in cuts(), length in 1_u64..30, overlap in 0_u64..30, incomplete: bool,
    ) {
        let overlap = overlap % length;
        let spec = WindowSpec::count(length).unwrap().with_overlap_events(overlap).unwrap().include_incomplete(incomplete);
        prop_assert_eq!(whole(&times, &spec), naive_count(times.len() as u64, length, overlap, incomplete));
        assert_streamed_is_whole(&times, &cuts, take, &spec);
    }

    #[test]
    fn windows_at_given_times(
        times in times(), (cuts, take) in cuts(), points in prop::collection::vec((-60_i64..200, 0_i64..50), 0..10),
        incomplete: bool,
    ) {
        let ranges: Vec<Range<i64>> = points.iter().map(|(start, length)| *start..start + length).collect();
        let spec = WindowSpec::at_times(ranges.clone()).unwrap().include_incomplete(incomplete);
        let expected = naive_at(&times, &ranges, incomplete);
        prop_assert_eq!(&whole(&times, &spec), &expected);
        assert_streamed_is_whole(&times, &cuts, take, &spec);
        let skipping = spec.skip_empty(true);
        prop_assert_eq!(whole(&times, &skipping), not_empty(&expected));
        assert_streamed_is_whole(&times, &cuts, take, &skipping);
    }

    #[test]
    fn windows_at_given_indices(
        times in times(), (cuts, take) in cuts(), points in prop::collection::vec((0_u64..80, 0_u64..20), 0..10),
        incomplete: bool,
    ) {
        let ranges: Vec<Range<u64>> = points.iter().map(|(start, length)| *start..start + length).collect();
        let spec = WindowSpec::at_indices(ranges.clone()).unwrap().include_incomplete(incomplete);
        let len = times.len() as u64;
        let indexed = ranges.iter().zip(0..).map(|(range, index)| Window {
            index, time: None, events: range.start.min(len)..range.end.min(len), complete: range.end <= len,
        });
        let expected: Vec<Window> = indexed.filter(|window| window.complete || incomplete).collect();
        prop_assert_eq!(whole(&times, &spec), expected);
        assert_streamed_is_whole(&times, &cuts, take, &spec);
    }
}

#[test]
fn the_ends_of_64_bits_are_windows_like_others() {
    let times = [i64::MIN, -1, 0, i64::MAX];
    let spec = WindowSpec::time(i64::MAX, US).unwrap().include_incomplete(true);
    let events = |spec: &WindowSpec| {
        whole(&times, spec)
            .into_iter()
            .map(|w| w.events)
            .collect::<Vec<_>>()
    };
    // [MIN, -1), [-1, MAX - 1), and what is left, whose end does not fit.
    assert_eq!(events(&spec), [0..1, 1..3, 3..4]);
    let last = whole(&times, &spec).pop().unwrap();
    assert_eq!((last.time, last.complete), (Some(i64::MAX - 1..i64::MAX), false));

    let small = WindowSpec::time(1, US)
        .unwrap()
        .skip_empty(true)
        .include_incomplete(true);
    let found: Vec<(u64, u64)> = whole(&times, &small)
        .into_iter()
        .map(|w| (w.index, w.len()))
        .collect();
    let half = 1_u64 << 63;
    assert_eq!(found, [(0, 1), (half - 1, 1), (half, 1), (u64::MAX, 1)]);
    assert_streamed_is_whole(&times, &[1, 2, 3], usize::MAX, &small);
    assert_streamed_is_whole(&times, &[1, 2, 3], usize::MAX, &spec);
    let at = WindowSpec::at_times(vec![i64::MIN..i64::MAX, i64::MAX..i64::MAX]).unwrap();
    assert_eq!(events(&at), [0..3, 3..3]);
}

#[test]
fn a_gap_of_a_million_million_windows_takes_no_memory_and_can_be_leapt() {
    let times = [0, 1_000_000_000_000, 1_000_000_000_001];
    let every = WindowSpec::time(1, US).unwrap();
    let batch = batch(&times);
    // Lazily: the first few cost nothing more.
    let first: Vec<u64> = windows_of(&batch, &every)
        .unwrap()
        .take(3)
        .map(|w| w.len())
        .collect();
    assert_eq!(first, [1, 0, 0]);
    let mut cursor = WindowCursor::new(every.clone(), batch.meta()).unwrap();
    assert_eq!(cursor.push(&batch).unwrap().take(1000).count(), 1000);
    assert_eq!(cursor.held_events(), 3);

    let found: Vec<u64> = whole(&times, &every.skip_empty(true))
        .iter()
        .map(|w| w.index)
        .collect();
    assert_eq!(found, [0, 1_000_000_000_000]);
}

#[test]
fn a_cursor_lets_go_of_what_no_window_needs() {
    let mut cursor = WindowCursor::new(WindowSpec::time(10.us(), US).unwrap(), &Arc::default()).unwrap();
    for start in (0..10_000).step_by(5) {
        let part = batch(&[start, start + 2, start + 4]);
        assert!(cursor.push(&part).unwrap().count() <= 1);
        assert!(cursor.held_events() <= 9, "{}", cursor.held_events());
    }
    // Events before the given start are never held.
    let spec = WindowSpec::time(10.us(), US).unwrap().with_start(1.s()).unwrap();
    let mut cursor = WindowCursor::new(spec, &Arc::default()).unwrap();
    assert_eq!(cursor.push(&batch(&[1, 2, 3])).unwrap().count(), 0);
    assert_eq!(cursor.held_events(), 0);
}

#[test]
fn a_window_inside_one_batch_is_a_slice_of_it() {
    let mut cursor = WindowCursor::new(WindowSpec::count(2).unwrap(), &Arc::default()).unwrap();
    let batch = batch(&[0, 1, 2, 3]);
    let found: Vec<WindowSlices> = cursor.push(&batch).unwrap().collect();
    let second = found[1].to_batch().unwrap();
    assert_eq!(second.columns().t.as_ptr(), batch.columns().t[2..].as_ptr());
}

#[test]
fn wrong_windows_are_refused() {
    let message = |result: parallax_events::Result<WindowSpec>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Param);
        error.message().to_owned()
    };
    assert_eq!(message(WindowSpec::time(0, US)), "a window of 0 us has no length");
    assert_eq!(
        message(WindowSpec::time(-5, US)),
        "a window of -5 us has no length"
    );
    assert_eq!(
        message(WindowSpec::count(0)),
        "a window of 0 events has no length"
    );
    let time = WindowSpec::time(1.ms(), US).unwrap();
    assert_eq!(
        message(time.clone().with_overlap(1.ms())),
        "an overlap of 1000 us does not fit into windows of 1000 us"
    );
    assert_eq!(
        message(time.clone().with_overlap(-1)),
        "an overlap of -1 us does not fit into windows of 1000 us"
    );
    message(time.clone().with_overlap(1.ns()));
    message(time.clone().with_start(1.ns()));
    message(time.with_overlap_events(1));
    let count = WindowSpec::count(5).unwrap();
    message(count.clone().with_overlap_events(5));
    message(count.clone().with_overlap(1));
    message(count.with_start(1));
    let reversed = Range { start: 3, end: 2 };
    assert_eq!(
        message(WindowSpec::at_times(vec![0..1, reversed])),
        "window 1 ends at 2, before its start at 3"
    );
}

#[test]
fn windows_of_time_need_order_and_unit() {
    let time = WindowSpec::time(1, US).unwrap();
    let unordered = batch(&[5, 1]);
    assert_eq!(
        windows_of(&unordered, &time).unwrap_err().kind(),
        ErrorKind::Param
    );
    let mut cursor = WindowCursor::new(time.clone(), unordered.meta()).unwrap();
    assert!(cursor.push(&unordered).is_err());
    assert_eq!(cursor.push(&batch(&[7])).unwrap().count(), 0);
    assert!(cursor.push(&batch(&[6])).unwrap_err().message().contains("t = 6"));
    // Windows of events need none.
    assert_eq!(whole(&[5, 1], &WindowSpec::count(2).unwrap()).len(), 1);

    let nanos = Arc::new(Meta {
        time_unit: TimeUnit::Nanos,
        ..Meta::default()
    });
    assert!(WindowCursor::new(time.clone(), &nanos).is_err());
    let in_nanos = batch(&[1]).with_meta(nanos).unwrap();
    assert!(windows_of(&in_nanos, &time).is_err());
    let mut cursor = WindowCursor::new(time, &Arc::default()).unwrap();
    assert!(cursor.push(&in_nanos).is_err());
}
