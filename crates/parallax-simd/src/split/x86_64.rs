//! The same lanes compiled for AVX2 and AVX-512.

use super::{Events, Fraction, Ramp, Shares, scalar};
use crate::Level;

pub(super) fn split<T: Fraction>(
    level: Level,
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    left: &mut [T],
    right: &mut [T],
) {
    match level.usable() {
        Level::Scalar => scalar::split(events, ramp, shares, left, right),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { split_avx2(events, ramp, shares, left, right) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { split_avx512(events, ramp, shares, left, right) },
    }
}

pub(super) fn split_pairs<T: Fraction>(
    level: Level,
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    pairs: &mut [[T; 2]],
) {
    match level.usable() {
        Level::Scalar => scalar::split_pairs(events, ramp, shares, pairs),
        // SAFETY: as above.
        Level::Avx2 => unsafe { pairs_avx2(events, ramp, shares, pairs) },
        // SAFETY: as above.
        Level::Avx512 => unsafe { pairs_avx512(events, ramp, shares, pairs) },
    }
}

#[target_feature(enable = "avx2")]
fn split_avx2<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, left: &mut [T], right: &mut [T]) {
    scalar::split(events, ramp, shares, left, right);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn split_avx512<T: Fraction>(
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    left: &mut [T],
    right: &mut [T],
) {
    scalar::split(events, ramp, shares, left, right);
}

#[target_feature(enable = "avx2")]
fn pairs_avx2<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, pairs: &mut [[T; 2]]) {
    scalar::split_pairs(events, ramp, shares, pairs);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn pairs_avx512<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, pairs: &mut [[T; 2]]) {
    scalar::split_pairs(events, ramp, shares, pairs);
}
