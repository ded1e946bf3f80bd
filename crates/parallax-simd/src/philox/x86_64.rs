//! Counters in lanes of 64 bits, whose lower halves count: that is what a product of 32 bits by 32 reads and what it leaves, so
//! nothing is put in order between rounds. Several vectors go side by side, as a round waits for its products.

use std::arch::x86_64::*;

use super::scalar::{self, MULTIPLIERS, WEYL};
use crate::Level;

pub(super) fn blocks(level: Level, key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    match level.usable() {
        Level::Scalar => scalar::blocks(key, high, first, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { blocks_avx2(key, high, first, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F.
        Level::Avx512 => unsafe { blocks_avx512(key, high, first, out) },
    }
}

/// Vectors side by side, in registers: a state of four each.
const SIDE_BY_SIDE: usize = 4;

#[target_feature(enable = "avx512f")]
fn blocks_avx512(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    const LANES: usize = 8;
    // The lower halves of lanes of 128 bits become the first four blocks, the upper ones the next.
    let lanes = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    let multipliers = MULTIPLIERS.map(|number| _mm512_set1_epi64(number.cast_signed()));
    let low = _mm512_set1_epi64(0xFFFF_FFFF);
    let mut index = first;
    let (groups, rest) = out.as_chunks_mut::<{ LANES * SIDE_BY_SIDE }>();
    for group in groups {
        let counters: [__m512i; SIDE_BY_SIDE] = std::array::from_fn(|vector| {
            let start = index.wrapping_add((vector * LANES) as u64);
            _mm512_add_epi64(_mm512_set1_epi64(start.cast_signed()), lanes)
        });
        let mut a = counters;
        let mut b = counters.map(|counter| _mm512_srli_epi64::<32>(counter));
        let mut c = [_mm512_set1_epi64(high[0].into()); SIDE_BY_SIDE];
        let mut d = [_mm512_set1_epi64(high[1].into()); SIDE_BY_SIDE];
        let [mut k, mut l] = key;
        for _ in 0..10 {
            let keys = [k, l].map(|key| _mm512_set1_epi64(key.into()));
            for vector in 0..SIDE_BY_SIDE {
                let p = _mm512_mul_epu32(multipliers[0], a[vector]);
                let q = _mm512_mul_epu32(multipliers[1], c[vector]);
                // The exclusive or of three.
                a[vector] = _mm512_ternarylogic_epi64::<0x96>(_mm512_srli_epi64::<32>(q), b[vector], keys[0]);
                b[vector] = q;
                c[vector] = _mm512_ternarylogic_epi64::<0x96>(_mm512_srli_epi64::<32>(p), d[vector], keys[1]);
                d[vector] = p;
            }
            (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
        }
        for (vector, blocks) in group.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // Lower halves of the first, or those of the second moved up.
            let pair = |first, second| {
                let second = _mm512_slli_epi64::<32>(second);
                _mm512_or_si512(_mm512_and_si512(first, low), second)
            };
            let (ab, cd) = (pair(a[vector], b[vector]), pair(c[vector], d[vector]));
            let (front, back) = blocks.split_at_mut(LANES / 2);
            // SAFETY: four blocks are 64 bytes.
            unsafe {
                _mm512_storeu_si512(front.as_mut_ptr().cast(), _mm512_unpacklo_epi64(ab, cd));
                _mm512_storeu_si512(back.as_mut_ptr().cast(), _mm512_unpackhi_epi64(ab, cd));
            }
        }
        index = index.wrapping_add((LANES * SIDE_BY_SIDE) as u64);
    }
    scalar::blocks(key, high, index, rest);
}

#[target_feature(enable = "avx2")]
fn blocks_avx2(key: [u32; 2], high: [u32; 2], first: u64, out: &mut [[u32; 4]]) {
    const LANES: usize = 4;
    const VECTORS: usize = SIDE_BY_SIDE / 2;
    let lanes = _mm256_setr_epi64x(0, 2, 1, 3);
    let multipliers = MULTIPLIERS.map(|number| _mm256_set1_epi64x(number.cast_signed()));
    let low = _mm256_set1_epi64x(0xFFFF_FFFF);
    let mut index = first;
    let (groups, rest) = out.as_chunks_mut::<{ LANES * VECTORS }>();
    for group in groups {
        let counters: [__m256i; VECTORS] = std::array::from_fn(|vector| {
            let start = index.wrapping_add((vector * LANES) as u64);
            _mm256_add_epi64(_mm256_set1_epi64x(start.cast_signed()), lanes)
        });
        let mut a = counters;
        let mut b = counters.map(|counter| _mm256_srli_epi64::<32>(counter));
        let mut c = [_mm256_set1_epi64x(high[0].into()); VECTORS];
        let mut d = [_mm256_set1_epi64x(high[1].into()); VECTORS];
        let [mut k, mut l] = key;
        for _ in 0..10 {
            let keys = [k, l].map(|key| _mm256_set1_epi64x(key.into()));
            for vector in 0..VECTORS {
                let p = _mm256_mul_epu32(multipliers[0], a[vector]);
                let q = _mm256_mul_epu32(multipliers[1], c[vector]);
                let (old_b, old_d) = (
                    _mm256_xor_si256(b[vector], keys[0]),
                    _mm256_xor_si256(d[vector], keys[1]),
                );
                a[vector] = _mm256_xor_si256(_mm256_srli_epi64::<32>(q), old_b);
                b[vector] = q;
                c[vector] = _mm256_xor_si256(_mm256_srli_epi64::<32>(p), old_d);
                d[vector] = p;
            }
            (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
        }
        for (vector, blocks) in group.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let pair = |first, second| {
                let second = _mm256_slli_epi64::<32>(second);
                _mm256_or_si256(_mm256_and_si256(first, low), second)
            };
            let (ab, cd) = (pair(a[vector], b[vector]), pair(c[vector], d[vector]));
            let (front, back) = blocks.split_at_mut(LANES / 2);
            // SAFETY: two blocks are 32 bytes.
            unsafe {
                _mm256_storeu_si256(front.as_mut_ptr().cast(), _mm256_unpacklo_epi64(ab, cd));
                _mm256_storeu_si256(back.as_mut_ptr().cast(), _mm256_unpackhi_epi64(ab, cd));
            }
        }
        index = index.wrapping_add((LANES * VECTORS) as u64);
    }
    scalar::blocks(key, high, index, rest);
}
