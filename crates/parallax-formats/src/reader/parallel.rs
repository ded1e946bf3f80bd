//! Decoding in parts at the same time, on the caller's threads, straight into the batch.
//!
//! The input is cut into parts, and groups of them are done one after the other. Every part of a group is surveyed, which
//! says where its events go and what state the decoder has in front of it; then every part is decoded into its place,
//! whose memory is thus first touched by the thread that writes it. What comes out, events and report, is what one thread
//! would have made. Where that cannot be, because the input is not here as a whole, the format cannot be cut, or an
//! option asks for more than this does, nothing happens, and the caller goes on as always. So it does from the first
//! group on whose parts turn out not to be what the survey said: a border may have been a guess, and a mapped file can
//! be overwritten in between.

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
use crate::{Decoder, EventSink, Look, Parts, Piece, Progress, ReadOptions, Survey, TriggerSupport};

/// So many bytes are surveyed and then decoded, if they are enough parts for all threads and not too many.
const GROUP: usize = 16 << 20;

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
    /// Decodes all that is left, as far as that can be done in parts; group by group, so that what was surveyed is still
    /// at hand when it is decoded. Else the decoder stands at the end of a part, or where it was.
    ///
    /// # Errors
    /// Only if memory runs out.
    pub(super) fn gather_in_parts(&mut self) -> Result<()> {
        let options = &self.options;
        let shared = options.pool.clone();
        // A pool that we are part of could be waiting for us.
        let Some(pool) = shared
            .pool()
            .rayon()
            .filter(|pool| pool.current_thread_index().is_none())
        else {
            return Ok(());
        };
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return Ok(());
        };
        if self.ended || self.meta.is_none() || options.time.is_some() || options.order == OrderPolicy::Check
        {
            return Ok(());
        }
        // Triggers are handed on in their order, one after the other.
        if options.triggers && self.format.triggers != TriggerSupport::No {
            return Ok(());
        }
        let (Some(input), Some(parts)) = (source.shared(), decoder.parts()) else {
            return Ok(());
        };
        let least = options.part.max(1);
        let ranges = cut(parts, input, source.at(), least);
        if ranges.len() < 2 {
            return Ok(());
        }
        let threads = pool.current_num_threads();
        let count = (GROUP / least).clamp(threads, threads.saturating_mul(8));
        for group in ranges.chunks(count) {
            if !self.group(pool, group)? {
                break;
            }
        }
        Ok(())
    }

    /// Decodes the parts `ranges`, the first of which is in front. Returns whether there is more to decode like this; if
    /// they could not be decoded, nothing has happened.
    fn group(&mut self, pool: &ThreadPool, ranges: &[Range<usize>]) -> Result<bool> {
        let options = &self.options;
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return Ok(false);
        };
        let (Some(input), Some(parts)) = (source.shared(), decoder.parts()) else {
            return Ok(false);
        };
        let Some(mut surveys) = survey(pool, parts, input, ranges) else {
            return Ok(false);
        };
        let total = surveys
            .iter()
            .fold(0_usize, |sum, survey| sum.saturating_add(survey.events));
        let len = input.len();
        let held = self.builder.len();
        let before = Progress {
            bytes: source.at(),
            total_bytes: Some(len as u64),
            events: self.events + held as u64,
        };
        let most = before.events.saturating_add(total as u64);
        if options.limits.check_events(most).is_err() || !make_room(&mut self.builder, total, before, ranges)
        {
            return Ok(false);
        }
        let back = parts.fork(None);
        let mut forks = Vec::with_capacity(surveys.len());
        for survey in &mut surveys {
            forks.push(parts.fork(Some(survey)));
            parts.pass(survey)?;
        }
        let capacities: Vec<usize> = surveys.iter().map(|survey| survey.events).collect();
        let mark = self.builder.mark();
        let rooms = self.builder.parts(&capacities)?;
        let outcomes = decode(pool, input, ranges, forks, rooms, options, before);

        let mut filled: Vec<FilledPart> = Vec::with_capacity(outcomes.len());
        let mut ended = None;
        let mut at = before.bytes;
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
        let mut first = before.events;
        for ((part, filled), steps_back) in used.iter().zip(&filled).zip(steps) {
            absorb(&mut report, part, first, steps_back);
            first += filled.len() as u64;
        }
        let strict_fault = options.strict && report.first_fault().is_some();
        if strict_fault || matches!(ended, Some(Ended::Changed)) {
            // Once more, one after the other.
            self.builder.rewind(mark)?;
            *decoder = back;
            return Ok(false);
        }
        self.report = report;
        source.move_to(at);
        self.ended = ended.is_some() || ranges.last().is_none_or(|last| last.end == len);
        self.waiting = match ended {
            Some(Ended::Failed(error)) => Some(error),
            Some(Ended::Stopped) => Some(Error::new(ErrorKind::Closed, "stopped on request")),
            _ => None,
        };
        Ok(!self.ended)
    }
}

/// Where the parts lie: at least `least` bytes each, but for the last.
fn cut(parts: &dyn Parts, input: Shared<'_>, start: u64, least: usize) -> Vec<Range<usize>> {
    let len = input.len();
    let mut ranges = Vec::new();
    let mut from = usize::try_from(start).unwrap_or(usize::MAX).min(len);
    loop {
        let border = parts.border(from as u64, least as u64, &Look(input));
        let border = border.and_then(|border| usize::try_from(border).ok());
        match border.filter(|border| (from + 1..len).contains(border)) {
            Some(border) => {
                ranges.push(from..border);
                from = border;
            }
            None => {
                ranges.push(from..len);
                return ranges;
            }
        }
    }
}

/// Makes room for `total` events, which are in `ranges`; the first time, for as many as the rest of the input will have
/// if it goes on like that. Returns whether there is room.
fn make_room(builder: &mut BatchBuilder, total: usize, before: Progress, ranges: &[Range<usize>]) -> bool {
    if builder.room() >= total {
        return true;
    }
    let bytes = ranges
        .iter()
        .map(|range| range.len() as u128)
        .sum::<u128>()
        .max(1);
    let left = u128::from(before.total_bytes.unwrap_or_default() - before.bytes);
    // A little more than that, or the last group would want all of it to grow.
    let guess = total as u128 * left / bytes;
    let guess = usize::try_from(guess + guess / 64).unwrap_or(total).max(total);
    builder.reserve(guess).is_ok() || builder.reserve(total).is_ok()
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
                let bytes = input.bytes(range.clone()).ok();
                *survey = bytes.map(|bytes| parts.survey(bytes, range.start as u64));
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
    pool.in_place_scope(|scope| {
        let (tell, told) = mpsc::channel::<Told>();
        let parts = ranges.iter().zip(decoders).zip(rooms).zip(&mut outcomes);
        for (((range, decoder), room), outcome) in parts {
            let (tell, stop): (Sender<Told>, _) = (tell.clone(), &stop);
            scope.spawn(move |_| {
                let done = part(input, range.clone(), decoder, room, options, stop);
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
    mut decoder: Box<dyn Decoder>,
    mut room: BatchPart<'_>,
    options: &ReadOptions,
    stop: &AtomicBool,
) -> Outcome {
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
