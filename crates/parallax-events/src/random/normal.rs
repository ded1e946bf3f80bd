//! Normally distributed numbers, without a transcendental function of the platform.

use parallax_simd::math::ln_f64;

use super::{Philox, pair};

impl Philox {
    /// Two independent values of the standard normal distribution.
    ///
    /// By inversion of the distribution function (Wichura's AS 241, relative error about 1e-16), from 52 uniform bits
    /// each; so a value lies within ±8.21, and depends on nothing but its words.
    pub fn normal(&self, index: u64) -> (f64, f64) {
        let [a, b, c, d] = self.at(index);
        // The middle of one of 2^52 cells: never 0 or 1.
        let unit = |bits: u64| ((bits >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64);
        (
            normal_quantile(unit(pair(a, b))),
            normal_quantile(unit(pair(c, d))),
        )
    }
}

/// The standard normal's inverse distribution function for 0 < p < 1: Wichura, "Algorithm AS 241", PPND16 (1988).
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * horner(&CENTRE_ABOVE, r) / horner(&CENTRE_BELOW, r);
    }
    // In the tail the logarithm decides. 1 - p is exact here, since p is above one half.
    let r = (-ln_f64(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let distance = if r <= 5.0 {
        horner(&TAIL_ABOVE, r - 1.6) / horner(&TAIL_BELOW, r - 1.6)
    } else {
        horner(&FAR_ABOVE, r - 5.0) / horner(&FAR_BELOW, r - 5.0)
    };
    if q < 0.0 { -distance } else { distance }
}

/// Coefficients from the lowest power up.
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_6,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_4e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const TAIL_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const TAIL_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_7e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_published_ones() {
        // The check values of AS 241, and of the NIST tables.
        let known = [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_814),
            (1e-20, -9.262_340_089_798_408),
            (0.975, 1.959_963_984_540_054),
            (0.5, 0.0),
        ];
        for (p, z) in known {
            assert!(
                (normal_quantile(p) - z).abs() <= 1e-14 * z.abs().max(1.0),
                "{p}: {}",
                normal_quantile(p)
            );
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
