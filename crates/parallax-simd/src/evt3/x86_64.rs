//! Words with AVX-512 where the CPU has all of it that they need, else with AVX2.

mod avx2;
mod avx512;

use std::arch::is_x86_feature_detected as has;

use super::{ADDRESSES, Done, Skipped, State, Surveyed, scalar};
use crate::{Columns, Level};

/// Words are asked for so far ahead: who sees them first finds them in no cache, and where a page ends the CPU does not
/// look ahead by itself.
const AHEAD: usize = 2048;

pub(super) fn decode(
    level: Level,
    words: &[[u8; 2]],
    state: &mut State,
    skipped: &mut Skipped,
    out: &mut Columns<'_>,
) -> Done {
    let has_all = has!("avx512vbmi2") && has!("avx512vpopcntdq") && has!("avx512bitalg");
    match level.usable() {
        Level::Scalar => scalar::decode(words, state, skipped, out),
        // SAFETY: the CPU says that it has all of these (`usable` stands for the first four).
        Level::Avx512 if has_all => unsafe { avx512::decode(words, state, skipped, out) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        _ => unsafe { avx2::decode(words, state, skipped, out) },
    }
}

/// The words of a block that are parts of vectors, a bit each.
#[derive(Debug, Clone, Copy, Default)]
struct Vectors {
    base: u32,
    twelve: u32,
    eight: u32,
}

impl Vectors {
    fn any(self) -> u32 {
        self.base | self.twelve | self.eight
    }

    /// Takes in those of `keep`, the words of the block that are done.
    fn pass(self, keep: u32, block: &[[u8; 2]], state: &mut State) {
        let bases = self.base & keep;
        let mut behind = keep;
        if bases != 0 {
            let last = bases.ilog2();
            let content = block
                .get(last as usize)
                .map_or(0, |word| u16::from_le_bytes(*word));
            (state.base, state.p) = (content % ADDRESSES, (content >> 11 & 1) as u8);
            behind &= !(u32::MAX >> (31 - last));
        }
        state.base += 12 * (self.twelve & behind).count_ones() as u16;
        state.base += 8 * (self.eight & behind).count_ones() as u16;
    }
}

pub(super) fn survey(level: Level, words: &[[u8; 2]], high: u16) -> Surveyed {
    match level.usable() {
        Level::Scalar => scalar::survey(words, high),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it, and the rest was asked for here.
        Level::Avx512 if has!("avx512bitalg") => unsafe { avx512::survey(words, high) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        _ => unsafe { avx2::survey(words, high) },
    }
}

pub(super) fn last_of(level: Level, words: &[[u8; 2]], kind: u16) -> Option<usize> {
    match level.usable() {
        Level::Scalar => scalar::last_of(words, kind),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { last_of_avx512(words, kind) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        _ => unsafe { last_of_avx2(words, kind) },
    }
}

#[target_feature(enable = "avx2")]
fn last_of_avx2(words: &[[u8; 2]], kind: u16) -> Option<usize> {
    scalar::last_of(words, kind)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn last_of_avx512(words: &[[u8; 2]], kind: u16) -> Option<usize> {
    scalar::last_of(words, kind)
}
