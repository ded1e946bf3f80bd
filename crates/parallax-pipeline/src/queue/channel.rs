//! [`Channel`]: what carries a queue's packets from thread to thread: Kanal, or a lock where Kanal can hang
//! and where one end is a task.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use event_listener::{Event, Listener, listener};

use super::{Closed, Passing};

/// What carries the packets.
#[derive(Debug)]
pub(super) enum Channel {
    Kanal(kanal::Sender<Passing>, kanal::Receiver<Passing>),
    Lock(Lock),
}

impl Channel {
    pub(super) fn lock(buffers: usize) -> Self {
        Self::Lock(Lock::new(buffers))
    }

    pub(super) fn kanal(buffers: usize) -> Self {
        let (sender, receiver) = kanal::bounded(buffers);
        Self::Kanal(sender, receiver)
    }

    pub(super) fn send(&self, passing: Passing) -> Result<(), Closed> {
        match self {
            Self::Kanal(sender, _) => sender.send(passing).map_err(|_| Closed),
            Self::Lock(lock) => lock.send(passing),
        }
    }

    /// False if it is full; the packet then stays.
    pub(super) fn try_send(&self, passing: &mut Option<Passing>) -> Result<bool, Closed> {
        match self {
            Self::Kanal(sender, _) => sender.try_send_option(passing).map_err(|_| Closed),
            Self::Lock(lock) => lock.try_send(passing),
        }
    }

    pub(super) fn receive(&self) -> Result<Passing, Closed> {
        match self {
            Self::Kanal(_, receiver) => receiver.recv().map_err(|_| Closed),
            Self::Lock(lock) => lock.receive(),
        }
    }

    pub(super) fn try_receive(&self) -> Result<Option<Passing>, Closed> {
        match self {
            Self::Kanal(_, receiver) => receiver.try_recv().map_err(|_| Closed),
            Self::Lock(lock) => lock.try_receive(),
        }
    }

    /// By a task: only through a lock.
    #[cfg(feature = "async")]
    pub(super) async fn send_async(&self, passing: Passing) -> Result<(), Closed> {
        match self {
            Self::Kanal(..) => Err(Closed),
            Self::Lock(lock) => lock.send_async(passing).await,
        }
    }

    /// By a task: only through a lock.
    #[cfg(feature = "async")]
    pub(super) async fn receive_async(&self) -> Result<Passing, Closed> {
        match self {
            Self::Kanal(..) => Err(Closed),
            Self::Lock(lock) => lock.receive_async().await,
        }
    }

    pub(super) fn close(&self) {
        match self {
            // Closed already is as good.
            Self::Kanal(sender, _) => drop(sender.close()),
            Self::Lock(lock) => lock.close(),
        }
    }
}

/// A bounded queue on a mutex and two events, for real-time threads and for tasks.
#[derive(Debug)]
pub(super) struct Lock {
    buffers: usize,
    inside: Mutex<Inside>,
    sent: Event,
    taken: Event,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Passing>,
    closed: bool,
}

impl Lock {
    fn new(buffers: usize) -> Self {
        let waiting = VecDeque::with_capacity(buffers.min(1 << 16));
        Self {
            buffers,
            inside: Mutex::new(Inside {
                waiting,
                closed: false,
            }),
            sent: Event::new(),
            taken: Event::new(),
        }
    }

    /// A panic while the lock was held left a whole queue behind.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, passing: Passing) -> Result<(), Closed> {
        let mut passing = Some(passing);
        while !self.try_send(&mut passing)? {
            listener!(self.taken => taken);
            if self.try_send(&mut passing)? {
                break;
            }
            taken.wait();
        }
        Ok(())
    }

    #[cfg(feature = "async")]
    async fn send_async(&self, passing: Passing) -> Result<(), Closed> {
        let mut passing = Some(passing);
        while !self.try_send(&mut passing)? {
            listener!(self.taken => taken);
            if self.try_send(&mut passing)? {
                break;
            }
            taken.await;
        }
        Ok(())
    }

    fn try_send(&self, passing: &mut Option<Passing>) -> Result<bool, Closed> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Closed);
        }
        if inside.waiting.len() >= self.buffers {
            return Ok(false);
        }
        inside.waiting.extend(passing.take());
        drop(inside);
        self.sent.notify(1);
        Ok(true)
    }

    fn receive(&self) -> Result<Passing, Closed> {
        loop {
            if let Some(passing) = self.try_receive()? {
                return Ok(passing);
            }
            listener!(self.sent => sent);
            if let Some(passing) = self.try_receive()? {
                return Ok(passing);
            }
            sent.wait();
        }
    }

    #[cfg(feature = "async")]
    async fn receive_async(&self) -> Result<Passing, Closed> {
        loop {
            if let Some(passing) = self.try_receive()? {
                return Ok(passing);
            }
            listener!(self.sent => sent);
            if let Some(passing) = self.try_receive()? {
                return Ok(passing);
            }
            sent.await;
        }
    }

    fn try_receive(&self) -> Result<Option<Passing>, Closed> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Closed);
        }
        let passing = inside.waiting.pop_front();
        drop(inside);
        if passing.is_some() {
            self.taken.notify(1);
        }
        Ok(passing)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.sent.notify(usize::MAX);
        self.taken.notify(usize::MAX);
    }
}

/// Whether this thread runs under a real-time scheduling policy, which its children inherit.
pub(crate) fn is_real_time() -> bool {
    // The 41st field of /proc/PID/stat is the policy; the second is in parentheses and may hold anything.
    let Ok(stat) = std::fs::read_to_string("/proc/thread-self/stat") else {
        return false;
    };
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    // The first field behind the parentheses is the third; 1 is FIFO, 2 is round robin.
    fields
        .split_ascii_whitespace()
        .nth(41 - 3)
        .is_some_and(|policy| matches!(policy, "1" | "2"))
}
