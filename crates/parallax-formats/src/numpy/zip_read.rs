//! The members of a ZIP archive, stored or deflated.
//!
//! In: a [`Content`] that can be read at any place. Out: the list of its members, and each as a stream of bytes. What the
//! archive claims (places, sizes, counts) is checked against its length and the limits before it is used, and a member
//! is decompressed piece by piece, so it may be as large as it likes. Archives of more than 4 GiB and such with
//! something before them are read; encrypted ones and those in several volumes are not.
//!
//! Source: PKWARE's APPNOTE.TXT, sections 4.3 to 4.5.

use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use parallax_events::{Error, Limits, Result};

use crate::columnar::Content;

/// The end of the central directory, at the end of the file but for a comment of up to 64 KiB.
const END: &[u8; 4] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const LOCATOR_BYTES: u64 = 20;
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// What a member begins with.
pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_BYTES: u64 = 30;

/// Stands where the number is in a field of 64 bits.
const ELSEWHERE: u32 = u32::MAX;

/// How many compressed bytes are read at once.
const BLOCK: u64 = 64 << 10;

/// The most members that are looked at.
const MEMBERS: usize = 4096;

/// A member, as the directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    method: u16,
    encrypted: bool,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its local header is.
    at: u64,
}

/// Fields of a record, checked to be there.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        self.0
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .map_or(0, u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> u32 {
        self.0
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .map_or(0, u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        self.0
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .map_or(0, u64::from_le_bytes)
    }
}

/// The members of an archive, in the order of its directory.
pub(super) fn entries(content: &Content, limits: &Limits) -> Result<Vec<Entry>> {
    let (directory, moved) = directory(content, limits)?;
    let mut entries = Vec::new();
    let mut rest: &[u8] = &directory;
    while !rest.is_empty() {
        let damaged = || Error::malformed("the directory of the ZIP archive is damaged");
        if entries.len() == MEMBERS {
            return Err(Error::limit(format!(
                "a ZIP archive of more than {MEMBERS} members"
            )));
        }
        if rest.len() < ENTRY_BYTES || !rest.starts_with(ENTRY) {
            return Err(damaged());
        }
        let fields = Fields(rest);
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(fields.u16(at)));
        let name_end = ENTRY_BYTES + name;
        let text = rest.get(ENTRY_BYTES..name_end).ok_or_else(damaged)?;
        let extra = rest.get(name_end..name_end + extra).ok_or_else(damaged)?;
        let mut entry = Entry {
            name: String::from_utf8_lossy(text).into_owned(),
            method: fields.u16(10),
            encrypted: fields.u16(8) & 1 != 0,
            crc: fields.u32(16),
            packed: fields.u32(20).into(),
            size: fields.u32(24).into(),
            at: fields.u32(42).into(),
        };
        entry.widen(extra);
        entry.at = entry.at.checked_add(moved).ok_or_else(damaged)?;
        rest = rest.get(name_end + extra.len() + comment..).ok_or_else(damaged)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// The bytes of the central directory, and by how much places in it are moved.
fn directory(content: &Content, limits: &Limits) -> Result<(Bytes, u64)> {
    let len = content.len();
    let tail_at = len.saturating_sub((END_BYTES + usize::from(u16::MAX)) as u64);
    let tail = content.read(tail_at, len - tail_at)?;
    let is_end = |at: &usize| {
        let end = tail.get(*at..).unwrap_or_default();
        end.starts_with(END) && end.len() == END_BYTES + usize::from(Fields(end).u16(20))
    };
    let last = tail.len().saturating_sub(END_BYTES);
    let Some(end_at) = (0..=last).rev().find(is_end) else {
        return Err(Error::malformed("the ZIP archive has no directory at its end")
            .at_byte(len)
            .with_hint("is the file complete?"));
    };
    let end = Fields(tail.get(end_at..).unwrap_or_default());
    let mut end_at = tail_at + end_at as u64;
    let (mut size, mut offset) = (u64::from(end.u32(12)), u64::from(end.u32(16)));
    if (end.u32(12) == ELSEWHERE || end.u32(16) == ELSEWHERE || end.u16(10) == u16::MAX)
        && let Some(locator_at) = end_at.checked_sub(LOCATOR_BYTES)
    {
        let locator = content.read(locator_at, LOCATOR_BYTES)?;
        if locator.starts_with(LOCATOR) {
            // By place, not by the offset that it states: something may stand before the archive.
            let stated = Fields(&locator).u64(8);
            let at = match locator_at.checked_sub(56) {
                Some(at) if content.read(at, 4)?.starts_with(END64) => at,
                _ => stated,
            };
            let end64 = content.read(at, 56)?;
            if !end64.starts_with(END64) {
                return Err(Error::malformed("the ZIP archive lacks its 64-bit end record").at_byte(at));
            }
            (size, offset) = (Fields(&end64).u64(40), Fields(&end64).u64(48));
            end_at = at;
        }
    }
    limits.check_block(size, end_at)?;
    let start = end_at.checked_sub(size);
    let Some((start, moved)) = start.and_then(|start| Some((start, start.checked_sub(offset)?))) else {
        return Err(Error::malformed(format!(
            "the directory of the ZIP archive claims {size} bytes at {offset}"
        ))
        .at_byte(end_at));
    };
    Ok((content.read(start, size)?, moved))
}

impl Entry {
    /// Takes what did not fit into 32 bits from the extra field 1.
    fn widen(&mut self, mut extra: &[u8]) {
        while extra.len() >= 4 {
            let fields = Fields(extra);
            let (kind, size) = (fields.u16(0), usize::from(fields.u16(2)));
            let body = extra.get(4..4 + size).unwrap_or_default();
            if kind == 1 {
                let mut numbers = body
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|bytes| u64::from_le_bytes(*bytes));
                for field in [&mut self.size, &mut self.packed, &mut self.at] {
                    if *field == u64::from(ELSEWHERE) {
                        *field = numbers.next().unwrap_or(*field);
                    }
                }
            }
            extra = extra.get(4 + size..).unwrap_or_default();
        }
    }

    /// The member's bytes from the first on.
    pub(super) fn open(&self, content: &Content) -> Result<Member> {
        self.try_open(content)
            .map_err(|error| error.with_context("member", &self.name))
    }

    fn try_open(&self, content: &Content) -> Result<Member> {
        if self.encrypted {
            return Err(Error::unsupported("it is encrypted").at_byte(self.at));
        }
        let inflate = match self.method {
            0 if self.packed != self.size => {
                return Err(Error::malformed("it is stored and has two sizes").at_byte(self.at));
            }
            0 => None,
            8 => Some(Box::new(Decompress::new(false))),
            method => {
                return Err(Error::unsupported(format!("the ZIP compression method {method}"))
                    .at_byte(self.at)
                    .with_hint("numpy.savez and numpy.savez_compressed write what can be read"));
            }
        };
        let local = content.read(self.at, LOCAL_BYTES)?;
        if !local.starts_with(LOCAL) {
            return Err(Error::malformed("no member of the ZIP archive begins here").at_byte(self.at));
        }
        let lengths = u64::from(Fields(&local).u16(26)) + u64::from(Fields(&local).u16(28));
        // Content has checked that the header is inside.
        let at = self.at + LOCAL_BYTES + lengths;
        if at.checked_add(self.packed).is_none_or(|end| end > content.len()) {
            return Err(
                Error::malformed(format!("it claims {} bytes, more than are left", self.packed))
                    .at_byte(self.at)
                    .with_hint("is the file complete?"),
            );
        }
        Ok(Member {
            content: content.clone(),
            name: self.name.clone(),
            at,
            packed_left: self.packed,
            block: Bytes::new(),
            inflate,
            left: self.size,
            crc: Crc::new(),
            wanted_crc: self.crc,
        })
    }
}

/// The bytes of a member, in order.
#[derive(Debug)]
pub(super) struct Member {
    content: Content,
    name: String,
    /// Where the compressed bytes go on.
    at: u64,
    packed_left: u64,
    /// Compressed bytes that are read and not used yet.
    block: Bytes,
    inflate: Option<Box<Decompress>>,
    /// Bytes still to come.
    left: u64,
    crc: Crc,
    wanted_crc: u32,
}

impl Member {
    /// Fills `out`, or as much of it as the member still has. Returns how many bytes.
    ///
    /// # Errors
    /// If the compressed bytes are damaged or end early, or at its end, if its checksum is wrong.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let count = self
            .try_read(out)
            .map_err(|error| error.with_context("member", &self.name))?;
        self.crc.update(out.get(..count).unwrap_or_default());
        self.left -= count as u64;
        if self.left == 0 && count > 0 && self.crc.sum() != self.wanted_crc {
            return Err(Error::malformed("the checksum is wrong: its bytes are damaged")
                .with_context("member", &self.name)
                .at_byte(self.at));
        }
        Ok(count)
    }

    fn try_read(&mut self, out: &mut [u8]) -> Result<usize> {
        let room = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < room {
            if self.block.is_empty() {
                let count = self.packed_left.min(BLOCK);
                self.block = self.content.read(self.at, count)?;
                self.at += count;
                self.packed_left -= count;
            }
            let out = out.get_mut(done..room).unwrap_or_default();
            let (used, made) = match &mut self.inflate {
                None => {
                    let count = out.len().min(self.block.len());
                    out.get_mut(..count)
                        .unwrap_or_default()
                        .copy_from_slice(&self.block[..count]);
                    (count, count)
                }
                Some(inflate) => {
                    let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
                    let status = inflate
                        .decompress(&self.block, out, FlushDecompress::None)
                        .map_err(|error| {
                            Error::malformed("its compressed bytes are damaged")
                                .at_byte(self.at)
                                .with_source(error)
                        })?;
                    let made = (inflate.total_out() - before_out) as usize;
                    if status == Status::StreamEnd && made < out.len() {
                        // Short: the rest is missing.
                        return Err(self.short());
                    }
                    ((inflate.total_in() - before_in) as usize, made)
                }
            };
            if used == 0 && made == 0 && self.packed_left == 0 {
                return Err(self.short());
            }
            self.block = self.block.slice(used..);
            done += made;
        }
        Ok(done)
    }

    fn short(&self) -> Error {
        Error::malformed("its compressed bytes end early").at_byte(self.at)
    }

    /// Steps over `count` bytes.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<()> {
        let mut block = vec![0; BLOCK as usize];
        while count > 0 {
            let part = usize::try_from(count).unwrap_or(usize::MAX).min(block.len());
            let got = self.read(block.get_mut(..part).unwrap_or_default())?;
            if got == 0 {
                return Ok(());
            }
            count -= got as u64;
        }
        Ok(())
    }
}
