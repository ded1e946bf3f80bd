//! How fast recordings are decoded: `cargo bench -p parallax-formats --bench decode`.
//!
//! Alone, it measures the decoders on the real recordings, on one core and into memory that is used again, beside plain
//! loops; the answers are compared first. `cargo xtask bench decode` starts it with other words for the large files and
//! the comparison with other libraries: see [`files`] and [`one`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use parallax_events::{BatchBuilder, DvsColumns, Report};
use parallax_formats::{EventSink, Open, Piece, ReadOptions};
use peak_alloc::PeakAlloc;

mod files;
mod one;
mod plain;

/// Counts what the heap has; regions count what they map.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// How many events one timing decodes at least, and how many timings there are.
const EVENTS: usize = 20_000_000;
const TIMINGS: usize = 5;

/// Four columns that are written anew each time.
pub(crate) struct Columns {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
    n: usize,
}

impl Columns {
    pub(crate) fn of(most: usize) -> Self {
        Self {
            t: vec![1; most],
            x: vec![1; most],
            y: vec![1; most],
            p: vec![1; most],
            n: 0,
        }
    }

    fn put(&mut self, event: (i64, u16, u16, u8)) {
        (self.t[self.n], self.x[self.n], self.y[self.n], self.p[self.n]) = event;
        self.n += 1;
    }
}

type Plain = fn(&[u8], &mut Columns) -> usize;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => all(),
        ["make", folder, tiles] => files::make(Path::new(folder), tiles.parse().unwrap()).unwrap(),
        ["one", mode, threads, file] => one::run(mode, threads.parse().unwrap(), Path::new(file)).unwrap(),
        _ => panic!("no words, `make FOLDER TILES`, or `one MODE THREADS FILE`, not {words:?}"),
    }
}

fn all() {
    println!("Million events a second on one core, median (best)");
    println!(
        "{:<30} {:<8} {:>9}  {:>14}  {:>14}",
        "recording", "format", "events", "plain loop", "decoder"
    );
    for (id, format, plain) in [
        ("faery/evt3.raw", "evt3", plain::evt3 as Plain),
        ("faery/evt3.raw re-encoded", "evt3", plain::evt3),
        ("expelliarmus/evt3_sample.raw", "evt3", plain::evt3),
        ("faery/evt2.raw", "evt2", plain::evt2),
        ("faery/gen4.dat", "dat", plain::dat),
        ("reencoded/evt21.raw", "evt21", plain::evt21),
        ("faery/dvs.es", "es", plain::es),
        ("faery/atis.es", "es", plain::atis),
        ("tonic/sample_nmnist.bin", "atis_bin", plain::atis_bin),
        ("faery/dvs.csv", "csv", plain::csv),
        ("rpg/slider_depth_events.txt", "rpg", plain::rpg),
    ] {
        let path = parallax_testkit::recordings::folder().join(id.trim_end_matches(" re-encoded"));
        match std::fs::read(&path) {
            Ok(bytes) if id.ends_with("re-encoded") => {
                measure(id, format, &files::without_extras(&bytes), plain);
            }
            Ok(bytes) => measure(id, format, &bytes, plain),
            Err(_) => println!("{id:<30} {format:<8} not here"),
        }
    }
}

fn measure(id: &str, format: &str, bytes: &[u8], plain: Plain) {
    let mut columns = Columns::of(bytes.len());
    let mut builder = BatchBuilder::with_capacity(bytes.len()).unwrap();
    let count = plain(bytes, &mut columns);
    let decoded = decode(format, bytes, &mut builder);
    let same = count == decoded.len()
        && decoded.t == &columns.t[..count]
        && decoded.x == &columns.x[..count]
        && decoded.y == &columns.y[..count]
        && decoded.p == &columns.p[..count];
    assert!(same, "{id}: the plain loop disagrees");
    let repeats = EVENTS.div_ceil(count) / if matches!(format, "csv" | "rpg") { 5 } else { 1 };
    let repeats = repeats.max(1);
    let (mut plains, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TIMINGS {
        plains.push(rate(repeats, || plain(black_box(bytes), &mut columns)));
        // As a stream does it: batches of a size that stays in the cache.
        ours.push(rate(repeats, || stream(format, black_box(bytes))));
    }
    println!(
        "{id:<30} {format:<8} {count:>9}  {:>14}  {:>14}",
        show(plains),
        show(ours)
    );
}

/// Million events a second, the median of all repeats and the best.
fn rate(repeats: usize, mut work: impl FnMut() -> usize) -> (f64, f64) {
    let mut rates = Vec::with_capacity(repeats);
    for _ in 0..repeats {
        let start = Instant::now();
        let events = work();
        rates.push(events as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    rates.sort_by(f64::total_cmp);
    (rates[repeats / 2], rates[repeats - 1])
}

/// The median of the medians, and the best of all.
fn show(rates: Vec<(f64, f64)>) -> String {
    let mut medians: Vec<f64> = rates.iter().map(|(median, _)| *median).collect();
    medians.sort_by(f64::total_cmp);
    let best = rates.iter().map(|(_, best)| *best).fold(0.0, f64::max);
    format!("{:.0} ({best:.0})", medians[medians.len() / 2])
}

/// Decodes all, forgetting batch after batch.
fn stream(format: &str, bytes: &[u8]) -> usize {
    let format = parallax_formats::format(format).unwrap();
    let options = ReadOptions::default();
    let Open::Stream(new) = format.open else {
        panic!("{} is no stream", format.id())
    };
    let mut decoder = new(&format.declaration.defaults().unwrap(), &options).unwrap();
    let mut report = Report::default();
    let mut builder = BatchBuilder::with_capacity(one::STREAMED).unwrap();
    let (mut at, mut events) = (0, 0);
    loop {
        let mut sink = EventSink::new(&mut builder, &mut report, events as u64, &options);
        let piece = Piece {
            bytes: &bytes[at..],
            offset: at as u64,
            last: true,
        };
        let consumed = decoder.decode(piece, &mut sink).unwrap();
        at += consumed;
        events += builder.len();
        if consumed == 0 && builder.is_empty() {
            return events;
        }
        black_box(builder.columns());
        builder.clear();
    }
}

/// Decodes all into one batch.
fn decode<'a>(format: &str, bytes: &[u8], builder: &'a mut BatchBuilder) -> DvsColumns<'a> {
    builder.reset();
    let format = parallax_formats::format(format).unwrap();
    let options = ReadOptions::default();
    let Open::Stream(new) = format.open else {
        panic!("{} is no stream", format.id())
    };
    let mut decoder = new(&format.declaration.defaults().unwrap(), &options).unwrap();
    let mut report = Report::default();
    let mut at = 0;
    loop {
        let held = builder.len();
        let mut sink = EventSink::new(builder, &mut report, 0, &options);
        let piece = Piece {
            bytes: &bytes[at..],
            offset: at as u64,
            last: true,
        };
        let consumed = decoder.decode(piece, &mut sink).unwrap();
        at += consumed;
        if consumed == 0 && builder.len() == held {
            return builder.columns();
        }
    }
}
