//! Tables of tensors: read back by the Arrow and Parquet libraries, and by pyarrow as its own tensor type.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod tables;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::DurationMicrosecondType;
use arrow_array::{Array, RecordBatch};
use parallax_events::{ErrorKind, Meta, Tensor};
use parallax_formats::{TensorTable, TensorTableFormat};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use tables::{Sink, meta, python};

fn frame(values: [f32; 6], span: Option<(i64, i64)>) -> Tensor {
    let meta = Arc::new(meta());
    Tensor::from_vec(values.to_vec(), [2, 3], ["y", "x"], meta)
        .unwrap()
        .with_time_span(span)
}

fn frames() -> [Tensor; 3] {
    [
        frame([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], Some((0, 10_000))),
        frame([-1.5; 6], Some((10_000, 20_000))),
        frame([f32::MIN, 0.0, f32::MAX, 1e-30, 7.0, -0.0], None),
    ]
}

fn written(format: TensorTableFormat, tensors: &[Tensor]) -> Vec<u8> {
    let sink = Sink::default();
    let mut table = TensorTable::new(Box::new(sink.clone()), format);
    for tensor in tensors {
        table.push(tensor).unwrap();
    }
    assert_eq!(table.len(), tensors.len() as u64);
    table.finish().unwrap();
    sink.take()
}

fn batches(format: TensorTableFormat, file: Vec<u8>) -> Vec<RecordBatch> {
    match format {
        TensorTableFormat::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect()
        }
        TensorTableFormat::Arrow => {
            let reader = arrow_ipc::reader::FileReader::try_new(std::io::Cursor::new(file), None).unwrap();
            reader.map(Result::unwrap).collect()
        }
    }
}

#[test]
fn what_is_written_is_read_by_the_libraries() {
    for format in [TensorTableFormat::Parquet, TensorTableFormat::Arrow] {
        let mut rows = Vec::new();
        for batch in batches(format, written(format, &frames())) {
            let schema = batch.schema();
            let field = schema.field_with_name("tensor").unwrap();
            let column = batch.column_by_name("tensor").unwrap();
            let times = |name: &str| {
                let column = batch.column_by_name(name).unwrap();
                column.as_primitive::<DurationMicrosecondType>().clone()
            };
            let (starts, ends) = (times("start"), times("end"));
            for row in 0..batch.num_rows() {
                let tensor = Tensor::from_arrow(field, column.as_ref(), row).unwrap();
                let span = starts.is_valid(row).then(|| (starts.value(row), ends.value(row)));
                rows.push(tensor.with_time_span(span));
            }
        }
        assert_eq!(rows, frames(), "{format:?}");
    }
}

#[test]
fn all_tensors_have_the_shape_of_the_first() {
    let mut table = TensorTable::new(Box::new(std::io::sink()), TensorTableFormat::Arrow);
    table.push(&frames()[0]).unwrap();
    let other = Tensor::from_vec(vec![0_f32; 6], [3, 2], ["y", "x"], Arc::new(meta())).unwrap();
    let error = table.push(&other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
    assert!(error.to_string().contains("[3, 2]"), "{error}");
    let wide = Tensor::from_vec(vec![0_f64; 6], [2, 3], ["y", "x"], Arc::new(Meta::default())).unwrap();
    assert!(table.push(&wide).is_err());
    let empty = TensorTable::new(Box::new(std::io::sink()), TensorTableFormat::Parquet);
    assert_eq!(empty.finish().unwrap_err().kind(), ErrorKind::Param);
}

#[test]
fn large_tensors_are_cut_into_groups_and_the_same_again() {
    let large: Vec<Tensor> = (0..5)
        .map(|n| {
            let values: Vec<f64> = (0..2_500_000).map(|i| f64::from(i * 7 + n)).collect();
            Tensor::from_vec(values, [2_500_000], ["n"], Arc::new(Meta::default())).unwrap()
        })
        .collect();
    let file = written(TensorTableFormat::Parquet, &large);
    assert_eq!(file, written(TensorTableFormat::Parquet, &large));
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::from(file))
        .unwrap();
    assert!(metadata.num_row_groups() > 1, "20 MB each, 64 MiB a group");
}

#[test]
fn pyarrow_sees_its_own_tensors() {
    let test = "pyarrow_sees_its_own_tensors";
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [
        ("frames.parquet", TensorTableFormat::Parquet),
        ("frames.arrow", TensorTableFormat::Arrow),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, written(format, &frames())).unwrap();
        python(test, "tensor_table.py", &path);
    }
}
