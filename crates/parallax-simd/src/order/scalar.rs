//! The meaning of [`super::scan`]: blocks are asked whether they hold a step back; only those that do are
//! looked at again.
#![forbid(unsafe_code)]

use super::OrderScan;

/// Long enough to pay for the question, short enough that one late event costs little.
const BLOCK: usize = 128;

#[inline(always)]
pub(super) fn scan(t: &[i64], previous: Option<i64>) -> OrderScan {
    let mut found = OrderScan::default();
    let Some((first, after)) = t.split_first() else {
        return found;
    };
    if let Some(previous) = previous {
        found.equal_neighbours = previous == *first;
        found.look(&[previous], &[*first], 0);
    }
    let mut start = 1;
    for (before, after) in t.chunks(BLOCK).zip(after.chunks(BLOCK)) {
        // Recordings have equal times all over: the first block answers this, and no other is asked.
        if !found.equal_neighbours {
            let equal =
                pairs(before, after).fold(0, |any, (earlier, later)| any | u64::from(later == earlier));
            found.equal_neighbours = equal != 0;
        }
        let back = pairs(before, after).fold(0, |any, (earlier, later)| any | u64::from(later < earlier));
        if back != 0 {
            found.look(before, after, start);
        }
        start += BLOCK;
    }
    found
}

impl OrderScan {
    /// Counts the steps back of one block, whose first pair ends at the index `start`.
    #[inline(always)]
    fn look(&mut self, before: &[i64], after: &[i64], start: usize) {
        if self.first_step_back.is_none() {
            let inside = pairs(before, after).position(|(earlier, later)| later < earlier);
            self.first_step_back = inside.map(|inside| start + inside);
        }
        let mut steps = 0;
        let mut largest = 0;
        for (earlier, later) in pairs(before, after) {
            let back = u64::from(later < earlier);
            steps += back;
            // The mask hides the steps that go forward.
            largest = largest.max(back.wrapping_neg() & earlier.abs_diff(later));
        }
        self.steps_back += steps;
        self.max_step_back = self.max_step_back.max(i64::try_from(largest).unwrap_or(i64::MAX));
    }
}

#[inline(always)]
fn pairs(before: &[i64], after: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    before.iter().copied().zip(after.iter().copied())
}
