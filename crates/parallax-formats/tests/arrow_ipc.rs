//! Arrow IPC, file and stream form, judged by the Arrow library, by pyarrow and Polars.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, UInt8Array, types::Int8Type};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::FileWriter;
use parallax_events::{ErrorKind, Event, EventBatch, Limits, Params};
use parallax_formats::{Open, ReadOptions, SeekInput, format};
use parallax_memory::Bytes;

use tables::{cut, events, meta, python, read, write};

const FORMS: [&str; 2] = ["arrow", "arrow_stream"];

/// A record batch and a bit.
const COUNT: usize = (1 << 20) + 3;

/// The events that the Arrow library finds in a file of ours, and the sizes of its record batches.
fn by_the_library(form: &str, file: &[u8]) -> (Vec<Event>, Vec<usize>) {
    let tables: Vec<RecordBatch> = match form {
        "arrow" => FileReader::try_new(std::io::Cursor::new(file), None)
            .unwrap()
            .map(Result::unwrap)
            .collect(),
        _ => StreamReader::try_new(file, None)
            .unwrap()
            .map(Result::unwrap)
            .collect(),
    };
    let events = tables
        .iter()
        .flat_map(|table| EventBatch::from_record_batch(table).unwrap().to_events())
        .collect();
    (events, tables.iter().map(RecordBatch::num_rows).collect())
}

#[test]
fn what_is_written_is_read() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    for form in FORMS {
        let plain = write(form, &meta, std::slice::from_ref(&batch)).unwrap();
        let (found, sizes) = by_the_library(form, &plain);
        assert!(found == batch.to_events(), "{form}");
        assert_eq!(sizes, [1 << 20, 3]);
        assert_eq!(
            read(plain.clone(), &ReadOptions::default()).unwrap(),
            batch,
            "{form}"
        );
        for compression in ["lz4", "zstd"] {
            let small = write(
                &format!("{form} compression={compression}"),
                &meta,
                std::slice::from_ref(&batch),
            )
            .unwrap();
            assert!(small.len() < plain.len());
            assert!(
                read(small, &ReadOptions::default()).unwrap() == batch,
                "{form} {compression}"
            );
        }
        let nothing = write(form, &meta, &[]).unwrap();
        assert_eq!(
            read(nothing, &ReadOptions::default()).unwrap(),
            EventBatch::empty(Arc::new(meta.clone()))
        );
    }
}

#[test]
fn the_same_stream_is_the_same_file_however_it_is_cut() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    for form in FORMS {
        let whole = write(form, &meta, std::slice::from_ref(&batch)).unwrap();
        for sizes in [&[999][..], &[1 << 20], &[1, 70_000, 500_000]] {
            assert!(
                write(form, &meta, &cut(&batch, sizes)).unwrap() == whole,
                "{form} cut into {sizes:?}"
            );
        }
    }
}

#[test]
fn bytes_in_memory_are_shared_and_files_are_the_same() {
    let meta = meta();
    let batch = events(100_000, &meta);
    for form in FORMS {
        let file = Bytes::from(write(form, &meta, std::slice::from_ref(&batch)).unwrap());
        let row = format(form).unwrap();
        let params = Params::of(row.declaration).build().unwrap();
        let Open::Seekable(open) = row.open else {
            panic!("{form} is a table")
        };

        let mut source = open(SeekInput::Bytes(file.clone()), &params, &ReadOptions::default()).unwrap();
        let first = source.next_batch().unwrap().unwrap();
        let addresses = file.as_ptr_range();
        // A vector starts at a multiple of 16, and the columns at multiples of 64 in the file.
        for buffer in first.buffers() {
            assert!(
                addresses.contains(&buffer.as_ptr()),
                "{form}: a column was copied"
            );
        }
        drop((source, file.clone()));
        assert_eq!(
            first.columns(),
            batch.slice(..first.len()).columns(),
            "the memory lives as long as the batch"
        );

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), &file[..]).unwrap();
        let disk = std::fs::File::open(folder.path().join("a")).unwrap();
        let mut source = open(SeekInput::File(disk), &params, &ReadOptions::default()).unwrap();
        let mut parts = Vec::new();
        while let Some(part) = source.next_batch().unwrap() {
            parts.push(part);
        }
        assert!(EventBatch::concat(&parts).unwrap() == batch, "{form}");
        assert_eq!(
            source.bytes_done(),
            file.len() as u64 - if form == "arrow" { source_tail(&file) } else { 8 }
        );
    }
}

/// What lies behind the last record batch of a file: the end of the stream, the index, its length, the magic.
fn source_tail(file: &[u8]) -> u64 {
    let tail: [u8; 10] = file[file.len() - 10..].try_into().unwrap();
    10 + 8 + arrow_ipc::reader::read_footer_length(tail).unwrap() as u64
}

#[test]
fn tables_of_others_are_read() {
    let words: DictionaryArray<Int8Type> = ["a", "b"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("word", Arc::new(words)),
        ("on", Arc::new(UInt8Array::from(vec![1, 0]))),
        ("x", Arc::new(Int64Array::from(vec![3, 4]))),
        ("y", Arc::new(Int64Array::from(vec![5, 6]))),
        ("time", Arc::new(Int64Array::from(vec![10, 12]))),
    ];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &table.schema()).unwrap();
    writer.write(&table).unwrap();
    let batch = read(writer.into_inner().unwrap(), &ReadOptions::default()).unwrap();
    assert_eq!(
        batch.to_events(),
        [Event::new(10, 3, 5, 1), Event::new(12, 4, 6, 0)]
    );
}

#[test]
fn the_limits_come_before_the_memory() {
    let meta = meta();
    let limits = Limits {
        block_bytes: 100_000,
        ..Limits::default()
    };
    for form in ["arrow", "arrow_stream", "arrow compression=zstd"] {
        let file = write(form, &meta, &[events(200_000, &meta)]).unwrap();
        let error = read(
            file,
            &ReadOptions {
                limits,
                ..ReadOptions::default()
            },
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{form}: {error}");
    }
}

#[test]
fn damage_is_an_error_or_other_events_but_no_panic() {
    // Small batches: the room for one is made anew for every file.
    let options = ReadOptions {
        chunk: 4_096,
        ..ReadOptions::default()
    };
    let meta = meta();
    let batch = events(60, &meta);
    for form in [
        "arrow",
        "arrow_stream",
        "arrow compression=zstd",
        "arrow_stream compression=lz4",
    ] {
        let file = write(form, &meta, std::slice::from_ref(&batch)).unwrap();
        for at in 0..file.len() {
            for value in [
                0x00,
                0xFF,
                file[at] ^ 0x80,
                file[at] ^ 0x01,
                file[at].wrapping_add(1),
            ] {
                let mut bad = file.clone();
                bad[at] = value;
                if let Ok(got) = read(bad, &options) {
                    assert!(got.len() <= batch.len());
                }
            }
        }
        for len in (0..file.len()).step_by(3) {
            if let Ok(got) = read(file[..len].to_vec(), &options) {
                assert!(form.starts_with("arrow_stream"), "{form} cut at {len}");
                assert!(got.is_empty() || got.len() == batch.len());
            }
        }
    }
}

#[test]
fn other_tools_see_the_column_types() {
    let meta = meta();
    let events = [
        Event::new(10, 1, 2, 1),
        Event::new(12, 1279, 0, 0),
        Event::new(12, 0, 719, 1),
        Event::new(40, 7, 8, 0),
    ];
    let batch = EventBatch::from_events(&events, Arc::new(meta.clone())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (form, name) in [
        ("arrow", "a.arrow"),
        ("arrow_stream", "a.arrows"),
        ("arrow compression=lz4", "b.arrow"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, write(form, &meta, std::slice::from_ref(&batch)).unwrap()).unwrap();
        python("other_tools_see_the_column_types", "arrow_types.py", &path);
    }
}
