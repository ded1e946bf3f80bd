//! The digests on which independent decoders agree hold for every recording of a format that has a row, through both
//! doors and however the output is cut.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use parallax_events::{FindingKind, Meta, TimeUnit};
use parallax_formats::{EventReader, PushReader, ReadOptions, format};
use parallax_testkit::{Digest, Digester, Golden, oracle, recording};

/// The row that must recognise the files of the format that the oracle calls `word`, if there is one.
fn row(word: &str) -> Option<&'static str> {
    let id = if word == "text" { "rpg" } else { word };
    format(id).ok().map(|format| format.id())
}

const CHUNKS: [usize; 3] = [1, 1000, 1 << 20];

#[test]
fn files_mapped() {
    hold("files_mapped", |path, chunk| read_file(path, chunk, true));
}

#[test]
fn files_read() {
    hold("files_read", |path, chunk| read_file(path, chunk, false));
}

#[test]
fn pushed_in_pieces() {
    hold("pushed_in_pieces", |path, chunk| {
        // Neither divides a word, a line or a page; the second is not even near one.
        let piece = if chunk == 1000 { 4_093 } else { 65_537 };
        let mut reader = PushReader::new(extension(path), &options(chunk));
        let mut file = File::open(path).unwrap();
        let mut bytes = vec![0; piece];
        let mut digester = Digester::default();
        loop {
            let got = file.read(&mut bytes).unwrap();
            if got == 0 {
                reader.finish().unwrap();
            } else {
                reader.push(&bytes[..got]).unwrap();
            }
            while let Some(batch) = reader.next_batch().unwrap() {
                assert!(batch.len() <= chunk);
                digester.push(batch.columns());
            }
            if got == 0 {
                return (
                    digester.finish(),
                    reader.reader().unwrap().meta().as_ref().clone(),
                );
            }
        }
    });
}

#[test]
fn whole_recordings_at_once() {
    hold("whole_recordings_at_once", |path, chunk| {
        let mut reader = EventReader::open(path, &options(chunk)).unwrap();
        let batch = reader.read_all().unwrap();
        (
            parallax_testkit::digest(batch.columns()),
            batch.meta().as_ref().clone(),
        )
    });
}

/// In one recording `TIME_LOW` steps back without a `TIME_HIGH`, nine times; first from 811 to 800, before event 20,121
/// (counted over the words of the file by another program). The last value is taken, as four of five decoders do; one
/// clamps, one adds 4096 us each time. No event was stamped 811, so the events themselves never step back.
#[test]
fn a_time_word_that_steps_back_is_taken() {
    let name = "a_time_word_that_steps_back_is_taken";
    let id = "expelliarmus/evt3_sample.raw";
    if oracle().unwrap().iter().all(|golden| golden.id != id) {
        parallax_testkit::recordings::skip(name, &format!("{id} is not among the public recordings"));
        return;
    }
    let Some(path) = recording(id, name) else {
        return;
    };
    let mut reader = EventReader::open(path, &ReadOptions::default()).unwrap();
    let batch = reader.read_all().unwrap();
    let t = batch.columns().t;
    // The high part is 2861 of 4096 us.
    assert_eq!(t[20_121], 2861 * 4096 + 800);
    assert!(t.is_sorted());
    assert_eq!(reader.report().count(FindingKind::TimeBack), 0);
    assert_eq!(reader.report().count(FindingKind::ClockBack), 9);
}

/// Reads every recording of our formats in every chunk size and compares; all differences are told at once.
fn hold(test: &str, read: impl Fn(&Path, usize) -> (Digest, Meta)) {
    let mut wrong = Vec::new();
    let mut held = 0;
    for golden in ours() {
        let Some(path) = recording(&golden.id, test) else {
            continue;
        };
        for chunk in CHUNKS {
            let start = std::time::Instant::now();
            let (digest, meta) = read(&path, chunk);
            assert_eq!(meta.time_unit, TimeUnit::Micros, "{}", golden.id);
            if let Err(differences) = golden.check(&digest) {
                wrong.push(format!("{} in batches of {chunk}: {differences}", golden.id));
            }
            held += 1;
            println!(
                "{test}, {} in batches of {chunk}: {:.3} s",
                golden.id,
                start.elapsed().as_secs_f64()
            );
        }
    }
    println!("{test}: {held} digests compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The recordings of formats that there is a row for. These have to be among them.
fn ours() -> Vec<Golden> {
    let ours: Vec<Golden> = oracle()
        .unwrap()
        .into_iter()
        .filter(|golden| row(&golden.format).is_some())
        .collect();
    for word in ["evt2", "evt3", "text", "csv"] {
        assert!(ours.iter().any(|golden| golden.format == word), "no {word}");
    }
    ours
}

fn read_file(path: &Path, chunk: usize, mmap: bool) -> (Digest, Meta) {
    let options = ReadOptions {
        mmap,
        ..options(chunk)
    };
    let mut reader = EventReader::open(path, &options).unwrap();
    let ours = ours();
    let golden = ours.iter().find(|golden| path.ends_with(&golden.id)).unwrap();
    assert_eq!(
        Some(reader.format().id()),
        row(&golden.format),
        "{} is recognised as {:?}",
        golden.id,
        reader.evidence()
    );
    let mut digester = Digester::default();
    while let Some(columns) = reader.next_columns().unwrap() {
        assert!(columns.len() <= chunk);
        digester.push(columns);
    }
    (digester.finish(), reader.meta().as_ref().clone())
}

fn options(chunk: usize) -> ReadOptions {
    ReadOptions {
        chunk,
        ..ReadOptions::default()
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}
