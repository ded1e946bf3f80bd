//! [`Receiver`]: the end of a queue that packets come out of.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use rtrb::Consumer;

use super::waiting::Waiting;
use super::{Closed, Passing, Queue, QueueConfig, Way};

/// How many packets are taken out of the ring at most at once: their lines then come from the other processor together,
/// not one after another.
const TOGETHER: usize = 8;

/// The receiving end of a queue, on its thread.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(super) queue: Arc<Queue>,
    ring: Option<Consumer<Passing>>,
    /// What was taken out of the ring together; it waits as before, until it is handed out.
    at_hand: VecDeque<Passing>,
    /// After how many packets the sender hears that there is room, and how many it has not heard of.
    tell_after: usize,
    untold: usize,
    /// How often the sender had dropped what waits, as far as the last [`Passing::Flush`] says.
    flushes: usize,
    waiting: Waiting,
}

impl Receiver {
    /// The one receiver of the queue.
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        let ring = match &queue.way {
            Way::Ring(ring) => ring.lock().unwrap_or_else(PoisonError::into_inner).1.take(),
            Way::Lock(_) => None,
        };
        let QueueConfig {
            buffers, bytes, time, ..
        } = queue.config;
        let tell_after = if bytes.is_none() && time.is_none() {
            (buffers / 2).max(1)
        } else {
            1
        };
        Self {
            queue,
            ring,
            at_hand: VecDeque::with_capacity(TOGETHER),
            tell_after,
            untold: 0,
            flushes: 0,
            waiting: Waiting::default(),
        }
    }

    /// The next packet, or the end.
    pub(crate) fn receive(&mut self) -> Result<Passing, Closed> {
        loop {
            self.queue.check_open()?;
            let passing = match self.pop() {
                Some(passing) => passing,
                None => self.wait()?,
            };
            let passing = self.queue.took(passing, &self.queue.taken);
            self.untold += 1;
            if self.untold >= self.tell_after {
                self.tell();
            }
            match passing {
                // Sent before the stream went elsewhere.
                Passing::Packet(_) if self.flushes != self.queue.flushes.load(Ordering::Acquire) => {}
                Passing::Flush => {
                    self.flushes += 1;
                    return Ok(passing);
                }
                passing => return Ok(passing),
            }
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Passing> {
        match (&mut self.ring, &self.queue.way) {
            (Some(ring), _) => self.at_hand.pop_front().or_else(|| {
                let mut chunk = ring.read_chunk(ring.slots().min(TOGETHER)).ok()?.into_iter();
                let first = chunk.next();
                self.at_hand.extend(chunk);
                first
            }),
            (None, Way::Lock(lock)) => lock.pop(),
            (None, Way::Ring(_)) => None,
        }
    }

    fn tell(&mut self) {
        self.untold = 0;
        self.queue.room.notify(1);
    }

    #[cold]
    fn wait(&mut self) -> Result<Passing, Closed> {
        self.tell();
        let queue = Arc::clone(&self.queue);
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut arrived = None;
        waiting.until(&queue.arrived, || {
            arrived = self.pop();
            arrived.is_some() || queue.closed.load(Ordering::Relaxed)
        });
        self.waiting = waiting;
        arrived.ok_or(Closed)
    }
}
