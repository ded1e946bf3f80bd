//! NPY and NPZ, judged by NumPy itself, by headers typed by hand, and by what hostile files claim.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;
use std::sync::Arc;

use parallax_events::{DType, ErrorKind, Event, EventBatch, FindingKind, Limits, Meta, Tensor, TimeUnit};
use parallax_formats::{
    EventReader, NpyStack, NpzCompression, ReadOptions, SeekInput, read_npy, read_npz, write_npy, write_npz,
};

use tables::{cut, events, meta, python, read, write};

const COUNT: usize = 5000;

/// An NPY file of version 1.0.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn options(format: &str) -> ReadOptions {
    ReadOptions {
        format: Some(format.to_owned()),
        ..ReadOptions::default()
    }
}

#[test]
fn numpy_reads_ours_and_we_read_numpys() {
    let name = "numpy_reads_ours_and_we_read_numpys";
    let folder = tempfile::tempdir().unwrap();
    let meta = meta();
    let batch = events(COUNT, &meta);
    let nanos = Meta {
        time_unit: TimeUnit::Nanos,
        ..meta.clone()
    };
    let in_nanos = EventBatch::try_new(
        batch.columns().t.iter().map(|t| t * 1000).collect::<Vec<_>>(),
        batch.columns().x.to_vec(),
        batch.columns().y.to_vec(),
        batch.columns().p.to_vec(),
        Arc::new(nanos.clone()),
    )
    .unwrap();
    let put = |name: &str, format: &str, meta: &Meta, batches: &[EventBatch]| {
        std::fs::write(folder.path().join(name), write(format, meta, batches).unwrap()).unwrap();
    };
    put("ours.npy", "npy", &meta, std::slice::from_ref(&batch));
    put("ours-none.npy", "npy", &meta, &[]);
    put("ours-order.npy", "npy columns=p,x,y,t", &nanos, &[in_nanos]);
    put("ours-store.npz", "npz", &meta, &cut(&batch, &[999]));
    put(
        "ours-deflate.npz",
        "npz compression=deflate",
        &meta,
        std::slice::from_ref(&batch),
    );
    let facts = Arc::new(meta);
    let mut stack = NpyStack::new(BufWriter::new(
        File::create(folder.path().join("ours-stack.npy")).unwrap(),
    ));
    for start in [0_u8, 8, 16] {
        let values: Vec<f32> = (start..start + 8).map(f32::from).collect();
        stack
            .push(&Tensor::from_vec(values, [2, 4], ["y", "x"], Arc::clone(&facts)).unwrap())
            .unwrap();
    }
    stack.finish().unwrap();
    let frame = Tensor::from_vec(vec![0_i16, 1, 2, 3, 4, 5], [2, 3], ["y", "x"], Arc::clone(&facts)).unwrap();
    let volume = Tensor::from_vec(vec![0.25_f64], [0; 0], [""; 0], Arc::clone(&facts)).unwrap();
    let mut file = File::create(folder.path().join("ours-tensors.npz")).unwrap();
    write_npz(
        &mut file,
        &[("frame", &frame), ("volume", &volume)],
        NpzCompression::Deflate,
    )
    .unwrap();

    python(name, "numpy_files.py", folder.path());
    let Ok(list) = std::fs::read_to_string(folder.path().join("theirs.txt")) else {
        return;
    };
    let mut seen = 0;
    for line in list.lines() {
        let (file, format) = line.split_once('\t').unwrap();
        for chunk in [1, 777, 1 << 20] {
            let options = ReadOptions {
                format: (!format.is_empty()).then(|| format.to_owned()),
                chunk,
                ..ReadOptions::default()
            };
            let mut reader = EventReader::open(folder.path().join(file), &options).unwrap();
            let found = reader
                .read_all()
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            let faults = reader.report().first_fault();
            assert!(faults.is_none(), "{file}: {faults:?}");
            let scale = found.meta().time_unit.nanos() / 1000;
            if scale == 0 {
                assert!(
                    found
                        .columns()
                        .t
                        .iter()
                        .zip(batch.columns().t)
                        .all(|(a, b)| *a == b * 1000),
                    "{file}"
                );
                assert_eq!(
                    (found.columns().x, found.columns().p),
                    (batch.columns().x, batch.columns().p)
                );
            } else {
                assert!(found.columns() == batch.columns(), "{file} in batches of {chunk}");
            }
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen} files of NumPy's");
}

#[test]
fn our_own_files_come_back() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    for format in ["npz", "npz compression=deflate"] {
        let file = write(format, &meta, &cut(&batch, &[1, 700])).unwrap();
        assert_eq!(read(file, &ReadOptions::default()).unwrap(), batch, "{format}");
    }
    let file = write("npy", &meta, &cut(&batch, &[1, 700])).unwrap();
    assert_eq!(
        read(file, &ReadOptions::default()).unwrap().columns(),
        batch.columns()
    );
    // From a pipe of unknown length, in nanoseconds under a name of its own.
    let nanos = Meta {
        time_unit: TimeUnit::Nanos,
        ..Meta::default()
    };
    let batch = EventBatch::try_new(
        vec![1, 1_001],
        vec![1, 2],
        vec![3, 4],
        vec![0, 1],
        Arc::new(nanos.clone()),
    )
    .unwrap();
    let file = write("npy", &nanos, std::slice::from_ref(&batch)).unwrap();
    let found = read(file, &ReadOptions::default()).unwrap();
    assert_eq!(
        (found.columns(), found.meta().time_unit),
        (batch.columns(), TimeUnit::Nanos)
    );
    let error = write("npy unit=us", &nanos, std::slice::from_ref(&batch)).unwrap_err();
    assert!(
        error.to_string().contains("1 ns is not a whole number of us"),
        "{error}"
    );
    assert_eq!(
        write("npy unit=s", &nanos, &[]).unwrap_err().kind(),
        ErrorKind::Param
    );
}

/// More than stays in memory: the temporary file gives the same bytes.
#[test]
fn large_files_go_through_a_temporary_file() {
    let meta = meta();
    let batch = events((9 << 20) / 8, &meta);
    for format in ["npy", "npz"] {
        let file = write(format, &meta, &cut(&batch, &[300_000])).unwrap();
        assert!(file.len() > 13 * batch.len());
        assert!(
            read(file, &ReadOptions::default()).unwrap().columns() == batch.columns(),
            "{format}"
        );
    }
}

#[test]
fn records_that_are_no_events_are_counted() {
    let mut data = Vec::new();
    for (t, x, y, p) in [
        (1_i64, 5_i32, 6_i32, 1_i8),
        (2, -1, 0, 0),
        (3, 65_536, 0, 0),
        (4, 7, 8, -1),
        (5, 0, 0, 2),
        (6, 9, 9, 0),
    ] {
        data.extend(t.to_le_bytes());
        data.extend(x.to_le_bytes());
        data.extend(y.to_le_bytes());
        data.extend(p.to_le_bytes());
    }
    let file = npy(
        "[('t','<i8'),('x','<i4'),('y','<i4'),('p','|i1')]",
        false,
        "(6,)",
        &data,
    );
    let data_at = file.len() - data.len();
    for chunk in [1, 2, 100] {
        let mut reader = EventReader::from_bytes(
            file.clone(),
            None,
            &ReadOptions {
                chunk,
                ..ReadOptions::default()
            },
        )
        .unwrap();
        let found = reader.read_all().unwrap();
        assert_eq!(
            found.to_events(),
            [
                Event::new(1, 5, 6, 1),
                Event::new(4, 7, 8, 0),
                Event::new(6, 9, 9, 0)
            ]
        );
        let [bad] = reader.report().findings() else {
            panic!("{:?}", reader.report())
        };
        assert_eq!((bad.kind, bad.count), (FindingKind::BadRecord, 3));
        assert_eq!(
            (bad.first_byte, bad.first_event),
            (Some(data_at as u64 + 17), Some(1))
        );
    }
}

#[test]
fn floats_count_seconds_if_they_have_fractions() {
    let floats = |times: &[f64]| {
        let data: Vec<u8> = times
            .iter()
            .flat_map(|&t| [t, 1.0, 2.0, -1.0])
            .flat_map(f64::to_le_bytes)
            .collect();
        npy("'<f8'", false, &format!("({}, 4)", times.len()), &data)
    };
    let times = |file: Vec<u8>, format: &str| {
        let mut reader = EventReader::from_bytes(file, None, &options(format)).unwrap();
        let all = reader.read_all().unwrap();
        (all.columns().t.to_vec(), reader.report().clone())
    };
    let (t, report) = times(floats(&[0.0, 1.0, 1.000_002_5, 1.000_003_5]), "npy");
    assert_eq!(
        t,
        [0, 1_000_000, 1_000_002, 1_000_004],
        "halves to even, as far as floats are halves"
    );
    assert!(report.findings()[0].to_string().contains("seconds"), "{report:?}");
    let (t, report) = times(floats(&[5.0, 6.0]), "npy");
    assert_eq!(t, [5, 6]);
    assert!(
        report.findings()[0].to_string().contains("microseconds"),
        "{report:?}"
    );
    let (t, report) = times(floats(&[5.0, 6.5, f64::NAN, f64::INFINITY, 1e300]), "npy unit=us");
    assert_eq!(t, [5, 6]);
    assert_eq!(report.count(FindingKind::BadRecord), 3);
    assert_eq!(report.count(FindingKind::Assumed), 0);
    assert_eq!(times(floats(&[0.25]), "npy unit=ns").0, [0]);
}

#[test]
fn what_is_no_array_of_events_is_said() {
    let cases = [
        (
            npy("'<f4'", false, "(2, 3, 4)", &[0; 96]),
            ErrorKind::Unsupported,
            "shape (2, 3, 4)",
        ),
        (
            npy("'<i8'", false, "(7,)", &[0; 56]),
            ErrorKind::Unsupported,
            "shape (7)",
        ),
        (
            npy("'|O'", false, "(7,)", &[]),
            ErrorKind::Unsupported,
            "Python objects",
        ),
        (
            npy("'<U3'", false, "(7,)", &[0; 84]),
            ErrorKind::Unsupported,
            "<U3",
        ),
        (
            npy("[('a','<i8'),('x','<u2')]", false, "(1,)", &[0; 10]),
            ErrorKind::NotFound,
            "fields are: a, x",
        ),
        (
            npy(
                "[('t','<c8'),('x','<u2'),('y','<u2'),('p','|u1')]",
                false,
                "(1,)",
                &[0; 13],
            ),
            ErrorKind::Unsupported,
            "\"t\"",
        ),
        (
            npy("'<i8'", false, "(3, 4", &[]),
            ErrorKind::Malformed,
            "does not parse",
        ),
        (
            b"\x93NUMPY\x04\x00\x10\x00".to_vec(),
            ErrorKind::Unsupported,
            "version 4.0",
        ),
        (
            b"\x93NUMPY\x02\x00\xFF\xFF\xFF\x7F{".to_vec(),
            ErrorKind::Limit,
            "2147483647",
        ),
    ];
    for (file, kind, words) in cases {
        let error = EventReader::from_bytes(file, Some("npy"), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let file = npy("'<i8'", false, "(1, 5)", &[0; 40]);
    let error = EventReader::from_bytes(file, None, &options("npy columns=t,x,y,p")).unwrap_err();
    assert!(error.to_string().contains("shape (1, 5)"), "{error}");
}

#[test]
fn files_that_end_early_or_late_are_reported() {
    let meta = Meta::default();
    let file = write("npy", &meta, &[events(10, &meta)]).unwrap();
    for missing in [1, 13, 20, 129] {
        let mut reader = EventReader::from_bytes(
            file[..file.len() - missing].to_vec(),
            None,
            &ReadOptions::default(),
        )
        .unwrap();
        let found = reader.read_all().unwrap();
        assert_eq!(found.len(), (130 - missing) / 13);
        assert_eq!(
            reader.report().count(FindingKind::TruncatedTail),
            1,
            "{:?}",
            reader.report()
        );
    }
    let mut reader =
        EventReader::from_bytes([file, b"more".to_vec()].concat(), None, &ReadOptions::default()).unwrap();
    assert_eq!(reader.read_all().unwrap().len(), 10);
    assert_eq!(
        reader.report().count(FindingKind::OtherData),
        4,
        "{:?}",
        reader.report()
    );
}

#[test]
fn an_archive_without_events_lists_what_it_has() {
    let frame = Tensor::from_vec(vec![177_u8, 178], [2], ["x"], Arc::default()).unwrap();
    let mut file = Vec::new();
    write_npz(&mut file, &[("a", &frame), ("b", &frame)], NpzCompression::Store).unwrap();
    let error = EventReader::from_bytes(file.clone(), None, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("a, b"), "{error}");
    let error = EventReader::from_bytes(file.clone(), None, &options("npz array=c")).unwrap_err();
    assert!(error.to_string().contains("no array \"c\""), "{error}");
    // A byte of the second array: the checksum tells.
    let at = file.windows(2).rposition(|pair| pair == [177, 178]).unwrap();
    file[at] = 9;
    let error = read_npz(SeekInput::Bytes(file.into()), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn tensors_come_back() {
    let meta = Arc::new(meta());
    let volume = Tensor::from_vec(
        (0..24).map(f64::from).collect(),
        [2, 3, 4],
        ["time", "y", "x"],
        Arc::clone(&meta),
    )
    .unwrap()
    .with_time_span(Some((-5, 1 << 40)));
    let mut file = Vec::new();
    write_npy(&mut file, &volume).unwrap();
    assert_eq!(file.len() % 64, 24 * 8 % 64, "the data begin at a multiple of 64");
    let found = read_npy(&mut file.as_slice(), &Limits::default()).unwrap();
    assert_eq!((found.shape(), found.dtype()), (volume.shape(), DType::F64));
    assert_eq!(found.buffer(), volume.buffer());
    for cut in [0, 5, 40, file.len() - 1] {
        let error = read_npy(&mut &file[..cut], &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    // A lie about the size does not make room for it.
    let lie = npy("'<f8'", false, "(1000, 1000, 30)", &[0; 8]);
    assert_eq!(
        read_npy(&mut lie.as_slice(), &Limits::default())
            .unwrap_err()
            .kind(),
        ErrorKind::Malformed
    );
    let lie = npy("'<f8'", false, "(1000, 1000, 1000)", &[0; 8]);
    assert_eq!(
        read_npy(&mut lie.as_slice(), &Limits::default())
            .unwrap_err()
            .kind(),
        ErrorKind::Limit
    );
    let big = npy("'>i2'", false, "(2,)", &[1, 2, 0xFF, 0xFE]);
    let found = read_npy(&mut big.as_slice(), &Limits::default()).unwrap();
    assert_eq!(found.as_slice::<i16>().unwrap(), [258, -2]);

    for compression in [NpzCompression::Store, NpzCompression::Deflate] {
        let mut file = Vec::new();
        write_npz(&mut file, &[("volume", &volume)], compression).unwrap();
        let found = read_npz(SeekInput::Bytes(file.into()), &Limits::default()).unwrap();
        assert_eq!(found, [("volume".to_owned(), volume.clone())]);
    }
    let error = write_npz(
        &mut Vec::new(),
        &[("a", &volume), ("a", &volume)],
        NpzCompression::Store,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
    let mut stack = NpyStack::new(Vec::new());
    stack.push(&volume).unwrap();
    let other = Tensor::from_vec(vec![0_u8], [1], ["x"], meta).unwrap();
    assert_eq!(stack.push(&other).unwrap_err().kind(), ErrorKind::Param);
}

/// An archive behind something else, as self-extracting ones are, and one with a comment.
#[test]
fn archives_are_found_by_their_end() {
    let meta = meta();
    let batch = events(50, &meta);
    let file = write("npz", &meta, std::slice::from_ref(&batch)).unwrap();
    let mut moved = b"#!/bin/sh\n".repeat(20);
    moved.extend(&file);
    let found = EventReader::from_bytes(moved, None, &options("npz"))
        .unwrap()
        .read_all()
        .unwrap();
    assert_eq!(found, batch);
    let mut commented = file.clone();
    let end = commented.len();
    commented[end - 2] = 5;
    commented.extend(b"hello");
    assert_eq!(read(commented, &ReadOptions::default()).unwrap(), batch);
    let error = read(file[..file.len() - 1].to_vec(), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is the file complete?"), "{error}");
}

/// Python's `zipfile` writes 64-bit fields when it does not know the size before.
#[test]
fn archives_with_64_bit_fields_are_read() {
    let name = "archives_with_64_bit_fields_are_read";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.npz");
    python(name, "zip64.py", &path);
    if !Path::new(&path).exists() {
        return;
    }
    let mut bytes = Vec::new();
    File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(
        bytes.windows(4).any(|four| four == b"PK\x06\x06"),
        "no 64-bit end record"
    );
    let found = read(bytes, &ReadOptions::default()).unwrap();
    assert_eq!(found.columns().t, [1, 2, 3]);
    assert_eq!(found.columns().p, [0, 1, 1]);
}
