//! Writes a ZIP archive, member by member, to an output that need not be sought.
//!
//! In: members whose bytes, checksums and sizes are known. Out: local headers with them, no data descriptors; 64-bit
//! fields where a size or a place needs them. All members bear the first date that ZIP knows, so that the same members
//! give the same archive. Source: PKWARE's APPNOTE.TXT.

use std::io::Write;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use parallax_events::{Error, Result};

use crate::spool::Spool;

/// 1980-01-01.
const DATE: u16 = 0x0021;

/// How many bytes are compressed at once.
const BLOCK: usize = 64 << 10;

/// How the members of an archive are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NpzCompression {
    /// As they are: fast, as `numpy.savez` does.
    #[default]
    Store,
    /// Deflated: smaller and slower, as `numpy.savez_compressed` does.
    Deflate,
}

/// The body of a member in the making. What stands before it (an NPY header with the count) comes when all is there.
#[derive(Debug)]
pub(super) struct Body {
    spool: Spool,
    deflate: Option<Box<Compress>>,
    packed: Vec<u8>,
    crc: Crc,
    len: u64,
}

impl Body {
    pub(super) fn new(compression: NpzCompression) -> Self {
        let deflate = match compression {
            NpzCompression::Store => None,
            NpzCompression::Deflate => Some(Box::new(Compress::new(Compression::default(), false))),
        };
        Self {
            spool: Spool::new(),
            deflate,
            packed: Vec::new(),
            crc: Crc::new(),
            len: 0,
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.len += bytes.len() as u64;
        match self.deflate {
            None => self.spool.put(bytes),
            Some(_) => self.deflate(bytes, FlushCompress::None),
        }
    }

    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress) -> Result<()> {
        let Some(deflate) = &mut self.deflate else {
            return Ok(());
        };
        loop {
            self.packed.clear();
            self.packed.reserve(BLOCK);
            let before = deflate.total_in();
            let status = deflate
                .compress_vec(bytes, &mut self.packed, flush)
                .map_err(|error| Error::internal("cannot compress").with_source(error))?;
            bytes = bytes
                .get((deflate.total_in() - before) as usize..)
                .unwrap_or_default();
            self.spool.put(&self.packed)?;
            let is_done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => bytes.is_empty() && self.packed.len() < self.packed.capacity(),
            };
            if is_done {
                return Ok(());
            }
        }
    }
}

/// An archive in the making.
pub(super) struct Archive<W: Write> {
    output: W,
    at: u64,
    /// The central directory so far.
    directory: Vec<u8>,
    members: u64,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output,
            at: 0,
            directory: Vec::new(),
            members: 0,
        }
    }

    /// Writes the member `name`: `head`, then the body.
    pub(super) fn add(&mut self, name: &str, head: &[u8], mut body: Body) -> Result<()> {
        body.deflate(&[], FlushCompress::Finish)?;
        let mut crc = Crc::new();
        crc.update(head);
        crc.combine(&body.crc);
        let size = head.len() as u64 + body.len;
        let deflated = body.deflate.is_some();
        // In a deflated member the head is blocks that are stored, before those of the body.
        let head = if deflated {
            stored_blocks(head)
        } else {
            head.to_vec()
        };
        let packed = head.len() as u64 + body.spool.len();
        let entry = Entry {
            name,
            deflated,
            crc: crc.sum(),
            packed,
            size,
            at: self.at,
        };
        let local = entry.local();
        self.output.write_all(&local)?;
        self.output.write_all(&head)?;
        body.spool.pour(&mut self.output)?;
        self.at += local.len() as u64 + packed;
        self.directory.extend(entry.central());
        self.members += 1;
        Ok(())
    }

    /// Writes the directory, flushes, and gives the output back.
    pub(super) fn finish(mut self) -> Result<W> {
        let (size, at, members) = (self.directory.len() as u64, self.at, self.members);
        let mut end = Vec::new();
        let is_long = at >= u32::MAX.into() || size >= u32::MAX.into() || members >= u16::MAX.into();
        if is_long {
            end.extend(b"PK\x06\x06");
            end.extend(44_u64.to_le_bytes());
            end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [members, members, size, at] {
                end.extend(number.to_le_bytes());
            }
            end.extend(b"PK\x06\x07\0\0\0\0");
            end.extend((at + size).to_le_bytes());
            end.extend(1_u32.to_le_bytes());
        }
        end.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            end.extend(u16::try_from(members).unwrap_or(u16::MAX).to_le_bytes());
        }
        for number in [size, at] {
            end.extend(short(number).to_le_bytes());
        }
        end.extend([0, 0]);
        self.output.write_all(&self.directory)?;
        self.output.write_all(&end)?;
        self.output.flush()?;
        Ok(self.output)
    }
}

/// What both headers of a member say.
struct Entry<'a> {
    name: &'a str,
    deflated: bool,
    crc: u32,
    packed: u64,
    size: u64,
    at: u64,
}

impl Entry<'_> {
    /// Whether a number has no room in 32 bits.
    fn is_long(&self) -> bool {
        [self.packed, self.size, self.at]
            .into_iter()
            .any(|number| number >= u32::MAX.into())
    }

    fn local(&self) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        self.front(&mut bytes);
        let extra = if self.is_long() { 20_u16 } else { 0 };
        bytes.extend(extra.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        if self.is_long() {
            bytes.extend([1, 0, 16, 0]);
            bytes.extend(self.size.to_le_bytes());
            bytes.extend(self.packed.to_le_bytes());
        }
        bytes
    }

    fn central(&self) -> Vec<u8> {
        // Made by version 4.5 under no system in particular.
        let mut bytes = b"PK\x01\x02\x2D\0".to_vec();
        self.front(&mut bytes);
        let extra = if self.is_long() { 28_u16 } else { 0 };
        bytes.extend(extra.to_le_bytes());
        // No comment, the first volume, no attributes.
        bytes.extend([0; 10]);
        bytes.extend(if self.is_long() { u32::MAX } else { short(self.at) }.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        if self.is_long() {
            bytes.extend([1, 0, 24, 0]);
            for number in [self.size, self.packed, self.at] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes
    }

    /// From the version that is needed to the length of the name.
    fn front(&self, bytes: &mut Vec<u8>) {
        let version: u16 = if self.is_long() { 45 } else { 20 };
        let flags: u16 = if self.name.is_ascii() { 0 } else { 1 << 11 };
        let method: u16 = if self.deflated { 8 } else { 0 };
        for number in [version, flags, method, 0, DATE] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.crc.to_le_bytes());
        for number in [self.packed, self.size] {
            bytes.extend(if self.is_long() { u32::MAX } else { short(number) }.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
    }
}

/// The bytes as deflate's blocks that are stored, none of them the last of its stream (RFC 1951, 3.2.4).
fn stored_blocks(bytes: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(bytes.len() + 5);
    for chunk in bytes.chunks(u16::MAX.into()) {
        let len = chunk.len() as u16;
        blocks.push(0);
        blocks.extend(len.to_le_bytes());
        blocks.extend((!len).to_le_bytes());
        blocks.extend(chunk);
    }
    blocks
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
