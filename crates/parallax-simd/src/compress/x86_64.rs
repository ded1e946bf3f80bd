//! The kernels with shuffles. AVX-512 compresses in a register; for 8 and 16 bits that needs VBMI2, without which the
//! AVX2 code runs. AVX2 looks the shuffle up by the mask's bits.
//!
//! Every store writes a whole vector at `kept`, of which only the front counts. It stays inside `out`: vectors are used for
//! a group of 64 only if `out` has room for 64 more, and of the group no more are kept than values were read, so with
//! this vector, too, the end of what is written stays at most 64 behind the `kept` of the group's start.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::scalar;
use crate::Level;

pub(super) fn compress_i64(level: Level, values: &[i64], mask: &[u64], out: &mut [i64]) -> usize {
    match level.usable() {
        Level::Scalar => scalar::compress(values, mask, out),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { compress_i64_avx2(values, mask, out) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL.
        Level::Avx512 => unsafe { compress_i64_avx512(values, mask, out) },
    }
}

pub(super) fn compress_u16(level: Level, values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    match level.usable() {
        Level::Scalar => scalar::compress(values, mask, out),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL; it was asked for VBMI2 here.
        Level::Avx512 if is_x86_feature_detected!("avx512vbmi2") => unsafe {
            compress_u16_vbmi2(values, mask, out)
        },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 | Level::Avx512 => unsafe { compress_u16_avx2(values, mask, out) },
    }
}

pub(super) fn compress_u8(level: Level, values: &[u8], mask: &[u64], out: &mut [u8]) -> usize {
    match level.usable() {
        Level::Scalar => scalar::compress(values, mask, out),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ and VL; it was asked for VBMI2 here.
        Level::Avx512 if is_x86_feature_detected!("avx512vbmi2") => unsafe {
            compress_u8_vbmi2(values, mask, out)
        },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 | Level::Avx512 => unsafe { compress_u8_avx2(values, mask, out) },
    }
}

/// The groups of 64 with their words, by `whole(group, word, kept)`, then what is left; returns how many are kept.
macro_rules! by_words {
    ($values:ident, $mask:ident, $out:ident, |$group:ident, $word:ident, $kept:ident| $whole:block) => {{
        let (groups, rest) = $values.as_chunks::<64>();
        let mut $kept = 0;
        for ($group, &$word) in groups.iter().zip($mask) {
            if $word == 0 {
                continue;
            }
            let room = &mut $out[$kept..];
            if let Some(room) = room.first_chunk_mut::<64>() {
                if $word == u64::MAX {
                    *room = *$group;
                    $kept += 64;
                } else {
                    $whole
                }
            } else {
                $kept += scalar::compress_word($group, $word, room);
            }
        }
        if let Some(&word) = $mask.get(groups.len()) {
            $kept += scalar::compress_word(rest, word, &mut $out[$kept..]);
        }
        $kept
    }};
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn compress_i64_avx512(values: &[i64], mask: &[u64], out: &mut [i64]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
            let bits = (word >> (8 * part)) as u8;
            // SAFETY: eight values are 64 bytes; for the store see the module's text.
            unsafe {
                let values = _mm512_loadu_si512(eight.as_ptr().cast());
                let packed = _mm512_maskz_compress_epi64(bits, values);
                _mm512_storeu_si512(out.as_mut_ptr().add(kept).cast(), packed);
            }
            kept += bits.count_ones() as usize;
        }
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
fn compress_u16_vbmi2(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        for (part, lanes) in group.as_chunks::<32>().0.iter().enumerate() {
            let bits = (word >> (32 * part)) as u32;
            // SAFETY: 32 values are 64 bytes; for the store see the module's text.
            unsafe {
                let values = _mm512_loadu_si512(lanes.as_ptr().cast());
                let packed = _mm512_maskz_compress_epi16(bits, values);
                _mm512_storeu_si512(out.as_mut_ptr().add(kept).cast(), packed);
            }
            kept += bits.count_ones() as usize;
        }
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
fn compress_u8_vbmi2(values: &[u8], mask: &[u64], out: &mut [u8]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        // SAFETY: a group is 64 bytes; for the store see the module's text.
        unsafe {
            let values = _mm512_loadu_si512(group.as_ptr().cast());
            let packed = _mm512_maskz_compress_epi8(word, values);
            _mm512_storeu_si512(out.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += word.count_ones() as usize;
    })
}

#[target_feature(enable = "avx2,popcnt")]
fn compress_i64_avx2(values: &[i64], mask: &[u64], out: &mut [i64]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        for (part, quad) in group.as_chunks::<4>().0.iter().enumerate() {
            let bits = (word >> (4 * part)) as usize & 15;
            // SAFETY: a quad and a row of the table are 32 bytes; for the store see the module's text.
            unsafe {
                let values = _mm256_loadu_si256(quad.as_ptr().cast());
                let places = _mm256_loadu_si256(QUADS[bits].as_ptr().cast());
                let packed = _mm256_permutevar8x32_epi32(values, places);
                _mm256_storeu_si256(out.as_mut_ptr().add(kept).cast(), packed);
            }
            kept += bits.count_ones() as usize;
        }
    })
}

#[target_feature(enable = "avx2,popcnt")]
fn compress_u16_avx2(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
            let bits = (word >> (8 * part)) as usize & 255;
            // SAFETY: eight values and a row of the table are 16 bytes; for the store see the module's text.
            unsafe {
                let values = _mm_loadu_si128(eight.as_ptr().cast());
                let places = _mm_loadu_si128(PAIRS[bits].as_ptr().cast());
                let packed = _mm_shuffle_epi8(values, places);
                _mm_storeu_si128(out.as_mut_ptr().add(kept).cast(), packed);
            }
            kept += bits.count_ones() as usize;
        }
    })
}

#[target_feature(enable = "avx2,popcnt")]
fn compress_u8_avx2(values: &[u8], mask: &[u64], out: &mut [u8]) -> usize {
    by_words!(values, mask, out, |group, word, kept| {
        for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
            let bits = (word >> (8 * part)) as usize & 255;
            // SAFETY: eight values and a row of the table are 8 bytes; for the store see the module's text.
            unsafe {
                let values = _mm_loadl_epi64(eight.as_ptr().cast());
                let places = _mm_loadl_epi64(BYTES[bits].as_ptr().cast());
                let packed = _mm_shuffle_epi8(values, places);
                _mm_storel_epi64(out.as_mut_ptr().add(kept).cast(), packed);
            }
            kept += bits.count_ones() as usize;
        }
    })
}

/// Of each mask of 8 bits the places of its ones, in order, then zeros.
pub(crate) const BYTES: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut place, mut next) = (0, 0);
        while place < 8 {
            if bits >> place & 1 == 1 {
                table[bits][next] = place as u8;
                next += 1;
            }
            place += 1;
        }
        bits += 1;
    }
    table
};

/// The same for values of two bytes.
pub(crate) static PAIRS: [[u8; 16]; 256] = {
    let mut table = [[0; 16]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut place = 0;
        while place < 8 {
            table[bits][2 * place] = 2 * BYTES[bits][place];
            table[bits][2 * place + 1] = 2 * BYTES[bits][place] + 1;
            place += 1;
        }
        bits += 1;
    }
    table
};

/// The same for four values of 64 bits, as pairs of 32 bits.
const QUADS: [[u32; 8]; 16] = {
    let mut table = [[0; 8]; 16];
    let mut bits = 0;
    while bits < 16 {
        let mut place = 0;
        while place < 4 {
            table[bits][2 * place] = 2 * BYTES[bits][place] as u32;
            table[bits][2 * place + 1] = 2 * BYTES[bits][place] as u32 + 1;
            place += 1;
        }
        bits += 1;
    }
    table
};
