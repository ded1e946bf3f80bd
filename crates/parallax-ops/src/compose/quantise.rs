//! Time in fixed steps, and how far that moves it.

use parallax_events::{EventBlock, Meta, Nanos, Result};

/// How far times were moved to come onto multiples of a step, in the stream's unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QuantisationError {
    /// The largest distance.
    pub max: u64,
    /// The mean distance.
    pub mean: f64,
    /// How many events were looked at.
    pub count: u64,
}

/// Moves times onto multiples of a step, and keeps count.
#[derive(Debug)]
pub(super) struct Quantiser {
    step: i64,
    max: u64,
    sum: u128,
    count: u64,
}

impl Quantiser {
    pub(super) fn new(step: Nanos, meta: &Meta) -> Result<Self> {
        Ok(Self {
            step: step.to_unit(meta.time_unit)?,
            max: 0,
            sum: 0,
            count: 0,
        })
    }

    pub(super) fn run(&mut self, block: &mut EventBlock) {
        let step = self.step.max(1);
        let times = block.times_mut();
        for t in &mut *times {
            let past = t.rem_euclid(step);
            let ahead = step - past;
            // At the ends of 64 bits there may be no multiple on one side; then the other is taken, or time stays.
            let (down, up) = (t.checked_sub(past), t.checked_add(ahead));
            let nearest = if past < ahead { down.or(up) } else { up.or(down) };
            let moved = nearest.unwrap_or(*t);
            let distance = t.abs_diff(moved);
            *t = moved;
            self.max = self.max.max(distance);
            self.sum += u128::from(distance);
        }
        self.count += times.len() as u64;
    }

    pub(super) fn error(&self) -> QuantisationError {
        let mean = if self.count == 0 {
            0.0
        } else {
            self.sum as f64 / self.count as f64
        };
        QuantisationError {
            max: self.max,
            mean,
            count: self.count,
        }
    }
}
