//! The meaning of the kernels of DAT.
#![forbid(unsafe_code)]

use super::{BLOCK, Packing};
use crate::{Columns, prefetch};

/// Records of a line of the cache, and how many records ahead lines are asked for: a file just mapped is in no cache, and
/// where a page ends the CPU does not look ahead by itself.
const LINE: usize = 8;
const AHEAD: usize = 512;

#[inline(always)]
pub(super) fn run(records: &[[u8; 8]], packing: Packing, last: u32, base: i64, out: Columns<'_>) -> usize {
    match packing {
        Packing::Version1 => blocks(records, last, base, out, |address| {
            (
                (address & 0x1FF) as u16,
                (address >> 9 & 0xFF) as u16,
                (address >> 17 & 1) as u8,
            )
        }),
        Packing::Version2 => blocks(records, last, base, out, |address| {
            (
                (address & 0x3FFF) as u16,
                (address >> 14 & 0x3FFF) as u16,
                (address >> 28 & 1) as u8,
            )
        }),
    }
}

#[inline(always)]
fn blocks(
    records: &[[u8; 8]],
    last: u32,
    base: i64,
    out: Columns<'_>,
    pixel: impl Fn(u32) -> (u16, u16, u8),
) -> usize {
    let (blocks, _) = records.as_chunks::<BLOCK>();
    let (t, _) = out.t.as_chunks_mut::<BLOCK>();
    let (x, _) = out.x.as_chunks_mut::<BLOCK>();
    let (y, _) = out.y.as_chunks_mut::<BLOCK>();
    let (p, _) = out.p.as_chunks_mut::<BLOCK>();
    let mut done = 0;
    for ((((block, t), x), y), p) in blocks.iter().zip(t).zip(x).zip(y).zip(p) {
        if changes(block, last) {
            break;
        }
        for line in (0..BLOCK).step_by(LINE) {
            prefetch::soon(records, done + AHEAD + line);
        }
        // A loop for each column: the compiler makes each of them one of vectors.
        *t = block.map(|record| base.wrapping_add(i64::from(halves(record).0)));
        *x = block.map(|record| pixel(halves(record).1).0);
        *y = block.map(|record| pixel(halves(record).1).1);
        *p = block.map(|record| pixel(halves(record).1).2);
        done += BLOCK;
    }
    done
}

/// Whether a time is in the other half of the range than `last`: among those that are not, there is no wrap.
#[inline(always)]
fn changes(block: &[[u8; 8]; BLOCK], last: u32) -> bool {
    let other = block
        .iter()
        .fold(0, |other, record| other | (halves(*record).0 ^ last));
    other >> 31 != 0
}

/// The time and the address of a record.
#[inline(always)]
fn halves(record: [u8; 8]) -> (u32, u32) {
    let record = u64::from_le_bytes(record);
    (record as u32, (record >> 32) as u32)
}
