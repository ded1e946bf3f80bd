//! The kernel of AEDAT 4.0 compiled for AVX2 and for AVX-512, which narrows a column by one instruction.

use super::{EVENT, scalar};
use crate::{Columns, Level};

pub(super) fn transpose(level: Level, events: &[[u8; EVENT]], out: Columns<'_>) {
    match level.usable() {
        Level::Scalar => scalar::transpose(events, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { transpose_avx2(events, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { transpose_avx512(events, out) },
    }
}

#[target_feature(enable = "avx2")]
fn transpose_avx2(events: &[[u8; EVENT]], out: Columns<'_>) {
    scalar::transpose(events, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn transpose_avx512(events: &[[u8; EVENT]], out: Columns<'_>) {
    scalar::transpose(events, out);
}
