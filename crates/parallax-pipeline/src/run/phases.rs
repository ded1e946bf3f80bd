//! [`Phases`]: what the threads of a run are to do, and how far they are.
//!
//! In: whoever plays, pauses, ends or stops the run, and threads that say that they are held back, have completed a sink or
//! have ended. Out: the phase, and answers that hold whatever the threads do at the same time: nothing follows on a stop,
//! one sink is the last, and a source that counts as held back gives nothing until the phase changes.
//!
//! Contract: nobody waits in here; who has to wait does it around these. A look at the phase costs a plain load.

#[cfg(parallax_loom)]
use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
#[cfg(not(parallax_loom))]
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};

/// What the threads are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Paused,
    Playing,
    /// Sources end their streams now; what is under way is completed.
    Ending,
    Stopping,
}

#[derive(Debug)]
pub(crate) struct Phases {
    phase: AtomicU8,
    /// Sinks that have not completed.
    open_sinks: AtomicUsize,
    /// Sources that wait for the end of a pause.
    held_back: AtomicUsize,
    /// Threads and tasks that have not ended.
    running: AtomicUsize,
}

impl Phases {
    /// Paused, with nothing that runs.
    pub(crate) fn new() -> Self {
        Self {
            phase: AtomicU8::new(Phase::Paused as u8),
            open_sinks: AtomicUsize::new(0),
            held_back: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Paused,
            1 => Phase::Playing,
            2 => Phase::Ending,
            _ => Phase::Stopping,
        }
    }

    /// Goes to a phase, unless what is there lies beyond: from ending only stopping follows, and nothing from stopping.
    pub(crate) fn go(&self, phase: Phase) {
        let onwards = |now: u8| (now < Phase::Ending as u8 || now < phase as u8).then_some(phase as u8);
        let _ = self
            .phase
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, onwards);
    }

    /// So many sinks have to complete.
    pub(crate) fn expect_sinks(&self, sinks: usize) {
        self.open_sinks.store(sinks, Ordering::Release);
    }

    /// A sink has completed; true for the last.
    pub(crate) fn complete_sink(&self) -> bool {
        self.open_sinks.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// So many threads or tasks begin.
    pub(crate) fn begin(&self, tasks: usize) {
        self.running.fetch_add(tasks, Ordering::AcqRel);
    }

    /// So many threads or tasks have ended, or did not come to begin.
    pub(crate) fn end(&self, tasks: usize) {
        self.running.fetch_sub(tasks, Ordering::AcqRel);
    }

    /// Whether every thread and task has ended.
    pub(crate) fn all_ended(&self) -> bool {
        self.running.load(Ordering::Acquire) == 0
    }

    /// A source begins to wait for the end of a pause: it gives nothing until [`let_on`](Self::let_on).
    pub(crate) fn hold_back(&self) {
        self.held_back.fetch_add(1, Ordering::AcqRel);
    }

    /// A source has seen that the pause is over. It has to look once more before it goes on: another pause that began
    /// meanwhile may have counted it as held back.
    pub(crate) fn let_on(&self) {
        self.held_back.fetch_sub(1, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// Whether so many sources are held back, after the phase has become [`Phase::Paused`].
    pub(crate) fn are_held_back(&self, sources: usize) -> bool {
        // This before the count, and in `let_on` the count before the phase: one of the two sees the other.
        fence(Ordering::SeqCst);
        self.held_back.load(Ordering::Acquire) >= sources
    }
}

#[cfg(all(test, parallax_loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::{Phase, Phases};

    /// Two who want different things: what is furthest on comes to be.
    #[test]
    fn nothing_follows_on_a_stop() {
        loom::model(|| {
            let phases = Arc::new(Phases::new());
            let other = Arc::clone(&phases);
            let thread =
                thread::spawn(move || [Phase::Playing, Phase::Stopping].map(|phase| other.go(phase)));
            [Phase::Ending, Phase::Paused].map(|phase| phases.go(phase));
            thread.join().unwrap();
            assert_eq!(phases.now(), Phase::Stopping);
        });
    }

    /// Two sinks on two threads: one is the last, and sees what the other did.
    #[test]
    fn one_sink_is_the_last() {
        loom::model(|| {
            let shared = Arc::new((Phases::new(), UnsafeCell::new(())));
            shared.0.expect_sinks(2);
            let complete = |shared: &(Phases, UnsafeCell<()>)| {
                shared.1.with(|_| ());
                let is_last = shared.0.complete_sink();
                if is_last {
                    shared.1.with_mut(|_| ());
                }
                is_last
            };
            let other = Arc::clone(&shared);
            let thread = thread::spawn(move || complete(&other));
            let mine = complete(&shared);
            assert!(mine != thread.join().unwrap());
        });
    }

    /// As a source's thread does, twice.
    fn source(phases: &Phases, stream: &UnsafeCell<()>) {
        for _ in 0..2 {
            loop {
                match phases.now() {
                    Phase::Playing => break,
                    Phase::Paused => wait_for_the_end_of_a_pause(phases),
                    Phase::Ending | Phase::Stopping => return phases.end(1),
                }
            }
            // loom fails if somebody else is in here.
            stream.with_mut(|_| ());
        }
        phases.end(1);
    }

    /// As `Shared::wait_unpaused` does.
    fn wait_for_the_end_of_a_pause(phases: &Phases) {
        phases.hold_back();
        while phases.now() == Phase::Paused {
            thread::yield_now();
        }
        phases.let_on();
    }

    /// A pause, a moment of playing and a pause again: while the source counts as held back, it gives nothing.
    #[test]
    fn a_source_that_is_held_back_gives_nothing() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let shared = Arc::new((Phases::new(), UnsafeCell::new(())));
            let (phases, stream) = &*shared;
            phases.begin(1);
            phases.go(Phase::Playing);
            let other = Arc::clone(&shared);
            let thread = thread::spawn(move || source(&other.0, &other.1));
            for next in [Phase::Playing, Phase::Stopping] {
                phases.go(Phase::Paused);
                while !phases.are_held_back(1) && !phases.all_ended() {
                    thread::yield_now();
                }
                stream.with_mut(|_| ());
                phases.go(next);
            }
            thread.join().unwrap();
            assert!(phases.all_ended());
        });
    }
}
