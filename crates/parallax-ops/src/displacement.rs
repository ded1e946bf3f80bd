//! Whole steps that are normally distributed, looked up by 32 random bits.
//!
//! A step is the nearest whole number to `std` times the normal quantile of `(word + 1/2) / 2³²`. The words at which the
//! step grows by one are found once, by bisection; after that a step costs a look into a short table.

use parallax_events::normal_quantile;
use parallax_simd::displace::Steps;

/// So many changes are compared with one after another, in vectors, sooner than looked up.
const FEW: usize = 64;

/// The words at which steps change.
#[derive(Debug, Clone)]
pub(crate) struct Displacement {
    /// The step of word 0.
    lowest: i32,
    /// The first words of the steps after the lowest, ascending.
    changes: Vec<u32>,
    /// Of each value of a word's upper 8 bits how many of the changes come before or at its first word.
    before: [u16; 256],
}

impl Displacement {
    /// `std` is at most 1000, so that there are at most 12,682 steps.
    pub(crate) fn new(std: f64) -> Self {
        let std = std.clamp(0.0, 1000.0);
        let (lowest, highest) = (step(std, 0), step(std, u32::MAX));
        let first_at_least = |wanted: i32| {
            let (mut low, mut high) = (0_u32, u32::MAX);
            while low < high {
                let middle = low + (high - low) / 2;
                if step(std, middle) >= wanted {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            low
        };
        let changes: Vec<u32> = (lowest + 1..=highest).map(first_at_least).collect();
        let before = std::array::from_fn(|upper| {
            let first = (upper as u32) << 24;
            changes.partition_point(|&change| change <= first) as u16
        });
        Self {
            lowest,
            changes,
            before,
        }
    }

    /// The steps for a kernel that compares with every change, if they are few.
    pub(crate) fn few_steps(&self) -> Option<Steps<'_>> {
        (self.changes.len() <= FEW).then_some(Steps {
            lowest: self.lowest,
            changes: &self.changes,
        })
    }

    /// The step of a random word.
    #[inline(always)]
    pub(crate) fn of(&self, word: u32) -> i32 {
        let mut passed = usize::from(self.before[(word >> 24) as usize]);
        while self.changes.get(passed).is_some_and(|&change| change <= word) {
            passed += 1;
        }
        self.lowest + passed as i32
    }
}

/// What a step is.
pub(crate) fn step(std: f64, word: u32) -> i32 {
    (std * unit_normal(word)).round() as i32
}

/// The normal quantile of the middle of one of 2³² cells.
pub(crate) fn unit_normal(word: u32) -> f64 {
    normal_quantile((f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_formula_says() {
        for std in [0.0, 0.3, 1.0, 2.5, 40.0, 1000.0] {
            let table = Displacement::new(std);
            let mut words: Vec<u32> = (0..100_000_u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
            words.extend([0, 1, u32::MAX - 1, u32::MAX]);
            for &change in &table.changes {
                words.extend([change.saturating_sub(1), change, change.saturating_add(1)]);
            }
            for word in words {
                assert_eq!(table.of(word), step(std, word), "{std} {word}");
            }
        }
    }
}
