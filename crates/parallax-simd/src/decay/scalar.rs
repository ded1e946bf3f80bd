//! The meaning of the decay kernels.
#![forbid(unsafe_code)]

use super::{GONE_F32, GONE_F64};
use crate::math::scalar::{exp_f64, exp_of_age_f32};

#[inline(always)]
pub(super) fn fade_f32(last: &[f64], now: f64, rate: f64, out: &mut [f32]) {
    for (&last, out) in last.iter().zip(out) {
        let (exponent, is_gone) = exponent(last, now, rate, GONE_F32);
        let faded = exp_of_age_f32(exponent as f32);
        *out = if is_gone { 0.0 } else { faded };
    }
}

#[inline(always)]
pub(super) fn fade_f64(last: &[f64], now: f64, rate: f64, out: &mut [f64]) {
    for (&last, out) in last.iter().zip(out) {
        let (exponent, is_gone) = exponent(last, now, rate, GONE_F64);
        let faded = exp_f64(exponent);
        *out = if is_gone { 0.0 } else { faded };
    }
}

/// What e is raised to, and whether the cell has faded. Then it is raised to 0: a result below the smallest normal number
/// takes a CPU a hundred times as long as others, also where it is not used.
#[inline(always)]
fn exponent(last: f64, now: f64, rate: f64, gone: f64) -> (f64, bool) {
    let exponent = (last - now) * rate;
    let is_gone = exponent <= -gone;
    let outside = is_gone | (exponent > 0.0);
    (if outside { 0.0 } else { exponent }, is_gone)
}
