//! Writes a stream of events as Arrow IPC: the file form with an index at its end, or the stream form.
//!
//! Every record batch has 2^20 events but the last; that is all that is held in memory.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, Schema};
use parallax_events::{Error, EventBatch, Meta, Params, Result, event_schema};

use super::parquet_write::FORMAT_VERSION;
use super::{GROUP_EVENTS, Recut};
use crate::EventWriter;

type Output = Box<dyn Write + Send>;

/// Which form of Arrow IPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With the magic `ARROW1` and an index.
    File,
    /// The messages alone.
    Stream,
}

/// The writer behind the rows `arrow` and `arrow_stream`.
pub(crate) struct IpcWriter {
    form: FormWriter,
    recut: Recut,
}

enum FormWriter {
    File(Box<FileWriter<Output>>),
    Stream(Box<StreamWriter<Output>>),
}

impl FormWriter {
    fn write(&mut self, table: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::File(writer) => writer.write(table),
            Self::Stream(writer) => writer.write(table),
        }
    }

    fn finish(self) -> Result<Output, ArrowError> {
        match self {
            Self::File(writer) => writer.into_inner(),
            Self::Stream(writer) => writer.into_inner(),
        }
    }
}

/// Starts a stream of events in this form; the parameter `compression` is `none`, `lz4` or `zstd`.
pub(crate) fn create(
    output: Output,
    meta: &Meta,
    params: &Params,
    form: Form,
) -> Result<Box<dyn EventWriter>> {
    let compression = match params.choice("compression")? {
        "lz4" => Some(CompressionType::LZ4_FRAME),
        "zstd" => Some(CompressionType::ZSTD),
        _ => None,
    };
    let options = IpcWriteOptions::default()
        .try_with_compression(compression)
        .map_err(write_error)?;
    let mut metadata = meta.to_schema_metadata();
    metadata.insert(FORMAT_VERSION.0.to_owned(), FORMAT_VERSION.1.to_owned());
    let schema = Schema::new_with_metadata(event_schema(meta).fields().clone(), metadata);
    let form = match form {
        Form::File => FormWriter::File(Box::new(
            FileWriter::try_new_with_options(output, &schema, options).map_err(write_error)?,
        )),
        Form::Stream => FormWriter::Stream(Box::new(
            StreamWriter::try_new_with_options(output, &schema, options).map_err(write_error)?,
        )),
    };
    Ok(Box::new(IpcWriter {
        form,
        recut: Recut::new(GROUP_EVENTS, Arc::new(meta.clone())),
    }))
}

impl EventWriter for IpcWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let Self { form, recut } = self;
        recut.push(batch, |piece| {
            form.write(&piece.to_record_batch()?).map_err(write_error)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if let Some(last) = self.recut.finish()? {
            self.form.write(&last.to_record_batch()?).map_err(write_error)?;
        }
        let mut output = self.form.finish().map_err(write_error)?;
        Ok(output.flush()?)
    }
}

/// Our error for one of the library while writing: what the output said, else a defect of ours.
pub(super) fn write_error(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::from(error),
        other => Error::internal("cannot write Arrow IPC").with_source(other),
    }
}
