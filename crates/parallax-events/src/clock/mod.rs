//! Clocks: where the time of a running pipeline comes from, and how a device's clock maps to the host's.
//!
//! A [`Clock`] gives the time; which one is chosen decides whether a run is live or replayed. A
//! [`ClockEstimator`] takes [`TimeBeacon`]s (the same moment as the device and the host saw it) and gives the mapping, the
//! drift and the jitter. Streams and pipelines share them.

mod estimator;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub use estimator::{ClockEstimator, SyncStatus, TimeBeacon};

use crate::Nanos;

/// A source of time, in nanoseconds of its own origin.
///
/// ```
/// use parallax_events::{Clock, ManualClock, Nanos};
///
/// fn age(clock: &dyn Clock, since: Nanos) -> i64 {
///     clock.now().0 - since.0
/// }
/// let clock = ManualClock::new(Nanos(100));
/// clock.advance(Nanos(20));
/// assert_eq!(age(&clock, Nanos(100)), 20);
/// ```
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Nanos;
}

/// The wall clock: nanoseconds since 1970-01-01 UTC. It may jump, in both directions.
///
/// It saturates in the year 2262. On `wasm32-unknown-unknown` there is no such clock, and asking for the time panics.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Nanos {
        let saturated = |nanos: u128| i64::try_from(nanos).unwrap_or(i64::MAX);
        Nanos(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => saturated(since.as_nanos()),
            Err(before) => -saturated(before.duration().as_nanos()),
        })
    }
}

/// Nanoseconds since this clock was made; never goes back.
///
/// On `wasm32-unknown-unknown` there is no such clock, and making one panics.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock {
    start: Instant,
}

impl MonotonicClock {
    /// Starts at 0.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Nanos {
        Nanos(i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves only when told to: for replay and tests. Shared by reference between threads.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
}

impl ManualClock {
    /// Stands at `now`.
    pub const fn new(now: Nanos) -> Self {
        Self {
            now: AtomicI64::new(now.0),
        }
    }

    /// Jumps to `now`, forward or back.
    pub fn set(&self, now: Nanos) {
        self.now.store(now.0, Ordering::Release);
    }

    /// Moves by `step` and stops at the ends of 64 bits.
    pub fn advance(&self, step: Nanos) {
        self.now.update(Ordering::AcqRel, Ordering::Acquire, |now| {
            now.saturating_add(step.0)
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        Nanos(self.now.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_move_forward() {
        let clocks: [&dyn Clock; 2] = [&SystemClock, &MonotonicClock::new()];
        for clock in clocks {
            let (first, second) = (clock.now(), clock.now());
            assert!(Nanos(0) <= first && first <= second);
        }
        // 2024-01-01: a wall clock that counts from elsewhere, or in another unit, is not past it.
        let now = SystemClock.now().0;
        assert!((1_704_067_200_000_000_000..i64::MAX).contains(&now), "{now}");
    }

    #[test]
    fn a_manual_clock_stops_at_the_end_of_time() {
        let clock = ManualClock::new(Nanos(i64::MAX - 1));
        clock.advance(Nanos(5));
        assert_eq!(clock.now(), Nanos(i64::MAX));
        clock.set(Nanos(-3));
        assert_eq!(clock.now(), Nanos(-3));
    }
}
