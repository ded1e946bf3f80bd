//! The meaning of exp and ln: range reduction and a polynomial, in plain additions, multiplications and (ln) one
//! division, each of which IEEE 754 defines to the bit. Without a branch, so that the loops over slices become
//! vectors.
//!
//! exp: `x = n ln 2 + r` with `|r| <= ln 2 / 2`; Taylor's series of `e^r`, long enough that what is left out is below
//! a tenth of the last place; then `2^n` in two factors, so that results below the normal range round once.
//! ln: `x = 2^k (1 + f)` with `1 + f` between the roots of 1/2 and 2; `ln(1 + f) = 2 artanh(s)`, `s = f / (2 + f)`,
//! as the series in `s^2`; then `k ln 2` is added in two parts.
#![forbid(unsafe_code)]
#![allow(
    clippy::excessive_precision,
    reason = "constants are written as their exact decimal value"
)]

/// 1.5 * 2^23: added and taken away again, it rounds to a whole number, which stands in the low bits between.
const ROUND_F32: f32 = 12_582_912.0;
/// 1.5 * 2^52: as above.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, the first short enough that its product with any exponent is exact.
const LN_2_HIGH_F32: f32 = 0.693_359_375;
const LN_2_LOW_F32: f32 = -2.121_944_400_546_905_8e-4;
const LN_2_HIGH_F64: f64 = 0.693_147_180_369_123_816_490;
const LN_2_LOW_F64: f64 = 1.908_214_929_270_587_700_02e-10;

/// `2^-x` of a number from 0 to 125.6. [`decay`](crate::decay) says how; from there on the result means nothing.
#[inline(always)]
pub(crate) fn half_f32(x: f32) -> f32 {
    let rounded = x + ROUND_F32;
    let f = x - (rounded - ROUND_F32);
    let mut q = 1.535_336_2e-4;
    for coefficient in [
        -1.339_887_4e-3,
        9.618_437e-3,
        -5.550_332_4e-2,
        2.402_264_8e-1,
        -6.931_472e-1,
    ] {
        q = q * f + coefficient;
    }
    let power = 1.0 + q * f;
    // Of the sum with the constant only `n` is left in the upper bits.
    f32::from_bits(power.to_bits().wrapping_sub(rounded.to_bits() << 23))
}

#[inline(always)]
pub(crate) fn exp_f32(x: f32) -> f32 {
    // Outside these the result is 0 or infinite, and so is that at the bound. NaN passes both tests.
    let inside = if x < -104.0 { -104.0 } else { x };
    let inside = if inside > 89.0 { 89.0 } else { inside };

    let rounded = inside * std::f32::consts::LOG2_E + ROUND_F32;
    let n = rounded - ROUND_F32;
    let r = (inside - n * LN_2_HIGH_F32) - n * LN_2_LOW_F32;
    let mut q = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        q = q * r + coefficient;
    }
    let power = 1.0 + (r + r * r * q);
    // n + 2 * 127, never negative here; half of it and the rest are the exponents of two normal numbers.
    let exponent = rounded
        .to_bits()
        .wrapping_sub(ROUND_F32.to_bits())
        .wrapping_add(254);
    let half = exponent >> 1;
    let low = f32::from_bits(half << 23);
    let high = f32::from_bits(exponent.wrapping_sub(half) << 23);
    let result = power * low * high;
    if x.is_nan() { f32::NAN } else { result }
}

#[inline(always)]
pub(crate) fn exp_f64(x: f64) -> f64 {
    let inside = if x < -746.0 { -746.0 } else { x };
    let inside = if inside > 710.0 { 710.0 } else { inside };

    let rounded = inside * std::f64::consts::LOG2_E + ROUND_F64;
    let n = rounded - ROUND_F64;
    let r = (inside - n * LN_2_HIGH_F64) - n * LN_2_LOW_F64;
    let mut q = 1.0 / 6_227_020_800.0;
    for coefficient in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ] {
        q = q * r + coefficient;
    }
    let power = 1.0 + (r + r * r * q);

    let exponent = rounded
        .to_bits()
        .wrapping_sub(ROUND_F64.to_bits())
        .wrapping_add(2046);
    let half = exponent >> 1;
    let low = f64::from_bits(half << 52);
    let high = f64::from_bits(exponent.wrapping_sub(half) << 52);
    let result = power * low * high;
    if x.is_nan() { f64::NAN } else { result }
}

#[inline(always)]
pub(super) fn ln_f32(x: f32) -> f32 {
    /// The bits of the root of 1/2, below which `1 + f` never is.
    const ROOT: u32 = 0x3F35_04F3;
    /// Keeps `k` from being negative, so that it can be shifted and converted without a sign.
    const BIAS: u32 = 127 << 23;

    let tiny = x < f32::MIN_POSITIVE;
    let bits = (if tiny { x * 33_554_432.0 } else { x }).to_bits();
    let from_root = bits.wrapping_sub(ROOT);
    let biased = from_root.wrapping_add(BIAS) >> 23;
    let f = f32::from_bits((from_root & 0x007F_FFFF) + ROOT) - 1.0;
    // As the low bits of 2^23 a small whole number is converted.
    let k = f32::from_bits(0x4B00_0000 | biased) - (8_388_608.0 + 127.0);
    let k = if tiny { k - 25.0 } else { k };

    let s = f / (2.0 + f);
    let z = s * s;
    let mut q = 2.0 / 9.0;
    for coefficient in [2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0] {
        q = q * z + coefficient;
    }
    // 2s = f - f^2/2 + s f^2/2, in which f and k ln 2 are exact and the rest is small.
    let half_square = 0.5 * f * f;
    let small = s * (half_square + z * q) + k * LN_2_LOW_F32;
    let result = k * LN_2_HIGH_F32 - ((half_square - small) - f);
    if x > 0.0 && x < f32::INFINITY {
        result
    } else if x == 0.0 {
        f32::NEG_INFINITY
    } else if x > 0.0 {
        x
    } else {
        f32::NAN
    }
}

#[inline(always)]
pub(crate) fn ln_f64(x: f64) -> f64 {
    /// The bits of the root of 1/2, below which `1 + f` never is.
    const ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
    /// Keeps `k` from being negative, so that it can be shifted and converted without a sign.
    const BIAS: u64 = 1023 << 52;

    let tiny = x < f64::MIN_POSITIVE;
    let bits = (if tiny { x * 18_014_398_509_481_984.0 } else { x }).to_bits();
    let from_root = bits.wrapping_sub(ROOT);
    let biased = from_root.wrapping_add(BIAS) >> 52;
    let f = f64::from_bits((from_root & 0x000F_FFFF_FFFF_FFFF) + ROOT) - 1.0;
    let k = f64::from_bits(0x4330_0000_0000_0000 | biased) - (4_503_599_627_370_496.0 + 1023.0);
    let k = if tiny { k - 54.0 } else { k };

    let s = f / (2.0 + f);
    let z = s * s;
    let mut q = 2.0 / 21.0;
    for coefficient in [
        2.0 / 19.0,
        2.0 / 17.0,
        2.0 / 15.0,
        2.0 / 13.0,
        2.0 / 11.0,
        2.0 / 9.0,
        2.0 / 7.0,
        2.0 / 5.0,
        2.0 / 3.0,
    ] {
        q = q * z + coefficient;
    }
    let half_square = 0.5 * f * f;
    let small = s * (half_square + z * q) + k * LN_2_LOW_F64;
    let result = k * LN_2_HIGH_F64 - ((half_square - small) - f);
    if x > 0.0 && x < f64::INFINITY {
        result
    } else if x == 0.0 {
        f64::NEG_INFINITY
    } else if x > 0.0 {
        x
    } else {
        f64::NAN
    }
}

macro_rules! over_slices {
    ($($slice:ident, $one:ident, $float:ty;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $slice(x: &[$float], out: &mut [$float]) {
                for (&x, out) in x.iter().zip(out) {
                    *out = $one(x);
                }
            }
        )*
    };
}
over_slices! {
    exp_slice_f32, exp_f32, f32;
    exp_slice_f64, exp_f64, f64;
    ln_slice_f32, ln_f32, f32;
    ln_slice_f64, ln_f64, f64;
}
