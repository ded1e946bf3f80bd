//! What runs: the tree of elements that one thread drives, and what all threads of a pipeline share.
//!
//! Contract: between two queues everything is a direct call on one thread. A push that fails has been reported already:
//! elements only pass it on.

mod node;
mod phases;
mod task;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener};
use parallax_events::{Error, ErrorKind, Result};
use parallax_memory::{MemoryKind, MemoryPool, PoolConfig};

pub use self::node::{Collector, Out};
pub(crate) use self::node::{Edge, Node, Run, Stage};
pub(crate) use self::phases::{Phase, Phases};
#[cfg(feature = "async")]
pub(crate) use self::task::said;
pub(crate) use self::task::{Head, Task};
use crate::Position;
use crate::bus::{Bus, Message};
use crate::queue::Border;

/// What an element gets when it starts.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) element: String,
    pub(crate) index: usize,
    /// What its pools are made of.
    pub(crate) memory: MemoryKind,
    pub(crate) shared: Arc<Shared>,
}

impl Context {
    /// A context outside a pipeline, for tests of one element.
    pub fn alone() -> Self {
        Self {
            element: "element".to_owned(),
            index: 0,
            memory: MemoryKind::Heap,
            shared: Arc::new(Shared::new(Bus::default(), MemoryKind::Heap, 1)),
        }
    }

    /// The element's name in its pipeline.
    pub fn element(&self) -> &str {
        &self.element
    }

    /// A pool for this run, of the memory that the pipeline or this element is configured for; its statistics are the pipeline's.
    ///
    /// # Errors
    /// If the memory cannot be had.
    pub fn pool(&self, slots: usize, slot_bytes: usize) -> Result<MemoryPool> {
        self.pool_of(PoolConfig::new(slots, slot_bytes))
    }

    /// As [`pool`](Self::pool), but a slot's pages are had when it is first loaned: for slots that mostly stay untouched, since
    /// one that came back goes out first.
    ///
    /// # Errors
    /// As [`pool`](Self::pool).
    pub fn lazy_pool(&self, slots: usize, slot_bytes: usize) -> Result<MemoryPool> {
        let mut config = PoolConfig::new(slots, slot_bytes);
        config.prefault = false;
        self.pool_of(config)
    }

    fn pool_of(&self, config: PoolConfig) -> Result<MemoryPool> {
        let pool = MemoryPool::new(&config.with_memory(self.memory.clone()))?;
        let mut pools = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.push((self.element.clone(), pool.clone()));
        Ok(pool)
    }

    /// Whether sources are to end their streams, or the pipeline stops: nobody needs to wait for the right time.
    pub fn is_ending(&self) -> bool {
        matches!(self.shared.phase(), Phase::Ending | Phase::Stopping)
    }

    /// Whether the pipeline stops, without an end: whoever waits for something gives up.
    pub fn is_stopping(&self) -> bool {
        self.shared.phase() == Phase::Stopping
    }

    /// Has every source end its stream now, as [`Controller::end`](crate::Controller::end) does: nobody wants more.
    pub fn end(&self) {
        self.shared.set_phase(Phase::Ending);
    }

    /// Says how far the element is: so much done of so much, in bytes or whatever it counts. [`Pipeline::progress`]
    /// shows it; each tenth of the way is told on the bus.
    ///
    /// [`Pipeline::progress`]: crate::Pipeline::progress
    pub fn progress(&self, done: u64, total: u64) {
        let Some(progress) = self.shared.progress.get(self.index) else {
            return;
        };
        progress.total.store(total, Ordering::Relaxed);
        let before = progress.done.swap(done, Ordering::Relaxed);
        let tenth = |done: u64| u128::from(done) * 10 / u128::from(total.max(1));
        if tenth(before) != tenth(done) {
            self.shared.bus.post(Message::Progress {
                element: self.element.clone(),
                done,
                total,
            });
        }
    }

    /// Says on the bus what the element was asked to find out.
    pub fn tell(&self, text: impl Into<String>) {
        self.shared.bus.post(Message::Info {
            element: self.element.clone(),
            text: text.into(),
        });
    }

    /// Says on the bus that something was odd.
    pub fn warn(&self, text: impl Into<String>) {
        self.shared.bus.post(Message::Warning {
            element: self.element.clone(),
            text: text.into(),
        });
    }
}

/// What the threads of one run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) phases: Phases,
    /// Told when the phase changes.
    changed: Event,
    /// Told when a thread ends or the outcome is known.
    pub(crate) progressed: Event,
    outcome: OnceLock<Outcome>,
    pub(crate) bus: Bus,
    pub(crate) memory: MemoryKind,
    pub(crate) pools: Mutex<Vec<(String, MemoryPool)>>,
    pub(crate) borders: Mutex<Vec<Border>>,
    /// The elements' names, by index.
    pub(crate) names: OnceLock<Vec<String>>,
    /// How far each element is, by index.
    pub(crate) progress: Vec<Progress>,
    /// What each source is asked, by index.
    pub(crate) seeks: Vec<SeekDesk>,
    /// Elements of tasks that have ended.
    #[cfg(feature = "async")]
    pub(crate) given_back: Mutex<Vec<(usize, crate::Built)>>,
}

/// How far an element is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) done: AtomicU64,
    pub(crate) total: AtomicU64,
}

/// Where a source is asked to go elsewhere.
#[derive(Debug, Default)]
pub(crate) struct SeekDesk {
    asked: AtomicBool,
    inside: Mutex<Seek>,
}

#[derive(Debug, Default)]
enum Seek {
    #[default]
    Nothing,
    Asked(Position),
    Answered(Result<()>),
}

impl SeekDesk {
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn ask(&self, position: Position) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = Seek::Asked(position);
        self.asked.store(true, Ordering::SeqCst);
    }

    /// What is asked; by the source's thread.
    pub(crate) fn take(&self) -> Option<Position> {
        self.asked.store(false, Ordering::SeqCst);
        match *self.inside.lock().unwrap_or_else(PoisonError::into_inner) {
            Seek::Asked(position) => Some(position),
            _ => None,
        }
    }

    pub(crate) fn answer(&self, answer: Result<()>) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = Seek::Answered(answer);
    }

    pub(crate) fn is_answered(&self) -> bool {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*inside, Seek::Answered(_))
    }

    /// The answer, if there is one; nothing is asked any more.
    pub(crate) fn take_answer(&self) -> Option<Result<()>> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        self.asked.store(false, Ordering::SeqCst);
        match std::mem::take(&mut *inside) {
            Seek::Answered(answer) => Some(answer),
            _ => None,
        }
    }
}

/// How a run ended, once.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Eos,
    Failed {
        element: String,
        kind: ErrorKind,
        text: String,
    },
    Stopped,
}

impl Shared {
    pub(crate) fn new(bus: Bus, memory: MemoryKind, elements: usize) -> Self {
        Self {
            phases: Phases::new(),
            changed: Event::new(),
            progressed: Event::new(),
            outcome: OnceLock::new(),
            bus,
            memory,
            pools: Mutex::default(),
            borders: Mutex::default(),
            names: OnceLock::new(),
            progress: (0..elements).map(|_| Progress::default()).collect(),
            seeks: (0..elements).map(|_| SeekDesk::default()).collect(),
            #[cfg(feature = "async")]
            given_back: Mutex::default(),
        }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.phases.now()
    }

    /// Goes to a phase, unless the run is further on, and tells everybody.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phases.go(phase);
        self.changed.notify(usize::MAX);
        if phase == Phase::Stopping {
            let borders = self.borders.lock().unwrap_or_else(PoisonError::into_inner);
            borders.iter().for_each(Border::close);
        }
    }

    /// Waits while paused, or until the source is asked to seek. Whoever waited looks at the phase again.
    #[cold]
    pub(crate) fn wait_unpaused(&self, source: usize) {
        let waits =
            || self.phase() == Phase::Paused && !self.seeks.get(source).is_some_and(SeekDesk::is_asked);
        self.phases.hold_back();
        self.progressed.notify(usize::MAX);
        while waits() {
            let listener = self.changed.listen();
            if waits() {
                listener.wait();
            }
        }
        self.phases.let_on();
    }

    /// Asks a source to go elsewhere, and waits for its answer.
    pub(crate) fn seek(&self, source: usize, position: Position) -> Result<()> {
        let desk = self
            .seeks
            .get(source)
            .ok_or_else(|| Error::internal("a source that is not there"))?;
        desk.ask(position);
        self.changed.notify(usize::MAX);
        let deadline = Instant::now() + PATIENCE;
        self.wait_for(Some(deadline), |shared| {
            desk.is_answered() || shared.phases.all_ended()
        });
        desk.take_answer().unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Timeout,
                "the source did not answer: it is held back, or its stream has ended",
            ))
        })
    }

    /// Until the phase is such a one, in a task.
    #[cfg(feature = "async")]
    pub(crate) async fn until_phase(&self, wanted: impl Fn(Phase) -> bool) {
        while !wanted(self.phase()) {
            let listener = self.changed.listen();
            if !wanted(self.phase()) {
                listener.await;
            }
        }
    }

    /// A task hands its element back.
    #[cfg(feature = "async")]
    pub(crate) fn give_back(&self, index: usize, built: crate::Built) {
        let mut given_back = self.given_back.lock().unwrap_or_else(PoisonError::into_inner);
        given_back.push((index, built));
    }

    /// A thread or a task has ended.
    pub(crate) fn task_ended(&self) {
        self.phases.end(1);
        self.progressed.notify(usize::MAX);
    }

    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// Says how the run ends, if nobody has yet.
    pub(crate) fn decide(&self, outcome: Outcome) {
        let message = match &outcome {
            Outcome::Eos => Some(Message::Eos),
            Outcome::Failed { element, kind, text } => Some(Message::Error {
                element: element.clone(),
                kind: *kind,
                text: text.clone(),
            }),
            Outcome::Stopped => None,
        };
        if self.outcome.set(outcome).is_ok() {
            message.into_iter().for_each(|message| self.bus.post(message));
        }
        self.progressed.notify(usize::MAX);
    }

    /// An element failed: everybody stops.
    pub(crate) fn fail(&self, element: usize, error: &Error) {
        let element = self.name(element);
        self.decide(Outcome::Failed {
            element,
            kind: error.kind(),
            text: error.to_string(),
        });
        self.set_phase(Phase::Stopping);
    }

    pub(crate) fn sink_completed(&self) {
        if self.phases.complete_sink() {
            self.decide(Outcome::Eos);
        }
    }

    pub(crate) fn name(&self, element: usize) -> String {
        let name = self.names.get().and_then(|names| names.get(element));
        name.cloned().unwrap_or_else(|| "element".to_owned())
    }

    /// Waits until `done` or the deadline; whether it is done.
    pub(crate) fn wait_for(&self, deadline: Option<Instant>, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            let listener = self.progressed.listen();
            if done(self) {
                return true;
            }
            match deadline {
                None => listener.wait(),
                Some(deadline) => {
                    if listener.wait_deadline(deadline).is_none() {
                        return done(self);
                    }
                }
            }
        }
    }

    /// Until the outcome is known, on any runtime.
    pub(crate) async fn until_outcome(&self) {
        loop {
            let listener = self.progressed.listen();
            if self.outcome().is_some() {
                return;
            }
            listener.await;
        }
    }
}

/// What passed an element, for reports. One thread writes it, and finds nobody else's beside it: processors fetch
/// lines of 64 bytes in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Tally {
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    #[inline]
    pub(crate) fn count(&self, bytes: usize) {
        // Not an exchange: there is one writer.
        self.packets
            .store(self.packets.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.bytes.store(
            self.bytes.load(Ordering::Relaxed) + bytes as u64,
            Ordering::Relaxed,
        );
    }

    pub(crate) fn read(&self) -> (u64, u64) {
        (
            self.packets.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }
}

/// How long a stop waits for the threads.
pub(crate) const PATIENCE: Duration = Duration::from_millis(900);
