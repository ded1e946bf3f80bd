//! The decoding kernels, beside the plain loops with which the formats' bench compares whole decoders.
//!
//! The events are encoded as sensors send them: a word of time or of a row only where it changes.

use std::hint::black_box;

use parallax_simd::evt3::{Skipped, State};
use parallax_simd::lz4::{self, Block};
use parallax_simd::{Columns as Out, Level, aedat4, dat, es, evt2, evt3};

use super::{Events, best, print_row};

#[path = "../../../parallax-formats/benches/decode/plain.rs"]
#[allow(dead_code, reason = "it knows more formats than there are kernels")]
mod plain;

/// Four columns that are written anew each time.
pub(crate) struct Columns {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
    n: usize,
}

impl Columns {
    fn of(most: usize) -> Self {
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

    fn out(&mut self) -> Out<'_> {
        Out {
            t: &mut self.t,
            x: &mut self.x,
            y: &mut self.y,
            p: &mut self.p,
        }
    }
}

/// The rows of all decoders.
pub(crate) fn rows(events: &Events) {
    let bytes = of_evt2(events);
    let (words, _) = bytes[HEADER.len()..].as_chunks::<4>();
    row("evt2::decode", events, &bytes, plain::evt2, |level, out| {
        let mut time = evt2::Time::default();
        evt2::decode_at(level, black_box(words), &mut time, out.out()).events
    });
    let paired = in_pairs(events);
    for (name, events, has_vectors) in [
        ("evt3::decode", events, false),
        ("evt3::decode, vectors", &paired, true),
    ] {
        let bytes = of_evt3(events, has_vectors);
        let (words, _) = bytes[HEADER.len()..].as_chunks::<2>();
        row(name, events, &bytes, plain::evt3, |level, out| {
            let (mut state, mut skipped) = (State::default(), Skipped::default());
            evt3::decode_at(level, black_box(words), &mut state, &mut skipped, out.out()).events
        });
    }
    let bytes = of_dat(events);
    let (records, _) = bytes[HEADER.len() + 2..].as_chunks::<8>();
    row("dat::run", events, &bytes, plain::dat, |level, out| {
        let done = dat::run_at(level, black_box(records), dat::Packing::Version2, 0, 0, out.out());
        // A rest of less than a block is the caller's.
        assert_eq!(done, records.len() / dat::BLOCK * dat::BLOCK);
        done
    });
    aedat4_rows(events);
    let bytes = of_es(events);
    row("es::decode", events, &bytes, plain::es, |level, out| {
        es::decode_at(level, black_box(&bytes[20..]), &mut 0, Some(719), out.out()).events
    });
}

/// The events of AEDAT 4.0, packed in blocks as recordings have them, beside the library for LZ4 and a loop.
fn aedat4_rows(events: &Events) {
    const BLOCK: usize = 8192;
    let mut bytes = Vec::new();
    for (t, x, y, p) in each(events) {
        bytes.extend(t.to_le_bytes());
        bytes.extend((x as u16).to_le_bytes());
        bytes.extend((y as u16).to_le_bytes());
        bytes.extend(p.to_le_bytes());
    }
    let (structures, _) = bytes.as_chunks::<{ aedat4::EVENT }>();
    let plain = |_: &[u8], out: &mut Columns| {
        out.n = 0;
        for event in structures {
            let [t0, t1, t2, t3, t4, t5, t6, t7, x0, x1, y0, y1, p, ..] = *event;
            let t = i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
            out.put((t, u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1]), p));
        }
        out.n
    };
    row("aedat4::transpose", events, &bytes, plain, |level, out| {
        aedat4::transpose_at(level, black_box(structures), out.out())
    });

    let contents: Vec<&[u8]> = bytes.chunks(BLOCK * aedat4::EVENT).collect();
    let packed: Vec<Vec<u8>> = contents
        .iter()
        .map(|content| lz4_flex::block::compress(content))
        .collect();
    let mut memories = vec![vec![1; BLOCK * aedat4::EVENT + 64]; lz4::LANES];
    let naive = best(|| {
        for packed in &packed {
            let size = lz4_flex::block::decompress_into(black_box(packed), &mut memories[0]);
            assert!(size.is_ok());
        }
    });
    let mut times = Vec::new();
    for level in Level::available() {
        times.push(best(|| {
            for (packed, contents) in packed.chunks(lz4::LANES).zip(contents.chunks(lz4::LANES)) {
                let mut pairs = packed.iter().zip(&mut memories);
                let blocks = std::array::from_fn(|_| {
                    let (packed, memory) = pairs.next()?;
                    Some(Block {
                        packed,
                        memory,
                        from: 0,
                    })
                });
                let ends = lz4::unpack_at(level, black_box(blocks));
                for ((end, content), memory) in ends.iter().zip(contents).zip(&memories) {
                    assert!(*end == Some(content.len()) && memory.last() == Some(&1));
                }
            }
        }));
    }
    print_row("lz4::unpack, an event", events.t.len(), naive, times);
}

/// One line of the table; ends the bench if a level's events are not those that were encoded.
fn row(
    name: &str,
    events: &Events,
    bytes: &[u8],
    plain: impl Fn(&[u8], &mut Columns) -> usize,
    kernel: impl Fn(Level, &mut Columns) -> usize,
) {
    // Room for what kernels write behind the last event.
    let mut out = Columns::of(events.t.len() + evt3::SLACK);
    let check = |out: &Columns, n: usize| {
        let same = out.t[..n] == events.t[..n] && out.x[..n] == events.x[..n];
        assert!(
            same && out.y[..n] == events.y[..n] && out.p[..n] == events.p[..n],
            "{name}"
        );
    };
    let n = plain(bytes, &mut out);
    check(&out, n);
    let naive = best(|| {
        black_box(plain(black_box(bytes), &mut out));
    });
    let mut times = Vec::new();
    for level in Level::available() {
        let n = kernel(level, &mut out);
        check(&out, n);
        times.push(best(|| {
            black_box(kernel(level, &mut out));
        }));
    }
    print_row(name, events.t.len(), naive, times);
}

const HEADER: &[u8; 6] = b"% end\n";

fn each(events: &Events) -> impl Iterator<Item = (u64, u32, u32, u32)> {
    let columns = events.t.iter().zip(&events.x).zip(&events.y).zip(&events.p);
    columns.map(|(((t, x), y), p)| (*t as u64, u32::from(*x), u32::from(*y), u32::from(*p)))
}

fn of_evt2(events: &Events) -> Vec<u8> {
    let (mut bytes, mut high) = (HEADER.to_vec(), None);
    for (t, x, y, p) in each(events) {
        if high.replace(t >> 6) != Some(t >> 6) {
            bytes.extend((8 << 28 | (t >> 6) as u32).to_le_bytes());
        }
        bytes.extend((p << 28 | (t as u32 & 0x3F) << 22 | x << 11 | y).to_le_bytes());
    }
    bytes
}

/// Every tenth event stands behind the one before it: same time, row and polarity, and in the same 32 columns.
fn in_pairs(events: &Events) -> Events {
    let Events { t, x, y, p } = events;
    let (mut t, mut x, mut y, mut p) = (t.clone(), x.clone(), y.clone(), p.clone());
    for i in (9..t.len()).step_by(10) {
        (t[i], y[i], p[i]) = (t[i - 1], y[i - 1], p[i - 1]);
        x[i - 1] &= !1;
        let first = x[i - 1];
        x[i] = first + 1 + x[i] % (31 - first % 32);
    }
    Events { t, x, y, p }
}

/// With vectors, pairs are a base and vectors of 12, 12 and 8 columns.
fn of_evt3(events: &Events, has_vectors: bool) -> Vec<u8> {
    let (mut bytes, mut high, mut low, mut row) = (HEADER.to_vec(), None, None, None);
    for (i, (t, x, y, p)) in each(events).enumerate() {
        let mut put = |word: u32| bytes.extend((word as u16).to_le_bytes());
        if high.replace(t >> 12) != Some(t >> 12) {
            put(0x8000 | (t >> 12) as u32);
            low = None;
        }
        if low.replace(t & 0xFFF) != Some(t & 0xFFF) {
            put(0x6000 | (t & 0xFFF) as u32);
        }
        if row.replace(y) != Some(y) {
            put(y);
        }
        match i % 10 {
            8 if has_vectors && i + 1 < events.t.len() => {
                let bits = 1_u32 << (x % 32) | 1 << (events.x[i + 1] % 32);
                put(0x3000 | p << 11 | (x & !31));
                put(0x4000 | bits & 0xFFF);
                put(0x4000 | bits >> 12 & 0xFFF);
                put(0x5000 | bits >> 24);
            }
            9 if has_vectors => {}
            _ => put(0x2000 | p << 11 | x),
        }
    }
    bytes
}

fn of_dat(events: &Events) -> Vec<u8> {
    let mut bytes = [HEADER.as_slice(), &[0x0C, 8]].concat();
    for (t, x, y, p) in each(events) {
        bytes.extend((t as u32).to_le_bytes());
        bytes.extend((x | y << 14 | p << 28).to_le_bytes());
    }
    bytes
}

fn of_es(events: &Events) -> Vec<u8> {
    let mut bytes = b"Event Stream\x02\0\0\x01\0\x05\xD0\x02".to_vec();
    let mut before = 0;
    for (t, x, y, p) in each(events) {
        let mut step = t - before;
        before = t;
        while step >= 127 {
            bytes.push(0xFF);
            step -= 127;
        }
        bytes.push((step as u8) << 1 | p as u8);
        bytes.extend((x as u16).to_le_bytes());
        bytes.extend((719 - y as u16).to_le_bytes());
    }
    bytes
}
