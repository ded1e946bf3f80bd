//! Randomness by counting: the same (seed, operator, event index) gives the same numbers on every machine and in any order.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011): ten
//! rounds that turn a 128-bit counter and a 64-bit key into 128 random bits, without state. The key is the
//! seed. The counter is the event's index (words 0 and 1, low first) and the FNV-1a hash of the operator's
//! id (words 2 and 3), to which the block number is added in word 3. So two operators of one pipeline draw different
//! numbers from one seed, and no draw depends on how the work was split. This layout is part of what a recorded result
//! means: it does not change.

mod normal;

pub use normal::normal_quantile;
use parallax_simd::philox;

/// A generator for one operator.
///
/// Each index has as many numbers as one asks for: `lane` counts them. A lane's words are fixed: `unit_f32` and `below` lane
/// `n` use word `n`, `unit_f64` lane `n` uses words `2n` and `2n + 1`, `normal` uses words 0 to 3; so draws of
/// different types from overlapping words are not independent.
///
/// ```
/// use parallax_events::Philox;
///
/// let drops = Philox::new(42, "drop_event");
/// let kept: Vec<u64> = (0..10).filter(|&index| drops.unit_f64(index, 0) >= 0.5).collect();
/// let again: Vec<u64> = (0..10).rev().filter(|&index| drops.unit_f64(index, 0) >= 0.5).collect();
/// assert!(kept.iter().eq(again.iter().rev()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    operator: [u32; 2],
}

impl Philox {
    /// The numbers of `operator` under `seed`. An operator that needs several streams names them: `"jitter/x"`.
    pub const fn new(seed: u64, operator: &str) -> Self {
        Self {
            key: words(seed),
            operator: words(fnv1a_64(operator.as_bytes())),
        }
    }

    /// The first four words of `index`.
    pub const fn at(&self, index: u64) -> [u32; 4] {
        self.block(index, 0)
    }

    /// The first four words of `first` and of the indices after it: [`at`](Self::at), faster for many.
    pub fn fill(&self, first: u64, out: &mut [[u32; 4]]) {
        philox::blocks(self.key, self.operator, first, out);
    }

    /// Words `4 * block` to `4 * block + 3` of `index`.
    pub const fn block(&self, index: u64, block: u32) -> [u32; 4] {
        let [low, high] = words(index);
        philox::block(
            [low, high, self.operator[0], self.operator[1].wrapping_add(block)],
            self.key,
        )
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub const fn unit_f64(&self, index: u64, lane: u32) -> f64 {
        let block = self.block(index, lane / 2);
        let bits = if lane.is_multiple_of(2) {
            pair(block[0], block[1])
        } else {
            pair(block[2], block[3])
        };
        (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    pub const fn unit_f32(&self, index: u64, lane: u32) -> f32 {
        (self.word(index, lane) >> 8) as f32 * (1.0 / (1_u32 << 24) as f32)
    }

    /// Uniform in 0..n; 0 if n is 0. Lemire's multiply and shift without rejection, so that each
    /// draw costs one word: a value's probability is off from 1/n by less than 2⁻³².
    pub const fn below(&self, index: u64, lane: u32, n: u32) -> u32 {
        ((self.word(index, lane) as u64 * n as u64) >> 32) as u32
    }

    const fn word(&self, index: u64, lane: u32) -> u32 {
        self.block(index, lane / 4)[(lane % 4) as usize]
    }
}

/// Low word first.
const fn words(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// FNV-1a, 64 bits: the stable hash that turns an operator's id into counter words.
const fn fnv1a_64(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        index += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_gives_the_published_answers() {
        // From the test suite of the FNV reference code.
        assert_eq!(fnv1a_64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a_64(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a_64(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_counter_is_laid_out_as_documented() {
        let philox = Philox::new(0x0123_4567_89ab_cdef, "a");
        let counter = [0x3333_4444, 0x1111_2222, 0x8601_ec8c, 0xaf63_dc4c];
        let key = [0x89ab_cdef, 0x0123_4567];
        let index = 0x1111_2222_3333_4444;
        assert_eq!(philox.at(index), parallax_simd::philox::block(counter, key));
        let mut filled = [[0; 4]; 2];
        philox.fill(index - 1, &mut filled);
        assert_eq!(filled[1], philox.at(index));
        let next = parallax_simd::philox::block([counter[0], counter[1], counter[2], counter[3] + 1], key);
        assert_eq!(
            philox.below(index, 6, u32::MAX),
            ((u64::from(next[2]) * u64::from(u32::MAX)) >> 32) as u32
        );
        let bits = u64::from(next[2]) | u64::from(next[3]) << 32;
        assert_eq!(
            philox.unit_f64(index, 3),
            (bits >> 11) as f64 / 9_007_199_254_740_992.0
        );
        assert_eq!(philox.unit_f32(index, 7), (next[3] >> 8) as f32 / 16_777_216.0);
    }

    #[test]
    fn uniform_numbers_fill_their_range_evenly() {
        let (philox, count) = (Philox::new(1, "uniform"), 100_000_u32);
        let mut cells = [0_u32; 10];
        for index in 0..u64::from(count) {
            let (double, single) = (philox.unit_f64(index, 0), philox.unit_f32(index, 2));
            assert!((0.0..1.0).contains(&double) && (0.0..1.0).contains(&single));
            cells[philox.below(index, 3, 10) as usize] += 1;
        }
        // Chi squared with 9 degrees of freedom exceeds 27.9 once in a thousand seeds.
        let expected = f64::from(count) / 10.0;
        let chi: f64 = cells
            .iter()
            .map(|&cell| (f64::from(cell) - expected).powi(2) / expected)
            .sum();
        assert!(chi < 27.9, "{cells:?}");
        assert_eq!(philox.below(0, 0, 0), 0);
        assert_eq!(philox.below(0, 0, 1), 0);
    }
}
