//! Million events a second from EVT 3.0 to Parquet, Arrow IPC, NPY and NPZ, on one thread and on all, and from Parquet and
//! Arrow IPC back to batches: `cargo bench -p parallax-formats --bench tables`.
//!
//! One real recording, as often as it takes to make some 10 million events, goes through a reader into a writer whose
//! bytes are only counted (what NPY and NPZ hold back goes to the temporary folder). Before timing, what was written is
//! read again and compared. The table closes with the most memory that one conversion held. Batches are read as they are
//! and, as `strict` makes the reader do, by a copy into its own memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use parallax_events::{EventBatch, Pool, TimeRange};
use parallax_formats::{EventReader, ReadOptions, WriteOptions, create};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const TIMINGS: usize = 5;
const EVENTS: usize = 10_000_000;

#[derive(Clone, Default)]
struct Counted(Arc<AtomicU64>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {
    let Ok(bytes) = std::fs::read(parallax_testkit::recordings::folder().join("faery/evt3.raw")) else {
        println!("the recording faery/evt3.raw is not here");
        return;
    };
    let header = bytes
        .windows(6)
        .position(|w| w == b"% end\n")
        .map_or(0, |at| at + 6);
    let one = EventReader::from_bytes(bytes.clone(), Some("raw"), &ReadOptions::default())
        .unwrap()
        .read_all()
        .unwrap();
    let mut long = bytes.clone();
    for _ in 1..EVENTS.div_ceil(one.len()) {
        long.extend_from_slice(&bytes[header..]);
    }
    let path = std::env::temp_dir().join(format!("parallax-bench-{}.raw", std::process::id()));
    std::fs::write(&path, &long).unwrap();
    drop(long);
    println!(
        "{:<10} {:>8} {:>12} {:>10} {:>12} {:>10}",
        "format", "threads", "Mev/s", "best", "bytes/event", "peak MiB"
    );
    for format in ["parquet", "arrow", "npy", "npz"] {
        check(format, &bytes, &one);
        for threads in [1, std::thread::available_parallelism().map_or(2, usize::from)] {
            let threads = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut rates = Vec::new();
            let (mut size, mut count, mut peak) = (0, 0, 0);
            for _ in 0..TIMINGS {
                let output = Counted::default();
                let before = ALLOCATOR.current_usage();
                ALLOCATOR.reset_peak_usage();
                let start = Instant::now();
                count = threads
                    .install(|| convert(&path, format, Box::new(output.clone()), Pool::from(&threads)));
                rates.push(count as f64 / start.elapsed().as_secs_f64() / 1e6);
                peak = peak.max(ALLOCATOR.peak_usage() - before);
                size = output.0.load(Ordering::Relaxed);
            }
            rates.sort_by(f64::total_cmp);
            println!(
                "{format:<10} {:>8} {:>12.1} {:>10.1} {:>12.2} {:>10.1}",
                threads.current_num_threads(),
                rates[TIMINGS / 2],
                rates[TIMINGS - 1],
                size as f64 / count as f64,
                peak as f64 / f64::from(1 << 20)
            );
        }
    }
    println!(
        "\n{:<10} {:>14} {:>10} {:>14} {:>10}",
        "read", "as they are", "best", "with a copy", "best"
    );
    for format in ["parquet", "arrow"] {
        let table = path.with_extension(format);
        let output = Box::new(std::fs::File::create(&table).unwrap());
        convert(&path, format, output, Pool::serial());
        let (mut plain, mut copied) = (Vec::new(), Vec::new());
        for _ in 0..TIMINGS {
            plain.push(read(&table, false));
            copied.push(read(&table, true));
        }
        plain.sort_by(f64::total_cmp);
        copied.sort_by(f64::total_cmp);
        println!(
            "{format:<10} {:>14.1} {:>10.1} {:>14.1} {:>10.1}",
            plain[TIMINGS / 2],
            plain[TIMINGS - 1],
            copied[TIMINGS / 2],
            copied[TIMINGS - 1]
        );
        std::fs::remove_file(table).unwrap();
    }
    std::fs::remove_file(path).unwrap();
}

/// Million events a second, as batches: as the table has them, or copied, as where each time is looked at.
fn read(path: &std::path::Path, copied: bool) -> f64 {
    let start = Instant::now();
    let options = ReadOptions {
        time: copied.then(|| TimeRange::absolute(None, None).unwrap()),
        ..ReadOptions::default()
    };
    let mut reader = EventReader::open(path, &options).unwrap();
    let mut count = 0;
    while let Some(batch) = reader.next_batch().unwrap() {
        count += std::hint::black_box(batch).len();
    }
    count as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn convert(path: &std::path::Path, format: &str, output: Box<dyn Write + Send>, pool: Pool<'_>) -> usize {
    let mut reader = EventReader::open(path, &ReadOptions::default()).unwrap();
    copy(&mut reader, format, output, pool)
}

fn copy(reader: &mut EventReader, format: &str, output: Box<dyn Write + Send>, pool: Pool<'_>) -> usize {
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let mut writer = create(output, None, &reader.meta(), &options).unwrap();
    let mut count = 0;
    let damage = reader.for_each_batch(pool, |batch, _| {
        count += batch.len();
        writer.write(&batch)
    });
    assert!(damage.unwrap().is_none());
    writer.finish().unwrap();
    count
}

/// What is written has the events.
fn check(format: &str, bytes: &[u8], wanted: &EventBatch) {
    let kept = Kept::default();
    let mut reader = EventReader::from_bytes(bytes.to_vec(), Some("raw"), &ReadOptions::default()).unwrap();
    copy(&mut reader, format, Box::new(kept.clone()), Pool::serial());
    let file = std::mem::take(&mut *kept.0.lock().unwrap());
    let found = EventReader::from_bytes(file, None, &ReadOptions::default())
        .unwrap()
        .read_all()
        .unwrap();
    assert!(found.columns() == wanted.columns(), "{format}");
}
