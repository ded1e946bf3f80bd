//! The digests on which independent decoders agree hold for every DAT, EVT 2.1, ES and ATIS recording, through both
//! doors and however the output is cut; and what was read is written and read again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use parallax_events::{FindingKind, Geometry, Meta, Origin, Report};
use parallax_formats::{EventReader, PushReader, ReadOptions, WriteOptions, create};
use parallax_testkit::{Digest, Digester, Golden, oracle, recording};

const CHUNKS: [usize; 3] = [1, 1000, 1 << 20];

#[test]
fn dat_with_a_size() {
    let Some((meta, report)) = held("faery/gen4.dat", "dat") else {
        return;
    };
    assert_eq!(
        meta.geometry,
        Some(Geometry {
            width: 1280,
            height: 720
        })
    );
    assert_eq!(
        meta.extra.get("date").map(String::as_str),
        Some("2023-10-19 15:36:14")
    );
    assert!(report.is_clean(), "{report:?}");
}

/// Its header has a line of free text, and no size.
#[test]
fn dat_without_a_size() {
    let Some((meta, report)) = held("tonic/sample_ncars.dat", "dat") else {
        return;
    };
    assert_eq!(meta.geometry, None);
    assert!(report.is_clean(), "{report:?}");
}

/// Reads a recording in every way and compares each with the digest, the facts and the report of the first. `None` if the
/// recording is not here.
fn held(id: &str, format: &str) -> Option<(Meta, Report)> {
    let golden = golden(id)?;
    let path = recording(id, id)?;
    let mut first: Option<(Meta, Report)> = None;
    for chunk in CHUNKS {
        for (way, read) in ways() {
            let (digest, meta, report) = read(&path, format, chunk);
            let differences = golden.check(&digest);
            assert_eq!(differences, Ok(()), "{id}, {way}, in batches of {chunk}");
            match &first {
                None => first = Some((meta, report)),
                Some(first) => assert_eq!(*first, (meta, report), "{id}, {way}, in batches of {chunk}"),
            }
        }
    }
    first
}

fn golden(id: &str) -> Option<Golden> {
    let found = oracle().unwrap().into_iter().find(|golden| golden.id == id);
    if found.is_none() {
        parallax_testkit::recordings::skip(id, &format!("{id} is not among the public recordings"));
    }
    found
}

type Read = fn(&Path, &str, usize) -> (Digest, Meta, Report);

fn ways() -> [(&'static str, Read); 4] {
    [
        ("mapped", |path, format, chunk| {
            read_file(path, format, chunk, true)
        }),
        ("read", |path, format, chunk| {
            read_file(path, format, chunk, false)
        }),
        ("pushed in small pieces", |path, format, chunk| {
            push(path, format, chunk, 4_093)
        }),
        ("pushed in large pieces", |path, format, chunk| {
            push(path, format, chunk, 65_537)
        }),
    ]
}

fn read_file(path: &Path, format: &str, chunk: usize, mmap: bool) -> (Digest, Meta, Report) {
    let options = ReadOptions {
        chunk,
        mmap,
        ..ReadOptions::default()
    };
    let mut reader = EventReader::open(path, &options).unwrap();
    assert_eq!(
        reader.format().id(),
        format,
        "{} is recognised as {:?}",
        path.display(),
        reader.evidence()
    );
    let mut digester = Digester::default();
    while let Some(columns) = reader.next_columns().unwrap() {
        assert!(columns.len() <= chunk);
        digester.push(columns);
    }
    (
        digester.finish(),
        reader.meta().as_ref().clone(),
        reader.report().clone(),
    )
}

fn push(path: &Path, format: &str, chunk: usize, piece: usize) -> (Digest, Meta, Report) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let mut reader = PushReader::new(
        extension,
        &ReadOptions {
            chunk,
            ..ReadOptions::default()
        },
    );
    let mut digester = Digester::default();
    for piece in std::fs::read(path).unwrap().chunks(piece) {
        reader.push(piece).unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            digester.push(batch.columns());
        }
    }
    reader.finish().unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        digester.push(batch.columns());
    }
    let reader = reader.reader().unwrap();
    assert_eq!(reader.format().id(), format);
    (
        digester.finish(),
        reader.meta().as_ref().clone(),
        reader.report().clone(),
    )
}
