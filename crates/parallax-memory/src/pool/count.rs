//! [`Count`]: how many handles share one slot.
//!
//! In: a slot is loaned with one handle. Out: [`Count::release`] says to exactly one caller that it was the last.
//! What the others did with the slot before they let go is seen by that one.
#![forbid(unsafe_code)]

use crate::sync::{AtomicU32, Ordering, fence};

/// More handles than this to one slot are a leak; the process ends before the count wraps to a free slot.
const MOST: u32 = u32::MAX / 2;

pub(crate) struct Count(AtomicU32);

impl Count {
    pub(crate) fn new() -> Count {
        Count(AtomicU32::new(0))
    }

    /// One handle; by whoever has just taken the slot.
    #[inline]
    pub(crate) fn begin(&self) {
        // One who was alone left it at 1. What is not written is not taken from the cache of whoever let go last.
        if self.0.load(Ordering::Relaxed) != 1 {
            self.0.store(1, Ordering::Relaxed);
        }
    }

    /// One handle more, by a holder of one.
    #[inline]
    pub(crate) fn share(&self) {
        if self.0.fetch_add(1, Ordering::Relaxed) > MOST {
            std::process::abort();
        }
    }

    /// One handle less. True for the last one.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        // Alone: nobody else can share it, so no exchange is needed.
        if self.0.load(Ordering::Acquire) == 1 {
            return true;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }
}

#[cfg(all(test, parallax_loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::Count;

    /// Three handles on three threads: one of them is the last, and sees that the others have read.
    #[test]
    fn exactly_one_is_the_last() {
        loom::model(|| {
            let shared = Arc::new((Count::new(), UnsafeCell::new(())));
            shared.0.begin();
            shared.0.share();
            let use_it = |shared: &(Count, UnsafeCell<()>)| {
                shared.1.with(|_| ());
                let last = shared.0.release();
                if last {
                    // loom fails if somebody may still be reading.
                    shared.1.with_mut(|_| ());
                }
                last
            };
            let other = Arc::clone(&shared);
            let thread = thread::spawn(move || use_it(&other));
            let mine = use_it(&shared);
            let theirs = thread.join().unwrap();
            assert!(mine != theirs);
        });
    }
}
