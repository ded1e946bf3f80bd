//! Where a stream decoder's bytes come from: a mapped file, plain reads, memory, or pushes.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use parallax_events::{Error, Limits, Result};
use parallax_memory::{Bytes, MappedFile};

use crate::Piece;

/// How many bytes of a mapped file are handed out at once: the size of the file is checked anew for each.
const WINDOW: usize = 4 << 20;

/// How many bytes one plain read asks for.
const READ: usize = 1 << 20;

/// Bytes in order.
pub(crate) struct Source {
    kind: Kind,
    /// The offset of the first byte that is not consumed.
    at: u64,
    /// How long the input is, where that is known.
    len: Option<u64>,
    /// How many bytes of an input that is here a piece has at least.
    window: usize,
}

enum Kind {
    Mapped(MappedFile),
    Bytes(Bytes),
    Read {
        from: Box<dyn Read + Send>,
        buffer: Buffer,
        ended: bool,
    },
    Pushed {
        buffer: Buffer,
        ended: bool,
    },
}

/// Bytes that came in and are not consumed yet: `bytes[start..]`.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn append(&mut self, more: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(more);
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

impl Source {
    /// A regular file, mapped if allowed and possible, else read.
    pub(crate) fn file(file: File, mmap: bool) -> Result<Self> {
        let len = file.metadata()?.len();
        if mmap && let Ok(mapped) = MappedFile::open(&file) {
            // Advice; without it the read is only slower.
            let _ = mapped.advise_sequential();
            let len = mapped.len() as u64;
            return Ok(Self::of(Kind::Mapped(mapped), Some(len)));
        }
        Ok(Self {
            len: Some(len),
            ..Self::read(Box::new(file))
        })
    }

    /// Anything that can be read once, such as a pipe.
    pub(crate) fn read(from: Box<dyn Read + Send>) -> Self {
        let kind = Kind::Read {
            from,
            buffer: Buffer::default(),
            ended: false,
        };
        Self::of(kind, None)
    }

    pub(crate) fn bytes(bytes: Bytes) -> Self {
        let len = bytes.len() as u64;
        Self::of(Kind::Bytes(bytes), Some(len))
    }

    pub(crate) fn pushed() -> Self {
        let kind = Kind::Pushed {
            buffer: Buffer::default(),
            ended: false,
        };
        Self::of(kind, None)
    }

    fn of(kind: Kind, len: Option<u64>) -> Self {
        Self {
            kind,
            at: 0,
            len,
            window: WINDOW,
        }
    }

    /// Appends to a pushed source, or ends it.
    pub(crate) fn push(&mut self, more: Option<&[u8]>) -> Result<()> {
        match (&mut self.kind, more) {
            (Kind::Pushed { ended: true, .. }, Some(_)) => {
                Err(Error::param("bytes were pushed after the end"))
            }
            (Kind::Pushed { buffer, .. }, Some(more)) => {
                buffer.append(more);
                Ok(())
            }
            (Kind::Pushed { ended, .. }, None) => {
                *ended = true;
                Ok(())
            }
            _ => Err(Error::internal("bytes were pushed into a source that reads")),
        }
    }

    /// Bytes consumed so far.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }

    /// The next bytes: at least `want` of them, unless the input ends or (pushed) more have yet to come.
    ///
    /// # Errors
    /// If reading fails, if a mapped file has shrunk, or if `want` is beyond the limits.
    pub(crate) fn piece(&mut self, want: usize, limits: &Limits) -> Result<Piece<'_>> {
        limits.check_block(want as u64, self.at)?;
        let offset = self.at;
        let io_error = |error: io::Error| Error::from(error).at_byte(offset);
        let len = self
            .len
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(usize::MAX);
        match &mut self.kind {
            Kind::Mapped(mapped) => {
                let len = len.min(mapped.len());
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(len);
                let end = start.saturating_add(want.max(self.window)).min(len);
                let last = end == len;
                Ok(Piece {
                    bytes: mapped.chunk(start..end).map_err(io_error)?,
                    offset,
                    last,
                })
            }
            Kind::Bytes(bytes) => {
                let len = len.min(bytes.len());
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(len);
                let end = start.saturating_add(want.max(self.window)).min(len);
                Ok(Piece {
                    bytes: &bytes[start..end],
                    offset,
                    last: end == len,
                })
            }
            Kind::Read { from, buffer, ended } => {
                if buffer.pending().len() < want.max(1) && !*ended {
                    buffer.compact();
                    let missing = want.saturating_sub(buffer.bytes.len()).max(READ);
                    // `take` and `read_to_end` allocate by what comes, never by what is asked for.
                    let got = from
                        .take(missing as u64)
                        .read_to_end(&mut buffer.bytes)
                        .map_err(io_error)?;
                    *ended = got < missing;
                }
                Ok(Piece {
                    bytes: buffer.pending(),
                    offset,
                    last: *ended,
                })
            }
            Kind::Pushed { buffer, ended } => Ok(Piece {
                bytes: buffer.pending(),
                offset,
                last: *ended,
            }),
        }
    }

    /// Moves past `count` bytes of the last piece. The pages of a mapped file that lie behind are given back,
    /// so that a stream of any size takes little memory.
    pub(crate) fn consume(&mut self, count: usize) {
        let before = self.at;
        self.at += count as u64;
        match &mut self.kind {
            Kind::Mapped(mapped) => {
                let window = WINDOW as u64;
                if before / window != self.at / window {
                    let behind = usize::try_from(self.at / window * window).unwrap_or(usize::MAX);
                    let ahead = usize::try_from(before / window * window).unwrap_or(behind);
                    // Advice; without it the pages stay until the system wants them.
                    let _ = mapped.evict(ahead..behind);
                }
            }
            Kind::Bytes(_) => {}
            Kind::Read { buffer, .. } | Kind::Pushed { buffer, .. } => buffer.start += count,
        }
    }

    /// The input, if any place of it can be had at any time.
    pub(crate) fn shared(&self) -> Option<Shared<'_>> {
        match &self.kind {
            Kind::Mapped(mapped) => Some(Shared::Mapped(mapped)),
            Kind::Bytes(bytes) => Some(Shared::Bytes(bytes)),
            Kind::Read { .. } | Kind::Pushed { .. } => None,
        }
    }

    /// Moves to `at`, after the bytes up to there were taken through [`shared`](Self::shared).
    pub(crate) fn move_to(&mut self, at: u64) {
        self.at = at;
    }

    /// Pieces of an input that is here have at least `window` bytes from now on; `None` for as many as is usual.
    pub(crate) fn set_window(&mut self, window: Option<usize>) {
        self.window = window.unwrap_or(WINDOW);
    }

    /// Ends the input at `end`, where any place of it can be had.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.len = self.len.map(|len| len.min(end));
    }

    /// Whether it is pushed to and may get more.
    pub(crate) fn is_starved(&self) -> bool {
        matches!(self.kind, Kind::Pushed { ended: false, .. })
    }
}

/// An input of which several threads take bytes at the same time.
#[derive(Clone, Copy)]
pub(crate) enum Shared<'a> {
    Mapped(&'a MappedFile),
    Bytes(&'a Bytes),
}

impl<'a> Shared<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Mapped(mapped) => mapped.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// The bytes of a range, cut to what there is.
    ///
    /// # Errors
    /// If a mapped file has shrunk.
    pub(crate) fn bytes(self, range: Range<usize>) -> Result<&'a [u8]> {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let offset = range.start as u64;
        match self {
            Self::Mapped(mapped) => mapped
                .chunk(range)
                .map_err(|error| Error::from(error).at_byte(offset)),
            Self::Bytes(bytes) => Ok(&bytes[range]),
        }
    }

    /// A few bytes from `at` on, without mapping their page; `None` if they are not there.
    pub(crate) fn peek<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        match self {
            Self::Mapped(mapped) if at.checked_add(N)? <= mapped.len() => {
                mapped.read_at(at, &mut bytes).ok()?;
            }
            Self::Mapped(_) => return None,
            Self::Bytes(from) => bytes = *from.get(at..)?.first_chunk()?,
        }
        Some(bytes)
    }

    /// Lets go of the memory behind a range that was mapped.
    pub(crate) fn release(self, range: Range<usize>) {
        if let Self::Mapped(mapped) = self {
            // Advice; without it the pages stay until the system wants them.
            let _ = mapped.evict(range);
        }
    }
}
