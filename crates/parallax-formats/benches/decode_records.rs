//! Million events a second on one core, of the decoders of DAT, EVT 2.1, ES and ATIS `.bin` and of plain loops, both into
//! memory that is already there: `cargo bench -p parallax-formats --bench decode_records`.
//!
//! The plain loop is what one writes first, without any check; it cannot stop and go on. Each answer is compared
//! before it is timed. Recordings that are not there are named and left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::hint::black_box;
use std::time::Instant;

use parallax_events::{BatchBuilder, Event, Report};
use parallax_formats::{EventSink, Open, Piece, ReadOptions};

const EVENTS: usize = 50_000_000;
const TIMINGS: usize = 5;

/// Hands every event of a file to the call-back.
type Plain = fn(&[u8], &mut dyn FnMut(Event));

fn main() {
    println!(
        "{:<26} {:<9} {:>9}  {:>16}",
        "recording", "format", "events", "median (best)"
    );
    for (id, format, plain) in [
        ("faery/gen4.dat", "dat", plain_dat as Plain),
        ("reencoded/evt21.raw", "evt21", plain_evt21),
        ("faery/dvs.es", "es", plain_es),
        ("faery/atis.es", "es", plain_atis),
        ("tonic/sample_nmnist.bin", "atis-bin", plain_atis_bin),
    ] {
        let path = parallax_testkit::recordings::folder().join(id);
        match std::fs::read(&path) {
            Ok(bytes) => measure(id, format, &bytes, plain),
            Err(_) => println!("{id:<26} {format:<9} not here"),
        }
    }
}

fn measure(id: &str, format: &str, bytes: &[u8], plain: Plain) {
    let mut builder = BatchBuilder::with_capacity(bytes.len()).unwrap();
    let count = decode(format, bytes, &mut builder);
    let mut at = 0;
    plain(bytes, &mut |event| {
        let columns = builder.columns();
        assert_eq!(
            Event::new(columns.t[at], columns.x[at], columns.y[at], columns.p[at]),
            event,
            "{id}: event {at}"
        );
        at += 1;
    });
    assert_eq!(at, count, "{id}");
    let mut medians = Vec::new();
    let mut best = 0.0;
    for _ in 0..TIMINGS {
        let mut rates: Vec<f64> = (0..EVENTS.div_ceil(count))
            .map(|_| {
                let start = Instant::now();
                let events = decode(format, black_box(bytes), &mut builder);
                events as f64 / start.elapsed().as_secs_f64() / 1e6
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        medians.push(rates[rates.len() / 2]);
        best = rates[rates.len() - 1].max(best);
    }
    medians.sort_by(f64::total_cmp);
    let shown = format!("{:.0} ({best:.0})", medians[TIMINGS / 2]);
    println!("{id:<26} {format:<9} {count:>9}  {shown:>16}");
}

fn decode(format: &str, bytes: &[u8], builder: &mut BatchBuilder) -> usize {
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
    assert_eq!(consumed, bytes.len());
    builder.len()
}

/// What follows a header of lines.
fn behind_lines(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while rest.first() == Some(&b'%') {
        rest = &rest[rest.iter().position(|byte| *byte == b'\n').unwrap() + 1..];
    }
    rest
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn plain_dat(bytes: &[u8], out: &mut dyn FnMut(Event)) {
    for record in behind_lines(bytes)[2..].chunks_exact(8) {
        let (t, address) = (u32_at(record, 0), u32_at(record, 4));
        let (x, y) = (address & 0x3FFF, address >> 14 & 0x3FFF);
        out(Event::new(
            t.into(),
            x as u16,
            y as u16,
            (address >> 28 & 1) as u8,
        ));
    }
}

/// Of the order `legacy`.
fn plain_evt21(bytes: &[u8], out: &mut dyn FnMut(Event)) {
    let mut high = 0;
    for word in behind_lines(bytes).chunks_exact(8) {
        let (half, mask) = (u32_at(word, 0), u32_at(word, 4));
        match half >> 28 {
            0x8 => high = i64::from(half & 0xFFF_FFFF) << 6,
            p @ (0 | 1) => {
                for bit in (0..32).filter(|bit| mask >> bit & 1 == 1) {
                    let (x, y) = ((half >> 11 & 0x7FF) + bit, half & 0x7FF);
                    out(Event::new(
                        high + i64::from(half >> 22 & 0x3F),
                        x as u16,
                        y as u16,
                        p as u8,
                    ));
                }
            }
            _ => {}
        }
    }
}

fn plain_es(bytes: &[u8], out: &mut dyn FnMut(Event)) {
    let height = u16::from_le_bytes([bytes[18], bytes[19]]);
    let (mut at, mut t) = (20, 0);
    while at < bytes.len() {
        match bytes[at] {
            0xFF => t += 127,
            0xFE => {}
            byte => {
                t += i64::from(byte >> 1);
                let (x, y) = (u32_at(bytes, at + 1) & 0xFFFF, u32_at(bytes, at + 1) >> 16);
                out(Event::new(t, x as u16, height - 1 - y as u16, byte & 1));
                at += 4;
            }
        }
        at += 1;
    }
}

fn plain_atis(bytes: &[u8], out: &mut dyn FnMut(Event)) {
    let height = u16::from_le_bytes([bytes[18], bytes[19]]);
    let (mut at, mut t) = (20, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if byte >= 0xFC {
            t += 63 * i64::from(byte & 3);
        } else {
            t += i64::from(byte >> 2);
            let (x, y) = (u32_at(bytes, at + 1) & 0xFFFF, u32_at(bytes, at + 1) >> 16);
            if byte & 1 == 0 {
                out(Event::new(t, x as u16, height - 1 - y as u16, byte >> 1 & 1));
            }
            at += 4;
        }
        at += 1;
    }
}

fn plain_atis_bin(bytes: &[u8], out: &mut dyn FnMut(Event)) {
    let mut base = 0;
    for record in bytes.chunks_exact(5) {
        if record[1] == 240 {
            base += 8192;
            continue;
        }
        let t = i64::from(record[2] & 0x7F) << 16 | i64::from(record[3]) << 8 | i64::from(record[4]);
        out(Event::new(
            base + t,
            record[0].into(),
            record[1].into(),
            record[2] >> 7,
        ));
    }
}
