//! Writes a stream of events as Parquet.
//!
//! A row group is written when its 2^20 events are there; that is all that is held in memory.
//! The pages of a group are encoded in parallel where the caller's Rayon pool has threads for it, which changes no
//! byte.

use std::io::Write;
use std::sync::Arc;

use parallax_events::{Error, EventBatch, Meta, Params, Result, event_schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::ZstdLevel;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::row_group::{Chunk, GroupEncoder};
use super::{GROUP_EVENTS, Recut};
use crate::{EventWriter, WriteOptions};

/// The key that says by which rules the file was written, and its value.
pub(crate) const FORMAT_VERSION: (&str, &str) = ("parallax.format_version", "1");

/// The writer behind the row `parquet`.
pub(crate) struct ParquetWriter {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    encoder: GroupEncoder,
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
        let options = ArrowWriterOptions::new().with_properties(properties(meta));
        let writer = ArrowWriter::try_new_with_options(output, schema, options).map_err(write_error)?;
        let (file, _) = writer.into_serialized_writer().map_err(write_error)?;
        Ok(Self {
            file,
            encoder: GroupEncoder::new(level),
            recut: Recut::new(GROUP_EVENTS, Arc::new(meta.clone())),
        })
    }
}

/// What the file says beside its columns, whose encodings are the [encoder's](GroupEncoder).
fn properties(meta: &Meta) -> WriterProperties {
    let mut pairs = meta.to_pairs();
    pairs.push((FORMAT_VERSION.0.to_owned(), FORMAT_VERSION.1.to_owned()));
    pairs.sort();
    let pairs = pairs.into_iter().map(|(key, value)| KeyValue::new(key, value));
    WriterProperties::builder()
        .set_created_by(concat!("parallax version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(pairs.collect()))
        .set_offset_index_disabled(true)
        .build()
}

impl ParquetWriter {
    fn write_group(
        file: &mut SerializedFileWriter<Box<dyn Write + Send>>,
        encoder: &GroupEncoder,
        batch: &EventBatch,
    ) -> Result<()> {
        let chunks = encoder.encode(batch.columns(), file.schema_descr())?;
        let mut row_group = file.next_row_group().map_err(write_error)?;
        for Chunk { bytes, close } in chunks {
            row_group.append_column(&bytes, close).map_err(write_error)?;
        }
        row_group.close().map_err(write_error)?;
        Ok(())
    }
}

impl EventWriter for ParquetWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let Self { file, encoder, recut } = self;
        recut.push(batch, |piece| Self::write_group(file, encoder, piece))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if let Some(last) = self.recut.finish()? {
            Self::write_group(&mut self.file, &self.encoder, &last)?;
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
