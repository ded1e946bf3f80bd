//! A cell and a polarity: which of its events count, and how they fade.

use std::collections::VecDeque;

use parallax_simd::math::exp_f64;

/// After so many time constants an exponential weight is below 1e-26 and no longer taken away.
const LONG: f64 = 60.0;

/// How weights fade, in ticks.
#[derive(Debug, Clone, Copy)]
pub(in crate::represent) struct Fade {
    pub(super) past: f64,
    pub(super) rate: f64,
    pub(super) is_linear: bool,
    /// Whether events are taken away when they are too old.
    pub(super) expires: bool,
}

impl Fade {
    /// `tau` is the time constant, or when a linear weight has reached 0.
    pub(in crate::represent) fn new(past: f64, tau: f64, is_linear: bool) -> Self {
        let past = if is_linear { past.min(tau) } else { past };
        Self {
            past,
            rate: 1.0 / tau,
            is_linear,
            expires: is_linear || past < LONG * tau,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Group {
    /// The time that weights are kept for.
    pub(super) reference: i64,
    pub(super) count: u64,
    /// Events that will have to be taken away.
    pub(super) live: VecDeque<Live>,
}

/// An event that counts: its time, its pixel, and what it added to the pixel's exponential weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    pub(super) t: i64,
    pub(super) pixel: u32,
    pub(super) grown: f64,
}

impl Group {
    /// Keeps exponential weights as of `clock`, `exponent` time constants later, from now on.
    pub(super) fn move_on(&mut self, clock: i64, fade: Fade, exponent: f64, weights: &mut [f64]) {
        let shrink = exp_f64(-exponent);
        weights.iter_mut().for_each(|weight| *weight *= shrink);
        self.reference = clock;
        for live in &mut self.live {
            live.grown = exp_f64(since(clock, live.t) * fade.rate);
        }
    }

    /// Takes away the events that are too old at the time `clock`.
    pub(super) fn expire(&mut self, clock: i64, fade: Fade, weights: &mut [f64], moments: &mut [f64]) {
        while let Some(&Live { t, pixel, grown }) = self.live.front() {
            if since(t, clock) <= fade.past {
                break;
            }
            self.live.pop_front();
            let pixel = pixel as usize;
            let Some(weight) = weights.get_mut(pixel) else {
                continue;
            };
            if !fade.is_linear {
                // What rounding leaves over is far below what any event adds, but it must not be negative.
                *weight = (*weight - grown).max(0.0);
                continue;
            }
            *weight -= 1.0;
            if let Some(moment) = moments.get_mut(pixel) {
                *moment -= since(self.reference, t);
            }
        }
    }
}

/// From one time to another, exact up to 2^53 ticks.
#[inline(always)]
pub(super) fn since(from: i64, to: i64) -> f64 {
    to.checked_sub(from)
        .map_or_else(|| to as f64 - from as f64, |ticks| ticks as f64)
}
