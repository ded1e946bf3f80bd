//! Which formats can keep rows as they are stored, and which can state where row 0 is.
//!
//! An origin that nobody states would turn the picture upside down for whoever reads the file, so a format that does
//! not state it is refused. It is asked, not listed: it writes one event, and what is read back tells.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use parallax::events::Origin;
use parallax::formats::{Format, create};
use parallax::{Error, Event, EventBatch, EventReader, Meta, ReadOptions, Result, WriteOptions};

/// Whether the format can be told to leave rows as they are stored.
pub(super) fn can_keep_rows(format: &Format) -> bool {
    format
        .declaration
        .params()
        .iter()
        .any(|param| param.name() == "origin")
}

/// # Errors
/// If what is written so would be read as counting rows from the top.
pub(super) fn require_stated(format: &Format, extension: Option<&str>, options: &WriteOptions) -> Result<()> {
    if states_origin(format, extension, options).unwrap_or(false) {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{} does not state where row 0 is, so it is always at the top",
        format.id()
    ))
    .with_hint(
        "Arrow and Parquet state it; without --origin the rows are those of the input, counted from the top",
    ))
}

fn states_origin(format: &Format, extension: Option<&str>, options: &WriteOptions) -> Result<bool> {
    let meta = Arc::new(Meta {
        origin: Origin::BottomLeft,
        ..Meta::with_geometry(2, 2)?
    });
    let file = Shared::default();
    let mut writer = create(Box::new(file.clone()), extension, &meta, options)?;
    writer.write(&EventBatch::from_events(&[Event::new(0, 0, 0, 1)], meta)?)?;
    writer.finish()?;
    let bytes = std::mem::take(&mut *file.0.lock().map_err(|_| Error::internal("a writer panicked"))?);
    let options = ReadOptions {
        format: Some(format.id().to_owned()),
        ..ReadOptions::default()
    };
    let reader = EventReader::from_bytes(bytes, extension, &options)?;
    Ok(reader.meta().origin == Origin::BottomLeft)
}

/// A file in memory that two can hold.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        file.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
