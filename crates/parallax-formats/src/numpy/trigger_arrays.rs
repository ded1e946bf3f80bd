//! External triggers in an NPZ archive: the arrays `trigger_t`, `trigger_id` and `trigger_value` of one length.
//!
//! They are read side by side with the events, some thousand at a time, and handed out up to the time that the events
//! have reached.

use parallax_events::{Error, Result, Trigger, Triggers};

use super::columns::{Cell, Timing};
use super::npz_read::Stream;

/// What the arrays are called.
pub(super) const NAMES: [&str; 3] = ["trigger_t", "trigger_id", "trigger_value"];

/// How many are read at once.
const BLOCK: usize = 4096;

/// The triggers of an archive, in order.
pub(super) struct TriggerArrays {
    cells: [Cell; 3],
    streams: [Stream; 3],
    /// What a time is multiplied with.
    factor: i64,
    /// Triggers that the arrays still have.
    left: u64,
    /// Read and not handed out, the next one last.
    block: Vec<Trigger>,
    /// Times up to this one may be handed out.
    horizon: i64,
}

impl TriggerArrays {
    /// `count` triggers in three streams; times are counted as those of the events are.
    pub(super) fn new(cells: [Cell; 3], streams: [Stream; 3], count: u64, timing: Timing) -> Self {
        Self {
            cells,
            streams,
            factor: match timing {
                Timing::Whole(factor) => factor,
                Timing::Float(_) => 1,
            },
            left: count,
            block: Vec::new(),
            horizon: i64::MIN,
        }
    }

    /// The events have come to `t`.
    pub(super) fn advance(&mut self, t: i64) {
        self.horizon = self.horizon.max(t);
    }

    /// The next `most` triggers up to the horizon.
    pub(super) fn take(&mut self, most: usize) -> Result<Triggers> {
        let mut taken = Triggers::default();
        while taken.len() < most {
            match self.block.last() {
                Some(trigger) if trigger.t <= self.horizon => taken.extend(self.block.pop()),
                Some(_) => break,
                None if self.left == 0 => break,
                None => self.read()?,
            }
        }
        Ok(taken)
    }

    fn read(&mut self) -> Result<()> {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(BLOCK);
        let mut columns = [vec![0_i64; count], vec![0; count], vec![0; count]];
        for ((cell, stream), (column, name)) in self
            .cells
            .iter()
            .zip(&mut self.streams)
            .zip(columns.iter_mut().zip(NAMES))
        {
            let bytes = stream.read(count)?;
            if bytes.len() < count * cell.stride {
                return Err(Error::malformed("the array is cut off").with_context("array", name));
            }
            if !cell.whole(bytes, column) {
                return Err(
                    Error::malformed("a number that is not whole or too large").with_context("array", name)
                );
            }
        }
        self.left -= count as u64;
        let [t, id, value] = columns;
        for ((t, id), value) in t.into_iter().zip(id).zip(value).rev() {
            let wrong = || Error::malformed(format!("an external trigger of t {t}, id {id}, value {value}"));
            self.block.push(Trigger::new(
                t.checked_mul(self.factor).ok_or_else(wrong)?,
                u16::try_from(id).map_err(|_| wrong())?,
                u8::try_from(value).map_err(|_| wrong())?,
            ));
        }
        Ok(())
    }
}
