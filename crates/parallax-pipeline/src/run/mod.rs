//! What runs: the tree of elements that one thread drives, and what all threads of a pipeline share.
//!
//! Contract: between two queues everything is a direct call on one thread. A push that fails has been reported already:
//! elements only pass it on.

mod node;
mod task;

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener};
use parallax_events::{Error, ErrorKind, Result};
use parallax_memory::{MemoryKind, MemoryPool, PoolConfig};

pub use self::node::{Collector, Out};
pub(crate) use self::node::{Edge, Node, Run, Stage};
pub(crate) use self::task::{Head, Task};
use crate::bus::{Bus, Message};
use crate::queue::Border;

/// What an element gets when it starts.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) element: String,
    pub(crate) shared: Arc<Shared>,
}

impl Context {
    /// A context outside a pipeline, for tests of one element.
    pub fn alone() -> Self {
        Self {
            element: "element".to_owned(),
            shared: Arc::new(Shared::new(Bus::default(), MemoryKind::Heap)),
        }
    }

    /// The element's name in its pipeline.
    pub fn element(&self) -> &str {
        &self.element
    }

    /// A pool for this run, of the memory that the pipeline is configured for; its statistics are the pipeline's.
    ///
    /// # Errors
    /// If the memory cannot be had.
    pub fn pool(&self, slots: usize, slot_bytes: usize) -> Result<MemoryPool> {
        let config = PoolConfig::new(slots, slot_bytes).with_memory(self.shared.memory.clone());
        let pool = MemoryPool::new(&config)?;
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
    phase: AtomicU8,
    /// Told when the phase changes.
    changed: Event,
    /// Sinks that have not completed.
    pub(crate) open_sinks: AtomicUsize,
    /// Threads that have not ended.
    pub(crate) running: AtomicUsize,
    /// Told when a thread ends or the outcome is known.
    pub(crate) progressed: Event,
    outcome: OnceLock<Outcome>,
    pub(crate) bus: Bus,
    pub(crate) memory: MemoryKind,
    pub(crate) pools: Mutex<Vec<(String, MemoryPool)>>,
    pub(crate) borders: Mutex<Vec<Border>>,
    /// The elements' names, by index.
    pub(crate) names: OnceLock<Vec<String>>,
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

impl Shared {
    pub(crate) fn new(bus: Bus, memory: MemoryKind) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Paused as u8),
            changed: Event::new(),
            open_sinks: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            progressed: Event::new(),
            outcome: OnceLock::new(),
            bus,
            memory,
            pools: Mutex::default(),
            borders: Mutex::default(),
            names: OnceLock::new(),
        }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Paused,
            1 => Phase::Playing,
            2 => Phase::Ending,
            _ => Phase::Stopping,
        }
    }

    /// From ending only stopping follows, and nothing from stopping.
    pub(crate) fn set_phase(&self, phase: Phase) {
        let onwards = |now: u8| (now < Phase::Ending as u8 || now < phase as u8).then_some(phase as u8);
        let _ = self
            .phase
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, onwards);
        self.changed.notify(usize::MAX);
        if phase == Phase::Stopping {
            let borders = self.borders.lock().unwrap_or_else(PoisonError::into_inner);
            borders.iter().for_each(Border::close);
        }
    }

    /// Waits while paused.
    #[cold]
    pub(crate) fn wait_unpaused(&self) {
        while self.phase() == Phase::Paused {
            let listener = self.changed.listen();
            if self.phase() == Phase::Paused {
                listener.wait();
            }
        }
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
        if self.open_sinks.fetch_sub(1, Ordering::SeqCst) == 1 {
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

/// What passed an element, for reports. One thread writes it.
#[derive(Debug, Default)]
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
