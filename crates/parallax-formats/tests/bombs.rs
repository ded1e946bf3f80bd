//! Files that grow when they are read, and headers that lie about how much there is: memory stays inside the limits.
//!
//! One test in a program of its own, as the allocator counts everybody.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::sync::Arc;

use arrow_array::{ArrayRef, DurationMicrosecondArray, RecordBatch, UInt8Array, UInt16Array};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use parallax_events::{ErrorKind, EventBatch, FindingKind, Limits, Meta, Report, Result};
use parallax_formats::{EventReader, ReadOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use peak_alloc::PeakAlloc;

use tables::write;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Events of zeros: some hundred times smaller in a file.
const MANY: usize = 4 << 20;

/// What a reader may take: blocks of 1 MiB, some of them at a time, its own buffers.
const MEMORY: usize = 24 << 20;

fn tight() -> ReadOptions {
    ReadOptions {
        chunk: 4096,
        limits: Limits {
            block_bytes: 1 << 20,
            ..Limits::default()
        },
        ..ReadOptions::default()
    }
}

/// Reads all of a file in small batches: how many events, what was odd, the error that ended it.
fn read(name: &str, file: &[u8]) -> (u64, Report, Result<()>) {
    let bytes = file.to_vec();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let mut count = 0;
    let mut report = Report::default();
    let outcome = EventReader::from_bytes(bytes, None, &tight()).and_then(|mut reader| {
        let outcome = loop {
            match reader.next_columns() {
                Ok(Some(columns)) => count += columns.len() as u64,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        report = reader.report().clone();
        outcome
    });
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    println!(
        "{name}: {} bytes, {count} events, {:.1} MiB, {outcome:?}",
        file.len(),
        peak as f64 / 1_048_576.0
    );
    assert!(peak < MEMORY, "{name}: {} MiB were allocated", peak >> 20);
    (count, report, outcome)
}

fn zeros() -> EventBatch {
    let meta = Arc::new(Meta::with_geometry(1, 1).unwrap());
    EventBatch::try_new(vec![0; MANY], vec![0; MANY], vec![0; MANY], vec![0; MANY], meta).unwrap()
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn memory_stays_inside_the_limits() {
    let zeros = zeros();
    let table = zeros.to_record_batch().unwrap();

    // Deflated columns are read as streams: all of it comes out, in constant memory.
    let file = write(
        "npz compression=deflate",
        zeros.meta(),
        std::slice::from_ref(&zeros),
    )
    .unwrap();
    assert!(file.len() < MANY / 50, "{} bytes", file.len());
    let (count, _, outcome) = read("npz, deflated zeros", &file);
    outcome.unwrap();
    assert_eq!(count, MANY as u64);

    // Ours: pages of 128 Ki events, which are small enough.
    let file = write("parquet", zeros.meta(), std::slice::from_ref(&zeros)).unwrap();
    assert!(file.len() < MANY / 50, "{} bytes", file.len());
    let (count, _, outcome) = read("parquet, small pages", &file);
    outcome.unwrap();
    assert_eq!(count, MANY as u64);

    // One page of 32 MiB from some KiB.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(1 << 30)
        .set_data_page_row_count_limit(1 << 30)
        .set_write_batch_size(1 << 22)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties)).unwrap();
    writer.write(&table).unwrap();
    let file = writer.into_inner().unwrap();
    assert!(file.len() < MANY / 50, "{} bytes", file.len());
    let (_, _, outcome) = read("parquet, a huge page", &file);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Limit);

    // A compressed record batch is one block.
    let columns: Vec<ArrayRef> = vec![
        Arc::new(DurationMicrosecondArray::from(vec![0; MANY])),
        Arc::new(UInt16Array::from(vec![0; MANY])),
        Arc::new(UInt16Array::from(vec![0; MANY])),
        Arc::new(UInt8Array::from(vec![0; MANY])),
    ];
    let table = RecordBatch::try_new(table.schema(), columns).unwrap();
    for compression in [CompressionType::ZSTD, CompressionType::LZ4_FRAME] {
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(compression))
            .unwrap();
        let mut writer = FileWriter::try_new_with_options(Vec::new(), &table.schema(), options).unwrap();
        writer.write(&table).unwrap();
        let file = writer.into_inner().unwrap();
        assert!(file.len() < MANY / 10, "{} bytes", file.len());
        let (_, _, outcome) = read("arrow, compressed zeros", &file);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Limit);
    }

    // Counts that lie: what is there is read, and the lie is reported.
    let record = "[('t', '<i8'), ('x', '<u2'), ('y', '<u2'), ('p', '|u1')]";
    let file = npy(record, "False", "(500000000000000000,)", &[0; 13]);
    let (count, report, outcome) = read("npy, a lie", &file);
    outcome.unwrap();
    assert_eq!((count, report.count(FindingKind::TruncatedTail)), (1, 1));
    let file = npy("'<i8'", "True", "(100000000000000000, 4)", &[0; 64]);
    let error = read("npy, a lie in Fortran order", &file).2.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Limit | ErrorKind::Malformed),
        "{error:?}"
    );
    let file = npy("'<i8'", "False", "(4000000000000000000, 4)", &[0; 64]);
    assert!(read("npy, more than there is anywhere", &file).2.is_err());
    let wide = npy(
        "[('t', '<i8'), ('x', '<u2'), ('y', '<u2'), ('p', '|u1'), ('v', '|V2000000000')]",
        "False",
        "(9,)",
        &[0; 64],
    );
    let (_, report, outcome) = read("npy, a huge record", &wide);
    assert!(outcome.is_err() || !report.is_clean());
}
