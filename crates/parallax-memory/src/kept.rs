//! Pages that were let go and are kept for the next who asks for as many and writes all of them.
//!
//! In go mappings, out comes one of the same size, as it was left. There are never more than [`MOST_BYTES`] of them in a
//! process; the oldest go back to the system. The lock is only ever tried for, so nobody waits for another thread, and the
//! child of a fork does not wait for one that it does not have: at worst pages go back, or come, as they would without.
#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::pages::Pages;

/// As a sensor of 1280x720 has in a voxel grid of ten bins and what is kept beside it.
const MOST_BYTES: usize = 64 << 20;

static KEPT: Mutex<Vec<Pages>> = Mutex::new(Vec::new());

fn kept() -> Option<MutexGuard<'static, Vec<Pages>>> {
    match KEPT.try_lock() {
        Ok(kept) => Some(kept),
        // A list of mappings is whole after every step.
        Err(TryLockError::Poisoned(kept)) => Some(kept.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Pages of exactly so many bytes, in the order in which they were let go: who makes the same things again has the same memory
/// for each of them, so that a thread that fills one finds what it wrote itself, not what it has to fetch from another core.
pub(crate) fn take(mapped: usize) -> Option<Pages> {
    let mut kept = kept()?;
    let index = kept.iter().position(|pages| pages.capacity() == mapped)?;
    Some(kept.remove(index))
}

/// Keeps pages, unless they are too many.
pub(crate) fn keep(pages: Pages) {
    if pages.capacity() > MOST_BYTES {
        return;
    }
    let Some(mut kept) = kept() else { return };
    kept.push(pages);
    let mut bytes: usize = kept.iter().map(Pages::capacity).sum();
    let mut count = 0;
    while bytes > MOST_BYTES {
        bytes -= kept[count].capacity();
        count += 1;
    }
    let oldest: Vec<_> = kept.drain(..count).collect();
    // The system takes them back while nobody waits.
    drop(kept);
    drop(oldest);
}

/// Gives all of them back to the system; whether there were any.
pub(crate) fn release() -> bool {
    let pages = kept().map(|mut kept| std::mem::take(&mut *kept));
    pages.is_some_and(|pages| !pages.is_empty())
}
