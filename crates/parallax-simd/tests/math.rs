//! exp and ln against the standard library's, over their whole range.
//!
//! The oracle of the `f32` functions is the `f64` one of the standard library, whose own error is far below the last
//! place of an `f32`. That of the `f64` functions is the standard library's of the same width, good to little more
//! than half a place; being one place from it at most is being less than two from the exact value.
#![expect(
    clippy::disallowed_methods,
    reason = "the standard library is the oracle here"
)]

use parallax_simd::math::{exp_f32, exp_f64, ln_f32, ln_f64};

/// The bounds documented in `math`, for `f64` against the standard library.
const EXP_F32_ULP: f64 = 1.05;
const EXP_F64_ULP: f64 = 1.0;
const LN_F32_ULP: f64 = 0.9;
const LN_F64_ULP: f64 = 1.0;

/// The distance of `ours` from `exact` in units of the last place of an `f32` of that size.
fn ulp_f32(ours: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if rounded.is_infinite() || ours.is_infinite() {
        return if rounded == ours { 0.0 } else { f64::INFINITY };
    }
    let size = rounded.abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(size.to_bits() + 1)) - f64::from(size);
    // Just above the largest number the next place is infinite; the distance below is the same.
    let unit = if unit.is_finite() { unit } else { 2.0_f64.powi(104) };
    (f64::from(ours) - exact).abs() / unit
}

fn ulp_f64(ours: f64, exact: f64) -> f64 {
    if exact.is_infinite() || ours.is_infinite() {
        return if exact == ours { 0.0 } else { f64::INFINITY };
    }
    let size = exact.abs().max(f64::MIN_POSITIVE);
    let unit = size - f64::from_bits(size.to_bits() - 1);
    (ours - exact).abs() / unit
}

/// Numbers spread over a range, none of them round.
fn spread(from: f64, to: f64, count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(move |index| from + (to - from) * (f64::from(index) + 0.381_966_011) / f64::from(count))
}

#[test]
fn exp_f32_is_within_its_bound() {
    let mut worst = (0.0, 0.0);
    // Every 997th of all the numbers of the type, and the whole of the interesting range.
    let all = (0..=u32::MAX)
        .step_by(997)
        .map(f32::from_bits)
        .filter(|x| !x.is_nan());
    for x in all.chain(spread(-104.0, 89.0, 4_000_000).map(|x| x as f32)) {
        let error = ulp_f32(exp_f32(x), f64::from(x).exp());
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("exp_f32: {worst:?}");
    assert!(worst.0 <= EXP_F32_ULP, "{worst:?}");
}

#[test]
fn ln_f32_is_within_its_bound() {
    let mut worst = (0.0, 0.0);
    let positive = (1..f32::INFINITY.to_bits()).step_by(499).map(f32::from_bits);
    for x in positive.chain(spread(0.5, 2.0, 4_000_000).map(|x| x as f32)) {
        let error = ulp_f32(ln_f32(x), f64::from(x).ln());
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("ln_f32: {worst:?}");
    assert!(worst.0 <= LN_F32_ULP, "{worst:?}");
}

#[test]
fn exp_f64_is_within_its_bound() {
    let mut worst = (0.0, 0.0);
    let wide = spread(-746.0, 710.0, 4_000_000);
    for x in wide
        .chain(spread(-2.0, 2.0, 2_000_000))
        .chain(spread(-1e-9, 1e-9, 10_000))
    {
        let error = ulp_f64(exp_f64(x), x.exp());
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("exp_f64: {worst:?}");
    assert!(worst.0 <= EXP_F64_ULP, "{worst:?}");
}

#[test]
fn ln_f64_is_within_its_bound() {
    let mut worst = (0.0, 0.0);
    let positive = (1..f64::INFINITY.to_bits())
        .step_by(4_611_686_018_427)
        .map(f64::from_bits);
    for x in positive
        .chain(spread(0.4, 2.2, 4_000_000))
        .chain(spread(0.999_999, 1.000_001, 100_000))
    {
        let error = ulp_f64(ln_f64(x), x.ln());
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("ln_f64: {worst:?}");
    assert!(worst.0 <= LN_F64_ULP, "{worst:?}");
}

#[test]
fn the_ends_of_the_range() {
    for x in [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001)] {
        assert_eq!(exp_f32(x).to_bits(), f32::NAN.to_bits());
        assert_eq!(ln_f32(x).to_bits(), f32::NAN.to_bits());
    }
    for x in [f64::NAN, -f64::NAN, f64::from_bits(0x7FF0_0000_0000_0001)] {
        assert_eq!(exp_f64(x).to_bits(), f64::NAN.to_bits());
        assert_eq!(ln_f64(x).to_bits(), f64::NAN.to_bits());
    }
    for (x, expected) in [
        (f32::INFINITY, f32::INFINITY),
        (f32::MAX, f32::INFINITY),
        (88.722_84, f32::INFINITY),
        (f32::NEG_INFINITY, 0.0),
        (f32::MIN, 0.0),
        (-103.972_09, 0.0),
        (0.0, 1.0),
        (-0.0, 1.0),
        (f32::from_bits(1), 1.0),
    ] {
        assert_eq!(exp_f32(x).to_bits(), expected.to_bits(), "exp({x})");
        assert_eq!(
            x.exp().to_bits(),
            expected.to_bits(),
            "the standard library's exp({x})"
        );
    }
    for (x, expected) in [
        (f64::INFINITY, f64::INFINITY),
        (709.782_712_893_385, f64::INFINITY),
        (f64::NEG_INFINITY, 0.0),
        (-745.133_219_101_942, 0.0),
        (0.0, 1.0),
        (-0.0, 1.0),
    ] {
        assert_eq!(exp_f64(x).to_bits(), expected.to_bits(), "exp({x})");
        assert_eq!(
            x.exp().to_bits(),
            expected.to_bits(),
            "the standard library's exp({x})"
        );
    }
    assert!(exp_f32(-103.0) > 0.0 && exp_f32(-103.0) < f32::MIN_POSITIVE);
    assert!(exp_f64(-745.0) > 0.0 && exp_f64(-745.0) < f64::MIN_POSITIVE);
    for (x, expected) in [
        (0.0, f32::NEG_INFINITY),
        (-0.0, f32::NEG_INFINITY),
        (1.0, 0.0),
        (f32::INFINITY, f32::INFINITY),
        (-1.0, f32::NAN),
        (-f32::from_bits(1), f32::NAN),
        (f32::NEG_INFINITY, f32::NAN),
    ] {
        assert_eq!(ln_f32(x).to_bits(), expected.to_bits(), "ln({x})");
        assert_eq!(
            ln_f64(f64::from(x)).to_bits(),
            f64::from(expected).to_bits(),
            "ln({x})"
        );
    }
    for negative in [-f64::from_bits(1), f64::NEG_INFINITY] {
        assert_eq!(ln_f64(negative).to_bits(), f64::NAN.to_bits());
    }
}

#[test]
#[ignore = "every f32 there is: some minutes"]
fn every_f32() {
    let all = || (0..=u32::MAX).map(f32::from_bits).filter(|x| !x.is_nan());
    let exp = all()
        .map(|x| ulp_f32(exp_f32(x), f64::from(x).exp()))
        .fold(0.0, f64::max);
    let ln = all()
        .filter(|&x| x > 0.0)
        .map(|x| ulp_f32(ln_f32(x), f64::from(x).ln()))
        .fold(0.0, f64::max);
    println!("exp_f32: {exp}, ln_f32: {ln}");
    assert!(exp <= EXP_F32_ULP && ln <= LN_F32_ULP, "{exp} {ln}");
}
