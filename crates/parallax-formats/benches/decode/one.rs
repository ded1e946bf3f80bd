//! One measurement in a process of its own: `one MODE THREADS FILE` prints a line of JSON.
//!
//! | mode | what is timed |
//! | --- | --- |
//! | warm | the first touch of twice the events' memory, as much as any library takes to load them; it goes before a load, as a host takes back what lies free and gives it again ten times as slowly |
//! | fresh | a load of the whole file into memory that the system has yet to give |
//! | there | the same into memory that has been written before |
//! | stream | batches that stay in the cache, their memory used again |
//! | lz4 | nothing but unpacking the packets of an AEDAT4 file, which is in memory, with the library for LZ4 alone |
//! | facts | nothing: what the events are, for comparison |
//!
//! Beside the time stand what no load can do without: copying as many bytes of columns on as many threads, into memory that
//! is there, and touching as many fresh pages for the first time; the most memory that the process had, by the system's
//! count; and for a load what its events take while they are there, by the system's count without the pages of files, which
//! are the page cache's, and by counts of our own, of what regions map and what the allocator hands out.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use parallax_events::{BatchBuilder, DvsColumns, Result, SharedPool};
use parallax_formats::{EventReader, ReadOptions};

/// Events of a batch in a stream: 13 bytes each, so it stays in the second cache.
pub(crate) const STREAMED: usize = 32 << 10;

pub(crate) fn run(mode: &str, threads: usize, path: &Path) -> Result<()> {
    let options = ReadOptions {
        pool: SharedPool::new(threads)?,
        chunk: if mode == "stream" {
            STREAMED
        } else {
            ReadOptions::CHUNK
        },
        ..ReadOptions::default()
    };
    let before = bytes_of("VmHWM:");
    let at_first = Held::now();
    let mut held = None;
    let (seconds, events) = match mode {
        "facts" => return facts(path, &options),
        "warm" => {
            let events = EventReader::open(path, &options)?.read_all()?.len();
            (touch(2 * events, threads)?, events)
        }
        "stream" => stream(path, &options)?,
        "there" => there(path, &options)?,
        "lz4" => lz4(path, &options, threads)?,
        "fresh" => {
            let start = Instant::now();
            let batch = EventReader::open(path, &options)?.read_all()?;
            let seconds = start.elapsed().as_secs_f64();
            held = Some(Held::now());
            (seconds, black_box(batch).len())
        }
        _ => panic!("no mode `{mode}`"),
    };
    let peak = bytes_of("VmHWM:");
    let held = held.unwrap_or(at_first);
    let (counted, resident) = (held.counted - at_first.counted, held.resident - at_first.resident);
    let copied = if mode == "there" {
        copy(events, threads)
    } else {
        0.0
    };
    let touched = if mode == "fresh" {
        touch(events, threads)?
    } else {
        0.0
    };
    println!(
        "{{\"seconds\": {seconds}, \"events\": {events}, \"before\": {before}, \"peak\": {peak}, \"counted\": {counted}, \"resident\": {resident}, \"copy\": {copied}, \"touch\": {touched}}}"
    );
    Ok(())
}

fn stream(path: &Path, options: &ReadOptions) -> Result<(f64, usize)> {
    let mut events = 0;
    let start = Instant::now();
    let mut reader = EventReader::open(path, options)?;
    while let Some(columns) = reader.next_columns()? {
        events += black_box(columns).len();
    }
    Ok((start.elapsed().as_secs_f64(), events))
}

fn there(path: &Path, options: &ReadOptions) -> Result<(f64, usize)> {
    let events = EventReader::open(path, options)?.read_all()?.len();
    let mut room = BatchBuilder::growing()?;
    room.reserve(events)?;
    let spare = room.spare();
    spare.t.fill(1);
    spare.x.fill(1);
    spare.y.fill(1);
    spare.p.fill(1);
    let start = Instant::now();
    let batch = EventReader::open(path, options)?.read_all_into(room)?;
    Ok((start.elapsed().as_secs_f64(), black_box(batch).len()))
}

/// Seconds that unpacking the packets takes, each thread with memory that it uses again, and the number of events.
fn lz4(path: &Path, options: &ReadOptions, threads: usize) -> Result<(f64, usize)> {
    let events = EventReader::open(path, options)?.read_all()?.len();
    let bytes = std::fs::read(path)?;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    // The place of the table of packets stands 40 bytes behind the first line.
    let end = number(54).min(bytes.len());
    let mut packets = Vec::new();
    let mut at = 18 + number(14);
    while at + 8 <= end {
        let size = number(at + 4);
        packets.push(&bytes[at + 8..at + 8 + size]);
        at += 8 + size;
    }
    let part = packets.len().div_ceil(threads.max(1)).max(1);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for packets in packets.chunks(part) {
            scope.spawn(move || {
                let mut unpacked = Vec::new();
                for packet in packets {
                    unpacked.clear();
                    lz4_flex::frame::FrameDecoder::new(*packet)
                        .read_to_end(&mut unpacked)
                        .unwrap();
                    black_box(&unpacked);
                }
            });
        }
    });
    Ok((start.elapsed().as_secs_f64(), events))
}

/// Seconds that copying the columns of so many events takes, the best of three.
fn copy(events: usize, threads: usize) -> f64 {
    let from = vec![1_u8; events * 13];
    let mut to = vec![2_u8; events * 13];
    let part = from.len().div_ceil(threads.max(1)).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (from, to) in from.chunks(part).zip(to.chunks_mut(part)) {
                scope.spawn(move || to.copy_from_slice(black_box(from)));
            }
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    black_box(&to);
    best
}

/// Seconds that the first touch of the pages of so many events takes, in memory as a load asks for it; the best of three.
fn touch(events: usize, threads: usize) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let mut room = BatchBuilder::growing()?;
        room.reserve(events)?;
        let spare = room.spare();
        let part = events.div_ceil(threads.max(1)).max(1);
        let start = Instant::now();
        std::thread::scope(|scope| {
            let places = spare.t.chunks_mut(part).zip(spare.x.chunks_mut(part));
            let flags = spare.y.chunks_mut(part).zip(spare.p.chunks_mut(part));
            for ((t, x), (y, p)) in places.zip(flags) {
                scope.spawn(move || {
                    // A value in every page of 4 KiB.
                    t.iter_mut().step_by(512).for_each(|t| *t = 1);
                    x.iter_mut().step_by(2048).for_each(|x| *x = 1);
                    y.iter_mut().step_by(2048).for_each(|y| *y = 1);
                    p.iter_mut().step_by(4096).for_each(|p| *p = 1);
                });
            }
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// What the process has at a moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    counted: i64,
    resident: i64,
}

impl Held {
    fn now() -> Self {
        let counted = parallax_memory::mapped_bytes() + super::HEAP.current_usage();
        Self {
            counted: counted as i64,
            resident: (bytes_of("RssAnon:") + bytes_of("RssShmem:")) as i64,
        }
    }
}

/// What the system says of the process: a line of its status, in bytes.
fn bytes_of(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Sums that depend on the order too; all modulo 2^64.
fn facts(path: &Path, options: &ReadOptions) -> Result<()> {
    let mut reader = EventReader::open(path, options)?;
    let (mut n, mut sums) = (0_u64, [0_u64; 4]);
    while let Some(DvsColumns { t, x, y, p }) = reader.next_columns()? {
        for i in 0..t.len() {
            n += 1;
            let fields = [t[i] as u64, x[i].into(), y[i].into(), p[i].into()];
            for (sum, field) in sums.iter_mut().zip(fields) {
                *sum = sum.wrapping_add(n.wrapping_mul(field));
            }
        }
    }
    println!("{{\"n\": {n}, \"sums\": {sums:?}}}");
    Ok(())
}
