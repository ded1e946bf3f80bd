//! Bytes that are held back until their number is known.
//!
//! NPY, ZIP and AEDAT 4.0 state counts or places before the data, and an output may be a pipe that cannot be sought. So data go here first:
//! into memory up to 4 MiB, then into a file without a name in the folder for temporary files (`TMPDIR`), which is gone
//! with the process, whatever ends it. Room for as many bytes as the data have is needed there.

use std::io::{self, Read, Seek, Write};

use parallax_events::{Error, Result};
use tempfile::SpooledTempFile;

/// How many bytes stay in memory.
const HELD: usize = 4 << 20;

/// How many bytes are moved at once.
const BLOCK: usize = 64 << 10;

/// Bytes in order, written once and then read once.
#[derive(Debug)]
pub(crate) struct Spool {
    file: SpooledTempFile,
    block: Vec<u8>,
    len: u64,
}

impl Spool {
    pub(crate) fn new() -> Self {
        Self {
            file: SpooledTempFile::new(HELD),
            block: Vec::new(),
            len: 0,
        }
    }

    /// How many bytes were written.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK {
            self.drain()
        } else {
            Ok(())
        }
    }

    fn drain(&mut self) -> Result<()> {
        self.file.write_all(&self.block).map_err(no_room)?;
        self.block.clear();
        Ok(())
    }

    /// Writes all of it to `output`.
    pub(crate) fn pour(mut self, output: &mut dyn Write) -> Result<()> {
        self.drain()?;
        self.file.rewind().map_err(no_room)?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = self.file.read(&mut block).map_err(no_room)?;
            if count == 0 {
                return Ok(());
            }
            output.write_all(block.get(..count).unwrap_or_default())?;
        }
    }
}

fn no_room(error: io::Error) -> Error {
    Error::from(error)
        .with_context("temporary folder", std::env::temp_dir().display())
        .with_hint("the data are held there until their number is known; name another folder with TMPDIR")
}
