//! [`Lifetime`]: when a pool's core may be freed, with one exchange at a return and none at a loan.
//!
//! In: handles come and go, slots come back. Out: exactly one caller is told that it was the last of all.
//!
//! A loan is not counted in a shared word. Whoever takes a slot adds one to that slot's own uses, which is nobody
//! else's then. A return takes one from `balance`, which so goes below zero. When the last handle goes, no more loans
//! can come, so all uses are added up and put into `balance` at once. From then on `balance` is the number of slots in
//! hand, and who brings it to zero is the last.
#![forbid(unsafe_code)]

use crate::sync::{AtomicU64, Ordering, fence};

/// More handles than this are a leak; the process ends before their number wraps.
const MOST_HANDLES: u64 = u32::MAX as u64;

pub(crate) struct Lifetime {
    handles: AtomicU64,
    /// Minus the returns, as a wrapping number; once the last handle is gone, the slots in hand.
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

    /// One handle less; `uses` adds up how often slots were taken. True if nothing is left.
    pub(crate) fn let_go(&self, uses: impl FnOnce() -> u64) -> bool {
        if self.handles.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Every loan was made through a handle that is gone, so all uses are there to be seen.
        fence(Ordering::Acquire);
        let uses = uses();
        self.balance.fetch_add(uses, Ordering::AcqRel).wrapping_add(uses) == 0
    }

    /// A slot has come back. True if nothing is left; otherwise all may be gone when this returns.
    #[inline]
    pub(crate) fn give_back(&self) -> bool {
        // Above zero only once the last handle is gone.
        self.balance.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// How many slots have come back, while there is a handle.
    pub(crate) fn returns(&self) -> u64 {
        self.balance.load(Ordering::Relaxed).wrapping_neg()
    }
}

#[cfg(all(test, parallax_loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use loom::thread;

    use super::Lifetime;

    /// Two threads with a handle each; both take a slot of their own, let go of the handle and return the slot, in
    /// either order. Exactly one is the last, and nobody touches the core after it.
    #[test]
    fn exactly_one_is_the_last_of_all() {
        loom::model(|| {
            let core = Arc::new((
                Lifetime::new(),
                [AtomicU64::new(0), AtomicU64::new(0)],
                UnsafeCell::new(()),
                AtomicUsize::new(0),
            ));
            core.0.share();
            let work = |core: &(Lifetime, [AtomicU64; 2], UnsafeCell<()>, AtomicUsize),
                        slot: usize,
                        handle_first| {
                let free = || {
                    core.2.with_mut(|_| ());
                    core.3.fetch_add(1, Ordering::Relaxed);
                };
                core.1[slot].store(1, Ordering::Relaxed);
                let uses = || core.1.iter().map(|uses| uses.load(Ordering::Relaxed)).sum();
                let mut last = false;
                if handle_first {
                    last |= core.0.let_go(uses);
                    // The slot is in hand still, so the core is there.
                    core.2.with(|_| ());
                    last |= core.0.give_back();
                } else {
                    core.2.with(|_| ());
                    last |= core.0.give_back();
                    last |= core.0.let_go(uses);
                }
                if last {
                    free();
                }
            };
            let other = Arc::clone(&core);
            let thread = thread::spawn(move || work(&other, 1, true));
            work(&core, 0, false);
            thread.join().unwrap();
            assert_eq!(core.3.load(Ordering::Relaxed), 1);
        });
    }
}
