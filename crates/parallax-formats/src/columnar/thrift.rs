//! Walks Thrift's compact encoding, in which Parquet keeps its headers, without building anything.
//!
//! In go bytes from outside, out come the few numbers asked for. The Parquet library reads the same bytes
//! afterwards; this walk only finds what that would take on trust. The two must never disagree about where a
//! value ends, so whatever they could understand differently is refused: the caller names the fields and types
//! that it knows, and only numbers, texts, switches and structures of them can be skipped.
//!
//! Source: `doc/specs/thrift-compact-protocol.md` of the Apache Thrift project.

use parallax_events::{Error, Result};

/// The type of a field or a list element, in the numbers of the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl Kind {
    /// A switch that is on; the type is the value.
    pub(crate) const TRUE: Self = Self(1);
    /// A switch that is off.
    pub(crate) const FALSE: Self = Self(2);
    /// A 32-bit integer.
    pub(crate) const I32: Self = Self(5);
    /// A 64-bit integer.
    pub(crate) const I64: Self = Self(6);
    /// Bytes or a text.
    pub(crate) const BINARY: Self = Self(8);
    /// A list.
    pub(crate) const LIST: Self = Self(9);
    /// A structure.
    pub(crate) const STRUCT: Self = Self(12);
}

/// How deep structures may nest where they are skipped.
const DEPTH: u8 = 4;

/// A place in the encoded bytes.
#[derive(Debug)]
pub(crate) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    /// At the beginning of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes are behind.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Whether the walk came to the end of the bytes, so that it may be tried again with more.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Number and type of the next field of a structure, whose last field was `last`; `None` at its end.
    pub(crate) fn field(&mut self, last: &mut i16) -> Result<Option<(i16, Kind)>> {
        let head = self.byte()?;
        let kind = Kind(head & 0x0f);
        if kind.0 == 0 {
            return Ok(None);
        }
        let number = match head >> 4 {
            0 => self.integer()?,
            step => i64::from(*last) + i64::from(step),
        };
        *last =
            i16::try_from(number).map_err(|_| Error::malformed(format!("a header has a field {number}")))?;
        Ok(Some((*last, kind)))
    }

    /// A signed integer of up to 64 bits.
    pub(crate) fn integer(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A signed integer of 32 bits.
    pub(crate) fn int(&mut self) -> Result<i32> {
        let value = self.integer()?;
        i32::try_from(value)
            .map_err(|_| Error::malformed(format!("a header holds {value} as a 32-bit number")))
    }

    /// Type and number of a list's elements.
    pub(crate) fn list(&mut self) -> Result<(Kind, u64)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        Ok((Kind(head & 0x0f), count))
    }

    /// Passes over a value.
    ///
    /// # Errors
    /// If it is, or holds, anything but numbers, texts, switches and structures.
    pub(crate) fn skip(&mut self, kind: Kind) -> Result<()> {
        self.skip_within(kind, DEPTH)
    }

    fn skip_within(&mut self, kind: Kind, depth: u8) -> Result<()> {
        match kind {
            Kind::TRUE | Kind::FALSE => Ok(()),
            Kind::I32 | Kind::I64 => self.varint().map(|_| ()),
            Kind::BINARY => {
                let len = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                self.at = self
                    .at
                    .saturating_add(len)
                    .min(self.bytes.len().saturating_add(1));
                if self.at > self.bytes.len() {
                    Err(too_early())
                } else {
                    Ok(())
                }
            }
            Kind::STRUCT if depth > 0 => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip_within(kind, depth - 1)?;
                }
                Ok(())
            }
            Kind(other) => Err(Error::malformed(format!(
                "a header holds a value of type {other}"
            ))),
        }
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte.ok_or_else(too_early)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        // The tenth byte has one bit left to give.
        match self.byte()? {
            byte @ 0..=1 => Ok(value | u64::from(byte) << 63),
            _ => Err(Error::malformed("a number in a header has more than 64 bits")),
        }
    }
}

fn too_early() -> Error {
    Error::malformed("a header ends too early")
}
