//! [`super::scan`] compiled for AVX2: SSE2 cannot compare 64-bit numbers. AVX-512 gains nothing more.

use super::{OrderScan, scalar};
use crate::Level;

pub(super) fn scan(level: Level, t: &[i64], previous: Option<i64>) -> OrderScan {
    if level.usable() < Level::Avx2 {
        return scalar::scan(t, previous);
    }
    // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
    unsafe { scan_avx2(t, previous) }
}

#[target_feature(enable = "avx2")]
fn scan_avx2(t: &[i64], previous: Option<i64>) -> OrderScan {
    scalar::scan(t, previous)
}
