//! The ends of a queue in a task.

use event_listener::listener;

use super::{Closed, Passing, Queue, Way};
use crate::Packet;

impl Queue {
    /// As [`Sender::send`](super::Sender::send) into a queue that does not leak, by a task.
    pub(crate) async fn send_async(&self, packet: Packet) -> Result<(), Closed> {
        let bytes = packet.payload.bytes() as u64;
        while self.is_full(bytes, packet.metadata.time()) {
            listener!(self.room => room);
            self.check_open()?;
            if self.is_full(bytes, packet.metadata.time()) {
                room.await;
            }
        }
        self.sent.add(bytes);
        self.push_locked(Passing::Packet(packet))
    }

    /// Says that the stream has ended, by a task.
    pub(crate) fn end_async(&self) -> Result<(), Closed> {
        self.push_locked(Passing::End)
    }

    /// The next packet, or the end, by a task.
    pub(crate) async fn receive_async(&self) -> Result<Passing, Closed> {
        loop {
            listener!(self.arrived => arrived);
            self.check_open()?;
            if let Way::Lock(lock) = &self.way
                && let Some(passing) = lock.pop()
            {
                let passing = self.took(passing, &self.taken);
                self.room.notify(1);
                return Ok(passing);
            }
            arrived.await;
        }
    }
}
