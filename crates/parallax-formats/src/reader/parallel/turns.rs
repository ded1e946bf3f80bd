//! Parts decoded at the same time, each placed when those before it are surveyed.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use parallax_events::{BatchBuilder, BatchPart, Limits, PartRooms};
use rayon::ThreadPool;

use super::part::{Ended, Outcome, decode};
use crate::source::Shared;
use crate::{Decoder, Parts, Progress, ReadOptions, Survey};

/// The input is given back so many parts at a time, which lie as many behind: every time interrupts all threads.
const BEHIND: usize = 8;

/// A part so many times as long as wanted is not decoded before it has its place.
const LONG: usize = 4;

/// Parts in a row, and the threads that decode them.
pub(super) struct Turns<'a> {
    input: Shared<'a>,
    ranges: &'a [Range<usize>],
    options: &'a ReadOptions,
    before: Progress,
    /// The first part that no thread has taken.
    untaken: AtomicUsize,
    stop: AtomicBool,
    turn: Mutex<Turn<'a>>,
    moved: Condvar,
    outcomes: Vec<OnceLock<Outcome>>,
}

/// What is in front of the part whose turn it is.
struct Turn<'a> {
    decoder: &'a mut dyn Parts,
    rooms: PartRooms<'a>,
    events: u64,
    /// Of the parts that had their turn.
    passed: Vec<Survey>,
    /// No other part gets a turn.
    closed: bool,
}

/// What the threads tell the one that called: bytes and events of a part that is decoded.
type Told = (u64, u64);

/// Ends the turns if a thread panics, or the others would wait for it.
struct Closes<'t, 'a>(&'t Turns<'a>);

impl Drop for Closes<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

impl<'a> Turns<'a> {
    pub(super) fn new(
        input: Shared<'a>,
        ranges: &'a [Range<usize>],
        decoder: &'a mut dyn Parts,
        rooms: PartRooms<'a>,
        options: &'a ReadOptions,
        before: Progress,
    ) -> Self {
        Self {
            input,
            ranges,
            options,
            before,
            untaken: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            turn: Mutex::new(Turn {
                decoder,
                rooms,
                events: before.events,
                passed: Vec::with_capacity(ranges.len()),
                closed: false,
            }),
            moved: Condvar::new(),
            outcomes: ranges.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// Decodes the parts, some of which have `surveys`: all, or those up to one that has no room or did not become whole.
    /// The call-back is called here, on the caller's thread. Returns what became of them, and their surveys.
    pub(super) fn run(
        self,
        pool: &ThreadPool,
        surveys: &mut [Option<Survey>],
    ) -> (Vec<Outcome>, Vec<Survey>) {
        let known: Vec<Mutex<Option<Survey>>> =
            surveys.iter_mut().map(|known| Mutex::new(known.take())).collect();
        pool.in_place_scope(|scope| {
            let (tell, told) = mpsc::channel::<Told>();
            for _ in 0..pool.current_num_threads().min(self.ranges.len()) {
                let tell = self.options.progress.is_some().then(|| tell.clone());
                let (turns, known) = (&self, known.as_slice());
                scope.spawn(move |_| turns.work(known, tell));
            }
            drop(tell);
            let Some(callback) = &self.options.progress else {
                return;
            };
            let mut progress = self.before;
            for (bytes, events) in told {
                progress.bytes += bytes;
                progress.events += events;
                if callback(progress).is_break() {
                    self.stop.store(true, Ordering::Relaxed);
                    self.close();
                    break;
                }
            }
        });
        if let (Some(first), Some(last)) = (self.ranges.first(), self.ranges.last()) {
            self.input.release(first.start..last.end);
        }
        for (survey, known) in surveys.iter_mut().zip(known) {
            *survey = known.into_inner().unwrap_or_else(PoisonError::into_inner);
        }
        let mut outcomes: Vec<Outcome> = self
            .outcomes
            .into_iter()
            .map_while(OnceLock::into_inner)
            .collect();
        if self.stop.into_inner()
            && let Some(last) = outcomes.last_mut()
            && matches!(last.decoded.end, Ended::Whole)
        {
            // Even if all was done by then: the caller said stop.
            last.decoded.end = Ended::Stopped;
        }
        let turn = self.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        (outcomes, turn.passed)
    }

    /// One thread: takes part after part.
    fn work(&self, known: &[Mutex<Option<Survey>>], tell: Option<Sender<Told>>) {
        let _closes = Closes(self);
        let mut surveyor = self.turn().decoder.fork(None);
        let mut own = surveyor.parts().and_then(|parts| self.own(parts.least_record()?));
        loop {
            let index = self.untaken.fetch_add(1, Ordering::Relaxed);
            let (Some(range), Some(known), Some(outcome)) =
                (self.ranges.get(index), known.get(index), self.outcomes.get(index))
            else {
                return;
            };
            let known = known.lock().unwrap_or_else(PoisonError::into_inner).take();
            let done = match &mut own {
                Some(own) => self.decode_first(index, range.clone(), surveyor.as_mut(), own),
                None => self.survey_first(index, range.clone(), surveyor.as_mut(), known),
            };
            let Some(done) = done else {
                return;
            };
            if !matches!(done.decoded.end, Ended::Whole) {
                self.close();
            }
            if let Some(tell) = &tell {
                // Nobody listens any more if the call-back has stopped the read.
                let _ = tell.send((range.len() as u64, done.filled.len() as u64));
            }
            // Nobody else has this part.
            let _ = outcome.set(done);
            self.release_behind(index);
        }
    }

    /// Surveys a part if that is not done, waits for its place, and decodes it there. `None` if it gets no place.
    fn survey_first(
        &self,
        index: usize,
        range: Range<usize>,
        surveyor: &mut dyn Decoder,
        known: Option<Survey>,
    ) -> Option<Outcome> {
        let survey = known.or_else(|| {
            let bytes = self.input.bytes(range.clone()).ok()?;
            Some(surveyor.parts()?.survey(bytes, range.start as u64))
        });
        let (decoder, mut room) = self.place(index, survey)?;
        let decoded = decode(self.input, range, decoder, &mut room, self.options, &self.stop);
        let filled = room.finish();
        Some(Outcome { filled, decoded })
    }

    /// Decodes a part into `own`, waits for its place, and puts it there. `None` if it gets no place.
    fn decode_first(
        &self,
        index: usize,
        range: Range<usize>,
        decoder: &mut dyn Decoder,
        own: &mut BatchBuilder,
    ) -> Option<Outcome> {
        self.turn().rooms.prepare(own);
        let decoder = decoder.parts()?.fork(None);
        let decoded = decode(self.input, range, decoder, own, self.options, &self.stop);
        let survey = Survey {
            events: own.len(),
            effect: Box::new(()),
        };
        let (_, mut room) = self.place(index, Some(survey))?;
        room.fill(own).ok()?;
        let filled = room.finish();
        Some(Outcome { filled, decoded })
    }

    /// Room for the events of any part, if none takes less than `record` bytes; `None` if a part is far too long for that.
    fn own(&self, record: usize) -> Option<BatchBuilder> {
        let most = self.ranges.iter().map(Range::len).max()?;
        if most / LONG > self.options.part {
            return None;
        }
        let mut own = BatchBuilder::growing().ok()?;
        own.reserve(most / record.max(1) + 1).ok()?;
        Some(own)
    }

    /// Waits for the turn of a part; then it gets a decoder in the state in front of it, and its room. `None` if it is not
    /// to be decoded.
    fn place(&self, index: usize, survey: Option<Survey>) -> Option<(Box<dyn Decoder>, BatchPart<'a>)> {
        let waits = |turn: &mut Turn<'_>| !turn.closed && turn.passed.len() != index;
        let mut turn = self
            .moved
            .wait_while(self.turn(), waits)
            .unwrap_or_else(PoisonError::into_inner);
        if turn.closed {
            return None;
        }
        let placed = survey.and_then(|survey| turn.place(survey, &self.options.limits));
        turn.closed |= placed.is_none();
        drop(turn);
        self.moved.notify_all();
        placed
    }

    fn turn(&self) -> MutexGuard<'_, Turn<'a>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.turn().closed = true;
        self.moved.notify_all();
    }

    /// Gives back input that is very likely decoded; if it is not, it comes back by itself.
    fn release_behind(&self, index: usize) {
        let end = (index + 1).saturating_sub(BEHIND);
        if (index + 1).is_multiple_of(BEHIND)
            && let Some([first, .., last]) = self.ranges.get(end.saturating_sub(BEHIND)..end)
        {
            self.input.release(first.start..last.end);
        }
    }
}

impl<'a> Turn<'a> {
    fn place(&mut self, mut survey: Survey, limits: &Limits) -> Option<(Box<dyn Decoder>, BatchPart<'a>)> {
        let events = self.events.saturating_add(survey.events as u64);
        limits.check_events(events).ok()?;
        let room = self.rooms.take(survey.events)?;
        let decoder = self.decoder.fork(Some(&mut survey));
        self.decoder.pass(&survey).ok()?;
        self.events = events;
        self.passed.push(survey);
        Some((decoder, room))
    }
}
