//! The kernels of EVT 2.0 with AVX-512: 16 words at a time, the narrow columns by one instruction each.

use std::arch::x86_64::*;

use super::{ADDRESS, NO_EVENT, scalar};
use crate::{Columns, Level};

/// Words of a block.
const BLOCK: usize = 16;

pub(super) fn run(level: Level, words: &[[u8; 4]], base: i64, out: Columns<'_>) -> usize {
    if level.usable() < Level::Avx512 {
        return scalar::run(words, base, out);
    }
    // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
    unsafe { run_avx512(words, base, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512(words: &[[u8; 4]], base: i64, out: Columns<'_>) -> usize {
    let length = words.len();
    let Columns { t, x, y, p } = out;
    assert!(t.len() == length && x.len() == length && y.len() == length && p.len() == length);
    let (t, x, y, p) = (t.as_mut_ptr(), x.as_mut_ptr(), y.as_mut_ptr(), p.as_mut_ptr());
    let base = _mm512_set1_epi64(base);
    let no_event = _mm512_set1_epi32(NO_EVENT as i32);
    let address = _mm512_set1_epi32(ADDRESS as i32);
    let low = _mm512_set1_epi32(0x3F);
    let mut n = 0;
    while n < length {
        let here = (length - n).min(BLOCK);
        let mask = (u32::from(u16::MAX) >> (BLOCK - here)) as u16;
        // SAFETY: masked to the words that are left.
        let block = unsafe { _mm512_maskz_loadu_epi32(mask, words.as_ptr().add(n).cast()) };
        let events = (_mm512_cmplt_epu32_mask(block, no_event) & mask).trailing_ones() as usize;
        let times = _mm512_and_si512(_mm512_srli_epi32::<22>(block), low);
        let early = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(times));
        let late = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(times));
        let columns = _mm512_cvtepi32_epi16(_mm512_and_si512(_mm512_srli_epi32::<11>(block), address));
        let rows = _mm512_cvtepi32_epi16(_mm512_and_si512(block, address));
        let polarities = _mm512_cvtepi32_epi8(_mm512_srli_epi32::<28>(block));
        // SAFETY: a whole block lies inside; a part of one is masked to the places that are left.
        unsafe {
            if here == BLOCK {
                _mm512_storeu_si512(t.add(n).cast(), _mm512_add_epi64(base, early));
                _mm512_storeu_si512(t.add(n + 8).cast(), _mm512_add_epi64(base, late));
                _mm256_storeu_si256(x.add(n).cast(), columns);
                _mm256_storeu_si256(y.add(n).cast(), rows);
                _mm_storeu_si128(p.add(n).cast(), polarities);
            } else {
                _mm512_mask_storeu_epi64(t.add(n), mask as u8, _mm512_add_epi64(base, early));
                if here > 8 {
                    _mm512_mask_storeu_epi64(t.add(n + 8), (mask >> 8) as u8, _mm512_add_epi64(base, late));
                }
                _mm256_mask_storeu_epi16(x.add(n).cast(), mask, columns);
                _mm256_mask_storeu_epi16(y.add(n).cast(), mask, rows);
                _mm_mask_storeu_epi8(p.add(n).cast(), mask, polarities);
            }
        }
        n += events;
        if events < here {
            break;
        }
    }
    n
}

pub(super) fn count(level: Level, words: &[[u8; 4]]) -> usize {
    match level.usable() {
        Level::Scalar => scalar::count(words),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { count_avx512(words) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { count_avx2(words) },
    }
}

#[target_feature(enable = "avx2")]
fn count_avx2(words: &[[u8; 4]]) -> usize {
    scalar::count(words)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn count_avx512(words: &[[u8; 4]]) -> usize {
    scalar::count(words)
}
