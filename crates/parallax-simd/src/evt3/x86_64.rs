//! Words with AVX-512 where the CPU has all of it that they need, else with AVX2.

mod avx2;
mod avx512;

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use super::{ADDRESSES, Done, Kind, Skipped, State, Surveyed, scalar};
use crate::{Columns, Level, prefetch};

/// Words of a block with AVX-512.
const BLOCK: usize = 32;

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
        Level::Avx512 if has!("avx512bitalg") => unsafe { survey_avx512(words, high) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        _ => unsafe { survey_avx2(words, high) },
    }
}

#[target_feature(enable = "avx2")]
fn survey_avx2(words: &[[u8; 2]], high: u16) -> Surveyed {
    scalar::survey(words, high)
}

/// Blocks whose events, 12 a word at most, are counted in 16 bits.
const COUNTED: usize = u16::MAX as usize / 12;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bitalg")]
fn survey_avx512(words: &[[u8; 2]], high: u16) -> Surveyed {
    let (blocks, _) = words.as_chunks::<BLOCK>();
    // A TIME_HIGH that is not this one; with a sentinel above 12 bits, any.
    let same_high = _mm512_set1_epi16(
        if high > 0xFFF {
            0
        } else {
            Kind::TIME_HIGH << 12 | high
        }
        .cast_signed(),
    );
    let kind = |kind: u16| _mm512_set1_epi16(kind.cast_signed());
    let mut done = Surveyed::default();
    let mut vectors = 0;
    for blocks in blocks.chunks(COUNTED) {
        let mut counts = _mm512_setzero_si512();
        let mut other = false;
        for block in blocks {
            prefetch::soon(block, AHEAD);
            // SAFETY: a block is one vector long.
            let block = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            let kinds = _mm512_srli_epi16::<12>(block);
            let times = _mm512_cmpeq_epi16_mask(kinds, kind(Kind::TIME_HIGH));
            other = _mm512_mask_cmpneq_epi16_mask(times, block, same_high) != 0;
            if other {
                break;
            }
            let twelve = _mm512_cmpeq_epi16_mask(kinds, kind(Kind::VECT_12));
            let eight = _mm512_cmpeq_epi16_mask(kinds, kind(Kind::VECT_8));
            let base = _mm512_cmpeq_epi16_mask(kinds, kind(Kind::VECT_BASE_X));
            let single = _mm512_cmpeq_epi16_mask(kinds, kind(Kind::ADDR_X));
            vectors |= twelve | eight | base;
            let bits = _mm512_maskz_mov_epi16(twelve, _mm512_and_si512(block, kind(0xFFF)));
            let bits = _mm512_mask_mov_epi16(bits, eight, _mm512_and_si512(block, kind(0xFF)));
            let bits = _mm512_mask_mov_epi16(bits, single, kind(1));
            counts = _mm512_add_epi16(counts, _mm512_popcnt_epi16(bits));
            done.words += BLOCK;
        }
        let low = _mm512_and_si512(counts, _mm512_set1_epi32(0xFFFF));
        let sums = _mm512_add_epi32(low, _mm512_srli_epi32::<16>(counts));
        done.events += _mm512_reduce_add_epi32(sums).cast_unsigned() as usize;
        if other {
            break;
        }
    }
    // The block with another TIME_HIGH, or the rest.
    let rest = scalar::survey(&words[done.words..], high);
    Surveyed {
        words: done.words + rest.words,
        events: done.events + rest.events,
        vectors: vectors != 0 || rest.vectors,
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
