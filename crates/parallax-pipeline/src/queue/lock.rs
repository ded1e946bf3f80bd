//! [`Lock`]: what carries a queue's packets where the sender takes them out again, to drop the oldest, and where one end
//! is a task.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Passing;

/// A deque behind a lock. How much waits is the queue's to bound.
#[derive(Debug)]
pub(super) struct Lock(Mutex<VecDeque<Passing>>);

impl Lock {
    /// With room for so many from the start.
    pub(super) fn new(room: usize) -> Self {
        Self(Mutex::new(VecDeque::with_capacity(room.min(1 << 16))))
    }

    pub(super) fn push(&self, passing: Passing) {
        self.inside().push_back(passing);
    }

    pub(super) fn pop(&self) -> Option<Passing> {
        self.inside().pop_front()
    }

    /// Drops what waits.
    pub(super) fn clear(&self) {
        // Not under the lock: what is dropped may take its time.
        let waiting = std::mem::take(&mut *self.inside());
        drop(waiting);
    }

    /// A panic while the lock was held left a whole queue behind.
    fn inside(&self) -> MutexGuard<'_, VecDeque<Passing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
