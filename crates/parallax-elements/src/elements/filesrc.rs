//! Gives the bytes of a file, in packets of one size.
//!
//! A regular local file is mapped, so its pages are handed on without a copy, and its size is looked at before each
//! packet. What cannot be mapped (network file systems, `mmap=false`) is read into slots of a pool. So are named pipes and
//! terminals; nobody has to be at their other end when the pipeline starts or stops.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_memory::{Bytes, MappedFile, MemoryPool};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Ports, Position, Produced, Source};

pub(crate) static ELEMENT: ElementRow = ElementRow {
    copies: "out of a file that cannot be mapped, into slots of its pool",
    ..ElementRow::plain(&DECLARATION, Ports::SOURCE, build)
};

static DECLARATION: Declaration = Declaration::new(
    "filesrc",
    "Gives the bytes of a file",
    &[
        ParamSpec::text("location").doc("Path of the file"),
        ParamSpec::size("blocksize").min(1).max(1 << 30).default(1 << 20).doc("The most bytes in one packet"),
        ParamSpec::int("num_buffers").min(0).optional().doc("The most packets; the whole file if absent"),
        ParamSpec::bool("mmap").default(true).doc("Whether the file may be mapped into memory; else it is read"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let mut source = FileSrc::new(params.text("location")?);
    source.block = params.size("blocksize")? as usize;
    source.limit = params.optional_int("num_buffers")?.map(i64::unsigned_abs);
    source.mmap = params.bool("mmap")?;
    Ok(source.into())
}

/// Gives the bytes of a file.
#[derive(Debug)]
pub struct FileSrc {
    location: PathBuf,
    block: usize,
    mmap: bool,
    limit: Option<u64>,
    /// How many packets were given, of at most `limit`.
    packets: u64,
    input: Input,
    /// How many bytes were given, of how many there are, and who wants to know.
    given: u64,
    size: u64,
    context: Option<Context>,
}

#[derive(Debug)]
enum Input {
    Closed,
    Mapped(Arc<MappedFile>, usize),
    Read(File, MemoryPool),
    /// Where a read may have to wait for somebody.
    Stream(File, MemoryPool),
}

impl FileSrc {
    /// The bytes of this file, 1 MiB a packet.
    pub fn new(location: impl Into<PathBuf>) -> Self {
        Self {
            location: location.into(),
            block: 1 << 20,
            mmap: true,
            limit: None,
            packets: 0,
            input: Input::Closed,
            given: 0,
            size: 0,
            context: None,
        }
    }

    fn named(&self, error: impl Into<Error>) -> Error {
        error.into().with_context("file", self.location.display())
    }
}

impl Source for FileSrc {
    fn offers(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.packets = 0;
        let (file, is_stream) = open(&self.location).map_err(|error| self.named(error))?;
        let metadata = file.metadata().map_err(|error| self.named(error))?;
        (self.given, self.size, self.context) = (0, metadata.len(), Some(context.clone()));
        if metadata.is_dir() {
            return Err(self.named(Error::param("it is a folder").with_hint("name a file inside it")));
        }
        if is_stream {
            self.input = Input::Stream(file, context.pool(32, self.block)?);
            return Ok(());
        }
        self.input = match MappedFile::open(&file) {
            Ok(mapped) if self.mmap => {
                // Advice only.
                let _ = mapped.advise_sequential();
                Input::Mapped(Arc::new(mapped), 0)
            }
            _ => Input::Read(file, context.pool(32, self.block)?),
        };
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        if self.limit.is_some_and(|limit| self.packets >= limit) {
            return Ok(Produced::End);
        }
        let block = self.block;
        let result = match &mut self.input {
            Input::Closed => Err(Error::internal("the source has not started")),
            Input::Mapped(file, at) => {
                let range = *at..at.saturating_add(block).min(file.len());
                if range.is_empty() {
                    return Ok(Produced::End);
                }
                *at = range.end;
                Bytes::from_mapped(Arc::clone(file), range).map_err(Error::from)
            }
            Input::Stream(file, _) if !has_more(file)? => return Ok(Produced::Nothing),
            Input::Read(file, pool) | Input::Stream(file, pool) => {
                let Ok(mut loan) = pool.loan_timeout(Duration::from_millis(100)) else {
                    return Ok(Produced::Nothing);
                };
                match file.read(loan.as_mut_slice()) {
                    Ok(0) => return Ok(Produced::End),
                    Ok(len) => loan.set_len(len).map_err(Error::from).map(|()| loan.seal()),
                    Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
                        return Ok(Produced::Nothing);
                    }
                    Err(error) => Err(error.into()),
                }
            }
        };
        let bytes = result.map_err(|error| self.named(error))?;
        self.packets += 1;
        self.given += bytes.len() as u64;
        if let Some(context) = self.context.as_ref().filter(|_| self.size > 0) {
            context.progress(self.given.min(self.size), self.size);
        }
        Ok(Produced::Packet(Packet::from(bytes)))
    }

    /// To a byte of a regular file; one behind the end is the end.
    fn seek(&mut self, position: Position) -> Result<()> {
        let Position::Byte(byte) = position else {
            let error = Error::unsupported("a file is sought in by bytes, not by time");
            return Err(self.named(error.with_hint("its times are known behind a decoder")));
        };
        let sought = match &mut self.input {
            Input::Closed => Err(Error::internal("the source has not started")),
            Input::Mapped(file, at) => {
                *at = usize::try_from(byte).unwrap_or(usize::MAX).min(file.len());
                Ok(())
            }
            // A pipe says what it cannot do.
            Input::Read(file, _) | Input::Stream(file, _) => file.seek(SeekFrom::Start(byte)).map(drop).map_err(Error::from),
        };
        sought.map_err(|error| self.named(error))?;
        self.given = byte;
        Ok(())
    }

    fn stop(&mut self) {
        self.input = Input::Closed;
    }
}

/// The file, and whether reading it may have to wait for somebody; opening it does not.
#[cfg(target_os = "linux")]
fn open(location: &Path) -> io::Result<(File, bool)> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

    let kind = std::fs::metadata(location)?.file_type();
    let is_stream = kind.is_fifo() || kind.is_char_device();
    let mut options = OpenOptions::new();
    options.read(true);
    if is_stream {
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    Ok((options.open(location)?, is_stream))
}

#[cfg(not(target_os = "linux"))]
fn open(location: &Path) -> io::Result<(File, bool)> {
    Ok((OpenOptions::new().read(true).open(location)?, false))
}

/// Whether there is something to read, the end included; waits for it for a moment.
#[cfg(target_os = "linux")]
fn has_more(file: &File) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut polled = [PollFd::new(file, PollFlags::IN)];
    let moment = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    match poll(&mut polled, Some(&moment)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn has_more(_: &File) -> io::Result<bool> {
    Ok(true)
}

impl From<FileSrc> for Built {
    fn from(source: FileSrc) -> Self {
        Self::source(source)
    }
}
