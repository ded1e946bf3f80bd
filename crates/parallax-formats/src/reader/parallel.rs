//! Decoding in parts at the same time, on the caller's threads, straight into the batch.
//!
//! Every part of the input is surveyed, which says where its events go and what state the decoder has in front of it;
//! then every part is decoded into its place, whose memory is thus first touched by the thread that writes it. What
//! comes out, events and report, is what one thread would have made. Where that cannot be, because the input is not
//! here as a whole, the format cannot be cut, or an option asks for more than this does, nothing happens, and the
//! caller goes on as always. So it does when the parts turn out not to be what the survey said: a mapped file can be
//! overwritten in between.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};

use parallax_events::{
    BatchBuilder, BatchPart, Error, ErrorKind, FilledPart, FindingKind, OrderPolicy, Report, Result,
};
use rayon::ThreadPool;

use super::EventReader;
use super::engine::Engine;
use crate::source::Shared;
use crate::{Decoder, EventSink, Parts, Piece, Progress, ReadOptions, Survey};

/// How far is looked for a border, in bytes.
const LOOK: usize = 64 << 10;

/// What became of a part.
struct Outcome {
    filled: FilledPart,
    report: Report,
    end: Ended,
    /// The input up to here is done.
    at: u64,
}

enum Ended {
    /// All of it is decoded.
    Whole,
    /// The caller asked to stop.
    Stopped,
    /// The input cannot be read further.
    Failed(Error),
    /// It is not what the survey said.
    Changed,
}

/// What the threads tell the one that called: bytes and events of a part that is decoded.
type Told = (u64, u64);

impl EventReader {
    /// Decodes all that is left, if that can be done in parts. Else nothing has happened afterwards.
    ///
    /// # Errors
    /// Only if memory runs out.
    pub(super) fn gather_in_parts(&mut self) -> Result<()> {
        let options = &self.options;
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return Ok(());
        };
        // A pool that we are part of could be waiting for us.
        let Some(pool) = options
            .pool
            .pool()
            .rayon()
            .filter(|pool| pool.current_thread_index().is_none())
        else {
            return Ok(());
        };
        if self.ended || self.meta.is_none() || options.time.is_some() || options.order == OrderPolicy::Check
        {
            return Ok(());
        }
        let (Some(input), Ok(start)) = (source.shared(), usize::try_from(source.at())) else {
            return Ok(());
        };
        let Some(parts) = decoder.parts() else {
            return Ok(());
        };
        let Ok(ranges) = cut(parts, input, start, options.part.max(1)) else {
            return Ok(());
        };
        if ranges.len() < 2 {
            return Ok(());
        }
        let Some(surveys) = survey(pool, parts, input, &ranges) else {
            return Ok(());
        };
        let total = surveys
            .iter()
            .fold(0_usize, |sum, survey| sum.saturating_add(survey.events));
        let held = self.builder.len();
        let most = (self.events + held as u64).saturating_add(total as u64);
        if options.limits.check_events(most).is_err() || self.builder.reserve(total).is_err() {
            return Ok(());
        }
        let back = parts.fork();
        let mut forks = Vec::with_capacity(surveys.len());
        for survey in &surveys {
            forks.push(parts.fork());
            parts.pass(survey)?;
        }
        let capacities: Vec<usize> = surveys.iter().map(|survey| survey.events).collect();
        let mark = self.builder.mark();
        let rooms = self.builder.parts(&capacities)?;
        let before = Progress {
            bytes: start as u64,
            total_bytes: Some(input.len() as u64),
            events: self.events + held as u64,
        };
        let outcomes = decode(pool, input, &ranges, forks, rooms, options, before);

        let mut filled: Vec<FilledPart> = Vec::with_capacity(outcomes.len());
        let mut ended = None;
        let mut at = start as u64;
        let mut used = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            at = outcome.at;
            filled.push(outcome.filled);
            used.push(outcome.report);
            match outcome.end {
                Ended::Whole => {}
                end => {
                    ended = Some(end);
                    break;
                }
            }
        }
        let steps = self.builder.join(&filled)?;
        let mut report = self.report.clone();
        let mut first = self.events + held as u64;
        for ((part, filled), steps_back) in used.iter().zip(&filled).zip(steps) {
            absorb(&mut report, part, first, steps_back);
            first += filled.len() as u64;
        }
        let strict_fault = options.strict && report.first_fault().is_some();
        if strict_fault || matches!(ended, Some(Ended::Changed)) {
            // Once more, one after the other.
            self.builder.rewind(mark)?;
            *decoder = back;
            return Ok(());
        }
        self.report = report;
        source.move_to(at);
        self.ended = true;
        self.waiting = match ended {
            Some(Ended::Failed(error)) => Some(error),
            Some(Ended::Stopped) => Some(Error::new(ErrorKind::Closed, "stopped on request")),
            _ => None,
        };
        Ok(())
    }
}

/// Where the parts lie: at least `least` bytes each, but for the last.
fn cut(parts: &dyn Parts, input: Shared<'_>, start: usize, least: usize) -> Result<Vec<Range<usize>>> {
    let len = input.len();
    let mut ranges = Vec::new();
    let (mut from, mut look) = (start, start);
    loop {
        look = look.saturating_add(least);
        if look >= len {
            ranges.push(from..len);
            return Ok(ranges);
        }
        let bytes = input.bytes(look..look.saturating_add(LOOK))?;
        if let Some(behind) = parts.border((look - start) as u64, bytes)
            && look + behind < len
        {
            ranges.push(from..look + behind);
            (from, look) = (look + behind, look + behind);
        }
    }
}

/// Surveys all parts at the same time. `None` if the input cannot be had.
fn survey(
    pool: &ThreadPool,
    parts: &dyn Parts,
    input: Shared<'_>,
    ranges: &[Range<usize>],
) -> Option<Vec<Survey>> {
    let mut surveys: Vec<Option<Survey>> = ranges.iter().map(|_| None).collect();
    pool.in_place_scope(|scope| {
        for (range, survey) in ranges.iter().zip(&mut surveys) {
            scope.spawn(move |_| {
                *survey = input.bytes(range.clone()).ok().map(|bytes| parts.survey(bytes));
                input.release(range.clone());
            });
        }
    });
    surveys.into_iter().collect()
}

/// Decodes all parts at the same time. The call-back is called here, on the caller's thread.
fn decode(
    pool: &ThreadPool,
    input: Shared<'_>,
    ranges: &[Range<usize>],
    decoders: Vec<Box<dyn Decoder>>,
    rooms: Vec<BatchPart<'_>>,
    options: &ReadOptions,
    before: Progress,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = ranges.iter().map(|_| None).collect();
    let stop = AtomicBool::new(false);
    let last = ranges.len().saturating_sub(1);
    pool.in_place_scope(|scope| {
        let (tell, told) = mpsc::channel::<Told>();
        let parts = ranges.iter().zip(decoders).zip(rooms).zip(&mut outcomes);
        for (index, (((range, decoder), room), outcome)) in parts.enumerate() {
            let (tell, stop): (Sender<Told>, _) = (tell.clone(), &stop);
            scope.spawn(move |_| {
                let done = part(input, range.clone(), index == last, decoder, room, options, stop);
                // Nobody listens any more if the call-back has stopped the read.
                let _ = tell.send((range.len() as u64, done.filled.len() as u64));
                *outcome = Some(done);
            });
        }
        drop(tell);
        let Some(callback) = &options.progress else { return };
        let mut progress = before;
        for (bytes, events) in told {
            progress.bytes += bytes;
            progress.events += events;
            if callback(progress).is_break() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
    });
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    if stop.into_inner()
        && let Some(last) = outcomes.last_mut()
        && matches!(last.end, Ended::Whole)
    {
        // Even if all was done by then: the caller said stop.
        last.end = Ended::Stopped;
    }
    outcomes
}

/// Decodes one part.
fn part(
    input: Shared<'_>,
    range: Range<usize>,
    last: bool,
    mut decoder: Box<dyn Decoder>,
    mut room: BatchPart<'_>,
    options: &ReadOptions,
    stop: &AtomicBool,
) -> Outcome {
    let mut report = Report::default();
    let mut at = range.start;
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
                decoder.decode(piece, &mut EventSink::into_part(&mut room, &mut report, options))?
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
    input.release(range);
    Outcome {
        filled: room.finish(),
        report,
        end,
        at: at as u64,
    }
}

/// Adds the report of a part whose first event is the stream's event `first`, and perhaps earlier than the one before.
fn absorb(report: &mut Report, part: &Report, first: u64, steps_back: bool) {
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
