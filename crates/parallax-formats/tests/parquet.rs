//! Parquet, judged by the Parquet library, by pyarrow, Polars and DuckDB, and by naive filters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int8Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
    UInt16Array,
};
use parallax_events::{ErrorKind, Event, EventBatch, Limits, Meta, TimeOrigin, TimeUnit};
use parallax_formats::ReadOptions;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;

use tables::{cut, events, meta, python, read, write};

/// A row group and a bit.
const COUNT: usize = (1 << 20) + 70_001;

fn metadata(file: &[u8]) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::copy_from_slice(file))
        .unwrap()
}

/// A table of another tool.
fn foreign(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn what_is_written_is_read() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    let file = write("parquet", &meta, std::slice::from_ref(&batch)).unwrap();
    assert!(file.len() < COUNT * 4, "{} bytes", file.len());
    assert_eq!(read(file, &ReadOptions::default()).unwrap(), batch);

    let nothing = write("parquet", &meta, &[]).unwrap();
    assert_eq!(
        read(nothing, &ReadOptions::default()).unwrap(),
        EventBatch::empty(Arc::new(meta))
    );
}

#[test]
fn the_file_has_the_shape_that_is_promised() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    let file = metadata(&write("parquet", &meta, std::slice::from_ref(&batch)).unwrap());

    let sizes: Vec<i64> = file.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes, [1 << 20, 70_001]);
    let mut at = 0;
    for group in file.row_groups() {
        let part = batch.slice(at..at + group.num_rows() as usize);
        at += part.len();
        let want = [
            ("t", Type::INT64, Encoding::DELTA_BINARY_PACKED),
            ("x", Type::INT32, Encoding::BYTE_STREAM_SPLIT),
            ("y", Type::INT32, Encoding::BYTE_STREAM_SPLIT),
            ("p", Type::INT32, Encoding::RLE_DICTIONARY),
        ];
        for (column, (name, physical, encoding)) in group.columns().iter().zip(want) {
            assert_eq!(column.column_path().string(), name);
            assert_eq!(column.column_type(), physical);
            assert!(
                column.encodings().any(|e| e == encoding),
                "{name}: {:?}",
                column.encodings().collect::<Vec<_>>()
            );
            assert!(matches!(column.compression(), Compression::ZSTD(_)));
            assert!(column.statistics().is_some(), "{name} has no statistics");
        }
        let Some(Statistics::Int64(t)) = group.column(0).statistics() else {
            panic!("t is no INT64")
        };
        let times = part.columns().t;
        assert_eq!(
            (t.min_opt(), t.max_opt()),
            (times.iter().min(), times.iter().max())
        );
    }

    let pairs = file.file_metadata().key_value_metadata().unwrap();
    let value = |key: &str| {
        pairs
            .iter()
            .find(|pair| pair.key == key)
            .and_then(|pair| pair.value.as_deref())
    };
    assert_eq!(value("parallax.time_unit"), Some("us"));
    assert_eq!(value("parallax.width"), Some("1280"));
    assert_eq!(value("parallax.sensor"), Some("IMX636"));
    assert_eq!(value("parallax.format_version"), Some("1"));
    assert!(
        file.file_metadata()
            .created_by()
            .unwrap()
            .starts_with("parallax version ")
    );
}

#[test]
fn the_same_stream_is_the_same_file_however_it_is_cut() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    let whole = write("parquet", &meta, std::slice::from_ref(&batch)).unwrap();
    for sizes in [&[999][..], &[1 << 20], &[1, 70_000, 500_000], &[(1 << 20) - 1, 2]] {
        assert!(
            write("parquet", &meta, &cut(&batch, sizes)).unwrap() == whole,
            "cut into {sizes:?}"
        );
    }
}

#[cfg(feature = "parallel")]
#[test]
fn the_number_of_threads_changes_no_byte() {
    let meta = meta();
    let batch = events(200_000, &meta);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| write("parquet", &meta, std::slice::from_ref(&batch)).unwrap())
    };
    let one = with(1);
    for threads in [2, 4, 7] {
        assert!(with(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_level_is_smaller_and_the_same_events() {
    let meta = meta();
    let batch = events(100_000, &meta);
    let (fast, small) = (
        write("parquet", &meta, std::slice::from_ref(&batch)).unwrap(),
        write("parquet level=19", &meta, std::slice::from_ref(&batch)).unwrap(),
    );
    assert!(
        small.len() < fast.len(),
        "{} and {} bytes",
        small.len(),
        fast.len()
    );
    assert_eq!(read(small, &ReadOptions::default()).unwrap(), batch);
}

#[test]
fn a_batch_in_another_unit_is_refused() {
    let micros = meta();
    let nanos = Meta {
        time_unit: TimeUnit::Nanos,
        ..meta()
    };
    let error = write("parquet", &micros, &[events(3, &nanos)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
}

#[test]
fn a_time_range_reads_only_the_row_groups_that_it_needs() {
    let meta = meta();
    let batch = events(2 * (1 << 20) + 5, &meta);
    let times = batch.columns().t;
    let (first, border) = (times[0], times[1 << 20]);
    let mut file = write("parquet", &meta, std::slice::from_ref(&batch)).unwrap();
    // The pages of the first row group are gone; whoever reads them notices.
    let group = metadata(&file).row_group(0).clone();
    let (start, len) = (
        group.column(0).byte_range().0 as usize,
        group.compressed_size() as usize,
    );
    file[start..start + len].fill(0xA5);
    assert!(read(file.clone(), &ReadOptions::default()).is_err());

    let (from, to) = (border + 1_000, border + 90_000);
    let options = ReadOptions {
        time: Some(format!("{from}us..{to}us").parse().unwrap()),
        ..ReadOptions::default()
    };
    let got = read(file.clone(), &options).unwrap();
    let want: Vec<Event> = batch
        .columns()
        .iter()
        .filter(|event| (from..to).contains(&event.t))
        .collect();
    assert!(!want.is_empty());
    assert!(got.to_events() == want);

    // Counted from the first event, which is in the damaged group: never passed over.
    let options = ReadOptions {
        time: Some(format!("+{}us..", from - first).parse().unwrap()),
        ..ReadOptions::default()
    };
    assert!(read(file, &options).is_err());
}

#[test]
fn a_time_range_from_the_first_event_is_exact() {
    let meta = meta();
    let batch = events(COUNT, &meta);
    let file = write("parquet", &meta, std::slice::from_ref(&batch)).unwrap();
    let first = batch.columns().t[0];
    let last = *batch.columns().t.last().unwrap();
    for (from, to) in [
        (0, 1),
        (1_000, 2_000),
        (last - first - 500, last - first + 1),
        (last - first, i64::MAX / 1_000),
    ] {
        let range = format!("+{from}us..+{to}us").parse().unwrap();
        let got = read(
            file.clone(),
            &ReadOptions {
                time: Some(range),
                ..ReadOptions::default()
            },
        )
        .unwrap();
        let inside = |event: &Event| event.t >= first + from && event.t - first < to;
        let want: Vec<Event> = batch.columns().iter().filter(inside).collect();
        assert!(
            got.to_events() == want,
            "+{from}..+{to}: {} and {} events",
            got.len(),
            want.len()
        );
    }
}

#[test]
fn tables_of_others_are_read() {
    let x: ArrayRef = Arc::new(Int64Array::from(vec![3, 4]));
    let y: ArrayRef = Arc::new(UInt16Array::from(vec![5, 6]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let want = vec![Event::new(10, 3, 5, 1), Event::new(12, 4, 6, 0)];

    let pandas = foreign(vec![
        ("note", Arc::clone(&text)),
        (
            "polarity",
            Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef,
        ),
        ("Y", Arc::clone(&y)),
        ("X", Arc::clone(&x)),
        ("timestamp", Arc::new(Int64Array::from(vec![10, 12]))),
    ]);
    let batch = read(pandas.clone(), &ReadOptions::default()).unwrap();
    assert_eq!(batch.to_events(), want);
    assert_eq!(batch.meta().time_unit, TimeUnit::Micros);
    let options = ReadOptions {
        format: Some("parquet unit=ns".to_owned()),
        ..ReadOptions::default()
    };
    assert_eq!(read(pandas, &options).unwrap().meta().time_unit, TimeUnit::Nanos);

    let stamps = foreign(vec![
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from(vec![10, 12]).with_timezone("UTC")) as ArrayRef,
        ),
        ("x", Arc::clone(&x)),
        ("y", Arc::clone(&y)),
        ("pol", Arc::new(Int8Array::from(vec![1, -1]))),
    ]);
    let batch = read(stamps, &ReadOptions::default()).unwrap();
    assert_eq!(batch.to_events(), want);
    assert_eq!(
        (batch.meta().time_unit, batch.meta().time_origin),
        (TimeUnit::Nanos, TimeOrigin::Unix)
    );

    let none = foreign(vec![("a", Arc::clone(&x)), ("b", Arc::clone(&text))]);
    let error = read(none, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("columns are: a, b"), "{error}");

    let words = foreign(vec![("t", Arc::clone(&x)), ("x", text), ("y", y), ("p", x)]);
    let error = read(words, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("the column x is of type Utf8"),
        "{error}"
    );
}

#[test]
fn the_limits_come_before_the_memory() {
    let meta = meta();
    let file = write("parquet", &meta, &[events(100_000, &meta)]).unwrap();
    let limits = Limits {
        block_bytes: 50_000,
        ..Limits::default()
    };
    let error = read(
        file.clone(),
        &ReadOptions {
            limits,
            ..ReadOptions::default()
        },
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let limits = Limits {
        geometry: (640, 480),
        ..Limits::default()
    };
    let error = read(
        file,
        &ReadOptions {
            limits,
            ..ReadOptions::default()
        },
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

/// A footer whose schema is nested `depth` deep; the Parquet library would walk it by recursion.
fn nested(depth: usize) -> Vec<u8> {
    let mut footer = vec![0x15, 0x02, 0x19, 0xFC];
    let mut count = depth;
    while count >= 0x80 {
        footer.push(count as u8 | 0x80);
        count >>= 7;
    }
    footer.push(count as u8);
    for level in 0..depth {
        // A required group (field 3) called "a" (field 4) with one child (field 5), or an INT32 at the bottom.
        let element: &[u8] = match level {
            _ if level + 1 == depth => &[0x15, 0x02, 0x25, 0x00, 0x18, 0x01, b'a', 0x00],
            _ => &[0x35, 0x00, 0x18, 0x01, b'a', 0x15, 0x02, 0x00],
        };
        footer.extend_from_slice(element);
    }
    // No rows, no row groups.
    footer.extend_from_slice(&[0x16, 0x00, 0x19, 0x0C, 0x00]);
    let mut file = b"PAR1".to_vec();
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(b"PAR1");
    file
}

#[test]
fn a_nested_schema_does_not_overflow_the_stack() {
    let kind = |depth| read(nested(depth), &ReadOptions::default()).unwrap_err().kind();
    assert_eq!(
        kind(2),
        ErrorKind::NotFound,
        "a proper schema without our columns"
    );
    assert_eq!(kind(500), ErrorKind::NotFound);
    assert_eq!(kind(200_000), ErrorKind::Limit);
}

#[test]
fn damage_is_an_error_or_other_events_but_no_panic() {
    // Small batches: the room for one is made anew for every file.
    let options = ReadOptions {
        chunk: 4_096,
        ..ReadOptions::default()
    };
    let meta = meta();
    let batch = events(1_000, &meta);
    let file = write("parquet", &meta, std::slice::from_ref(&batch)).unwrap();
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
    for len in (0..file.len()).step_by(7) {
        assert!(read(file[..len].to_vec(), &options).is_err(), "cut at {len}");
    }
}

#[test]
fn other_tools_see_the_column_types() {
    let meta = meta();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.parquet");
    std::fs::write(&path, write("parquet", &meta, &[events(COUNT, &meta)]).unwrap()).unwrap();
    python("other_tools_see_the_column_types", "parquet_types.py", &path);
}
