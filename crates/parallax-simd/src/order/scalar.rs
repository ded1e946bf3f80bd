//! The meaning of [`super::scan`]: blocks are asked whether they hold a step back; only those that do are
//! walked through one by one.
#![forbid(unsafe_code)]

use super::OrderScan;

/// Long enough to pay for the question, short enough that one late event costs little.
const BLOCK: usize = 128;

#[inline(always)]
pub(super) fn scan(t: &[i64], previous: Option<i64>) -> OrderScan {
    let mut found = OrderScan::default();
    let Some((&first, after)) = t.split_first() else {
        return found;
    };
    if let Some(previous) = previous {
        found.equal_neighbours = previous == first;
        found.step(previous, first, 0);
    }
    let mut start = 1;
    for (before, after) in t.chunks(BLOCK).zip(after.chunks(BLOCK)) {
        let mut back = 0;
        let mut equal = 0;
        for (&earlier, &later) in before.iter().zip(after) {
            back |= u64::from(later < earlier);
            equal |= u64::from(later == earlier);
        }
        found.equal_neighbours |= equal != 0;
        if back != 0 {
            for (index, (&earlier, &later)) in before.iter().zip(after).enumerate() {
                found.step(earlier, later, start + index);
            }
        }
        start += BLOCK;
    }
    found
}

impl OrderScan {
    #[inline(always)]
    fn step(&mut self, earlier: i64, later: i64, index: usize) {
        if later < earlier {
            self.steps_back += 1;
            self.first_step_back.get_or_insert(index);
            self.max_step_back = self.max_step_back.max(earlier.saturating_sub(later));
        }
    }
}
