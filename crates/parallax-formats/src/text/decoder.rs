//! The stream of lines: finds the plan, then decodes block by block.

use parallax_events::{Error, FindingKind, Meta, Result, SpareColumns};
use parallax_simd::{Columns, lines};

use super::plan::{Draft, First, Plan, Style, Unit};
use super::record;
use crate::{Decoder, EventSink, Look, Parts, Piece, Survey};

/// So many bytes are looked through for the end of a line.
const LOOK: usize = 64 << 10;

/// The longest line that is read, in bytes.
const LINE: usize = 64 << 10;

/// Decodes a text stream by a [`Style`].
#[derive(Debug, Clone)]
pub(crate) struct TextDecoder {
    style: Style,
    state: State,
    meta: Option<Meta>,
    bad: BadLines,
}

#[derive(Debug, Clone)]
enum State {
    /// Before the first record.
    Start(Draft),
    Lines {
        plan: Plan,
        usual: Option<lines::Style>,
    },
}

/// Lines that do not parse. The first is located; see [`Tally`](crate::prophesee::Tally) for the same idea.
#[derive(Debug, Clone, Default)]
struct BadLines {
    known: bool,
    pending: u64,
}

/// What a block of lines came to.
struct Block {
    consumed: usize,
    written: usize,
    /// The first bad line of the stream: its length, at the end of what was consumed.
    first_bad: Option<usize>,
    /// Whether the rest of the piece holds no whole line.
    starved: bool,
}

impl TextDecoder {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            state: State::Start(Draft::default()),
            meta: None,
            bad: BadLines::default(),
        }
    }

    /// Reads lines up to the first record, which is left for the main loop. Returns how many bytes are done.
    fn start(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        let State::Start(draft) = &mut self.state else {
            return Ok(0);
        };
        if piece.offset == 0 {
            const MARK: &[u8] = b"\xEF\xBB\xBF";
            if piece.bytes.len() < MARK.len() && MARK.starts_with(piece.bytes) && !piece.last {
                return Ok(0);
            }
            at = if piece.bytes.starts_with(MARK) {
                MARK.len()
            } else {
                0
            };
        }
        let plan = loop {
            let rest = piece.bytes.get(at..).unwrap_or_default();
            if rest.is_empty() && piece.last {
                break std::mem::take(draft).without_records(&self.style);
            }
            let Some((line, length)) = next_line(rest, piece.offset + at as u64, piece.last)? else {
                return Ok(at);
            };
            if !record::is_skipped(line) {
                let offset = piece.offset + at as u64;
                match draft
                    .line(line, &self.style)
                    .map_err(|error| error.at_byte(offset))?
                {
                    First::Record(plan) => break plan,
                    First::Header => {}
                    First::Bad => self.bad.note(line, offset, sink),
                }
            }
            at += length;
        };
        if plan.unit_assumed {
            let unit = plan.unit.name();
            let offset = piece.offset + at as u64;
            sink.note(FindingKind::Assumed, 1, offset, || match plan.unit {
                Unit::Seconds => format!("times count {unit}, as they have a decimal point"),
                _ => format!("times count {unit}, as they are whole numbers"),
            });
        }
        let meta = Meta {
            time_unit: plan.unit.kept(),
            geometry: plan.geometry,
            ..Meta::default()
        };
        sink.set_meta(&meta);
        self.meta = Some(meta);
        self.state = State::Lines {
            usual: plan.usual_lines(),
            plan,
        };
        Ok(at)
    }
}

impl Decoder for TextDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = if self.meta.is_none() {
            self.start(piece, sink)?
        } else {
            0
        };
        let State::Lines { plan, usual } = &self.state else {
            return Ok(at);
        };
        let outcome = loop {
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            if sink.room() == 0 || bytes.is_empty() {
                break Ok(at);
            }
            let offset = piece.offset + at as u64;
            let block = match block(
                bytes,
                piece.last,
                offset,
                plan,
                *usual,
                sink.spare(),
                &mut self.bad,
            ) {
                Ok(block) => block,
                Err((written, error)) => {
                    sink.commit(written)?;
                    break Err(error);
                }
            };
            if let Err(error) = sink.commit(block.written) {
                break Err(error);
            }
            if let Some(length) = block.first_bad {
                let line = bytes
                    .get(block.consumed.saturating_sub(length)..block.consumed)
                    .unwrap_or_default();
                let offset = offset + (block.consumed - line.len()) as u64;
                self.bad.note(line, offset, sink);
            }
            at += block.consumed;
            if block.starved {
                break Ok(at);
            }
        };
        let pending = std::mem::take(&mut self.bad.pending);
        sink.note(FindingKind::BadRecord, pending, 0, String::new);
        outcome
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn parts(&mut self) -> Option<&mut dyn Parts> {
        Some(self)
    }
}

impl Parts for TextDecoder {
    fn border(&self, from: u64, least: u64, input: &Look<'_>) -> Option<u64> {
        let mut at = from.checked_add(least)?;
        loop {
            let bytes = input.bytes(at, LOOK);
            match memchr::memchr(b'\n', bytes) {
                Some(end) => return Some(at + end as u64 + 1),
                None if bytes.is_empty() => return None,
                None => at += bytes.len() as u64,
            }
        }
    }

    fn survey(&self, bytes: &[u8], _: u64) -> Survey {
        let ends = memchr::memchr_iter(b'\n', bytes).count();
        Survey {
            events: ends + usize::from(bytes.last().is_some_and(|byte| *byte != b'\n')),
            effect: Box::new(()),
        }
    }

    /// Four numbers of a digit, with what separates and ends them; the last line of a file needs no end.
    fn least_record(&self) -> Option<usize> {
        Some(7)
    }

    fn pass(&mut self, _: &Survey) -> Result<()> {
        Ok(())
    }

    fn fork(&self, _: Option<&mut Survey>) -> Box<dyn Decoder> {
        Box::new(self.clone())
    }
}

impl BadLines {
    /// Counts a line; returns whether it is the first, which must be located before any other is read.
    fn add(&mut self) -> bool {
        self.pending += u64::from(self.known);
        !std::mem::replace(&mut self.known, true)
    }

    /// Reports a line. All events before it are committed.
    fn note(&mut self, line: &[u8], offset: u64, sink: &mut EventSink<'_>) {
        self.known = true;
        sink.note(FindingKind::BadRecord, 1, offset, || {
            let line = line.trim_ascii_end();
            let shown: String = String::from_utf8_lossy(line).chars().take(60).collect();
            format!("`{}`", shown.escape_debug())
        });
    }
}

/// Decodes lines from the front of `bytes`. An error comes with the number of events that are before it.
fn block(
    bytes: &[u8],
    last: bool,
    offset: u64,
    plan: &Plan,
    usual: Option<lines::Style>,
    out: SpareColumns<'_>,
    bad: &mut BadLines,
) -> std::result::Result<Block, (usize, Error)> {
    let room = out.t.len();
    let (t, x, y, p) = (out.t, &mut out.x[..room], &mut out.y[..room], &mut out.p[..room]);
    let (mut at, mut n) = (0, 0);
    while n < room {
        if let Some(style) = usual {
            let out = Columns {
                t: &mut t[n..],
                x: &mut x[n..],
                y: &mut y[n..],
                p: &mut p[n..],
            };
            let parsed = lines::parse(bytes.get(at..).unwrap_or_default(), style, out);
            n += parsed.events;
            at += parsed.bytes;
            if n == room {
                break;
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let line = match next_line(rest, offset + at as u64, last) {
            Ok(line) => line,
            Err(error) => return Err((n, error)),
        };
        let Some((line, length)) = line else {
            return Ok(Block {
                consumed: at,
                written: n,
                first_bad: None,
                starved: true,
            });
        };
        if !record::is_skipped(line) {
            let whole = plan.unit_assumed && plan.unit == Unit::Micros;
            if whole && record::has_fractional_time(line, &plan.layout, plan.separator) {
                return Err((n, mixed_times(offset + at as u64)));
            }
            match record::parse(line, plan) {
                Some(event) => {
                    (t[n], x[n], y[n], p[n]) = (event.t, event.x, event.y, event.p);
                    n += 1;
                }
                None if bad.add() => {
                    let consumed = at + length;
                    return Ok(Block {
                        consumed,
                        written: n,
                        first_bad: Some(length),
                        starved: false,
                    });
                }
                None => {}
            }
        }
        at += length;
    }
    Ok(Block {
        consumed: at,
        written: n,
        first_bad: None,
        starved: false,
    })
}

/// The first line of `bytes` without its end, and its length with it. `None` if more bytes are needed.
///
/// # Errors
/// If the line is longer than any sensible one.
fn next_line(bytes: &[u8], offset: u64, last: bool) -> Result<Option<(&[u8], usize)>> {
    let front = bytes.get(..LINE).unwrap_or(bytes);
    match memchr::memchr(b'\n', front) {
        Some(end) => Ok(Some((front.get(..end).unwrap_or_default(), end + 1))),
        None if bytes.len() >= LINE => Err(Error::limit(format!("a line is longer than {LINE} bytes"))
            .at_byte(offset)
            .with_hint("is it a text file?")),
        None if last && !bytes.is_empty() => Ok(Some((bytes, bytes.len()))),
        None => Ok(None),
    }
}

fn mixed_times(offset: u64) -> Error {
    Error::malformed("a time has a decimal point, but the first one is a whole number")
        .at_byte(offset)
        .with_hint("say what times count: unit=s, ms, us or ns")
}
