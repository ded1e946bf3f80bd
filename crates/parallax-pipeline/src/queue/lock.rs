//! [`Lock`]: what carries a queue's packets where the sender takes them out again, to drop the oldest, and where one end
//! is a task.
//!
//! Contract: once closed it is empty, and stays so: whether it is open is asked under the lock that a packet is put in.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Closed, Passing};

/// A deque behind a lock, until it is closed. How much waits is the queue's to bound.
#[derive(Debug)]
pub(super) struct Lock(Mutex<Option<VecDeque<Passing>>>);

impl Lock {
    /// With room for so many from the start.
    pub(super) fn new(room: usize) -> Self {
        Self(Mutex::new(Some(VecDeque::with_capacity(room.min(1 << 16)))))
    }

    pub(super) fn push(&self, passing: Passing) -> Result<(), Closed> {
        self.inside().as_mut().ok_or(Closed)?.push_back(passing);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Passing> {
        self.inside().as_mut()?.pop_front()
    }

    /// Drops what waits; nothing comes in any more.
    pub(super) fn close(&self) {
        // Not under the lock: what is dropped may take its time.
        let waiting = self.inside().take();
        drop(waiting);
    }

    /// A panic while the lock was held left a whole queue behind.
    fn inside(&self) -> MutexGuard<'_, Option<VecDeque<Passing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use parallax_memory::Bytes;

    use super::*;

    #[test]
    fn a_closed_lock_is_empty_and_takes_nothing() {
        let lock = Lock::new(2);
        let packet = || Passing::Packet(Bytes::from(vec![1]).into());
        lock.push(packet()).unwrap();
        lock.close();
        assert!(lock.push(packet()).is_err());
        assert!(lock.pop().is_none());
    }
}
