//! Writes a stream of events as Parquet.
//!
//! A row group is written when its 2^20 events are there; that is all that is held in memory. The four columns
//! of a group are encoded in parallel where the caller's Rayon pool has threads for it, which changes no byte.

use std::io::Write;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{Field, Schema, SchemaRef};
use parallax_events::{Error, EventBatch, Meta, Params, Result, event_schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::{GROUP_EVENTS, Recut};
use crate::{EventWriter, WriteOptions};

/// The key that says by which rules the file was written, and its value.
pub(crate) const FORMAT_VERSION: (&str, &str) = ("parallax.format_version", "1");

/// How many events a page has: larger ones compress no better.
const PAGE_EVENTS: usize = 128 << 10;

/// The writer behind the row `parquet`.
pub(crate) struct ParquetWriter {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    columns: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    groups: usize,
    recut: Recut,
}

/// See [`Create`](crate::Create).
pub(crate) fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    Ok(Box::new(ParquetWriter::new(output, meta, level(params)?)?))
}

fn level(params: &Params) -> Result<ZstdLevel> {
    let level = i32::try_from(params.int("level")?).unwrap_or(i32::MAX);
    ZstdLevel::try_new(level).map_err(write_error)
}

impl ParquetWriter {
    pub(crate) fn new(output: Box<dyn Write + Send>, meta: &Meta, level: ZstdLevel) -> Result<Self> {
        // The facts are in the Arrow schema too: pyarrow hands on those, and not the file's own.
        let schema = event_schema(meta);
        let options = ArrowWriterOptions::new().with_properties(properties(meta, level));
        let writer =
            ArrowWriter::try_new_with_options(output, Arc::clone(&schema), options).map_err(write_error)?;
        let (file, columns) = writer.into_serialized_writer().map_err(write_error)?;
        Ok(Self {
            file,
            columns,
            schema,
            groups: 0,
            recut: Recut::new(GROUP_EVENTS, Arc::new(meta.clone())),
        })
    }
}

/// Encodings by measurement on real recordings (see the documentation of the row).
fn properties(meta: &Meta, level: ZstdLevel) -> WriterProperties {
    let column = |name: &str| ColumnPath::from(name);
    let mut pairs = meta.to_pairs();
    pairs.push((FORMAT_VERSION.0.to_owned(), FORMAT_VERSION.1.to_owned()));
    pairs.sort();
    WriterProperties::builder()
        .set_created_by(concat!("parallax version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(
            pairs
                .into_iter()
                .map(|(key, value)| KeyValue::new(key, value))
                .collect(),
        ))
        .set_compression(Compression::ZSTD(level))
        // The row groups are cut by us, all columns at once.
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_EVENTS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_column_dictionary_enabled(column("t"), false)
        .set_column_encoding(column("t"), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled(column("x"), false)
        .set_column_encoding(column("x"), Encoding::BYTE_STREAM_SPLIT)
        .set_column_dictionary_enabled(column("y"), false)
        .set_column_encoding(column("y"), Encoding::BYTE_STREAM_SPLIT)
        .set_column_dictionary_enabled(column("p"), false)
        .set_column_encoding(column("p"), Encoding::BYTE_STREAM_SPLIT)
        .build()
}

fn write_group(
    file: &mut SerializedFileWriter<Box<dyn Write + Send>>,
    columns: &ArrowRowGroupWriterFactory,
    schema: &Schema,
    group: usize,
    batch: &EventBatch,
) -> Result<()> {
    let table = batch.to_record_batch()?;
    let writers = columns.create_column_writers(group).map_err(write_error)?;
    let work: Vec<(ArrowColumnWriter, &Field, &ArrayRef)> = writers
        .into_iter()
        .zip(schema.fields())
        .zip(table.columns())
        .map(|((writer, field), column)| (writer, field.as_ref(), column))
        .collect();
    let chunks = encode_all(work).map_err(write_error)?;
    let mut row_group = file.next_row_group().map_err(write_error)?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut row_group).map_err(write_error)?;
    }
    row_group.close().map_err(write_error)?;
    Ok(())
}

type Encoded = std::result::Result<Vec<ArrowColumnChunk>, ParquetError>;

#[cfg(feature = "parallel")]
fn encode_all(work: Vec<(ArrowColumnWriter, &Field, &ArrayRef)>) -> Encoded {
    use rayon::prelude::*;
    work.into_par_iter().with_max_len(1).map(encode).collect()
}

#[cfg(not(feature = "parallel"))]
fn encode_all(work: Vec<(ArrowColumnWriter, &Field, &ArrayRef)>) -> Encoded {
    work.into_iter().map(encode).collect()
}

fn encode(
    (mut writer, field, column): (ArrowColumnWriter, &Field, &ArrayRef),
) -> std::result::Result<ArrowColumnChunk, ParquetError> {
    for leaf in compute_leaves(field, column)? {
        writer.write(&leaf)?;
    }
    writer.close()
}

impl EventWriter for ParquetWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let Self {
            file,
            columns,
            schema,
            groups,
            recut,
        } = self;
        recut.push(batch, |piece| {
            write_group(file, columns, schema, *groups, piece)?;
            *groups += 1;
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if let Some(last) = self.recut.finish()? {
            write_group(&mut self.file, &self.columns, &self.schema, self.groups, &last)?;
        }
        let mut output = self.file.into_inner().map_err(write_error)?;
        Ok(output.flush()?)
    }
}

/// Our error for one of the library while writing: what the output said, else a defect of ours.
pub(super) fn write_error(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => Error::from(*error),
            Err(other) => Error::internal("cannot write Parquet").with_source(other),
        },
        other => Error::internal("cannot write Parquet").with_source(other),
    }
}
