//! AEDAT 4.0: what the streams of the sample give, every way to compress it, and the packets of a recording byte for byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use parallax_events::{ErrorKind, EventBatch, FindingKind, Limits, SharedPool, Trigger, Triggers};
use parallax_formats::{EventReader, Format, ReadOptions, Sample, WriteOptions, create, format};
use parallax_testkit::laws::format::{self as laws, FormatRow};
use parallax_testkit::laws::hold;
use parallax_testkit::recording;

/// Where the header's FlatBuffer begins, and in it the compression and the place of the table.
const HEADER: usize = 18;
const COMPRESSION: usize = HEADER + 28;
const TABLE: usize = HEADER + 36;

fn sample() -> Vec<u8> {
    (format("aedat4").unwrap().sample)().bytes
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

/// The end of the header, and every packet's stream and body.
fn packets(bytes: &[u8]) -> (usize, Vec<(i32, Vec<u8>)>) {
    let start = HEADER + u32::from_le_bytes(number(bytes, 14)) as usize;
    let end = i64::from_le_bytes(number(bytes, TABLE)) as usize;
    let (mut at, mut packets) = (start, Vec::new());
    while at < end {
        let size = i32::from_le_bytes(number(bytes, at + 4)) as usize;
        let stream = i32::from_le_bytes(number(bytes, at));
        packets.push((stream, bytes[at + 8..at + 8 + size].to_vec()));
        at += 8 + size;
    }
    (start, packets)
}

/// The sample with every packet, and the table, packed as the compression of this number.
fn repacked(compression: u8, pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let plain = sample();
    let (start, packets) = packets(&plain);
    let table = i64::from_le_bytes(number(&plain, TABLE)) as usize;
    let mut bytes = plain[..start].to_vec();
    bytes[COMPRESSION] = compression;
    for (stream, body) in packets {
        let body = pack(&body);
        bytes.extend(stream.to_le_bytes());
        bytes.extend((body.len() as i32).to_le_bytes());
        bytes.extend(body);
    }
    let end = (bytes.len() as i64).to_le_bytes();
    bytes[TABLE..TABLE + 8].copy_from_slice(&end);
    bytes.extend(pack(&plain[table..]));
    bytes
}

fn lz4_with(bytes: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    lz4_with(bytes, FrameInfo::new())
}

/// As the DV software writes it, and with all that a frame may have.
fn lz4_linked(bytes: &[u8]) -> Vec<u8> {
    let info = FrameInfo::new()
        .block_mode(BlockMode::Linked)
        .block_size(BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true)
        .content_size(Some(bytes.len() as u64));
    lz4_with(bytes, info)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

/// Without the size of the content.
fn zstd_streamed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 19).unwrap()
}

fn sample_of(bytes: Vec<u8>) -> Sample {
    Sample {
        bytes,
        events: (format("aedat4").unwrap().sample)().events,
    }
}

/// The laws over the sample in every compression; what the registry holds is the plain one.
#[test]
fn the_laws_hold_in_every_compression() {
    let samples: [fn() -> Sample; 4] = [
        || sample_of(repacked(1, lz4)),
        || sample_of(repacked(2, lz4_linked)),
        || sample_of(repacked(3, zstd)),
        || sample_of(repacked(4, zstd_streamed)),
    ];
    let row = format("aedat4").unwrap();
    for sample in samples {
        let row: &'static Format = Box::leak(Box::new(Format { sample, ..*row }));
        let row = [FormatRow::new(row)];
        hold("own_sample", &row, laws::own_sample);
        hold("cut_anyhow", &row, laws::cut_anyhow);
        hold("doors_agree", &row, laws::doors_agree);
        hold("truncation", &row, laws::truncation);
        hold("byte_flips", &row, laws::byte_flips);
        hold("strictness", &row, laws::strictness);
        hold("triggers", &row, laws::triggers);
        hold("threads_agree", &row, laws::threads_agree);
        hold("threads_stop", &row, laws::threads_stop);
    }
}

fn open(bytes: Vec<u8>, format: &str) -> parallax_events::Result<EventReader> {
    let options = ReadOptions {
        format: Some(format.to_owned()),
        triggers: true,
        ..ReadOptions::default()
    };
    EventReader::from_bytes(bytes, None, &options)
}

#[test]
fn one_stream_is_handed_out_and_the_others_are_counted() {
    let mut reader = open(sample(), "aedat4").unwrap();
    let meta = reader.meta();
    assert_eq!(meta.sensor.as_deref(), Some("DVXplorer & lens"));
    assert_eq!(meta.extra["stream.2"], "2: events");
    let batch = reader.read_all().unwrap();
    let start = batch.columns().t[0];
    assert_eq!(batch.len(), 4);
    let triggers: Vec<Trigger> = reader.take_triggers().iter().collect();
    assert_eq!(triggers, [Trigger::new(start + 3, 0, 1)]);
    let report = reader.report();
    let counts: Vec<(&str, u64)> = report
        .findings()
        .iter()
        .map(|finding| (finding.detail.as_str(), finding.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("frames of stream 0", 1),
            ("", 1),
            ("events of stream 2", 1),
            ("IMU samples of stream 4", 1),
            ("packets of streams that the header does not list", 1),
            ("a packet that holds no events of stream 1", 1),
        ]
    );
    assert_eq!(report.count(FindingKind::OutsideGeometry), 1);

    let second = open(sample(), "aedat4 stream=2").unwrap().read_all().unwrap();
    assert_eq!(second.columns().t, [start + 4]);
    assert_eq!(second.meta().geometry, None);
    let error = open(sample(), "aedat4 stream=3").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
    assert!(error.to_string().contains("1: events, 1280x720"), "{error}");
}

/// Every packet on its own, on two threads.
fn in_parts() -> ReadOptions {
    ReadOptions {
        pool: SharedPool::new(2).unwrap(),
        part: 1,
        ..ReadOptions::default()
    }
}

/// A file that was never closed, one whose table is elsewhere, one that ends before its table.
#[test]
fn the_table_is_not_needed() {
    let whole = open(sample(), "aedat4").unwrap().read_all().unwrap();
    let closed = sample();
    let table = i64::from_le_bytes(number(&closed, TABLE)) as usize;
    let read = |table: i64, length: usize| {
        let mut bytes = closed[..length].to_vec();
        bytes[TABLE..TABLE + 8].copy_from_slice(&table.to_le_bytes());
        let mut in_parts = EventReader::from_bytes(bytes.clone(), None, &in_parts()).unwrap();
        assert_eq!(in_parts.read_all().unwrap(), whole);
        let mut reader = open(bytes, "aedat4").unwrap();
        assert_eq!(reader.read_all().unwrap(), whole);
        let report = reader.report();
        for kind in [FindingKind::Conflict, FindingKind::TruncatedTail] {
            assert_eq!(in_parts.report().count(kind), report.count(kind));
        }
        (
            report.count(FindingKind::Conflict),
            report.count(FindingKind::TruncatedTail),
        )
    };
    assert_eq!(read(table as i64, closed.len()), (0, 0));
    assert_eq!(read(-1, table), (0, 0));
    assert_eq!(read(i64::MIN, table), (0, 0));
    assert_eq!(read(5, table), (1, 0));
    let (start, _) = packets(&closed);
    assert_eq!(read(start as i64, table), (1, 0), "at a border of packets");
    assert_eq!(read(start as i64 + 9, table), (1, 0), "inside a packet");
    assert_eq!(read(i64::MAX, table), (0, 1));
    assert_eq!(read(table as i64, table), (0, 1));
    assert_eq!(read(table as i64, table + 7), (0, 1));
}

/// A packet of a few kilobytes that unpacks to 64 MiB is refused where a block may have 1 MiB.
#[test]
fn bombs() {
    let zeros = vec![0; 64 << 20];
    for (compression, body) in [
        (1, lz4(&zeros)),
        (2, lz4_linked(&zeros)),
        (3, zstd(&zeros)),
        (4, zstd_streamed(&zeros)),
    ] {
        let plain = sample();
        let (start, _) = packets(&plain);
        let mut bytes = plain[..start].to_vec();
        bytes[COMPRESSION] = compression;
        bytes[TABLE..TABLE + 8].copy_from_slice(&(-1_i64).to_le_bytes());
        bytes.extend(1_i32.to_le_bytes());
        bytes.extend((body.len() as i32).to_le_bytes());
        bytes.extend(body);
        for options in [ReadOptions::default(), in_parts()] {
            let options = ReadOptions {
                limits: Limits {
                    block_bytes: 1 << 20,
                    ..Limits::default()
                },
                ..options
            };
            let mut reader = EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
            let error = reader.read_all().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit, "{compression}: {error}");
            assert_eq!(error.offset(), Some(start as u64));
        }
    }
}

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

/// The first packet of events and the first of triggers in a recording of the DV software, written again from what is in
/// them.
#[test]
fn packets_are_those_of_the_maker() {
    let Some(path) = recording("faery/davis346.aedat4", "packets_are_those_of_the_maker") else {
        return;
    };
    let (_, packets) = packets(&std::fs::read(path).unwrap());
    let unpacked = |stream| {
        let (_, body) = packets.iter().find(|(id, _)| *id == stream).unwrap();
        let mut unpacked = Vec::new();
        let mut frame = lz4_flex::frame::FrameDecoder::new(body.as_slice());
        std::io::Read::read_to_end(&mut frame, &mut unpacked).unwrap();
        unpacked
    };
    let (events, trigger) = (unpacked(0), unpacked(3));
    let (all, _) = events[32..].as_chunks::<16>();
    let events_in: Vec<_> = all
        .iter()
        .map(|event| {
            let t = i64::from_le_bytes(number(event, 0));
            let [x, y] = [8, 10].map(|at| u16::from_le_bytes(number(event, at)));
            parallax_events::Event::new(t, x, y, event[12])
        })
        .collect();
    assert_eq!(events_in.len(), 402);
    let t = i64::from_le_bytes(number(&trigger, 56));
    // Its source is 7: the end of a frame.
    let triggers: Triggers = [Trigger::new(t, 2, 0)].into_iter().collect();
    assert_eq!(trigger[55], 7);

    let meta = Arc::new(parallax_events::Meta::with_geometry(346, 260).unwrap());
    let batch = EventBatch::from_events(&events_in, Arc::clone(&meta)).unwrap();
    let written = |format: &str| {
        let output = Shared::default();
        let options = WriteOptions {
            format: Some(format.to_owned()),
        };
        let mut writer = create(Box::new(output.clone()), None, &meta, &options).unwrap();
        writer.write_triggers(&triggers).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let written = output.0.lock().unwrap();
        written.clone()
    };
    let packet =
        |stream: i32, body: &[u8]| [&stream.to_le_bytes(), &(body.len() as i32).to_le_bytes(), body].concat();
    let both = [packet(1, &trigger), packet(0, &events)].concat();
    let open = written("aedat4 compression=none table=false");
    assert!(open.ends_with(&both));
    assert_eq!(number(&open, TABLE), (-1_i64).to_le_bytes());

    // With a table: the same, and where each packet is.
    let closed = written("aedat4 compression=none");
    let table = i64::from_le_bytes(number(&closed, TABLE)) as usize;
    assert_eq!(closed[table - both.len()..table], both);
    let flat = &closed[table + 4..];
    assert_eq!(flat.len(), u32::from_le_bytes(number(&closed, table)) as usize);
    let at = |place: usize| place + u32::from_le_bytes(number(flat, place)) as usize;
    let field = |table: usize, index: usize| {
        let fields = (table as i64 - i64::from(i32::from_le_bytes(number(flat, table)))) as usize;
        table + usize::from(u16::from_le_bytes(number(flat, fields + 4 + index * 2)))
    };
    let list = at(field(at(0), 0));
    assert_eq!(u32::from_le_bytes(number(flat, list)), 2);
    let start = table - both.len();
    let times = (events_in[0].t, events_in[401].t);
    for (index, stream, offset, size, count, (first, last)) in [
        (0, 1, start + 8, trigger.len(), 1, (t, t)),
        (1, 0, start + 8 + trigger.len() + 8, events.len(), 402, times),
    ] {
        let entry = at(list + 4 + index * 4);
        let long = |index| i64::from_le_bytes(number(flat, field(entry, index)));
        assert_eq!(
            (entry + 4) % 8,
            4,
            "numbers of eight bytes lie on multiples of eight"
        );
        assert_eq!(long(0), offset as i64);
        assert_eq!(i32::from_le_bytes(number(flat, field(entry, 1))), stream);
        assert_eq!(u32::from_le_bytes(number(flat, field(entry, 1) + 4)), size as u32);
        assert_eq!((long(2), long(3), long(4)), (count, first, last));
    }
}
