//! The meaning of the kernel: a value; and values in lanes, all as if from the middle first, then those of the tails, which are
//! few, once more.
#![forbid(unsafe_code)]

use crate::math::scalar::ln_f64;

/// The middle of the distribution, in which a value needs no logarithm.
const CENTRE: f64 = 0.425;

#[inline(always)]
pub(super) fn normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= CENTRE { centre(q) } else { tail(p) }
}

/// Values that are looked at at once: what is written down of them stays in the first-level cache.
const BLOCK: usize = 256;

#[inline(always)]
pub(super) fn normal_slice(p: &[f64], out: &mut [f64]) {
    let (mut tails, mut places) = ([0.0; BLOCK], [0; BLOCK]);
    for (p, out) in p.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
        for (&p, out) in p.iter().zip(&mut *out) {
            *out = centre(p - 0.5);
        }
        let mut count = 0;
        for (place, &p) in p.iter().enumerate().take(out.len()) {
            (tails[count], places[count]) = (p, place);
            count += usize::from((p - 0.5).abs() > CENTRE);
        }
        let tails = &mut tails[..count];
        for tail in &mut *tails {
            *tail = self::tail(*tail);
        }
        for (&place, &tail) in places.iter().zip(&*tails) {
            out[place] = tail;
        }
    }
}

#[inline(always)]
fn centre(q: f64) -> f64 {
    let r = 0.180625 - q * q;
    q * horner(&CENTRE_ABOVE, r) / horner(&CENTRE_BELOW, r)
}

#[inline(always)]
fn tail(p: f64) -> f64 {
    let q = p - 0.5;
    // 1 - p is exact here, since p is above one half.
    let r = (-ln_f64(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let near = horner(&TAIL_ABOVE, r - 1.6) / horner(&TAIL_BELOW, r - 1.6);
    let far = horner(&FAR_ABOVE, r - 5.0) / horner(&FAR_BELOW, r - 5.0);
    let distance = if r <= 5.0 { near } else { far };
    if q < 0.0 { -distance } else { distance }
}

/// Coefficients from the lowest power up.
#[inline(always)]
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
