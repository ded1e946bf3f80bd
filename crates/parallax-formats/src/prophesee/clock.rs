//! The time of EVT 2.0 and EVT 2.1: 34 bits, the upper 28 in TIME_HIGH words, the lower 6 in each event.
//!
//! A TIME_HIGH that falls back by the whole range but 10 ms is a wrap; one that falls back by less is taken as it is.

use parallax_simd::evt2::Time;

/// The time after which the counter starts again.
pub(crate) const LOOP: i64 = 1 << 34;

/// The largest time of a TIME_HIGH.
pub(crate) const LARGEST: i64 = ((1 << 28) - 1) << 6;

/// How far from it a wrap may begin.
const LOOP_TOLERANCE: i64 = 10_000;

/// The latest time: an event adds 6 bits.
const LATEST: i64 = i64::MAX - 63;

/// What the TIME_HIGH words so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The time of the last TIME_HIGH as stored.
    stored: i64,
    /// The same, wraps included, less the first if counted from there.
    base: i64,
}

impl Clock {
    /// After the first TIME_HIGH, whose content is the low 28 bits of `word`; `shift` counts from there.
    pub(crate) fn new(word: u32, shift: bool) -> Self {
        let stored = stored(word);
        Self {
            stored,
            base: if shift { 0 } else { stored },
        }
    }

    /// The same after one more TIME_HIGH.
    #[inline]
    pub(crate) fn after(self, word: u32) -> Self {
        let stored = stored(word);
        let wrapped = self.stored - stored >= LARGEST - LOOP_TOLERANCE;
        let step = stored - self.stored + if wrapped { LOOP } else { 0 };
        // A forged file can claim more wraps than 64 bits hold.
        Self {
            stored,
            base: self.base.saturating_add(step).min(LATEST),
        }
    }

    /// The same for a kernel, which only goes on as long as no TIME_HIGH falls back; `None` if it could come to a time that
    /// there is no number for.
    pub(crate) fn steady(self) -> Option<Time> {
        let offset = self.base - self.stored;
        (offset <= LATEST - LARGEST).then_some(Time {
            offset,
            high: self.high(),
        })
    }

    /// The content of the last TIME_HIGH.
    pub(crate) fn high(&self) -> u32 {
        (self.stored >> 6) as u32
    }

    /// The same after all that a clock went through which began at this one's last TIME_HIGH, counting from there.
    pub(crate) fn join(self, later: Self) -> Self {
        Self {
            stored: later.stored,
            base: self.base.saturating_add(later.base).min(LATEST),
        }
    }

    /// The time of an event with no low bits.
    pub(crate) fn base(&self) -> i64 {
        self.base
    }
}

fn stored(word: u32) -> i64 {
    i64::from(word & 0xFFF_FFFF) << 6
}
