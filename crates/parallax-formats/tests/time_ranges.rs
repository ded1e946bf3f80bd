//! A range of time of a recording, found without decoding the rest, has the events that a filter over all of them keeps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use parallax_events::{DvsColumns, Event, EventBatch, Meta, Nanos, OrderPolicy, SharedPool, TimeRange};
use parallax_formats::{EventReader, ReadOptions, WriteOptions, create};

/// Enough that no format decodes it at once.
const COUNT: usize = 700_000;

/// An output that everybody who holds it can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An event each `step` us, on average, from `first` on, moved from its place by up to `jitter` us.
fn events(first: i64, step: i64, jitter: i64) -> Vec<Event> {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    (0..COUNT as i64)
        .map(|i| {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let at = (random >> 33) as i64;
            // Neighbours of a row, a polarity and a time now and then, which EVT2.1 and EVT3 write as vectors.
            let (group, place) = (i / 14, i % 14);
            let is_neighbour = place < 10;
            let together = if is_neighbour { i - place } else { i };
            let t = first + together * step + if jitter > 0 { at % jitter } else { 0 };
            let x = if is_neighbour {
                place as u16 + 100
            } else {
                (at % 320) as u16
            };
            Event::new(t, x, (group % 240) as u16, (group % 2) as u8)
        })
        .collect()
}

fn written(format: &str, events: &[Event]) -> Vec<u8> {
    let meta = Arc::new(Meta::with_geometry(320, 240).unwrap());
    let batch = EventBatch::from_events(events, Arc::clone(&meta)).unwrap();
    let output = Shared::default();
    let format = Some(format.to_owned());
    let mut writer = create(Box::new(output.clone()), None, &meta, &WriteOptions { format }).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let bytes = output.0.lock().unwrap();
    bytes.clone()
}

/// Ranges at the ends, inside, empty ones, all of it, in recorded time and, where they do not begin earlier, from the
/// first event on; each read whole and in batches. Returns how many of both took no more than a tenth of the input.
fn holds(format: &str, bytes: &[u8], events: &[Event]) -> [usize; 2] {
    let (first, last) = (events[0].t, events[COUNT - 1].t);
    let span = last - first;
    let ranges = [
        first..first + span / 100,
        first + span / 2..first + span / 2 + span / 100,
        last - span / 100..last + 1,
        first + span / 3..first + span / 3 + 1,
        last + 1..last + 100,
        0..first.max(1),
        first..last + 1,
        first + 7 * span / 10..i64::MAX / 1_000,
    ];
    let nanos = |t: i64| Some(Nanos(t * 1_000));
    let mut short = [0; 2];
    for range in ranges {
        let expected: Vec<Event> = events.iter().filter(|e| range.contains(&e.t)).copied().collect();
        let absolute = TimeRange::absolute(nanos(range.start), nanos(range.end)).unwrap();
        short[0] += usize::from(holds_range(format, bytes, absolute, 10_000, &expected));
        if range.start >= first {
            let relative = TimeRange::relative(nanos(range.start - first), nanos(range.end - first)).unwrap();
            // The first batch is full before the range is looked for, now and then inside a vector.
            let mut found =
                [493, 496, 499].map(|chunk| holds_range(format, bytes, relative, chunk, &expected));
            found.sort_unstable();
            short[1] += usize::from(found[0]);
        }
    }
    short
}

/// One range; whether it took no more than a tenth of the input.
fn holds_range(format: &str, bytes: &[u8], range: TimeRange, chunk: usize, expected: &[Event]) -> bool {
    let options = ReadOptions {
        format: Some(format.to_owned()),
        time: Some(range),
        chunk,
        ..ReadOptions::default()
    };
    let mut reader = EventReader::from_bytes(bytes.to_vec(), None, &options).unwrap();
    let progress = reader.progress();
    let all = reader.read_all().unwrap();
    // Not printed: there are many.
    assert!(
        all.columns().iter().eq(expected.iter().copied()),
        "{format} {range} {chunk}"
    );
    let threads = ReadOptions {
        pool: SharedPool::new(3).unwrap(),
        ..options.clone()
    };
    let mut reader = EventReader::from_bytes(bytes.to_vec(), None, &threads).unwrap();
    assert_eq!(
        reader.progress().bytes,
        progress.bytes,
        "{format} {range} {chunk}"
    );
    let by_threads = reader.read_all().unwrap();
    assert_eq!(
        by_threads.columns(),
        all.columns(),
        "{format} {range} {chunk} on threads"
    );
    let mut reader = EventReader::from_bytes(bytes.to_vec(), None, &threads).unwrap();
    let owned = reader.read_all_columns().unwrap();
    let columns = DvsColumns {
        t: owned.t.as_slice(),
        x: owned.x.as_slice(),
        y: owned.y.as_slice(),
        p: owned.p.as_slice(),
    };
    assert_eq!(columns, all.columns(), "{format} {range} {chunk} to be changed");
    assert!(reader.next_batch().unwrap().is_none());
    let reader = EventReader::from_bytes(bytes.to_vec(), None, &options).unwrap();
    let batches: Vec<Event> = reader
        .flat_map(|batch| batch.unwrap().columns().iter().collect::<Vec<_>>())
        .collect();
    assert!(batches == expected, "{format} {range} {chunk} in batches");
    (progress.total_bytes.unwrap() - progress.bytes) * 10 < bytes.len() as u64
}

#[test]
fn what_is_in_order_is_found_without_the_rest() {
    for format in ["dat", "evt2", "evt21", "evt21 endianness=legacy", "evt3"] {
        let events = events(1_000_000, 11, 0);
        let [absolute, relative] = holds(format, &written(format, &events), &events);
        assert!(absolute >= 5 && relative >= 4, "{format}: {absolute} {relative}");
    }
}

#[test]
fn times_that_start_again_are_found() {
    // 16.8 s for EVT3, 71.6 minutes for DAT, 4.8 hours for EVT2 and EVT2.1: all of them lie inside.
    for (format, step, finds) in [
        ("evt3", 97, true),
        ("dat", 9_001, false),
        ("evt2", 36_001, false),
        ("evt21", 36_001, false),
    ] {
        let events = events(5_000, step, 0);
        let short = holds(format, &written(format, &events), &events);
        assert_eq!(short.map(|count| count >= 4), [finds; 2], "{format}: {short:?}");
    }
}

#[test]
fn what_is_a_little_out_of_order_is_found() {
    // DAT alone can say so of each event.
    let events = events(1_000_000, 11, 9_000);
    let [absolute, relative] = holds("dat", &written("dat", &events), &events);
    assert!(absolute >= 4 && relative >= 3, "{absolute} {relative}");
}

#[test]
fn what_was_put_together_is_read_whole() {
    let once = events(1_000_000, 11, 0);
    let twice: Vec<Event> = once[..COUNT / 2]
        .iter()
        .chain(&once[..COUNT / 2])
        .copied()
        .collect();
    for format in ["dat", "evt2", "evt21"] {
        let bytes = written(format, &twice);
        assert_eq!(holds(format, &bytes, &twice), [0, 0], "{format}");
    }
}

#[test]
fn what_was_taken_for_granted_is_reported() {
    let events = events(1_000_000, 11, 0);
    for (format, is_certain) in [("dat", false), ("evt2", false), ("evt21", false), ("evt3", true)] {
        let options = ReadOptions {
            format: Some(format.to_owned()),
            time: Some("2s..2.1s".parse().unwrap()),
            ..ReadOptions::default()
        };
        let bytes = written(format, &events);
        let reader = EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
        let said = reader
            .report()
            .findings()
            .iter()
            .any(|f| f.to_string().contains("order of time"));
        assert_eq!(said, !is_certain, "{format}");
        let strict = ReadOptions {
            strict: true,
            ..options
        };
        let mut reader = EventReader::from_bytes(bytes.clone(), None, &strict).unwrap();
        assert_eq!(
            reader.progress().total_bytes,
            Some(bytes.len() as u64),
            "{format}"
        );
        assert_eq!(
            reader.read_all().unwrap().len(),
            events
                .iter()
                .filter(|e| (2_000_000..2_100_000).contains(&e.t))
                .count()
        );
    }
}

/// A stretch whose first and last times enclose a range need not have one inside it.
#[test]
fn what_jumps_over_a_range_is_not_in_it() {
    let mut bytes = b"% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n".to_vec();
    // The coarse time goes to and fro, in the middle also through what is asked for, and on at the end.
    let high = |i: u32| match i {
        150_000..150_500 => 7,
        250_000.. => 12 + (i - 250_000) / 100,
        _ => [5, 9][i as usize / 3 % 2],
    };
    for i in 0..300_000 {
        let words = [
            0x8000 | high(i),
            i % 720,
            0x6000 | (i * 7 % 4096),
            0x2000 | (i % 2) << 11 | (i % 1280),
        ];
        bytes.extend(words.iter().flat_map(|word| (*word as u16).to_le_bytes()));
    }
    let all = EventReader::from_bytes(bytes.clone(), None, &ReadOptions::default());
    let all = all.unwrap().read_all().unwrap();
    assert_eq!(all.len(), 300_000);
    for coarse in [4, 6, 7, 9, 100, 600] {
        for range in [
            coarse << 12..(coarse + 1) << 12,
            (coarse << 12) + 100..(coarse << 12) + 101,
        ] {
            let expected: Vec<Event> = all.columns().iter().filter(|e| range.contains(&e.t)).collect();
            let is_there = [7, 9, 100].contains(&coarse);
            assert!(
                expected.is_empty() != is_there || range.end - range.start == 1,
                "{coarse}"
            );
            for threads in [1, 2] {
                let nanos = |micros: i64| Some(Nanos(micros * 1_000));
                let options = ReadOptions {
                    time: Some(TimeRange::absolute(nanos(range.start), nanos(range.end)).unwrap()),
                    pool: SharedPool::new(threads).unwrap(),
                    ..ReadOptions::default()
                };
                let mut reader = EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
                let found = reader.read_all().unwrap();
                assert_eq!(found.columns().iter().collect::<Vec<_>>(), expected, "{range:?}");
            }
        }
    }
}

/// What is sorted is one batch by then: its columns are copied.
#[test]
fn columns_to_be_changed_are_in_the_order_that_was_asked_for() {
    let mut events = events(5, 3, 2);
    events.swap(7, 90_000);
    let bytes = written("dat", &events);
    for order in [OrderPolicy::Keep, OrderPolicy::Strict] {
        let options = ReadOptions {
            order,
            ..ReadOptions::default()
        };
        let reader = || EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
        let (found, wanted) = (reader().read_all_columns().unwrap(), reader().read_all().unwrap());
        assert_eq!(found.t.as_slice(), wanted.columns().t);
        assert_eq!(
            found.t.as_slice().is_sorted(),
            order == OrderPolicy::Strict,
            "{order:?}"
        );
    }
}

/// What one read finds out of where times lie serves the next, until the file changes.
#[test]
fn an_index_serves_later_reads_of_the_same_file_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = ReadOptions {
        format: Some("evt3".to_owned()),
        ..ReadOptions::default()
    };
    // The second is as long, and its events lie elsewhere.
    for (round, first) in [0, 9_000_000].into_iter().enumerate() {
        let events = events(first, 100, 0);
        std::fs::write(file.path(), written("evt3", &events)).unwrap();
        let mut waited = 0;
        for wait in [0, 2_100, 0] {
            std::thread::sleep(std::time::Duration::from_millis(wait));
            waited += wait;
            for start in [first + 3_000_000, first + 50_000_000] {
                let range = start..start + 40_000;
                let time =
                    TimeRange::absolute(Some(Nanos(range.start * 1_000)), Some(Nanos(range.end * 1_000)));
                let options = ReadOptions {
                    time: Some(time.unwrap()),
                    ..options.clone()
                };
                let found = EventReader::open(file.path(), &options)
                    .unwrap()
                    .read_all()
                    .unwrap();
                let expected = events.iter().filter(|event| range.contains(&event.t)).copied();
                assert!(
                    found.len() > 100 && found.columns().iter().eq(expected),
                    "{range:?}"
                );
            }
            let known = round + usize::from(waited >= 2_100);
            assert_eq!(
                format!("{:?}", options.index),
                format!("SeekIndex {{ files: {known} }}")
            );
        }
    }
}
