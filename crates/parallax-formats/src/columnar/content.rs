//! The bytes of a seekable input, at any place: a file by positioned reads, or memory without a copy.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parallax_events::{Error, Result};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::SeekInput;

/// A page header is read byte by byte; it takes some dozens of them.
const HEADER_BUFFER: usize = 256;

/// The content of a [`SeekInput`]. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    kind: Kind,
    len: u64,
}

#[derive(Debug, Clone)]
enum Kind {
    File(Arc<File>),
    Bytes(Bytes),
}

impl Content {
    /// The whole of `input`, as long as it is now.
    pub(crate) fn new(input: SeekInput) -> Result<Self> {
        Ok(match input {
            SeekInput::File(file) => Self {
                len: file.metadata()?.len(),
                kind: Kind::File(Arc::new(file)),
            },
            SeekInput::Bytes(bytes) => Self {
                len: bytes.len() as u64,
                kind: Kind::Bytes(Bytes::from_owner(bytes)),
            },
        })
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The `len` bytes from `offset` on: shared if they are in memory, else read. Whether they exist is checked
    /// before anything is allocated.
    ///
    /// # Errors
    /// If they lie outside the input, or reading fails.
    pub(crate) fn read(&self, offset: u64, len: u64) -> Result<Bytes> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len);
        let (Some(_), Ok(size)) = (end, usize::try_from(len)) else {
            return Err(Error::malformed(format!(
                "{len} bytes are claimed, the input has {} in all",
                self.len
            ))
            .at_byte(offset)
            .with_hint("is the file complete?"));
        };
        match &self.kind {
            Kind::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                Ok(bytes.slice(start..start + size))
            }
            Kind::File(file) => {
                let mut buffer = vec![0; size];
                read_exact_at(file, &mut buffer, offset)
                    .map_err(|error| Error::from(error).at_byte(offset))?;
                Ok(buffer.into())
            }
        }
    }

    /// As [`read`](Self::read), but only up to the end of the input.
    pub(crate) fn read_up_to(&self, offset: u64, len: u64) -> Result<Bytes> {
        self.read(offset, len.min(self.len.saturating_sub(offset)))
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    // The place in the file is shared, but one reader reads from one thread at a time.
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read(buffer)
}

fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, offset) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file was cut short while it was read",
                ));
            }
            Ok(count) => {
                buffer = buffer.get_mut(count..).unwrap_or_default();
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads on from a place in a [`Content`].
#[derive(Debug)]
pub(crate) struct ContentReader {
    content: Content,
    at: u64,
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.content.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let buffer = buffer.get_mut(..count).unwrap_or_default();
        let count = match &self.content.kind {
            Kind::File(file) => read_at(file, buffer, self.at)?,
            Kind::Bytes(bytes) => {
                let start = usize::try_from(self.at).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Length for Content {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Content {
    type T = BufReader<ContentReader>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::with_capacity(
            HEADER_BUFFER,
            ContentReader {
                content: self.clone(),
                at: start,
            },
        ))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.read(start, length as u64)
            .map_err(|error| ParquetError::External(Box::new(error)))
    }
}
