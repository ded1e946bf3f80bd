//! Reading a stream of pieces, line by line.

use parallax_events::{Error, Limits, Meta, Result};

use super::{header, record};
use crate::{Decoder, EventSink, Piece};

/// Decodes an Event Tensor. A line that is not what the specification asks for ends the stream with an error.
#[derive(Debug)]
pub(crate) struct EventTensorDecoder {
    limits: Limits,
    meta: Option<Meta>,
}

impl EventTensorDecoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, meta: None }
    }

    /// The first line of `bytes` and its length with its end; `None` if more bytes are needed.
    fn line<'b>(&self, bytes: &'b [u8], offset: u64, last: bool) -> Result<Option<(&'b [u8], usize)>> {
        let most = usize::try_from(self.limits.header_bytes).unwrap_or(usize::MAX);
        let front = bytes.get(..most).unwrap_or(bytes);
        match memchr::memchr(b'\n', front) {
            Some(end) => Ok(Some((bytes.get(..end).unwrap_or_default(), end + 1))),
            None if bytes.len() > most => {
                Err(Error::limit(format!("a line of more than {most} bytes")).at_byte(offset))
            }
            None if last && !bytes.is_empty() => Ok(Some((bytes, bytes.len()))),
            None => Ok(None),
        }
    }
}

impl Decoder for EventTensorDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        while sink.room() > 0 {
            let offset = piece.offset + at as u64;
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            let Some((line, length)) = self.line(bytes, offset, piece.last)? else {
                break;
            };
            if !line.trim_ascii().is_empty() {
                if self.meta.is_none() {
                    let meta = header(line, offset, &self.limits)?;
                    sink.set_meta(&meta);
                    self.meta = Some(meta);
                } else {
                    let event = record(line, offset)?;
                    sink.push(event.t, event.x, event.y, event.p)?;
                }
            }
            at += length;
        }
        Ok(at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }
}
