//! [`Relay`]: stretches of a batch that threads take from its start to a builder, one thread each, without waiting for
//! each other but where order matters.
//!
//! Each thread takes the next stretch, does with it all that is to be done while it is in its cache, and writes what is left to
//! its place. Where the place hangs on the stretches before, or an operator must know how many events came to it, the
//! stretches pass [one after another](Turns). So what computes on one thread runs beside what waits for memory on another,
//! and no thread waits at the end of every step for the slowest.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::EventBlock;
use super::mask::Copies;
use crate::{BatchBuilder, Error, EventBatch, Meta, Order, Pool, Result};

/// What the stretches of one batch have in common.
#[derive(Debug)]
pub struct Relay {
    /// The first of them that will never pass its next place; the largest number while there is none. Those behind it wait for
    /// nothing; those before it come through.
    failed: AtomicUsize,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            failed: AtomicUsize::new(usize::MAX),
        }
    }
}

/// A place that stretches pass one after another, in order, and what they find there.
#[derive(Debug)]
pub struct Turns<'a, S> {
    failed: &'a AtomicUsize,
    place: Mutex<Place<S>>,
    passed: Condvar,
}

#[derive(Debug)]
struct Place<S> {
    next: usize,
    /// How many stretches sleep here: to wake nobody is a system call, too.
    asleep: usize,
    state: S,
}

/// How often a stretch looks whether it is its turn before it sleeps: some tens of microseconds.
const LOOKS: usize = 1_000;

/// How long it sleeps at most before it looks whether one has failed.
const SLEEP: Duration = Duration::from_millis(1);

impl<S> Turns<'_, S> {
    /// Waits until all stretches before number `stretch` have passed, and passes. Every stretch has to.
    ///
    /// # Errors
    /// If a stretch before this one failed, which says why; if this one has passed before.
    pub fn pass<R>(&self, stretch: usize, work: impl FnOnce(&mut S) -> R) -> Result<R> {
        let mut looks = 0;
        let mut place = self.lock();
        while place.next != stretch {
            if place.next > stretch {
                return Err(Error::internal(
                    "a stretch of a batch passes a place for the second time",
                ));
            }
            if self.failed.load(Ordering::Relaxed) < stretch {
                return Err(Error::internal("a stretch of the batch before this one failed"));
            }
            if looks < LOOKS {
                looks += 1;
                drop(place);
                std::hint::spin_loop();
                place = self.lock();
            } else {
                place.asleep += 1;
                let woken = self.passed.wait_timeout(place, SLEEP);
                (place, _) = woken.unwrap_or_else(PoisonError::into_inner);
                place.asleep -= 1;
            }
        }
        let done = work(&mut place.state);
        place.next += 1;
        let is_awaited = place.asleep > 0;
        drop(place);
        if is_awaited {
            self.passed.notify_all();
        }
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Place<S>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a stretch failed, unless it is told that it has not: also if its thread panics.
struct Watch<'a> {
    failed: &'a AtomicUsize,
    stretch: usize,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.failed.fetch_min(self.stretch, Ordering::Relaxed);
    }
}

impl Relay {
    /// A place for the stretches to pass.
    pub fn turns<S>(&self, state: S) -> Turns<'_, S> {
        Turns {
            failed: &self.failed,
            place: Mutex::new(Place {
                next: 0,
                asleep: 0,
                state,
            }),
            passed: Condvar::new(),
        }
    }

    /// Takes the events of `batch` through `work` in stretches of `size`, and appends what is kept of them, which is of a stream
    /// with the facts `meta`, to `out`, in order. `work` gets each stretch with its number, and may drop and change events, not
    /// add any. `out` must have [room](BatchBuilder::room) for the whole batch.
    ///
    /// # Errors
    /// What `work` returns, and as [`EventBlock::append_to`]; the stretches before are in `out` by then.
    pub fn run(
        &self,
        batch: &EventBatch,
        size: usize,
        meta: &Meta,
        pool: Pool<'_>,
        out: &mut BatchBuilder,
        work: impl Fn(usize, &mut EventBlock) -> Result<()> + Sync,
    ) -> Result<()> {
        let room = out.spare();
        let copies = Copies::to(&room);
        let rest = self.turns(room);
        let idle = Mutex::new(Vec::new());
        let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
        let run = |(stretch, start): (usize, usize)| -> Result<(usize, Order)> {
            let watch = Watch {
                failed: &self.failed,
                stretch,
            };
            let mut block: EventBlock = idle().pop().unwrap_or_default();
            let events = batch.slice(start..start.saturating_add(size));
            block.load(&events);
            work(stretch, &mut block)?;
            block.check(meta, "an operator")?;
            let kept = block.kept();
            let room = rest.pass(stretch, |rest| {
                let (room, behind) = std::mem::take(rest).split(kept);
                *rest = behind;
                room
            })?;
            if kept > events.len() || room.t.len() < kept {
                return Err(Error::internal("no room for what an operator made of a batch"));
            }
            block.copy_to(room, copies, Pool::serial());
            let order = block.order();
            idle().push(block);
            std::mem::forget(watch);
            Ok((kept, order))
        };
        let stretches = (0..batch.len()).step_by(size.max(1)).enumerate().collect();
        let done = pool.map(stretches, run);
        let (mut kept, mut order) = (0, Order::Strict);
        let mut whole = Ok(());
        for stretch in done {
            match stretch {
                Ok((count, found)) => (kept, order) = (kept + count, order.min(found)),
                Err(error) => {
                    whole = Err(error);
                    break;
                }
            }
        }
        out.commit_checked(kept, meta.geometry, order >= Order::Time)?;
        whole
    }
}
