//! [`Lifetime`]: when a pool's core may be freed, at no cost to loans and returns while there is a handle.
//!
//! In: handles come and go, slots come back. Out: exactly one caller is told that it was the last of all.
//!
//! Only handles are counted. When the last one goes, no more loans can come; the slots that are in hand then are
//! counted once ([`Bitmap::orphan`](super::bitmap::Bitmap::orphan)), and from then on each return is. Returns may begin
//! to count before that number is there: the balance is below zero, as a wrapping number, until it is.
#![forbid(unsafe_code)]

use crate::sync::{AtomicU64, Ordering, fence};

/// More handles than this are a leak; the process ends before their number wraps.
const MOST_HANDLES: u64 = u32::MAX as u64;

pub(crate) struct Lifetime {
    handles: AtomicU64,
    /// Once the last handle is gone, the slots in hand.
    balance: AtomicU64,
}

impl Lifetime {
    /// With one handle.
    pub(crate) fn new() -> Lifetime {
        Lifetime {
            handles: AtomicU64::new(1),
            balance: AtomicU64::new(0),
        }
    }

    /// One handle more, by a holder of one.
    pub(crate) fn share(&self) {
        if self.handles.fetch_add(1, Ordering::Relaxed) > MOST_HANDLES {
            std::process::abort();
        }
    }

    /// One handle more, by a holder of a slot; false if the last one is gone.
    pub(crate) fn try_share(&self) -> bool {
        let more = |handles| (handles > 0).then_some(handles + 1);
        let shared = self
            .handles
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        shared.is_ok()
    }

    /// One handle less; `orphan` says how many slots are in hand, if it was the last. True if nothing is left; otherwise
    /// all may be gone when this returns.
    pub(crate) fn let_go(&self, orphan: impl FnOnce() -> u64) -> bool {
        if self.handles.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Every loan was made through a handle that is gone, so all of them are there to be seen.
        fence(Ordering::Acquire);
        let in_hand = orphan();
        self.balance
            .fetch_add(in_hand, Ordering::AcqRel)
            .wrapping_add(in_hand)
            == 0
    }

    /// A slot has come back after the last handle went. True if nothing is left; otherwise all may be gone when this
    /// returns.
    #[inline]
    pub(crate) fn give_back(&self) -> bool {
        self.balance.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(all(test, parallax_loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::thread;

    use super::super::bitmap::Bitmap;
    use super::Lifetime;

    /// As a core: the cell is there while it may be touched.
    struct Model {
        lifetime: Lifetime,
        free: Bitmap,
        cell: UnsafeCell<()>,
        freed: AtomicUsize,
    }

    impl Model {
        fn new(slots: usize) -> Arc<Model> {
            Arc::new(Model {
                lifetime: Lifetime::new(),
                free: Bitmap::new(slots),
                cell: UnsafeCell::new(()),
                freed: AtomicUsize::new(0),
            })
        }

        /// loom fails if anybody still reads.
        fn free_it(&self, last: bool) {
            if last {
                self.cell.with_mut(|_| ());
                self.freed.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn let_go(&self) {
            self.free_it(self.lifetime.let_go(|| self.free.orphan() as u64));
        }

        fn return_slot(&self, slot: usize) {
            // The slot is in hand, so the core is there.
            self.cell.with(|_| ());
            if self.free.give(slot) {
                return;
            }
            if self.lifetime.try_share() {
                self.free.give_watched(slot);
                self.cell.with(|_| ());
                self.let_go();
            } else {
                self.free_it(self.lifetime.give_back());
            }
        }
    }

    /// A handle and a slot here, a slot there, all let go of in any order: exactly one is the last, and nobody touches
    /// the core after it.
    #[test]
    fn exactly_one_is_the_last_of_all() {
        for watched in [false, true] {
            loom::model(move || {
                let core = Model::new(2);
                let (mine, theirs) = (core.free.take().unwrap().slot, core.free.take().unwrap().slot);
                if watched {
                    core.free.watch();
                }
                let other = Arc::clone(&core);
                let thread = thread::spawn(move || other.return_slot(theirs));
                core.let_go();
                core.return_slot(mine);
                thread.join().unwrap();
                assert_eq!(core.freed.load(Ordering::Relaxed), 1);
            });
        }
    }
}
