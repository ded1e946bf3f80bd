//! The same lanes compiled for wider vectors.

use super::{Bounds, Steps, scalar};
use crate::Level;

pub(super) fn shift(
    level: Level,
    x: &mut [u16],
    y: &mut [u16],
    words: &[[u32; 2]],
    steps: [Steps<'_>; 2],
    bounds: Bounds,
) {
    match level.usable() {
        Level::Scalar => scalar::shift(x, y, words, steps, bounds),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { shift_avx2(x, y, words, steps, bounds) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { shift_avx512(x, y, words, steps, bounds) },
    }
}

#[target_feature(enable = "avx2")]
fn shift_avx2(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    scalar::shift(x, y, words, steps, bounds);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn shift_avx512(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    scalar::shift(x, y, words, steps, bounds);
}
