//! The kernels with shuffles. AVX-512 compresses in a register; for 8 and 16 bits that needs VBMI2, without which the
//! AVX2 code runs. AVX2 looks the shuffle up by the mask's bits.
//!
//! A group of 64 is packed by storing whole vectors, of which only the front counts, one behind the other's front. Before
//! each vector no more are kept than were read, so it ends inside the room of 64 that a group is packed into.
//!
//! Groups that are kept whole go the same way: in a branch of their own, whose loads and stores follow each other faster, ten
//! million events took 15 ms instead of 12 (Zen 4).

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::{Events, scalar};
use crate::{Columns, Level};

pub(super) fn compress_u16(level: Level, values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    match level.usable() {
        Level::Scalar => scalar::compress(values, mask, out),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ, VL and POPCNT; it was asked for VBMI2 here.
        Level::Avx512 if is_x86_feature_detected!("avx512vbmi2") => unsafe {
            compress_u16_vbmi2(values, mask, out)
        },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it and POPCNT.
        Level::Avx2 | Level::Avx512 => unsafe { compress_u16_avx2(values, mask, out) },
    }
}

pub(super) fn compress_events(level: Level, events: Events<'_>, mask: &[u64], out: Columns<'_>) -> usize {
    match level.usable() {
        Level::Scalar => scalar::compress_events(events, mask, out),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ, VL and POPCNT; it was asked for VBMI2 here.
        Level::Avx512 if is_x86_feature_detected!("avx512vbmi2") => unsafe {
            compress_events_vbmi2(events, mask, out)
        },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has F, BW, DQ, VL and POPCNT.
        Level::Avx512 => unsafe { compress_events_avx512(events, mask, out) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it and POPCNT.
        Level::Avx2 => unsafe { compress_events_avx2(events, mask, out) },
    }
}

/// A column by groups, of which `pack` moves the kept values to the front of a room; what is left, value by value.
macro_rules! column {
    ($values:ident, $mask:ident, $out:ident, $pack:ident) => {{
        let (groups, rest) = $values.as_chunks::<64>();
        let mut kept = 0;
        for (group, &word) in groups.iter().zip($mask) {
            if word == 0 {
                continue;
            }
            let room = &mut $out[kept..];
            if let Some(room) = room.first_chunk_mut::<64>() {
                $pack(group, word, room);
                kept += word.count_ones() as usize;
            } else {
                kept += scalar::compress_word(group, word, room);
            }
        }
        if let Some(&word) = $mask.get(groups.len()) {
            kept += scalar::compress_word(rest, word, &mut $out[kept..]);
        }
        kept
    }};
}

/// The same for four columns of one length, a group of each before the next: memory is read and written faster so than column
/// by column.
macro_rules! events {
    ($events:ident, $mask:ident, $out:ident, $pack_i64:ident, $pack_u16:ident, $pack_u8:ident) => {{
        let (len, room) = ($events.len(), $out.len());
        let Events { t, x, y, p } = $events;
        let (t, x, y, p) = (t.as_ptr(), x.as_ptr(), y.as_ptr(), p.as_ptr());
        let (to_t, to_x) = ($out.t.as_mut_ptr(), $out.x.as_mut_ptr());
        let (to_y, to_p) = ($out.y.as_mut_ptr(), $out.p.as_mut_ptr());
        let groups = $mask.len().min(len / 64);
        let (mut kept, mut group) = (0, 0);
        while group < groups && kept + 64 <= room {
            let (word, from) = ($mask[group], 64 * group);
            // SAFETY: every column of the events has at least `len` values, which this group is within, and every one of `out` at
            // least `room`, of which 64 are left. Slices, checked one by one, took a tenth longer.
            unsafe {
                $pack_i64(&*t.add(from).cast(), word, &mut *to_t.add(kept).cast());
                $pack_u16(&*x.add(from).cast(), word, &mut *to_x.add(kept).cast());
                $pack_u16(&*y.add(from).cast(), word, &mut *to_y.add(kept).cast());
                $pack_u8(&*p.add(from).cast(), word, &mut *to_p.add(kept).cast());
            }
            kept += word.count_ones() as usize;
            group += 1;
        }
        // What is no whole group, or has no whole room.
        let mask = $mask.get(group..).unwrap_or_default();
        kept + scalar::compress_events($events.part(64 * group..len), mask, $out.part(kept..room))
    }};
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn compress_u16_vbmi2(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    column!(values, mask, out, pack_u16_vbmi2)
}

#[target_feature(enable = "avx2,popcnt")]
fn compress_u16_avx2(values: &[u16], mask: &[u64], out: &mut [u16]) -> usize {
    column!(values, mask, out, pack_u16_avx2)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn compress_events_vbmi2(events: Events<'_>, mask: &[u64], mut out: Columns<'_>) -> usize {
    events!(events, mask, out, pack_i64_avx512, pack_u16_vbmi2, pack_u8_vbmi2)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn compress_events_avx512(events: Events<'_>, mask: &[u64], mut out: Columns<'_>) -> usize {
    events!(events, mask, out, pack_i64_avx512, pack_u16_avx2, pack_u8_avx2)
}

#[target_feature(enable = "avx2,popcnt")]
fn compress_events_avx2(events: Events<'_>, mask: &[u64], mut out: Columns<'_>) -> usize {
    events!(events, mask, out, pack_i64_avx2, pack_u16_avx2, pack_u8_avx2)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn pack_i64_avx512(group: &[i64; 64], word: u64, room: &mut [i64; 64]) {
    let mut kept = 0;
    for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
        let bits = (word >> (8 * part)) as u8;
        // SAFETY: eight values are 64 bytes; for the store see the module's text.
        unsafe {
            let values = _mm512_loadu_si512(eight.as_ptr().cast());
            let packed = _mm512_maskz_compress_epi64(bits, values);
            _mm512_storeu_si512(room.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += bits.count_ones() as usize;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn pack_u16_vbmi2(group: &[u16; 64], word: u64, room: &mut [u16; 64]) {
    let mut kept = 0;
    for (part, lanes) in group.as_chunks::<32>().0.iter().enumerate() {
        let bits = (word >> (32 * part)) as u32;
        // SAFETY: 32 values are 64 bytes; for the store see the module's text.
        unsafe {
            let values = _mm512_loadu_si512(lanes.as_ptr().cast());
            let packed = _mm512_maskz_compress_epi16(bits, values);
            _mm512_storeu_si512(room.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += bits.count_ones() as usize;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn pack_u8_vbmi2(group: &[u8; 64], word: u64, room: &mut [u8; 64]) {
    // SAFETY: a group is 64 bytes, and so is a room.
    unsafe {
        let values = _mm512_loadu_si512(group.as_ptr().cast());
        let packed = _mm512_maskz_compress_epi8(word, values);
        _mm512_storeu_si512(room.as_mut_ptr().cast(), packed);
    }
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn pack_i64_avx2(group: &[i64; 64], word: u64, room: &mut [i64; 64]) {
    let mut kept = 0;
    for (part, quad) in group.as_chunks::<4>().0.iter().enumerate() {
        let bits = (word >> (4 * part)) as usize & 15;
        // SAFETY: a quad and a row of the table are 32 bytes; for the store see the module's text.
        unsafe {
            let values = _mm256_loadu_si256(quad.as_ptr().cast());
            let places = _mm256_loadu_si256(QUADS[bits].as_ptr().cast());
            let packed = _mm256_permutevar8x32_epi32(values, places);
            _mm256_storeu_si256(room.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += bits.count_ones() as usize;
    }
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn pack_u16_avx2(group: &[u16; 64], word: u64, room: &mut [u16; 64]) {
    let mut kept = 0;
    for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
        let bits = (word >> (8 * part)) as usize & 255;
        // SAFETY: eight values and a row of the table are 16 bytes; for the store see the module's text.
        unsafe {
            let values = _mm_loadu_si128(eight.as_ptr().cast());
            let places = _mm_loadu_si128(PAIRS[bits].as_ptr().cast());
            let packed = _mm_shuffle_epi8(values, places);
            _mm_storeu_si128(room.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += bits.count_ones() as usize;
    }
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn pack_u8_avx2(group: &[u8; 64], word: u64, room: &mut [u8; 64]) {
    let mut kept = 0;
    for (part, eight) in group.as_chunks::<8>().0.iter().enumerate() {
        let bits = (word >> (8 * part)) as usize & 255;
        // SAFETY: eight values and a row of the table are 8 bytes; for the store see the module's text.
        unsafe {
            let values = _mm_loadl_epi64(eight.as_ptr().cast());
            let places = _mm_loadl_epi64(BYTES[bits].as_ptr().cast());
            let packed = _mm_shuffle_epi8(values, places);
            _mm_storel_epi64(room.as_mut_ptr().add(kept).cast(), packed);
        }
        kept += bits.count_ones() as usize;
    }
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
