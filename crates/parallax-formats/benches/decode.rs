//! Million events a second on one core, of the stream decoders and of plain loops, both into memory that is already
//! there: `cargo bench -p parallax-formats --bench decode`.
//!
//! The plain loop is what one writes first: one word after the other and a `match`, no check of order or geometry. It
//! is a yardstick and not a rival: it cannot stop and go on. Text is held against `str::split` and `str::parse`.
//! Each answer is compared before it is timed. Recordings that are not there are named and left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::hint::black_box;
use std::time::Instant;

use parallax_events::{BatchBuilder, DvsColumns, Report};
use parallax_formats::{EventSink, Open, Piece, ReadOptions};

/// How many events one timing decodes at least, and how many timings there are.
const EVENTS: usize = 50_000_000;
const TIMINGS: usize = 5;

/// Four columns that are written anew each time.
struct Columns {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

type Plain = fn(&[u8], &mut Columns) -> usize;

fn main() {
    println!(
        "{:<28} {:<6} {:>9}  {:>16}  {:>16}",
        "recording", "format", "events", "plain loop", "decoder"
    );
    println!(
        "{:<28} {:<6} {:>9}  {:>16}  {:>16}",
        "", "", "", "median (best)", "median (best)"
    );
    for (id, format, plain) in [
        ("faery/evt3.raw", "evt3", plain_evt3 as Plain),
        ("faery/evt3.raw re-encoded", "evt3", plain_evt3),
        ("expelliarmus/evt3_sample.raw", "evt3", plain_evt3),
        ("faery/evt2.raw", "evt2", plain_evt2),
        ("faery/dvs.csv", "csv", plain_csv),
        ("rpg/slider_depth_events.txt", "rpg", plain_rpg),
    ] {
        let path = parallax_testkit::recordings::folder().join(id.trim_end_matches(" re-encoded"));
        match std::fs::read(&path) {
            Ok(bytes) if id.ends_with("re-encoded") => measure(id, format, &without_extras(&bytes), plain),
            Ok(bytes) => measure(id, format, &bytes, plain),
            Err(_) => println!("{id:<28} {format:<6} not here"),
        }
    }
}

fn measure(id: &str, format: &str, bytes: &[u8], plain: Plain) {
    let most = bytes.len();
    let mut columns = Columns {
        t: vec![1; most],
        x: vec![1; most],
        y: vec![1; most],
        p: vec![1; most],
    };
    let mut builder = BatchBuilder::with_capacity(most).unwrap();
    let data = payload(bytes);
    let count = plain(data, &mut columns);
    let decoded = decode(format, bytes, &mut builder);
    assert_eq!(count, decoded.len(), "{id}");
    let same = decoded.t == &columns.t[..count]
        && decoded.x == &columns.x[..count]
        && decoded.y == &columns.y[..count]
        && decoded.p == &columns.p[..count];
    assert!(same, "{id}: the plain loop disagrees");
    let repeats = EVENTS.div_ceil(count) / if matches!(format, "csv" | "rpg") { 5 } else { 1 };
    let (mut plains, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TIMINGS {
        plains.push(rate(repeats, || plain(black_box(data), &mut columns)));
        ours.push(rate(repeats, || {
            decode(format, black_box(bytes), &mut builder).len()
        }));
    }
    println!(
        "{id:<28} {format:<6} {count:>9}  {:>16}  {:>16}",
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

fn decode<'a>(format: &str, bytes: &[u8], builder: &'a mut BatchBuilder) -> DvsColumns<'a> {
    builder.reset();
    let format = parallax_formats::format(format).unwrap();
    let options = ReadOptions::default();
    let Open::Stream(new) = format.open else {
        panic!("{} is no stream", format.id())
    };
    let mut decoder = new(&format.declaration.defaults().unwrap(), &options).unwrap();
    let mut report = Report::default();
    let mut sink = EventSink::new(builder, &mut report, 0, &options);
    let consumed = decoder
        .decode(
            Piece {
                bytes,
                offset: 0,
                last: true,
            },
            &mut sink,
        )
        .unwrap();
    assert!(bytes.len() - consumed < 4);
    builder.columns()
}

/// What follows the header of a RAW file; a text as it is.
fn payload(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while rest.first() == Some(&b'%') {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        rest = &rest[end + 1..];
    }
    rest
}

/// The same events with as few words as EVT3 allows without vectors, as other encoders write them: a time or a row
/// only where it changes. This is what the 50 M-event files of published comparisons are made of.
fn without_extras(bytes: &[u8]) -> Vec<u8> {
    let most = bytes.len();
    let mut from = Columns {
        t: vec![0; most],
        x: vec![0; most],
        y: vec![0; most],
        p: vec![0; most],
    };
    let count = plain_evt3(payload(bytes), &mut from);
    let mut words = Vec::new();
    let (mut high, mut low, mut row) = (None, None, None);
    for i in 0..count {
        let (new_high, new_low) = ((from.t[i] >> 12 & 0xFFF) as u16, (from.t[i] & 0xFFF) as u16);
        if high.replace(new_high) != Some(new_high) {
            words.push(0x8000 | new_high);
            low = None;
        }
        if low.replace(new_low) != Some(new_low) {
            words.push(0x6000 | new_low);
        }
        if row.replace(from.y[i]) != Some(from.y[i]) {
            words.push(from.y[i]);
        }
        words.push(0x2000 | u16::from(from.p[i]) << 11 | from.x[i]);
    }
    let header = b"% evt 3.0\n% geometry 1280x720\n% end\n";
    header
        .iter()
        .copied()
        .chain(words.into_iter().flat_map(u16::to_le_bytes))
        .collect()
}

fn plain_evt3(data: &[u8], out: &mut Columns) -> usize {
    let (mut wraps, mut high, mut low, mut y, mut base, mut p) =
        (0_i64, None::<u16>, 0_u16, 0_u16, 0_u16, 0_u8);
    let mut t = 0_i64;
    let mut n = 0;
    for word in data.chunks_exact(2) {
        let word = u16::from_le_bytes([word[0], word[1]]);
        let content = word & 0xFFF;
        match word >> 12 {
            0x0 => y = content & 0x7FF,
            0x2 if high.is_some() => {
                out.t[n] = t;
                out.x[n] = content & 0x7FF;
                out.y[n] = y;
                out.p[n] = (content >> 11) as u8;
                n += 1;
            }
            0x3 => (base, p) = (content & 0x7FF, (content >> 11) as u8),
            kind @ (0x4 | 0x5) if high.is_some() => {
                let width = if kind == 0x4 { 12 } else { 8 };
                for bit in 0..width {
                    if content >> bit & 1 == 1 {
                        out.t[n] = t;
                        out.x[n] = base + bit;
                        out.y[n] = y;
                        out.p[n] = p;
                        n += 1;
                    }
                }
                base += width;
            }
            0x6 => {
                low = content;
                t = t >> 12 << 12 | i64::from(low);
            }
            0x8 => {
                if high.is_some_and(|high| high >= 0x800 + content) {
                    wraps += 1;
                }
                if high != Some(content) {
                    low = 0;
                }
                high = Some(content);
                t = wraps << 24 | i64::from(content) << 12 | i64::from(low);
            }
            _ => {}
        }
    }
    n
}

fn plain_evt2(data: &[u8], out: &mut Columns) -> usize {
    let mut base = None;
    let mut n = 0;
    for word in data.chunks_exact(4) {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        match (word >> 28, base) {
            (0x0 | 0x1, Some(base)) => {
                out.t[n] = base | i64::from(word >> 22 & 0x3F);
                out.x[n] = (word >> 11 & 0x7FF) as u16;
                out.y[n] = (word & 0x7FF) as u16;
                out.p[n] = (word >> 28) as u8;
                n += 1;
            }
            (0x8, _) => base = Some(i64::from(word & 0xFFF_FFFF) << 6),
            _ => {}
        }
    }
    n
}

fn plain_csv(data: &[u8], out: &mut Columns) -> usize {
    let text = std::str::from_utf8(data).unwrap();
    let mut n = 0;
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        out.t[n] = fields.next().unwrap().parse().unwrap();
        out.x[n] = fields.next().unwrap().parse().unwrap();
        out.y[n] = fields.next().unwrap().parse().unwrap();
        out.p[n] = fields.next().unwrap().parse().unwrap();
        n += 1;
    }
    n
}

fn plain_rpg(data: &[u8], out: &mut Columns) -> usize {
    let text = std::str::from_utf8(data).unwrap();
    let mut n = 0;
    for line in text.lines() {
        let mut fields = line.split(' ');
        let seconds: f64 = fields.next().unwrap().parse().unwrap();
        out.t[n] = (seconds * 1e6).round() as i64;
        out.x[n] = fields.next().unwrap().parse().unwrap();
        out.y[n] = fields.next().unwrap().parse().unwrap();
        out.p[n] = fields.next().unwrap().parse().unwrap();
        n += 1;
    }
    n
}
