//! Normally distributed numbers, without a transcendental function of the platform.

use parallax_simd::quantile;
pub use parallax_simd::quantile::normal as normal_quantile;

use super::{Philox, pair};

impl Philox {
    /// Two independent values of the standard normal distribution.
    ///
    /// By inversion of the distribution function (Wichura's AS 241, relative error about 1e-16), from 52 uniform bits
    /// each; so a value lies within ±8.21, and depends on nothing but its words.
    pub fn normal(&self, index: u64) -> (f64, f64) {
        let [a, b, c, d] = self.at(index);
        (
            normal_quantile(cell(pair(a, b))),
            normal_quantile(cell(pair(c, d))),
        )
    }

    /// The values of [`normal`](Self::normal) one after another: those of index `i` are the numbers `2 i` and the next. From
    /// number `first` on, as many as `out` is long, in a third of the time that they take one by one.
    ///
    /// ```
    /// let philox = parallax_events::Philox::new(1, "example");
    /// let mut values = [0.0; 3];
    /// philox.fill_normal(5, &mut values);
    /// let (even, odd) = philox.normal(3);
    /// assert_eq!(values, [philox.normal(2).1, even, odd]);
    /// ```
    pub fn fill_normal(&self, first: u64, out: &mut [f64]) {
        let mut words = [[0; 4]; AT_ONCE / 2 + 1];
        let mut cells = [0.0; AT_ONCE + 2];
        let mut number = first;
        for out in out.chunks_mut(AT_ONCE) {
            self.fill(number / 2, &mut words);
            for (cells, &[a, b, c, d]) in cells.as_chunks_mut::<2>().0.iter_mut().zip(&words) {
                *cells = [cell(pair(a, b)), cell(pair(c, d))];
            }
            // The first may be the second of its block.
            quantile::normal_slice(cells.get((number % 2) as usize..).unwrap_or_default(), out);
            number = number.wrapping_add(out.len() as u64);
        }
    }
}

/// Values that are drawn at once: with their words they stay in the first-level cache.
const AT_ONCE: usize = 512;

/// The middle of one of 2^52 cells: never 0 or 1.
fn cell(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_one_after_another_are_those_of_their_index() {
        let philox = Philox::new(9, "normal");
        for first in [0, 1, 2, 1001, u64::MAX - 5000] {
            for len in [0, 1, 2, 511, 512, 513, 3000] {
                let mut values = vec![0.0; len];
                philox.fill_normal(first, &mut values);
                for (offset, &value) in (0..).zip(&values) {
                    let number: u64 = first.wrapping_add(offset);
                    let (even, odd) = philox.normal(number / 2);
                    let wanted = if number.is_multiple_of(2) { even } else { odd };
                    assert_eq!(value.to_bits(), wanted.to_bits(), "{first} {len} {offset}");
                }
            }
        }
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal() {
        let (philox, count) = (Philox::new(3, "normal"), 50_000_u32);
        let mut sums = [0.0; 4];
        for index in 0..u64::from(count) {
            let (a, b) = philox.normal(index);
            for value in [a, b] {
                assert!(value.abs() < 8.22);
                for (power, sum) in (1..).zip(&mut sums) {
                    *sum += value.powi(power) / f64::from(2 * count);
                }
            }
        }
        // Five standard errors of each moment at 100,000 samples.
        let expected = [(0.0, 0.016), (1.0, 0.023), (0.0, 0.062), (3.0, 0.156)];
        for (sum, (value, error)) in sums.iter().zip(expected) {
            assert!((sum - value).abs() < error, "{sums:?}");
        }
    }
}
