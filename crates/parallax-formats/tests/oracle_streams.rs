//! What the stream decoders say about real recordings besides the events: facts and reports, the same for pieces of
//! every size. The events themselves are in `oracle.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_events::{FindingKind, Geometry};
use parallax_formats::{EventReader, PushReader, ReadOptions};
use parallax_testkit::{Digester, recording};

/// Reads a recording whole, and in pieces and batches of many sizes: all must agree.
fn read(id: &str, test: &str, combinations: &[(usize, usize)]) -> Option<EventReader> {
    let path = recording(id, test)?;
    let mut whole = EventReader::open(&path, &ReadOptions::default()).unwrap();
    let digest = parallax_testkit::digest(whole.read_all().unwrap().columns());
    let bytes = std::fs::read(&path).unwrap();
    for &(piece, chunk) in combinations {
        let options = ReadOptions {
            chunk,
            ..ReadOptions::default()
        };
        let mut reader = PushReader::new(path.extension().and_then(|e| e.to_str()), &options);
        let mut digester = Digester::default();
        for piece in bytes.chunks(piece).map(Some).chain([None]) {
            match piece {
                Some(piece) => reader.push(piece).unwrap(),
                None => reader.finish().unwrap(),
            }
            while let Some(batch) = reader.next_batch().unwrap() {
                digester.push(batch.columns());
            }
        }
        let reader = reader.reader().unwrap();
        assert_eq!(
            digester.finish(),
            digest,
            "{id}, pieces of {piece}, batches of {chunk}"
        );
        assert_eq!(
            reader.report(),
            whole.report(),
            "{id}, pieces of {piece}, batches of {chunk}"
        );
        assert_eq!(reader.meta(), whole.meta());
    }
    Some(whole)
}

const FINE: &[(usize, usize)] = &[(1, 1000), (7, 1), (7, 1 << 20), (4096, 1), (64 << 10, 1000)];
const COARSE: &[(usize, usize)] = &[(4096, 1000), (65_537, 1)];

#[test]
fn evt3_dense() {
    let Some(reader) = read("expelliarmus/evt3_sample.raw", "evt3_dense", FINE) else {
        return;
    };
    assert_eq!(reader.format().id(), "evt3");
    // No geometry line: from system_ID 48, which is said.
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(reader.report().count(FindingKind::Assumed), 1);
}

#[test]
fn evt3_ordinary() {
    let Some(reader) = read("faery/evt3.raw", "evt3_ordinary", COARSE) else {
        return;
    };
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(reader.meta().sensor.as_deref(), Some("hal_plugin_imx636_evk4"));
    // By type, counted over the words of the file by another program: 134,599 of 0xE, 107,680 of 0x7, 215,360 of 0xF.
    assert_eq!(
        reader.report().count(FindingKind::OtherData),
        134_599 + 107_680 + 215_360
    );
}

#[test]
fn evt3_with_triggers() {
    let Some(reader) = read("ros/test_events_1.evt3.raw", "evt3_with_triggers", COARSE) else {
        return;
    };
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 640,
            height: 480
        })
    );
    let triggers = reader
        .report()
        .findings()
        .iter()
        .find(|f| f.detail.contains("trigger"))
        .unwrap();
    // As above: words of type 0xA. None of them lies before the first TIME_HIGH.
    assert_eq!(triggers.count, 4157);
}

#[test]
fn evt2() {
    let Some(reader) = read("faery/evt2.raw", "evt2", FINE) else {
        return;
    };
    assert_eq!(reader.format().id(), "evt2");
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 640,
            height: 480
        })
    );
}

#[test]
fn csv_with_a_header() {
    let Some(reader) = read("faery/dvs.csv", "csv_with_a_header", FINE) else {
        return;
    };
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 320,
            height: 240
        })
    );
}

#[test]
fn rpg_text() {
    let Some(reader) = read("rpg/slider_depth_events.txt", "rpg_text", COARSE) else {
        return;
    };
    assert_eq!(reader.format().id(), "rpg");
    assert!(reader.report().is_clean(), "{:?}", reader.report());
}
