//! The stream decoders against independent ones: the digests of `oracle.json`, for every way to cut input and output.
//!
//! Needs the recordings; without `PARALLAX_RECORDINGS` every test says that it is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::path::PathBuf;

use parallax_events::{DvsColumns, FindingKind, Geometry};
use parallax_formats::{EventReader, PushReader, ReadOptions};
use sha2::{Digest, Sha256};

/// The digest that the oracle gives for a recording, and its path. `None` if there are no recordings.
fn recording(name: &str) -> Option<(PathBuf, u64, String)> {
    let Some(folder) = std::env::var_os("PARALLAX_RECORDINGS").map(PathBuf::from) else {
        eprintln!("skipped: {name}: PARALLAX_RECORDINGS is not set");
        return None;
    };
    let oracle = std::fs::read(folder.join("oracle.json")).unwrap();
    let oracle: serde_json::Value = serde_json::from_slice(&oracle).unwrap();
    let entry = &oracle[name];
    let digest = entry["sha256_txyp_i8"]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is not in the oracle"));
    Some((folder.join(name), entry["n"].as_u64().unwrap(), digest.to_owned()))
}

/// SHA-256 of the N x 4 matrix of little-endian 64-bit integers t, x, y, p.
#[derive(Default)]
struct Matrix(Sha256, u64);

impl Matrix {
    fn add(&mut self, columns: DvsColumns<'_>) {
        let mut rows = Vec::with_capacity(columns.len() * 32);
        for event in columns.iter() {
            for value in [event.t, event.x.into(), event.y.into(), event.p.into()] {
                rows.extend_from_slice(&value.to_le_bytes());
            }
        }
        self.0.update(&rows);
        self.1 += columns.len() as u64;
    }

    fn finish(self) -> (u64, String) {
        (
            self.1,
            self.0
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

fn with_chunk(chunk: usize) -> ReadOptions {
    ReadOptions {
        chunk,
        ..ReadOptions::default()
    }
}

/// Through the file door, for every batch size.
fn file_door(name: &str) -> Option<EventReader> {
    let (path, count, digest) = recording(name)?;
    let mut last = None;
    for (chunk, mmap) in [(1, true), (1000, true), (1 << 20, true), (1 << 20, false)] {
        let mut reader = EventReader::open(
            &path,
            &ReadOptions {
                mmap,
                ..with_chunk(chunk)
            },
        )
        .unwrap();
        let mut matrix = Matrix::default();
        while let Some(columns) = reader.next_columns().unwrap() {
            assert!(columns.len() <= chunk);
            matrix.add(columns);
        }
        assert_eq!(
            matrix.finish(),
            (count, digest.clone()),
            "{name}, chunk {chunk}, mmap {mmap}"
        );
        if let Some(last) = &last {
            let last: &EventReader = last;
            assert_eq!(reader.report(), last.report(), "{name}, chunk {chunk}");
            assert_eq!(reader.meta(), last.meta());
        }
        last = Some(reader);
    }
    last
}

/// Through the push door: pieces of every size, batches of every size.
fn push_door(name: &str, expected: &EventReader, combinations: &[(usize, usize)]) {
    let (path, count, digest) = recording(name).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for &(piece, chunk) in combinations {
        let mut reader = PushReader::new(path.extension().and_then(|e| e.to_str()), &with_chunk(chunk));
        let mut matrix = Matrix::default();
        for piece in bytes.chunks(piece) {
            reader.push(piece).unwrap();
            while let Some(batch) = reader.next_batch().unwrap() {
                matrix.add(batch.columns());
            }
        }
        reader.finish().unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            matrix.add(batch.columns());
        }
        assert_eq!(
            matrix.finish(),
            (count, digest.clone()),
            "{name}, pieces of {piece}, chunk {chunk}"
        );
        let reader = reader.reader().unwrap();
        assert_eq!(
            reader.report(),
            expected.report(),
            "{name}, pieces of {piece}, chunk {chunk}"
        );
        assert_eq!(reader.meta(), expected.meta());
    }
}

const COARSE: &[(usize, usize)] = &[(4096, 1000), (64 << 10, 1 << 20), (65_537, 1)];
const FINE: &[(usize, usize)] = &[(1, 1000), (7, 1), (7, 1 << 20), (4096, 1), (64 << 10, 1000)];

#[test]
fn evt3_dense() {
    let name = "expelliarmus/evt3_sample.raw";
    let Some(reader) = file_door(name) else { return };
    assert_eq!(reader.format().id(), "evt3");
    // No geometry line: from system_ID 48.
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(reader.report().count(FindingKind::Assumed), 1);
    push_door(name, &reader, COARSE);
    push_door(name, &reader, FINE);
}

#[test]
fn evt3_ordinary() {
    let name = "faery/evt3.raw";
    let Some(reader) = file_door(name) else { return };
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(reader.meta().sensor.as_deref(), Some("hal_plugin_imx636_evk4"));
    push_door(name, &reader, COARSE);
}

#[test]
fn evt3_with_triggers() {
    let name = "ros/test_events_1.evt3.raw";
    let Some(reader) = file_door(name) else { return };
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
    // As counted by type over the words of the file.
    assert_eq!(triggers.count, 4157);
    push_door(name, &reader, COARSE);
}

#[test]
fn evt2() {
    let name = "faery/evt2.raw";
    let Some(reader) = file_door(name) else { return };
    assert_eq!(reader.format().id(), "evt2");
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 640,
            height: 480
        })
    );
    push_door(name, &reader, COARSE);
    push_door(name, &reader, FINE);
}

#[test]
fn csv_with_header() {
    let name = "faery/dvs.csv";
    let Some(reader) = file_door(name) else { return };
    assert_eq!(reader.format().id(), "csv");
    assert_eq!(
        reader.meta().geometry,
        Some(Geometry {
            width: 320,
            height: 240
        })
    );
    push_door(name, &reader, COARSE);
    push_door(name, &reader, FINE);
}

#[test]
fn rpg_text() {
    let name = "rpg/slider_depth_events.txt";
    let Some(reader) = file_door(name) else { return };
    assert_eq!(reader.format().id(), "rpg");
    assert!(reader.report().is_clean());
    push_door(name, &reader, COARSE);
}
