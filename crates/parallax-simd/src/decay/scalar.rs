//! The meaning of the decay kernels.
#![forbid(unsafe_code)]

use std::f64::consts::LOG2_E;

use super::{GONE_F32, GONE_F64, Tick, each};
use crate::math::scalar::{exp_f64, half_f32};

#[inline(always)]
pub(super) fn fade_f32<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    const GONE: f32 = (GONE_F32 * LOG2_E) as f32;
    let rate = rate * LOG2_E;
    let fade = |last: T| {
        let halvings = (last.age(now) * rate) as f32;
        let is_gone = (halvings >= GONE) | last.is_never();
        let faded = half_f32(halvings);
        if is_gone { 0.0 } else { faded }
    };
    each(last, lit, out, fade);
}

#[inline(always)]
pub(super) fn fade_f64<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    let fade = |last: T| {
        let age = last.age(now) * rate;
        let is_gone = (age >= GONE_F64) | last.is_never();
        // A result below the smallest normal number takes a CPU a hundred times as long as others, also where it is not used.
        let faded = exp_f64(if is_gone { 0.0 } else { -age });
        if is_gone { 0.0 } else { faded }
    };
    each(last, lit, out, fade);
}
