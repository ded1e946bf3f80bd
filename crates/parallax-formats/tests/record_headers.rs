//! Headers of DAT and ES by hand: dialects, what is assumed, what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_events::{Error, ErrorKind, Event, FindingKind, Geometry, SharedPool};
use parallax_formats::{EventReader, ReadOptions};

/// The events and how often something was assumed.
fn read(parts: &[&[u8]], format: Option<&str>, extension: Option<&str>) -> Result<(Vec<Event>, u64), Error> {
    let options = ReadOptions {
        format: format.map(str::to_owned),
        ..ReadOptions::default()
    };
    let mut reader = EventReader::from_bytes(parts.concat(), extension, &options)?;
    let events = reader.read_all()?.to_events();
    assert!(reader.report().first_fault().is_none(), "{:?}", reader.report());
    Ok((events, reader.report().count(FindingKind::Assumed)))
}

/// x 303, y 239, ON at 7 us: 9, 8 and 1 bits of version 1; 14, 14 and 4 bits of version 2.
const ONE: &[u8] = b"\x07\0\0\0\x2F\xDF\x03\0";
const TWO: &[u8] = b"\x07\0\0\0\x2F\xC1\x3B\x10";
const CD: &[u8] = b"\x0C\x08";

fn event(t: i64) -> Vec<Event> {
    vec![Event::new(t, 303, 239, 1)]
}

#[test]
fn dat_versions() {
    let dat = |parts: &[&[u8]]| read(parts, None, Some("dat")).unwrap();
    assert_eq!(dat(&[b"% Version 2\n", CD, TWO]), (event(7), 0));
    assert_eq!(dat(&[b"% Version 2\n", b"\0\x08", TWO]), (event(7), 0));
    assert_eq!(dat(&[b"% Version 1\n", CD, ONE]), (event(7), 0));
    // Without the two bytes behind the header; without a version; without anything.
    assert_eq!(dat(&[b"% Version 1\n", ONE]), (event(7), 1));
    assert_eq!(dat(&[b"% Data file of long ago\n", CD, ONE]), (event(7), 1));
    assert_eq!(read(&[ONE], Some("dat"), None).unwrap(), (event(7), 1));
    assert_eq!(read(&[TWO], Some("dat version=2"), None).unwrap(), (event(7), 0));
    assert_eq!(
        read(&[b"% Version 9\n", CD, TWO], Some("dat version=2"), None).unwrap(),
        (event(7), 0)
    );
    let error = read(&[b"% Version 9\n", CD, TWO], None, Some("dat")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // Times that count from a start.
    assert_eq!(
        dat(&[b"% Version 2\n% T0 5000000000\n", CD, TWO]),
        (event(5_000_000_007), 0)
    );
    assert!(read(&[b"% Version 2\n% T0 soon\n", CD, TWO], None, None).is_err());
}

/// Times that wrap once in a part, at its border, or more often than a survey that reads the ends alone can know.
#[test]
fn dat_wraps_in_parts() {
    const TOP: u32 = u32::MAX;
    let rising = |from: u32| (0..40).map(move |i| from.wrapping_add(i * 100_000_000));
    let jumps = |count: u32| (0..count).flat_map(|_| [TOP, 1]);
    for (what, stored) in [
        ("one", rising(TOP - 1_000_000_000).collect::<Vec<u32>>()),
        (
            "two in all",
            rising(0).chain(rising(7)).chain(rising(0)).collect(),
        ),
        (
            "many in a part",
            rising(0).chain(jumps(20)).chain(rising(5)).collect(),
        ),
        ("at every border", jumps(40).collect()),
        ("at the end", rising(0).chain(jumps(3)).collect()),
    ] {
        let records = stored
            .iter()
            .flat_map(|t| [t.to_le_bytes(), [0x2F, 0xC1, 0x3B, 0x10]].concat());
        let bytes = [b"% Version 2\n".as_slice(), CD, &records.collect::<Vec<u8>>()].concat();
        let mut base = 0_i64;
        let mut last = 0;
        let wanted: Vec<i64> = stored
            .iter()
            .map(|&t| {
                if last > t && last - t > 1 << 31 {
                    base += 1 << 32;
                }
                last = t;
                base + i64::from(t)
            })
            .collect();
        for (threads, part) in [(1, 1 << 20), (2, 8), (2, 24), (3, 64), (2, 320)] {
            let options = ReadOptions {
                pool: SharedPool::new(threads).unwrap(),
                part,
                ..ReadOptions::default()
            };
            let mut reader = EventReader::from_bytes(bytes.clone(), None, &options).unwrap();
            let batch = reader.read_all().unwrap();
            assert_eq!(
                batch.columns().t,
                wanted,
                "{what}, {threads} threads, parts of {part}"
            );
        }
    }
}

#[test]
fn dat_sizes() {
    let bytes = [b"% Version 2\n% Height 100\n% Width 400\n".as_slice(), CD, TWO].concat();
    let mut reader = EventReader::from_bytes(bytes, None, &ReadOptions::default()).unwrap();
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 400,
            height: 100
        })
    );
    // The event lies outside.
    assert_eq!(reader.read_all().unwrap().len(), 0);
    assert_eq!(reader.report().count(FindingKind::OutsideGeometry), 1);
}

#[test]
fn dat_of_other_things() {
    for (behind, words, at) in [
        (b"\x0E\x08", "external triggers", 12),
        (b"\x28\x1C", "optical flow", 12),
        (b"\x77\x08", "type 0x77", 12),
        (b"\x0C\x10", "events of 16 bytes", 12),
    ] {
        let error = read(&[b"% Version 2\n", behind, TWO], None, Some("dat")).unwrap_err();
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.offset(), Some(at), "{error}");
    }
    let error = read(&[b"% Version 2\n\x0C"], None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    let error = read(&[b"% evt 3.0\n", CD, TWO], Some("dat"), None).unwrap_err();
    assert!(error.message().contains("not DAT"), "{error}");
}

#[test]
fn es_headers() {
    let es = |version: u8, kind: u8, size: &[u8]| {
        read(
            &[b"Event Stream", &[version, 0, 0, kind], size, b"\x03\x02\0\x01\0"],
            None,
            None,
        )
    };
    assert_eq!(es(2, 1, b"\x0A\0\x04\0").unwrap().0, [Event::new(1, 2, 2, 1)]);
    for (kind, words) in [(0, "generic"), (3, "AMD"), (4, "colour"), (9, "unknown type 9")] {
        let error = es(2, kind, b"\x0A\0\x04\0").unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (ErrorKind::Unsupported, Some(15)),
            "{error}"
        );
        assert!(error.message().contains(words), "{error}");
    }
    assert_eq!(es(1, 1, b"\x0A\0\x04\0").unwrap_err().offset(), Some(12));
    assert_eq!(es(2, 1, b"\0\0\x04\0").unwrap_err().offset(), Some(16));
    let error = read(&[b"Event Stream\x02\0"], None, None).unwrap_err();
    assert!(error.message().contains("inside its header"), "{error}");
}
