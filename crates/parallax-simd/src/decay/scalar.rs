//! The meaning of the decay kernels.
#![forbid(unsafe_code)]

use crate::math::scalar::{exp_f32, exp_f64};

#[inline(always)]
pub(super) fn fade_f32(last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    for (&last, out) in last.iter().zip(out) {
        *out = exp_f32(exponent(last, now, rate) as f32);
    }
}

#[inline(always)]
pub(super) fn fade_f64(last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    for (&last, out) in last.iter().zip(out) {
        *out = exp_f64(exponent(last, now, rate));
    }
}

#[inline(always)]
fn exponent(last: f64, now: f64, rate: f64) -> f64 {
    let exponent = (last - now) * rate;
    if exponent > 0.0 { 0.0 } else { exponent }
}
