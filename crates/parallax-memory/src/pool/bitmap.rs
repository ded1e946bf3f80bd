//! [`Bitmap`]: which slots are free, without a lock.
//!
//! In goes the number of slots; out comes the index of one that nobody else has, until it is given back.
//!
//! Contract: an index is in one hand at a time. What was written to a slot before [`Bitmap::give`] is seen by whoever
//! takes it next. `take` and `give` are sequentially consistent, so that a waiter that announces itself and then looks
//! cannot miss a slot given back meanwhile.
#![forbid(unsafe_code)]

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

const BITS: usize = u64::BITS as usize;

pub(crate) struct Bitmap {
    /// One bit a slot, set while the slot is free.
    words: Box<[AtomicU64]>,
    /// The word to look at first: where a slot was found or given back last.
    hint: AtomicUsize,
}

impl Bitmap {
    /// All of `slots` free.
    pub(crate) fn new(slots: usize) -> Bitmap {
        let words = (0..slots.div_ceil(BITS))
            .map(|word| match slots - word * BITS {
                left if left < BITS => (1 << left) - 1,
                _ => u64::MAX,
            })
            .map(AtomicU64::new)
            .collect();
        Bitmap {
            words,
            hint: AtomicUsize::new(0),
        }
    }

    /// A free slot, now the caller's; the lowest of its word, which was used last and is still in the cache.
    #[inline]
    pub(crate) fn take(&self) -> Option<usize> {
        let first = self.hint.load(Ordering::Relaxed);
        let (before, from) = self.words.split_at_checked(first)?;
        for (step, word) in from.iter().chain(before).enumerate() {
            let mut free = word.load(Ordering::SeqCst);
            while free != 0 {
                let mask = free & free.wrapping_neg();
                let found = word.fetch_and(!mask, Ordering::SeqCst);
                if found & mask != 0 {
                    let index = (first + step) % self.words.len();
                    if step > 0 {
                        self.hint.store(index, Ordering::Relaxed);
                    }
                    return Some(index * BITS + mask.trailing_zeros() as usize);
                }
                free = found;
            }
        }
        None
    }

    /// How many slots are free.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.load(Ordering::Relaxed).count_ones() as usize)
            .sum()
    }

    /// Makes a slot free that [`take`](Self::take) handed out.
    #[inline]
    pub(crate) fn give(&self, slot: usize) {
        let index = slot / BITS;
        let Some(word) = self.words.get(index) else { return };
        let mask = 1_u64 << (slot % BITS);
        let before = word.fetch_or(mask, Ordering::SeqCst);
        debug_assert_eq!(before & mask, 0, "slot {slot} was given back twice");
        if before == 0 {
            self.hint.store(index, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(parallax_loom)))]
mod tests {
    use super::Bitmap;

    #[test]
    fn every_slot_is_handed_out_once_and_again_after_its_return() {
        for slots in [1, 63, 64, 65, 200] {
            let bitmap = Bitmap::new(slots);
            let mut taken: Vec<_> = std::iter::from_fn(|| bitmap.take()).collect();
            taken.sort_unstable();
            assert_eq!(taken, (0..slots).collect::<Vec<_>>());
            bitmap.give(slots / 2);
            assert_eq!(bitmap.take(), Some(slots / 2));
            assert_eq!(bitmap.take(), None);
        }
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
            let shared = Arc::new((Bitmap::new(1), UnsafeCell::new(0_u32)));
            let visit = |shared: &(Bitmap, UnsafeCell<u32>)| {
                if let Some(slot) = shared.0.take() {
                    // loom fails if two threads are in here at once.
                    shared.1.with_mut(|value| unsafe { *value += 1 });
                    shared.0.give(slot);
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
            let thread = thread::spawn(move || other.take());
            let mine = bitmap.take();
            let theirs = thread.join().unwrap();
            assert!(mine.is_some() && theirs.is_some() && mine != theirs);
        });
    }
}
