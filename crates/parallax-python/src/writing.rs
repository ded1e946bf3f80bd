//! Writing: a batch into a file, or one recording into another format. The file appears when it is whole.

use std::path::{Path, PathBuf};

use parallax::events::EventBatch;
use parallax::formats::{create, same_file, writable};
use parallax::{Error, OutputFile, Result, WriteOptions};
use pyo3::prelude::*;

use crate::batch::{Batch, FindingRow, SMALL, findings};
use crate::options::{Options, Source};
use crate::reader::in_file;
use crate::work::{Gauge, watched};

/// Writes a batch.
#[pyfunction]
#[pyo3(signature = (batch, path, *, format=None, overwrite=false, progress=None))]
pub(crate) fn write(
    py: Python<'_>,
    batch: &Batch,
    path: PathBuf,
    format: Option<String>,
    overwrite: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let events = batch.events.clone();
    watched(py, progress, move |gauge| {
        put(&events, &path, format, overwrite, gauge).map_err(|error| in_output(error, &path))
    })
}

fn put(
    events: &EventBatch,
    path: &Path,
    format: Option<String>,
    overwrite: bool,
    gauge: &Gauge,
) -> Result<()> {
    let options = WriteOptions { format };
    let extension = extension(path);
    writable(extension.as_deref(), &options)?;
    let output = OutputFile::create(path, overwrite)?;
    let mut writer = create(
        Box::new(output.buffered()),
        extension.as_deref(),
        events.meta(),
        &options,
    )?;
    let mut done = 0;
    while done < events.len() {
        gauge.tell(done as u64, events.len() as u64)?;
        let end = events.len().min(done.saturating_add(SMALL));
        writer.write(&events.slice(done..end))?;
        done = end;
    }
    writer.finish()?;
    gauge.tell(done as u64, events.len() as u64)?;
    output.commit()
}

/// What a conversion did: events, the formats read and written, what was odd.
type Converted = (u64, &'static str, &'static str, Vec<FindingRow>);

/// Converts a recording, in constant memory.
#[pyfunction]
#[pyo3(signature = (source, path, options, *, format=None, overwrite=false, progress=None))]
pub(crate) fn convert(
    py: Python<'_>,
    source: Source,
    path: PathBuf,
    options: &Options,
    format: Option<String>,
    overwrite: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Converted> {
    let options = options.read.clone();
    watched(py, progress, move |gauge| -> Result<Converted> {
        let in_output = |error| in_output(error, &path);
        if let Source::File(input) = &source
            && input.exists()
            && path.exists()
            && same_file(input, &path)?
        {
            return Err(in_output(Error::param("the output is the input")));
        }
        let write = WriteOptions { format };
        let extension = extension(&path);
        let (target, ..) = writable(extension.as_deref(), &write).map_err(in_output)?;
        let mut reader = source.open(&Options::watched(&options, gauge))?;
        let output = OutputFile::create(&path, overwrite)?;
        let mut writer = create(
            Box::new(output.buffered()),
            extension.as_deref(),
            &reader.meta(),
            &write,
        )
        .map_err(in_output)?;
        let mut events = 0;
        while let Some(batch) = reader.next_batch().map_err(|error| in_file(error, &source))? {
            writer.write(&batch).map_err(in_output)?;
            events += batch.len() as u64;
        }
        writer.finish().map_err(in_output)?;
        let progress = reader.progress();
        gauge.tell(progress.bytes, progress.total_bytes.unwrap_or(0))?;
        output.commit()?;
        Ok((
            events,
            reader.format().id(),
            target.id(),
            findings(reader.report()),
        ))
    })
}

fn extension(path: &Path) -> Option<String> {
    path.extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
}

/// The error with the output named, if it names no file yet.
fn in_output(error: Error, path: &Path) -> Error {
    if error.context().any(|(key, _)| key == "file" || key == "output") {
        error
    } else {
        error.with_context("output", path.display())
    }
}
