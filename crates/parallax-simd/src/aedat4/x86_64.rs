//! The kernel of AEDAT 4.0 with AVX-512: 16 events at a time.
//!
//! 16 events are four vectors. Times are every other one of their 64-bit lanes; of the lanes between, brought together, the
//! lowest 16 bits are columns, the next rows, the next hold the polarity.

use std::arch::x86_64::*;

use super::{EVENT, scalar};
use crate::{Columns, Level};

/// Events of a block.
const BLOCK: usize = 16;

pub(super) fn transpose(level: Level, events: &[[u8; EVENT]], out: Columns<'_>) {
    if level.usable() < Level::Avx512 {
        return scalar::transpose(events, out);
    }
    // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
    unsafe { transpose_avx512(events, out) }
}

/// Every fourth 16-bit lane of two vectors, from `first` on.
const fn fourths(first: u16) -> [u16; 16] {
    let mut places = [0; 16];
    let mut i = 0;
    while i < 16 {
        places[i] = i as u16 * 4 + first;
        i += 1;
    }
    places
}

const COLUMNS_AND_ROWS: [[u16; 16]; 2] = [fourths(0), fourths(1)];
const POLARITIES: [[u16; 16]; 2] = [fourths(2); 2];

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn transpose_avx512(events: &[[u8; EVENT]], out: Columns<'_>) {
    let Columns { t, x, y, p } = out;
    let (blocks, rest) = events.as_chunks::<BLOCK>();
    let done = blocks.len() * BLOCK;
    let ((t, t_rest), (x, x_rest)) = (t.split_at_mut(done), x.split_at_mut(done));
    let ((y, y_rest), (p, p_rest)) = (y.split_at_mut(done), p.split_at_mut(done));
    let evens = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    let odds = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    // SAFETY: tables of exactly one vector each.
    let (columns_and_rows, polarities) = unsafe {
        (
            _mm512_loadu_si512(COLUMNS_AND_ROWS.as_ptr().cast()),
            _mm512_loadu_si512(POLARITIES.as_ptr().cast()),
        )
    };
    let places = (t.chunks_exact_mut(BLOCK).zip(x.chunks_exact_mut(BLOCK)))
        .zip(y.chunks_exact_mut(BLOCK).zip(p.chunks_exact_mut(BLOCK)));
    for (block, ((t, x), (y, p))) in blocks.iter().zip(places) {
        let part = |index: usize| {
            // SAFETY: a block is four vectors long.
            unsafe { _mm512_loadu_si512(block[index * 4..].as_ptr().cast()) }
        };
        let (a, b, c, d) = (part(0), part(1), part(2), part(3));
        let early = _mm512_permutex2var_epi64(a, odds, b);
        let late = _mm512_permutex2var_epi64(c, odds, d);
        let pixels = _mm512_permutex2var_epi16(early, columns_and_rows, late);
        let signs = _mm512_movepi16_mask(pixels);
        let signs = (signs | signs >> BLOCK) as u16;
        let polarity = _mm512_castsi512_si256(_mm512_permutex2var_epi16(early, polarities, late));
        let polarity = _mm_or_si128(_mm256_cvtepi16_epi8(polarity), _mm_maskz_set1_epi8(signs, 2));
        // SAFETY: each chunk has as many places as a block has events, and each store ends with it.
        unsafe {
            _mm512_storeu_si512(t.as_mut_ptr().cast(), _mm512_permutex2var_epi64(a, evens, b));
            _mm512_storeu_si512(t[8..].as_mut_ptr().cast(), _mm512_permutex2var_epi64(c, evens, d));
            _mm256_storeu_si256(x.as_mut_ptr().cast(), _mm512_castsi512_si256(pixels));
            _mm256_storeu_si256(y.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(pixels));
            _mm_storeu_si128(p.as_mut_ptr().cast(), polarity);
        }
    }
    let rests = Columns {
        t: t_rest,
        x: x_rest,
        y: y_rest,
        p: p_rest,
    };
    scalar::transpose(rest, rests);
}
