//! Parts decoded at the same time, each placed when those before it are surveyed.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use parallax_events::{BatchPart, Limits, PartRooms};
use rayon::ThreadPool;

use super::part::{Ended, Outcome, part};
use crate::source::Shared;
use crate::{Decoder, Parts, Progress, ReadOptions, Survey};

/// The input is given back so many parts at a time, which lie as many behind: every time interrupts all threads.
const BEHIND: usize = 8;

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
            && matches!(last.end, Ended::Whole)
        {
            // Even if all was done by then: the caller said stop.
            last.end = Ended::Stopped;
        }
        let turn = self.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        (outcomes, turn.passed)
    }

    /// One thread: takes part after part.
    fn work(&self, known: &[Mutex<Option<Survey>>], tell: Option<Sender<Told>>) {
        let _closes = Closes(self);
        let mut surveyor = self.turn().decoder.fork(None);
        loop {
            let index = self.untaken.fetch_add(1, Ordering::Relaxed);
            let (Some(range), Some(known), Some(outcome)) =
                (self.ranges.get(index), known.get(index), self.outcomes.get(index))
            else {
                return;
            };
            let known = known.lock().unwrap_or_else(PoisonError::into_inner).take();
            let survey = known.or_else(|| {
                let bytes = self.input.bytes(range.clone()).ok()?;
                Some(surveyor.parts()?.survey(bytes, range.start as u64))
            });
            let Some((decoder, room)) = self.place(index, survey) else {
                return;
            };
            let done = part(self.input, range.clone(), decoder, room, self.options, &self.stop);
            if !matches!(done.end, Ended::Whole) {
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
