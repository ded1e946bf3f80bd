//! The same lanes compiled for AVX2 and AVX-512.

use super::scalar;
use crate::Level;

pub(super) fn normal_slice(level: Level, p: &[f64], out: &mut [f64]) {
    match level.usable() {
        Level::Scalar => scalar::normal_slice(p, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { normal_slice_avx2(p, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { normal_slice_avx512(p, out) },
    }
}

#[target_feature(enable = "avx2")]
fn normal_slice_avx2(p: &[f64], out: &mut [f64]) {
    scalar::normal_slice(p, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn normal_slice_avx512(p: &[f64], out: &mut [f64]) {
    scalar::normal_slice(p, out);
}
