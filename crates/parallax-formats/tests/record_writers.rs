//! What the writers of binary records write, byte for byte against the specifications, and what they refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use parallax_events::{Error, ErrorKind, Event, EventBatch, Meta, Origin, Result, TimeUnit};
use parallax_formats::{EventReader, FORMATS, ReadOptions, WriteOptions, create};

const MINUTES_72: i64 = 72 * 60 * 1_000_000;

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

/// Writes events as (t, x, y, p).
fn write(format: &str, meta: Meta, events: &[(i64, u16, u16, u8)]) -> Result<Vec<u8>> {
    let events: Vec<Event> = events
        .iter()
        .map(|&(t, x, y, p)| Event::new(t, x, y, p))
        .collect();
    let meta = Arc::new(meta);
    let batch = EventBatch::from_events(&events, Arc::clone(&meta))?;
    let output = Shared::default();
    let options = WriteOptions {
        format: Some(format.to_owned()),
    };
    let mut writer = create(Box::new(output.clone()), None, &meta, &options)?;
    writer.write(&batch)?;
    writer.finish()?;
    let bytes = output.0.lock().unwrap();
    Ok(bytes.clone())
}

fn sensor() -> Meta {
    Meta::with_geometry(320, 240).unwrap()
}

fn refused(format: &str, meta: Meta, events: &[(i64, u16, u16, u8)], words: &str) {
    let error: Error = write(format, meta, events).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param, "{format}: {error}");
    assert!(error.to_string().contains(words), "{format}: {error}");
    assert!(error.hint().is_some(), "{format}: {error}");
}

#[test]
fn dat() {
    let bytes = write("dat", sensor(), &[(1, 2, 3, 1), (0x1_0000_0000, 319, 239, 0)]);
    assert!(bytes.unwrap_err().to_string().contains("would be read as 0 us"));
    let bytes = write(
        "dat",
        sensor(),
        &[(1, 2, 3, 1), (0xC000_0000, 0, 0, 0), (0x1_0000_0001, 319, 239, 0)],
    )
    .unwrap();
    let header = b"% Data file containing CD events\n% Version 2\n% Width 320\n% Height 240\n\x0C\x08";
    let records = b"\x01\0\0\0\x02\xC0\x00\x10\0\0\0\xC0\0\0\0\0\x01\0\0\0\x3F\xC1\x3B\0";
    assert_eq!(bytes, [header.as_slice(), records].concat());
    // Only a recording that begins late counts from its start.
    let start = 1_589_163_147_368_868;
    let bytes = write("dat", Meta::default(), &[(start, 0, 0, 0), (start + 7, 0, 0, 0)]).unwrap();
    assert!(
        bytes.windows(20).any(|window| window == b"% T0 158916314736886"),
        "{bytes:?}"
    );
    refused("dat", sensor(), &[(-1, 0, 0, 0)], "from 0");
    refused(
        "dat",
        sensor(),
        &[(0xFFFF_FFFF, 0, 0, 0), (1 << 32, 0, 0, 0), (0xFFFF_FFFE, 0, 0, 0)],
        "read as",
    );
    refused(
        "dat",
        Meta::default(),
        &[(0, 16_384, 0, 0)],
        "no pixel (16384, 0)",
    );
    refused(
        "dat",
        Meta::with_geometry(16_385, 10).unwrap(),
        &[],
        "16384 x 16384",
    );
}

#[test]
fn es() {
    let bytes = write(
        "es",
        sensor(),
        &[(126, 0, 0, 1), (126 + 127, 319, 239, 0), (507, 1, 2, 1)],
    )
    .unwrap();
    let header = b"Event Stream\x02\0\0\x01\x40\x01\xF0\0";
    let events = b"\xFD\0\0\xEF\0\xFF\x00\x3F\x01\0\0\xFF\xFF\x01\x01\0\xED\0";
    assert_eq!(bytes, [header.as_slice(), events].concat());
    let bytes = write(
        "es events=atis",
        sensor(),
        &[(62, 0, 0, 1), (62 + 63 * 4 + 5, 319, 239, 0)],
    )
    .unwrap();
    let header = b"Event Stream\x02\0\0\x02\x40\x01\xF0\0";
    let events = b"\xFA\0\0\xEF\0\xFF\xFD\x14\x3F\x01\0\0";
    assert_eq!(bytes, [header.as_slice(), events].concat());
    // Rows that count upwards already are written as they are.
    let upwards = Meta {
        origin: Origin::BottomLeft,
        ..sensor()
    };
    assert_eq!(
        write("es", upwards, &[(0, 5, 6, 0)]).unwrap()[20..],
        [0, 5, 0, 6, 0]
    );
    refused("es", Meta::default(), &[], "sensor's size");
    refused("es", sensor(), &[(5, 0, 0, 0), (4, 0, 0, 0)], "cannot go back");
    refused("es", sensor(), &[(-5, 0, 0, 0)], "cannot go back");
    refused(
        "es",
        sensor(),
        &[(0, 0, 0, 0), (MINUTES_72, 0, 0, 0)],
        "more than 2^32 us",
    );
}

#[test]
fn atis_bin() {
    let bytes = write(
        "atis_bin",
        Meta::default(),
        &[
            (0x12_3456, 7, 8, 1),
            (0x7F_FFFF, 255, 239, 0),
            (0x80_0000, 1, 2, 1),
        ],
    );
    let records = b"\x07\x08\x92\x34\x56\xFF\xEF\x7F\xFF\xFF\0\xF0\0\0\0\x01\x02\xFF\xE0\0";
    assert_eq!(bytes.unwrap(), records);
    refused(
        "atis_bin",
        Meta::default(),
        &[(0, 0, 240, 0)],
        "no pixel (0, 240)",
    );
    refused(
        "atis_bin",
        Meta::default(),
        &[(0, 256, 0, 0)],
        "no pixel (256, 0)",
    );
    refused(
        "atis_bin",
        Meta::default(),
        &[(9_000_000, 0, 0, 0), (0, 0, 0, 0)],
        "go back",
    );
    refused(
        "atis_bin",
        Meta::default(),
        &[(MINUTES_72, 0, 0, 0)],
        "cannot hold the time",
    );
}

/// The bytes behind the header, as words.
fn words<const N: usize>(bytes: &[u8]) -> Vec<[u8; N]> {
    let end = bytes.windows(6).position(|window| window == b"% end\n").unwrap() + 6;
    let (words, rest) = bytes[end..].as_chunks::<N>();
    assert!(rest.is_empty());
    words.to_vec()
}

#[test]
fn evt2() {
    let bytes = write(
        "evt2",
        sensor(),
        &[(130, 2, 3, 1), (129, 319, 239, 0), (64, 0, 0, 0)],
    )
    .unwrap();
    assert!(bytes.starts_with(b"% evt 2.0\n% format EVT2;height=240;width=320\n% geometry 320x240\n% end\n"));
    let words: Vec<u32> = words(&bytes).into_iter().map(u32::from_le_bytes).collect();
    assert_eq!(
        words,
        [0x8000_0002, 0x1080_1003, 0x0049_F8EF, 0x8000_0001, 0x0000_0000]
    );
    refused("evt2", sensor(), &[(-1, 0, 0, 0)], "from 0");
    refused("evt2", Meta::default(), &[(0, 2048, 0, 0)], "no pixel");
    refused(
        "evt2",
        sensor(),
        &[((1 << 34) - 1, 0, 0, 0), (0, 0, 0, 0)],
        "would be read as",
    );
}

/// The words of the specification's table: type, low bits of the time, column, row above; the mask below.
#[test]
fn evt21() {
    let mut events: Vec<_> = [64, 66, 95, 96, 70, 71].map(|x| (130, x, 3, 1)).into();
    events.extend([
        (130, 71, 3, 1),
        (130, 72, 3, 0),
        (130, 73, 4, 0),
        (131, 319, 239, 0),
    ]);
    let events = events.as_slice();
    for (format, endianness) in [
        ("evt21", "little"),
        ("evt21 endianness=little", "little"),
        ("evt21 endianness=legacy", "legacy"),
    ] {
        let bytes = write(format, sensor(), events).unwrap();
        let header = format!(
            "% evt 2.1\n% endianness {endianness}\n% format EVT21;endianness={endianness};height=240;width=320\n% geometry 320x240\n% end\n"
        );
        assert!(bytes.starts_with(header.as_bytes()));
        let halves: Vec<(u32, u32)> = words::<8>(&bytes)
            .into_iter()
            .map(|word| {
                let word = u64::from_le_bytes(word);
                let (low, high) = (word as u32, (word >> 32) as u32);
                if endianness == "legacy" {
                    (low, high)
                } else {
                    (high, low)
                }
            })
            .collect();
        let cd = |p: u32, low: u32, x: u32, y: u32| p << 28 | low << 22 | x << 11 | y;
        let wanted = [
            (0x8000_0002, 0),
            (cd(1, 2, 64, 3), 1 << 31 | 0b101),
            (cd(1, 2, 96, 3), 1),
            // Not in rising order, so another word; then the same pixel once more.
            (cd(1, 2, 64, 3), 0b1100_0000),
            (cd(1, 2, 64, 3), 0b1000_0000),
            (cd(0, 2, 64, 3), 1 << 8),
            (cd(0, 2, 64, 4), 1 << 9),
            (cd(0, 3, 288, 239), 1 << 31),
        ];
        assert_eq!(halves, wanted, "{format}");
        let batch = EventReader::from_bytes(bytes, Some("raw"), &ReadOptions::default())
            .unwrap()
            .read_all()
            .unwrap();
        let found: Vec<_> = batch.columns().iter().map(|e| (e.t, e.x, e.y, e.p)).collect();
        assert_eq!(found, events, "{format}");
    }
    refused("evt21", sensor(), &[(-1, 0, 0, 0)], "from 0");
    refused("evt21", Meta::default(), &[(0, 2048, 0, 0)], "no pixel");
}

#[test]
fn evt3() {
    let row = |t, columns: &[u16]| columns.iter().map(|&x| (t, x, 5, 1)).collect::<Vec<_>>();
    let mut events = row(0x1_2345, &[10, 11, 12, 40]);
    events.extend(row(0x1_2346, &[10, 22, 33, 34, 41, 42, 41]));
    let bytes = write("evt3", sensor(), &events).unwrap();
    assert!(bytes.starts_with(b"% evt 3.0\n% format EVT3;height=240;width=320\n% geometry 320x240\n% end\n"));
    let words: Vec<u16> = words(&bytes).into_iter().map(u16::from_le_bytes).collect();
    // Four are cheaper one by one; then five in a vector and one that is beyond it; then a step back.
    let single = [0x8012, 0x6345, 0x0005, 0x280A, 0x280B, 0x280C, 0x2828];
    let vector = [0x6346, 0x380A, 0x4001, 0x4801, 0x5081, 0x282A, 0x2829];
    assert_eq!(words, [single.as_slice(), &vector].concat());
    refused("evt3", sensor(), &[(-1, 0, 0, 0)], "from 0");
    refused("evt3", Meta::default(), &[(0, 0, 2048, 0)], "no pixel");
    refused(
        "evt3",
        sensor(),
        &[(9_000_000, 0, 0, 0), (0, 0, 0, 0)],
        "would be read as",
    );
}

/// Pauses longer than the counters, and times that begin late, come back.
#[test]
fn long_pauses() {
    let times = [
        0,
        1,
        8_388_607,
        8_388_608,
        16_777_216,
        40_000_000,
        40_000_000 + (1 << 34),
        (1 << 35) + 1,
        1 << 36,
    ];
    for format in ["evt2", "evt21", "evt3"] {
        for start in [0, 5, 16_777_215, 16_777_216, 913_716_224, (1 << 34) - 1, 1 << 34] {
            let events: Vec<_> = times.iter().map(|&t| (start + t, 1, 2, 1)).collect();
            let bytes = write(format, sensor(), &events).unwrap();
            let batch = EventReader::from_bytes(bytes, Some("raw"), &ReadOptions::default())
                .unwrap()
                .read_all()
                .unwrap();
            let wanted: Vec<i64> = events.iter().map(|event| event.0).collect();
            assert_eq!(batch.columns().t, wanted, "{format} from {start}");
        }
    }
    let start = 1_589_163_147_368_868;
    let bytes = write("evt2", sensor(), &[(start, 0, 0, 0), (start + 5, 0, 0, 0)]).unwrap();
    let batch = EventReader::from_bytes(bytes, Some("raw"), &ReadOptions::default())
        .unwrap()
        .read_all()
        .unwrap();
    assert_eq!(batch.columns().t, [start, start + 5]);
    refused("evt3", sensor(), &[(start, 0, 0, 0)], "2^40");
}

/// Units, origins and facts, the same for all of them.
#[test]
fn what_they_share() {
    for format in FORMATS
        .iter()
        .filter(|f| matches!(f.id(), "dat" | "es" | "evt2" | "evt21" | "evt3" | "atis_bin"))
    {
        let id = format.id();
        let meta = |time_unit| Meta {
            time_unit,
            ..Meta::with_geometry(200, 100).unwrap()
        };
        let read = |bytes| {
            let options = ReadOptions {
                format: Some(id.to_owned()),
                ..ReadOptions::default()
            };
            EventReader::from_bytes(bytes, None, &options)
                .unwrap()
                .read_all()
                .unwrap()
        };
        let bytes = write(id, meta(TimeUnit::Millis), &[(3, 1, 2, 0)]).unwrap();
        assert_eq!(read(bytes).columns().t, [3_000], "{id}");
        let bytes = write(id, meta(TimeUnit::Nanos), &[(3_000, 1, 2, 0)]).unwrap();
        assert_eq!(read(bytes).columns().t, [3], "{id}");
        refused(id, meta(TimeUnit::Nanos), &[(3_001, 1, 2, 0)], "whole number");
        let upwards = Meta {
            origin: Origin::BottomLeft,
            ..meta(TimeUnit::Micros)
        };
        assert_eq!(
            read(write(id, upwards, &[(3, 1, 2, 0)]).unwrap()).columns().y,
            [97],
            "{id}"
        );
        if id != "es" {
            let unknown = Meta {
                origin: Origin::BottomLeft,
                ..Meta::default()
            };
            refused(id, unknown, &[], "height is not known");
        }
    }
}
