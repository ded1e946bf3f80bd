//! Records of DAT to columns of events: a run without a wrap of the 32-bit time.
//!
//! In go records of 8 bytes, the time of the one before, and what is added to times; out come the events in front of
//! the first block whose times leave or enter the upper half of their range, where a wrap may be. Blocks have
//! [`BLOCK`] records; a rest is left to the caller.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// Records of a block.
pub const BLOCK: usize = 64;

/// How column, row and polarity lie in the upper half of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// 9, 8 and 1 bits, from the lowest.
    Version1,
    /// 14, 14 and 1 bits, from the lowest.
    Version2,
}

/// Decodes whole blocks from the front of `records`, as far as there are places and as the [module](self) says.
/// `last` is the stored time before them; `base` is added to theirs. Returns how many records are done.
pub fn run(records: &[[u8; 8]], packing: Packing, last: u32, base: i64, out: Columns<'_>) -> usize {
    run_at(Level::detect(), records, packing, last, base, out)
}

/// [`run`] at a given level, or the CPU's best if that is lower.
pub fn run_at(
    level: Level,
    records: &[[u8; 8]],
    packing: Packing,
    last: u32,
    base: i64,
    out: Columns<'_>,
) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::run(level, records, packing, last, base, out),
        _ => scalar::run(records, packing, last, base, out),
    }
}
