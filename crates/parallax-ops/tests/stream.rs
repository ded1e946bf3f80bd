//! Streams on Tokio: the same answer as without them, back-pressure, errors in their place, stopping, and two clocks
//! that drift.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parallax_events::{
    Error, ErrorKind, EventBatch, EventChunk, Meta, Nanos, Philox, Result, TimeBeacon, TimeOrigin, TimeUnit,
    WindowSpec, windows_of,
};
use parallax_ops::event_op;
use parallax_ops::stream::{EventStream, merge};
use tokio_stream::{Stream, StreamExt};

fn meta() -> Arc<Meta> {
    Arc::new(Meta::with_geometry(64, 48).unwrap())
}

/// Events about 10 us apart, some at the same time.
fn scene(count: u64, meta: &Arc<Meta>) -> EventBatch {
    let random = Philox::new(11, "stream");
    let column = |lane, below: u32| (0..count).map(move |i| random.below(i, lane, below));
    let mut now = 5_000;
    let t: Vec<i64> = column(0, 20)
        .map(|step| (now += i64::from(step), now).1)
        .collect();
    let x: Vec<u16> = column(1, 64).map(|x| x as u16).collect();
    let y: Vec<u16> = column(2, 48).map(|y| y as u16).collect();
    let p: Vec<u8> = column(3, 2).map(|p| p as u8).collect();
    EventBatch::try_new(t, x, y, p, Arc::clone(meta)).unwrap()
}

fn cut(batch: &EventBatch, size: usize) -> Vec<Result<EventChunk>> {
    (0..batch.len())
        .step_by(size)
        .map(|start| Ok(batch.slice(start..batch.len().min(start + size))))
        .collect()
}

async fn gather(stream: impl Stream<Item = Result<EventChunk>>) -> (Vec<EventChunk>, Option<Error>) {
    let mut stream = std::pin::pin!(stream);
    let mut chunks = Vec::new();
    while let Some(next) = stream.next().await {
        match next {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error ends the stream");
                return (chunks, Some(error));
            }
        }
    }
    (chunks, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gives_what_it_gives_without_a_stream() {
    let batch = scene(10_000, &meta());
    let expected: Vec<_> = batch
        .to_events()
        .into_iter()
        .filter(|event| event.p == 1)
        .collect();
    for (size, capacity) in [(1, 1), (37, 2), (1_000, 0), (20_000, 8)] {
        let chunks = EventStream::from_chunks(meta(), cut(&batch, size).into_iter(), capacity).unwrap();
        let on = chunks
            .through(event_op("polarity keep=on").unwrap(), capacity)
            .unwrap();
        let (chunks, error) = gather(on).await;
        assert!(error.is_none());
        assert_eq!(
            EventBatch::concat(&chunks).unwrap().to_events(),
            expected,
            "{size}"
        );
    }
}

#[tokio::test]
async fn windows_are_those_of_the_whole_recording() {
    let batch = scene(5_000, &meta());
    let times = [6_000..7_000, 5_500..9_000, 90_000..200_000];
    let specs = [
        WindowSpec::time(700_i64, TimeUnit::Micros).unwrap(),
        WindowSpec::time(700_i64, TimeUnit::Micros)
            .unwrap()
            .with_overlap(300_i64)
            .unwrap()
            .include_incomplete(true),
        WindowSpec::count(333).unwrap().include_incomplete(true),
        WindowSpec::at_times(times).unwrap(),
        WindowSpec::at_indices([3..1_003, 500..4_999]).unwrap(),
    ];
    for spec in specs {
        let whole: Vec<_> = windows_of(&batch, &spec)
            .unwrap()
            .map(|window| (window.clone(), window.slice(&batch).to_events()))
            .collect();
        assert!(!whole.is_empty());
        for size in [1, 61, 5_000] {
            let chunks = EventStream::from_chunks(meta(), cut(&batch, size).into_iter(), 3).unwrap();
            let mut windows = chunks.windows(spec.clone()).unwrap();
            let mut streamed = Vec::new();
            while let Some(window) = windows.next().await {
                let window = window.unwrap();
                streamed.push((window.window.clone(), window.to_batch().unwrap().to_events()));
            }
            assert_eq!(streamed, whole, "{spec:?} in chunks of {size}");
        }
    }
}

#[tokio::test]
async fn a_slow_reader_holds_the_source_back() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let batch = scene(10, &meta());
    let endless = std::iter::repeat_with(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(batch.slice(..))
    });
    let mut stream = EventStream::from_chunks(meta(), endless, 4).unwrap();
    for taken in 1..=20 {
        stream.next().await.unwrap().unwrap();
        // Long enough for a source without a bound to run far ahead.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let made = made.load(Ordering::SeqCst);
        // Those taken, those that wait, one in the hand of the source.
        assert!((taken..=taken + 5).contains(&made), "{made} made, {taken} taken");
    }
    drop(stream);
    // The source sees that nobody reads: it ends, and with it the only other owner of the counter.
    for _ in 0..1_000 {
        if Arc::strong_count(&made) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the source still runs");
}

#[tokio::test]
async fn an_error_comes_behind_what_was_readable() {
    let batch = scene(100, &meta());
    let mut chunks = cut(&batch, 30);
    chunks.insert(2, Err(Error::malformed("a damaged block")));
    let stream = EventStream::from_chunks(meta(), chunks.into_iter(), 1).unwrap();
    let through = stream
        .through(event_op("polarity keep=both").unwrap(), 1)
        .unwrap();
    let (chunks, error) = gather(through).await;
    assert_eq!(
        EventBatch::concat(&chunks).unwrap().to_events(),
        batch.to_events()[..60]
    );
    assert_eq!(error.unwrap().kind(), ErrorKind::Malformed);

    // Windows: the complete ones before it, then the error; the rest was not the end of the stream.
    let (sender, stream) = EventStream::channel(meta(), 8);
    sender.send(batch.slice(..25)).await.unwrap();
    sender.fail(Error::malformed("the link broke")).await.unwrap();
    let spec = WindowSpec::count(10).unwrap().include_incomplete(true);
    let windows: Vec<_> = stream.windows(spec).unwrap().collect().await;
    assert_eq!(
        windows.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, true, false]
    );
}

#[tokio::test]
async fn a_chunk_in_another_unit_is_refused() {
    let mut nanos = (*meta()).clone();
    nanos.time_unit = TimeUnit::Nanos;
    let (sender, stream) = EventStream::channel(Arc::new(nanos), 1);
    let error = sender.send(scene(1, &meta())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
    drop(stream);
    let (sender, stream) = EventStream::channel(meta(), 1);
    drop(stream);
    let error = sender.send(scene(1, &meta())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn outside_a_runtime_is_an_error() {
    let error = EventStream::from_chunks(meta(), std::iter::empty(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
}

/// A device whose clock started at host time `start` and lags by `ppm`, with beacons every 100 ms that come up to
/// 2 us late.
struct Device {
    start: i64,
    ppm: i64,
    seed: u64,
}

impl Device {
    fn host(&self, device_us: i64) -> i64 {
        self.start + device_us * 1_000 + device_us * self.ppm / 1_000
    }

    /// Feeds events every 500 us for 6 s, each event's pixel saying which it is.
    async fn run(self, sender: parallax_ops::stream::EventSender) {
        let random = Philox::new(self.seed, "beacon");
        for tenth in 0..61_i64 {
            let device_us = tenth * 100_000;
            let late = i64::from(random.below(tenth as u64, 0, 2_000));
            let beacon = |device_us: i64, late| TimeBeacon {
                device: Nanos(device_us * 1_000),
                host: Nanos(self.host(device_us) + late),
            };
            if tenth == 0 {
                sender.beacon(beacon(-100_000, 1_000)).await.unwrap();
            }
            sender.beacon(beacon(device_us, late)).await.unwrap();
            let t: Vec<i64> = (0..200).map(|i| device_us + i * 500).collect();
            let n = t.len();
            let x = vec![self.seed as u16; n];
            let chunk = EventBatch::try_new(t, x, vec![0; n], vec![1; n], Arc::clone(sender.meta())).unwrap();
            sender.send(chunk).await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_streams_with_drift_come_to_one_clock() {
    let start = 1_700_000_000_000_000_000;
    let (left, left_stream) = EventStream::channel(meta(), 4);
    let (right, right_stream) = EventStream::channel(meta(), 4);
    // The same moments on the host, 250 us apart between the two cameras.
    let (a, b) = (
        Device {
            start,
            ppm: 80,
            seed: 1,
        },
        Device {
            start: start + 250_000,
            ppm: -120,
            seed: 2,
        },
    );
    let truth: Vec<[i64; 2]> = (0..61 * 200)
        .map(|i| [a.host(i * 500), b.host(i * 500)])
        .collect();
    tokio::spawn(a.run(left));
    tokio::spawn(b.run(right));
    let mut left = left_stream.on_host_clock(TimeOrigin::Unix);
    let mut right = right_stream.on_host_clock(TimeOrigin::Unix);
    let host = Arc::clone(left.meta());
    assert_eq!(host.time_origin, TimeOrigin::Unix);
    let (chunks, error) = gather(merge(&mut left, &mut right, host)).await;
    assert!(error.is_none());
    let merged = EventBatch::concat(&chunks).unwrap();
    let columns = merged.columns();
    assert_eq!(columns.len(), 2 * 61 * 200);
    assert!(columns.t.is_sorted());
    let mut seen = [0; 2];
    for (&t, &camera) in columns.t.iter().zip(columns.x) {
        let side = usize::from(camera - 1);
        let expected = truth[seen[side]][side];
        seen[side] += 1;
        // Beacons come at most 2 us late, so the line is off by no more once there are a few.
        if seen[side] > 2_000 {
            assert!(
                (t * 1_000 - expected).abs() < 3_500,
                "camera {camera}: {t} us, {expected} ns"
            );
        }
    }
    for (stream, ppm) in [(&left, 80.0), (&right, -120.0)] {
        let status = stream.sync_status().unwrap();
        assert!((status.drift_ppm - ppm).abs() < 1.0, "{status:?}");
        // Uniform in 0..2 us: the root mean square is 2000 / sqrt(12) = 577 ns.
        assert!((400.0..750.0).contains(&status.jitter_ns), "{status:?}");
    }
}

#[tokio::test]
async fn events_before_the_clocks_were_compared_are_an_error() {
    let (sender, stream) = EventStream::channel(meta(), 4);
    sender.send(scene(5, &meta())).await.unwrap();
    drop(sender);
    let (chunks, error) = gather(stream.on_host_clock(TimeOrigin::Unix)).await;
    assert!(chunks.is_empty());
    assert!(error.unwrap().to_string().contains("two beacons"));
}

#[tokio::test]
async fn merging_is_a_stable_sort() {
    let (a, b) = (scene(3_000, &meta()), scene(2_500, &meta()));
    let mut expected: Vec<_> = a.to_events().into_iter().chain(b.to_events()).collect();
    expected.sort_by_key(|event| event.t);
    for sizes in [(1, 7), (100, 33), (5_000, 1)] {
        let first = EventStream::from_chunks(meta(), cut(&a, sizes.0).into_iter(), 2).unwrap();
        let second = EventStream::from_chunks(meta(), cut(&b, sizes.1).into_iter(), 2).unwrap();
        let (chunks, error) = gather(merge(first, second, meta())).await;
        assert!(error.is_none());
        assert_eq!(EventBatch::concat(&chunks).unwrap().to_events(), expected);
    }
    let back = EventBatch::try_new(vec![5, 4], vec![0; 2], vec![0; 2], vec![0; 2], meta()).unwrap();
    let first = EventStream::from_chunks(meta(), [Ok(back)].into_iter(), 1).unwrap();
    let second = EventStream::from_chunks(meta(), std::iter::empty(), 1).unwrap();
    let (_, error) = gather(merge(first, second, meta())).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Param);
}

#[tokio::test]
async fn what_was_merged_before_an_error_is_delivered() {
    let (a, b) = (scene(100, &meta()), scene(80, &meta()));
    let mut broken = cut(&a, 100);
    broken.push(Err(Error::malformed("a damaged block")));
    let mut expected: Vec<_> = a.to_events().into_iter().chain(b.to_events()).collect();
    expected.sort_by_key(|event| event.t);
    let first = EventStream::from_chunks(meta(), broken.into_iter(), 1).unwrap();
    let second = EventStream::from_chunks(meta(), cut(&b, 80).into_iter(), 1).unwrap();
    let (chunks, error) = gather(merge(first, second, meta())).await;
    assert_eq!(EventBatch::concat(&chunks).unwrap().to_events(), expected);
    assert_eq!(error.unwrap().kind(), ErrorKind::Malformed);
}
