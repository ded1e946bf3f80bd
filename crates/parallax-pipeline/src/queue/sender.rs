//! [`Sender`]: the end of a queue that packets are handed to.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use parallax_memory::Flags;
use rtrb::Producer;

use super::waiting::Waiting;
use super::{Closed, Leaky, Passing, Queue, Way};
use crate::Packet;

/// The sending end of a queue, on its thread.
#[derive(Debug)]
pub(crate) struct Sender {
    queue: Arc<Queue>,
    ring: Option<Producer<Passing>>,
    /// How many more may be sent without a look at what the other end has taken.
    free: usize,
    waiting: Waiting,
}

impl Sender {
    /// The one sender of the queue.
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        let ring = match &queue.way {
            Way::Ring(ring) => ring.lock().unwrap_or_else(PoisonError::into_inner).0.take(),
            Way::Lock(_) => None,
        };
        Self {
            queue,
            ring,
            free: 0,
            waiting: Waiting::default(),
        }
    }

    /// Hands over a packet, waiting for room or leaking as configured.
    pub(crate) fn send(&mut self, mut packet: Packet) -> Result<(), Closed> {
        let queue = &*self.queue;
        if queue.config.leaky == Leaky::Upstream && queue.gap.load(Ordering::Relaxed) {
            queue.gap.store(false, Ordering::Relaxed);
            packet.metadata.mark(Flags::GAP);
        }
        let bytes = packet.payload.bytes() as u64;
        if self.free == 0 {
            let time = packet.metadata.time();
            if queue.is_full(bytes, time) {
                match queue.config.leaky {
                    Leaky::No => self.waiting.until(&queue.room, || {
                        queue.closed.load(Ordering::Relaxed) || !queue.is_full(bytes, time)
                    }),
                    Leaky::Upstream => {
                        queue.leak();
                        return Ok(());
                    }
                    // What is not there to be dropped is being taken.
                    Leaky::Downstream => while queue.is_full(bytes, time) && self.drop_oldest() {},
                }
            }
            let is_counted = queue.config.bytes.is_none() && queue.config.time.is_none();
            self.free = if is_counted {
                queue.config.buffers.saturating_sub(queue.level().0)
            } else {
                1
            };
        }
        self.free = self.free.saturating_sub(1);
        self.queue.sent.add(bytes);
        self.push(Passing::Packet(packet))
    }

    /// Says that the stream has ended, behind all that waits.
    pub(crate) fn end(&mut self) -> Result<(), Closed> {
        self.push(Passing::End)
    }

    /// Drops what waits: the stream goes on from elsewhere. The receiver drops what is in the ring.
    pub(crate) fn flush(&mut self) -> Result<(), Closed> {
        self.queue.flushes.fetch_add(1, Ordering::Release);
        while self.ring.is_none() && self.withdraw() {}
        self.push(Passing::Flush)
    }

    fn push(&mut self, passing: Passing) -> Result<(), Closed> {
        let Self {
            queue, ring, waiting, ..
        } = self;
        let Some(ring) = ring else {
            return queue.push_locked(passing);
        };
        queue.check_open()?;
        if let Err(rtrb::PushError::Full(passing)) = ring.push(passing) {
            // Only one of several flushes has to wait for its room.
            waiting.until(&queue.room, || {
                queue.closed.load(Ordering::Relaxed) || !ring.is_full()
            });
            queue.check_open()?;
            return ring.push(passing).map_err(|_| Closed);
        }
        queue.arrived.notify(1);
        Ok(())
    }

    /// Whether there was one.
    fn drop_oldest(&self) -> bool {
        let withdrawn = self.withdraw();
        if withdrawn {
            self.queue.leak();
        }
        withdrawn
    }

    fn withdraw(&self) -> bool {
        let oldest = match &self.queue.way {
            Way::Lock(lock) => lock.pop(),
            Way::Ring(_) => None,
        };
        oldest
            .map(|oldest| drop(self.queue.took(oldest, &self.queue.withdrawn)))
            .is_some()
    }
}
