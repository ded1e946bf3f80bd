//! The same lanes compiled for wider vectors.

use super::scalar;
use crate::Level;

pub(super) fn blocks(level: Level, key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    match level.usable() {
        Level::Scalar => scalar::blocks(key, high, first, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { blocks_avx2(key, high, first, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { blocks_avx512(key, high, first, out) },
    }
}

#[target_feature(enable = "avx2")]
fn blocks_avx2(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    scalar::blocks(key, high, first, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn blocks_avx512(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    scalar::blocks(key, high, first, out);
}
