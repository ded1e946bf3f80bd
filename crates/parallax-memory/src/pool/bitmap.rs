//! [`Bitmap`]: which slots are free, without a lock.
//!
//! In goes the number of slots; out comes the index of one that nobody else has, until it is given back.
//!
//! Contract: an index is in one hand at a time. What was written to a slot before it was given back is seen by whoever
//! takes it next. [`Bitmap::give`] touches nothing once the slot is free: somebody may free the bitmap then. What a
//! return has to know, it therefore learns in the same exchange, from two marks beside the slots of a word: that
//! somebody waits for a slot, and that no handle is left. Both are exact because all exchanges on one word have an
//! order: a return before the mark is seen by whoever sets it, one after it sees the mark.
#![forbid(unsafe_code)]

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// How many slots one word holds.
pub(crate) const SLOTS: usize = 62;
const FREE: u64 = (1 << SLOTS) - 1;
/// Somebody waits for a slot.
const WATCHED: u64 = 1 << SLOTS;
/// No handle is left: slots are counted back, not made free.
const ORPHANED: u64 = 1 << (SLOTS + 1);

pub(crate) struct Bitmap {
    slots: usize,
    /// A bit a slot, set while the slot is free, and the marks.
    words: Box<[AtomicU64]>,
    /// The word to look at first: where a slot was found last.
    hint: AtomicUsize,
    /// How many slots were in somebody's hand, when they were last counted, besides those of that word up to the one
    /// just taken.
    others: AtomicUsize,
}

/// A slot just taken.
pub(crate) struct Taken {
    pub(crate) slot: usize,
    /// A bound: no more slots than this are in somebody's hand now, or more were at some time before.
    pub(crate) in_use: usize,
}

impl Bitmap {
    /// All of `slots` free.
    pub(crate) fn new(slots: usize) -> Bitmap {
        let words = (0..slots.div_ceil(SLOTS)).map(|word| AtomicU64::new(word_of(slots, word)));
        Bitmap {
            slots,
            words: words.collect(),
            hint: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
        }
    }

    /// A free slot, now the caller's; the lowest of its word, which was used last and is still in the cache.
    #[inline]
    pub(crate) fn take(&self) -> Option<Taken> {
        let hint = self.hint.load(Ordering::Relaxed);
        self.take_of(hint).or_else(|| self.take_elsewhere(hint))
    }

    /// The lowest free slot of a word: all below it are in somebody's hand, and none of them has to be counted. Of the
    /// others no more are than when they were last counted, or than when one of those above it was taken.
    #[inline]
    fn take_of(&self, index: usize) -> Option<Taken> {
        let word = self.words.get(index)?;
        let mut bits = word.load(Ordering::Relaxed);
        while bits & FREE != 0 {
            let lowest = bits & bits.wrapping_neg();
            match word.compare_exchange_weak(bits, bits & !lowest, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    let slot = lowest.trailing_zeros() as usize;
                    return Some(Taken {
                        slot: index * SLOTS + slot,
                        in_use: slot + 1 + self.others.load(Ordering::Relaxed),
                    });
                }
                Err(now) => bits = now,
            }
        }
        None
    }

    #[cold]
    fn take_elsewhere(&self, hint: usize) -> Option<Taken> {
        let words = (hint + 1..self.words.len()).chain(0..hint);
        let taken = words.map(|word| self.take_of(word)).find(Option::is_some)??;
        self.hint.store(taken.slot / SLOTS, Ordering::Relaxed);
        let in_use = self.recount(taken.slot);
        Some(Taken { in_use, ..taken })
    }

    /// How many slots are in somebody's hand.
    pub(crate) fn in_use(&self) -> usize {
        (0..self.words.len()).map(|word| self.in_use_of(word)).sum()
    }

    /// The same, just after `slot` was taken; [`Taken::in_use`] goes by it from now on. Threads that take slots at the
    /// same time may miss each other's.
    #[cold]
    pub(crate) fn recount(&self, slot: usize) -> usize {
        let in_use = self.in_use();
        let others = in_use.saturating_sub(slot % SLOTS + 1);
        self.others.store(others, Ordering::Relaxed);
        in_use
    }

    fn in_use_of(&self, word: usize) -> usize {
        let slots = SLOTS.min(self.slots - word * SLOTS);
        let free = |bits: &AtomicU64| (bits.load(Ordering::Relaxed) & FREE).count_ones() as usize;
        self.words.get(word).map_or(0, |bits| slots - free(bits))
    }

    /// Makes a slot free that [`take`](Self::take) handed out, unless its word is marked: false then, and nothing is
    /// done. After true, the bitmap may be gone.
    #[inline]
    pub(crate) fn give(&self, slot: usize) -> bool {
        let Some(word) = self.words.get(slot / SLOTS) else {
            return true;
        };
        let mask = 1_u64 << (slot % SLOTS);
        let mut before = word.load(Ordering::Relaxed);
        while before & (WATCHED | ORPHANED) == 0 {
            debug_assert_eq!(before & mask, 0, "slot {slot} was given back twice");
            match word.compare_exchange_weak(before, before | mask, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
        false
    }

    /// Makes a slot free whatever the marks; by somebody who keeps the bitmap alive.
    pub(crate) fn give_watched(&self, slot: usize) {
        if let Some(word) = self.words.get(slot / SLOTS) {
            word.fetch_or(1 << (slot % SLOTS), Ordering::AcqRel);
        }
    }

    /// From now on a return says that somebody waits; one before it has made its slot free already.
    pub(crate) fn watch(&self) {
        for word in &self.words {
            word.fetch_or(WATCHED, Ordering::AcqRel);
        }
    }

    /// Nobody waits any more.
    pub(crate) fn unwatch(&self) {
        for word in &self.words {
            word.fetch_and(!WATCHED, Ordering::AcqRel);
        }
    }

    /// No handle is left, so none is taken any more: how many slots are in somebody's hand. Each of them will be
    /// refused by [`give`](Self::give), and no other.
    pub(crate) fn orphan(&self) -> usize {
        let orphan =
            |word: &AtomicU64| (word.fetch_or(ORPHANED, Ordering::AcqRel) & FREE).count_ones() as usize;
        self.slots - self.words.iter().map(orphan).sum::<usize>()
    }
}

/// A word with all of its slots free.
fn word_of(slots: usize, word: usize) -> u64 {
    match slots - word * SLOTS {
        left if left < SLOTS => (1 << left) - 1,
        _ => FREE,
    }
}

#[cfg(all(test, not(parallax_loom)))]
mod tests {
    use super::Bitmap;

    #[test]
    fn every_slot_is_handed_out_once_and_again_after_its_return() {
        for slots in [1, 61, 62, 63, 64, 124, 200] {
            let bitmap = Bitmap::new(slots);
            let mut taken: Vec<_> = std::iter::from_fn(|| bitmap.take().map(|taken| taken.slot)).collect();
            taken.sort_unstable();
            assert_eq!(taken, (0..slots).collect::<Vec<_>>());
            assert!(bitmap.give(slots / 2));
            assert_eq!(bitmap.take().map(|taken| taken.slot), Some(slots / 2));
            assert_eq!(bitmap.in_use(), slots);
            assert!(bitmap.take().is_none());
        }
    }

    #[test]
    fn marks_refuse_a_return_and_are_no_slots() {
        let bitmap = Bitmap::new(63);
        let (first, second) = (bitmap.take().unwrap(), bitmap.take().unwrap());
        assert_eq!((first.in_use, second.in_use, bitmap.in_use()), (1, 2, 2));
        bitmap.watch();
        assert!(!bitmap.give(first.slot));
        bitmap.give_watched(first.slot);
        assert_eq!(bitmap.in_use(), 1);
        bitmap.unwatch();
        assert_eq!(bitmap.orphan(), 1);
        assert!(!bitmap.give(second.slot));
        assert_eq!(bitmap.in_use(), 1);
    }
}

#[cfg(all(test, parallax_loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::Bitmap;

    /// Two threads, one slot: they are never in it together, and each sees what the one before it wrote.
    #[test]
    fn a_slot_is_in_one_hand_at_a_time() {
        loom::model(|| {
            let shared = Arc::new((Bitmap::new(1), UnsafeCell::new(())));
            let visit = |shared: &(Bitmap, UnsafeCell<()>)| {
                if let Some(taken) = shared.0.take() {
                    // loom fails if two threads are in here at once.
                    shared.1.with_mut(|_| ());
                    assert!(shared.0.give(taken.slot));
                }
            };
            let other = Arc::clone(&shared);
            let thread = thread::spawn(move || visit(&other));
            visit(&shared);
            thread.join().unwrap();
            assert!(shared.0.take().is_some());
        });
    }

    /// Two threads, two slots: both get one, and not the same.
    #[test]
    fn two_slots_suffice_for_two() {
        loom::model(|| {
            let bitmap = Arc::new(Bitmap::new(2));
            let other = Arc::clone(&bitmap);
            let thread = thread::spawn(move || other.take().map(|taken| taken.slot));
            let mine = bitmap.take().map(|taken| taken.slot);
            let theirs = thread.join().unwrap();
            assert!(mine.is_some() && theirs.is_some() && mine != theirs);
        });
    }

    /// One returns the only slot while the other begins to wait: either the waiter sees it, or the return sees the
    /// waiter.
    #[test]
    fn no_return_is_missed() {
        loom::model(|| {
            let bitmap = Arc::new(Bitmap::new(1));
            let slot = bitmap.take().unwrap().slot;
            let other = Arc::clone(&bitmap);
            let thread = thread::spawn(move || other.give(slot));
            bitmap.watch();
            let seen = bitmap.take().is_some();
            let was_free = thread.join().unwrap();
            assert_eq!(seen, was_free);
        });
    }
}
