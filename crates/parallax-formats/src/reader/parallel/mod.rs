//! Decoding in parts at the same time, on the caller's threads, straight into the batch.
//!
//! The input is cut into parts. A thread takes the next one and surveys it, which says how many events it has and what
//! it does to the state of the decoder; when all parts before it are surveyed, it gets its place in the batch and a
//! decoder in the right state, and decodes while the bytes are still in the cache of its core. What comes out, events and
//! report, is what one thread would have made. Where that cannot be, because the input is not here as a whole, the
//! format cannot be cut, or an option asks for more than this does, nothing happens, and the caller goes on as always.
//! So it does from the first part on that turns out not to be what its survey said: a border or a survey may have been
//! a guess, and a mapped file can be overwritten in between.

use std::ops::Range;

use parallax_events::{Error, ErrorKind, FilledPart, OrderPolicy, Result};
use rayon::ThreadPool;

use super::EventReader;
use super::engine::Engine;
use crate::source::Shared;
use crate::{Look, Parts, Progress, Survey, TriggerSupport};

mod part;
mod turns;

use part::{Decoded, Ended, absorb};
use turns::Turns;

/// So many bytes are decoded before what came out is joined.
const GROUP: usize = 64 << 20;

/// So many bytes lie between borders that were looked at before their memory is let go.
const LOOKED: usize = 16 << 20;

/// So many parts for each thread say how many events all have.
const SAMPLE: usize = 4;

/// What became of a group of parts.
struct Progressed {
    /// So many of them are decoded.
    parts: usize,
    /// Whether the rest can be decoded like this, if there is room.
    goes_on: bool,
}

impl EventReader {
    /// Decodes all that is left, as far as that can be done in parts. Else the decoder stands at the end of a part, or
    /// where it was.
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
        let most = (GROUP / least).max(pool.current_num_threads());
        let mut surveys: Vec<Option<Survey>> = ranges.iter().map(|_| None).collect();
        let mut done = 0;
        let mut has_room = self.builder.room() > 0;
        while done < ranges.len() {
            if !has_room && !self.make_room(pool, &ranges[done..], &mut surveys[done..]) {
                break;
            }
            let group = done..ranges.len().min(done.saturating_add(most));
            let made = !has_room;
            let progressed = self.group(pool, &ranges[group.clone()], &mut surveys[group.clone()])?;
            done += progressed.parts;
            if !progressed.goes_on || (made && progressed.parts == 0) {
                break;
            }
            has_room = progressed.parts == group.len();
        }
        Ok(())
    }

    /// Decodes the parts `ranges`, the first of which is in front, as many as there is room for.
    fn group(
        &mut self,
        pool: &ThreadPool,
        ranges: &[Range<usize>],
        surveys: &mut [Option<Survey>],
    ) -> Result<Progressed> {
        let stop = Progressed {
            parts: 0,
            goes_on: false,
        };
        let options = &self.options;
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return Ok(stop);
        };
        let (Some(input), Some(parts)) = (source.shared(), decoder.parts()) else {
            return Ok(stop);
        };
        let len = input.len();
        let mut back = parts.fork(None);
        let mark = self.builder.mark();
        let before = Progress {
            bytes: source.at(),
            total_bytes: Some(len as u64),
            events: self.events + self.builder.len() as u64,
        };
        let turns = Turns::new(input, ranges, parts, self.builder.parts(), options, before);
        let (outcomes, passed) = turns.run(pool, surveys);

        let mut filled: Vec<FilledPart> = Vec::with_capacity(outcomes.len());
        let mut ended = None;
        let mut at = before.bytes;
        let mut used = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let Decoded {
                report,
                end,
                at: done,
            } = outcome.decoded;
            if matches!(end, Ended::Changed) {
                ended = Some(end);
                break;
            }
            at = done;
            filled.push(outcome.filled);
            used.push(report);
            if !matches!(end, Ended::Whole) {
                ended = Some(end);
                break;
            }
        }
        let steps = self.builder.join(&filled)?;
        let mut report = self.report.clone();
        let mut first = before.events;
        for ((part, filled), steps_back) in used.iter().zip(&filled).zip(steps) {
            absorb(&mut report, part, first, steps_back);
            first += filled.len() as u64;
        }
        if options.strict && report.first_fault().is_some() {
            // Once more, one after the other.
            self.builder.rewind(mark)?;
            *decoder = back;
            return Ok(stop);
        }
        let done = filled.len();
        self.report = report;
        if let Some(Ended::Changed) = ended {
            // The rest of it one after the other, from the state in front of that part.
            if let Some(parts) = back.parts() {
                for survey in passed.iter().take(done) {
                    parts.pass(survey)?;
                }
            }
            *decoder = back;
            source.move_to(at);
            return Ok(stop);
        }
        source.move_to(at);
        self.ended = ended.is_some() || ranges[..done].last().is_some_and(|last| last.end == len);
        self.waiting = match ended {
            Some(Ended::Failed(error)) => Some(error),
            Some(Ended::Stopped) => Some(Error::new(ErrorKind::Closed, "stopped on request")),
            _ => None,
        };
        Ok(Progressed {
            parts: done,
            goes_on: !self.ended,
        })
    }

    /// Makes room for the events of `ranges`, as many as there are if all of it is like the parts that are looked at.
    /// Returns whether there is room for those of the first.
    fn make_room(
        &mut self,
        pool: &ThreadPool,
        ranges: &[Range<usize>],
        surveys: &mut [Option<Survey>],
    ) -> bool {
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return false;
        };
        let (Some(input), Some(parts)) = (source.shared(), decoder.parts()) else {
            return false;
        };
        let wanted = SAMPLE.saturating_mul(pool.current_num_threads());
        let step = ranges.len().div_ceil(wanted.max(1)).max(1);
        pool.in_place_scope(|scope| {
            for (range, survey) in ranges.iter().zip(surveys.iter_mut()).step_by(step) {
                let parts: &dyn Parts = parts;
                scope.spawn(move |_| {
                    if survey.is_none() {
                        let bytes = input.bytes(range.clone()).ok();
                        *survey = bytes.map(|bytes| parts.survey(bytes, range.start as u64));
                    }
                });
            }
        });
        let (mut bytes, mut events, mut all) = (0_u128, 0_u128, 0_u128);
        for (range, survey) in ranges.iter().zip(surveys.iter()) {
            all += range.len() as u128;
            if let Some(survey) = survey {
                bytes += range.len() as u128;
                events += survey.events as u128;
            }
        }
        let Some(Some(first)) = surveys.first() else {
            return false;
        };
        let held = self.events + self.builder.len() as u64;
        if self
            .options
            .limits
            .check_events(held.saturating_add(first.events as u64))
            .is_err()
        {
            // Whoever goes on says so.
            return false;
        }
        // A little more than that, or the last group would want all of it to grow.
        let guess = events * all / bytes.max(1);
        let guess = usize::try_from(guess + guess / 64)
            .unwrap_or(first.events)
            .max(first.events);
        self.builder.reserve(guess).is_ok() || self.builder.reserve(first.events).is_ok()
    }
}

/// Where the parts lie: at least `least` bytes each, but for the last.
fn cut(parts: &dyn Parts, input: Shared<'_>, start: u64, least: usize) -> Vec<Range<usize>> {
    let len = input.len();
    let mut ranges = Vec::new();
    let mut from = usize::try_from(start).unwrap_or(usize::MAX).min(len);
    let mut kept = from;
    loop {
        // A look at one byte of a border can map 2 MiB around it, so that looking at all of them would map the whole file.
        if from - kept >= LOOKED {
            input.release(kept..from);
            kept = from;
        }
        let border = parts.border(from as u64, least as u64, &Look(input, None));
        let border = border.and_then(|border| usize::try_from(border).ok());
        match border.filter(|border| (from + 1..len).contains(border)) {
            Some(border) => {
                ranges.push(from..border);
                from = border;
            }
            None => {
                ranges.push(from..len);
                input.release(kept..len);
                return ranges;
            }
        }
    }
}
