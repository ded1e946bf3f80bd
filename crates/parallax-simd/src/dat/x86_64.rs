//! The kernels of DAT compiled for AVX2 and for AVX-512, which narrows a column by one instruction.

use super::{Packing, scalar};
use crate::{Columns, Level};

pub(super) fn run(
    level: Level,
    records: &[[u8; 8]],
    packing: Packing,
    last: u32,
    base: i64,
    out: Columns<'_>,
) -> usize {
    match level.usable() {
        Level::Scalar => scalar::run(records, packing, last, base, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { run_avx2(records, packing, last, base, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { run_avx512(records, packing, last, base, out) },
    }
}

#[target_feature(enable = "avx2")]
fn run_avx2(records: &[[u8; 8]], packing: Packing, last: u32, base: i64, out: Columns<'_>) -> usize {
    scalar::run(records, packing, last, base, out)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512(records: &[[u8; 8]], packing: Packing, last: u32, base: i64, out: Columns<'_>) -> usize {
    scalar::run(records, packing, last, base, out)
}
