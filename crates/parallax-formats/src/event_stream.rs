//! The types of Event Stream that hold no changes with a polarity: their records are counted, and then refused by name.
//!
//! In: what follows the header. A record begins with a byte of time (254: a reset, 255: time alone, neither begins one).
//! Generic records go on with their length, 7 bits in the upper bits of each byte, the lowest bit saying that more follow,
//! and so many bytes; colour records with column, row and three bytes; AMD records with column, row and one byte. Source:
//! the Event Stream specification, version 2.0.

use parallax_events::{Error, FindingKind, Result};

use crate::{EventSink, Piece};

/// A type without changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    Generic,
    Amd,
    Color,
}

impl Other {
    fn records(self) -> &'static str {
        match self {
            Self::Generic => "generic events: bytes of any meaning with a time",
            Self::Amd => "AMD events: the pixels of an asynchronous display",
            Self::Color => "colour events: red, green and blue of a pixel",
        }
    }

    /// That a stream of this type holds no events.
    fn refused(self, at: u64) -> Error {
        Error::unsupported(format!(
            "the Event Stream holds {}, and no changes with a polarity",
            self.records()
        ))
        .at_byte(at)
        .with_hint("DVS and ATIS streams can be read")
    }
}

/// Counts the records of such a stream.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    kind: Other,
    /// Where the header says what the records are.
    stated_at: u64,
    place: Place,
}

/// What the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Time,
    /// Of a length: its bits so far, and how many they are.
    Length {
        value: u64,
        bits: u32,
    },
    /// Of a record's content: so many bytes are left.
    Content(u64),
}

impl Described {
    /// At the first byte behind the header.
    pub(crate) fn new(kind: Other, stated_at: u64) -> Self {
        Self {
            kind,
            stated_at,
            place: Place::Time,
        }
    }

    /// Counts the records that end in `bytes`, which lie at `offset` and end the input if `piece` does.
    ///
    /// # Errors
    /// At the end of the input, always: that there are no events in it. Earlier if a record's length is beyond 63 bits.
    pub(crate) fn count(
        &mut self,
        bytes: &[u8],
        offset: u64,
        piece: Piece<'_>,
        sink: &mut EventSink<'_>,
    ) -> Result<()> {
        let mut records = 0;
        let mut outcome = Ok(());
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            self.place = match self.place {
                Place::Time => {
                    at += 1;
                    match (byte, self.kind) {
                        (0xFE.., _) => Place::Time,
                        (_, Other::Generic) => Place::Length { value: 0, bits: 0 },
                        (_, Other::Amd) => Place::Content(5),
                        (_, Other::Color) => Place::Content(7),
                    }
                }
                Place::Length { bits: 63.., .. } => {
                    outcome = Err(Error::malformed("a generic event is longer than 63 bits can say")
                        .at_byte(offset + at as u64));
                    break;
                }
                Place::Length { value, bits } => {
                    at += 1;
                    let value = value | u64::from(byte >> 1) << bits;
                    if byte & 1 == 1 {
                        Place::Length {
                            value,
                            bits: bits + 7,
                        }
                    } else {
                        Place::Content(value)
                    }
                }
                Place::Content(left) => {
                    let here = left.min((bytes.len() - at) as u64);
                    at += here as usize;
                    Place::Content(left - here)
                }
            };
            if self.place == Place::Content(0) {
                self.place = Place::Time;
                records += 1;
            }
        }
        if records > 0 {
            sink.note(FindingKind::OtherData, records, self.stated_at, || {
                self.kind.records().to_owned()
            });
        }
        outcome?;
        if !piece.last {
            return Ok(());
        }
        if self.place != Place::Time {
            let end = offset + bytes.len() as u64;
            sink.note(FindingKind::TruncatedTail, 1, end, String::new);
        }
        Err(self.kind.refused(self.stated_at))
    }
}
