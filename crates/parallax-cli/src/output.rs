//! Where a command's result goes: a file that appears only when it is complete, or standard output.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parallax::formats::same_file;
use parallax::{Error, OutputFile, Result};

use crate::files;
use crate::reading::in_output;
use crate::streams::Stdout;

/// So many bytes for the standard output are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// An output in the making. Dropped without [`commit`](Self::commit), a file leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// `None` is standard output.
    file: Option<OutputFile>,
    bytes: Arc<AtomicU64>,
}

impl Output {
    /// The file at `path`, or standard output if that is `-`.
    ///
    /// # Errors
    /// If the file exists and is not to be replaced, or cannot be made.
    pub(crate) fn create(path: &Path, replace: bool) -> Result<Self> {
        let is_stdout = path == Path::new("-");
        let file = if is_stdout {
            None
        } else {
            Some(OutputFile::create(path, replace)?)
        };
        Ok(Self {
            file,
            bytes: Arc::default(),
        })
    }

    /// For the encoder, which owns what it writes to and flushes it at its end.
    pub(crate) fn writer(&self) -> Box<dyn Write + Send> {
        let bytes = Arc::clone(&self.bytes);
        match &self.file {
            Some(file) => Box::new(BufWriter::with_capacity(
                file.piece(),
                Counted {
                    to: file.writer(),
                    bytes,
                },
            )),
            None => Box::new(BufWriter::with_capacity(
                BUFFER,
                Counted {
                    to: Stdout::new(),
                    bytes,
                },
            )),
        }
    }

    /// Makes the output visible under its name; returns how many bytes were written.
    ///
    /// # Errors
    /// If the bytes cannot be brought to the disk or the file cannot get its name.
    pub(crate) fn commit(self) -> Result<u64> {
        if let Some(file) = self.file {
            file.commit()?;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }
}

/// Counts what is written.
#[derive(Debug)]
struct Counted<W> {
    to: W,
    bytes: Arc<AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// An error if the output is one of the inputs: it would be replaced while it is read, or before.
///
/// # Errors
/// That one, and if the system will not say.
pub(crate) fn refuse_to_replace(inputs: &[PathBuf], output: &Path) -> Result<()> {
    if output == Path::new("-") || !output.exists() {
        return Ok(());
    }
    for input in inputs {
        if same_file(files::input(input), output)? {
            return Err(in_output(
                Error::param("input and output are the same file").with_hint("write to another name"),
                output,
            ));
        }
    }
    Ok(())
}
