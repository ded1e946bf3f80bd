//! One part, decoded, and its report, taken into that of the whole.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use parallax_events::{BatchBuilder, Error, FilledPart, FindingKind, Report, Result};

use crate::decoder::Room;
use crate::source::Shared;
use crate::{Decoder, EventSink, Piece, ReadOptions};

/// What became of a part.
pub(super) struct Outcome {
    pub(super) filled: FilledPart,
    pub(super) decoded: Decoded,
}

/// How far a part was decoded.
pub(super) struct Decoded {
    pub(super) report: Report,
    pub(super) end: Ended,
    /// The input up to here is done.
    pub(super) at: u64,
}

pub(super) enum Ended {
    /// All of it is decoded.
    Whole,
    /// The caller asked to stop.
    Stopped,
    /// The input cannot be read further.
    Failed(Error),
    /// It is not what the survey said.
    Changed,
}

/// Decodes one part into `room`, which is empty.
pub(super) fn decode(
    input: Shared<'_>,
    range: Range<usize>,
    mut decoder: Box<dyn Decoder>,
    room: &mut dyn Room,
    options: &ReadOptions,
    stop: &AtomicBool,
) -> Decoded {
    let mut report = Report::default();
    let mut at = range.start;
    let last = range.end == input.len();
    let mut run = || -> Result<Ended> {
        let mut beyond = BatchBuilder::with_capacity(1)?;
        let bytes = input.bytes(range.clone())?;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(Ended::Stopped);
            }
            let rest = bytes.get(at - range.start..).unwrap_or_default();
            let offset = at as u64;
            let (held, piece) = (
                room.len(),
                Piece {
                    bytes: rest,
                    offset,
                    last,
                },
            );
            let consumed = if room.room() > 0 {
                decoder.decode(piece, &mut EventSink::into_part(room, &mut report, options))?
            } else {
                // What is left should hold no event; but a decoder wants room.
                let mut sink = EventSink::new(&mut beyond, &mut report, held as u64, options);
                decoder.decode(piece, &mut sink)?
            };
            if !beyond.is_empty() {
                return Ok(Ended::Changed);
            }
            let consumed = consumed.min(rest.len());
            at += consumed;
            if consumed > 0 || room.len() > held {
                continue;
            }
            if rest.is_empty() {
                return Ok(Ended::Whole);
            }
            if !last {
                return Ok(Ended::Changed);
            }
            let events = Some(room.len() as u64);
            report.note(FindingKind::TruncatedTail, 1, Some(offset), events, || {
                format!("{} bytes that make no whole record", rest.len())
            });
            return Ok(Ended::Whole);
        }
    };
    let end = run().unwrap_or_else(Ended::Failed);
    Decoded {
        report,
        end,
        at: at as u64,
    }
}

/// Adds the report of a part whose first event is the stream's event `first`, and perhaps earlier than the one before.
pub(super) fn absorb(report: &mut Report, part: &Report, first: u64, steps_back: bool) {
    let mut front = Report::default();
    let mut behind = Report::default();
    for finding in part.findings() {
        // What stands in front of the first event comes before its step back.
        let is_front = finding.first_event == Some(0) && behind.is_clean();
        let to = if is_front { &mut front } else { &mut behind };
        to.note(
            finding.kind,
            finding.count,
            finding.first_byte,
            finding.first_event,
            || finding.detail.clone(),
        );
    }
    report.absorb(&front, first);
    report.note(
        FindingKind::TimeBack,
        u64::from(steps_back),
        None,
        Some(first),
        String::new,
    );
    report.absorb(&behind, first);
}
