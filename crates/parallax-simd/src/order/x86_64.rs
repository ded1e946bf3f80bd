//! [`super::scan`] compiled for AVX2 and AVX-512: SSE2 cannot compare 64-bit numbers.

use super::{OrderScan, scalar};
use crate::Level;

pub(super) fn scan(level: Level, t: &[i64], previous: Option<i64>) -> OrderScan {
    match level.usable() {
        Level::Scalar => scalar::scan(t, previous),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { scan_avx2(t, previous) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { scan_avx512(t, previous) },
    }
}

#[target_feature(enable = "avx2")]
fn scan_avx2(t: &[i64], previous: Option<i64>) -> OrderScan {
    scalar::scan(t, previous)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn scan_avx512(t: &[i64], previous: Option<i64>) -> OrderScan {
    scalar::scan(t, previous)
}
