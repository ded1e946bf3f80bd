//! 32 words at a time, with AVX-512.
//!
//! The words of a kind are compressed to the front; how many of them stand before a word is a count of bits, and with
//! that as an index an event takes the last row and the last low time before it. A vector takes the last base in the same
//! way, and the columns of the vectors between are added; its first event and its second stand side by side before all
//! are compressed. Words that are rare end a block, and are done one by one; so are vectors of three events or more, whose
//! columns are the numbers 0 to 15 compressed by the mask.

use std::arch::x86_64::*;
use std::hint::cold_path;

use super::super::{ADDRESSES, Done, Kind, SLACK, Skipped, State, Surveyed, scalar};
use super::{AHEAD, Vectors};
use crate::{Columns, prefetch};

/// Words of a block.
const BLOCK: usize = 32;

/// For the lanes of two vectors of 32 bits, packed to 32 lanes of 16 bits: the bits of the lanes up to each.
const UP_TO: [[u32; 16]; 2] = {
    let mut tables = [[0; 16]; 2];
    let mut lane = 0;
    while lane < BLOCK {
        // Packing takes four lanes from one vector, then four from the other.
        tables[lane / 4 % 2][lane / 8 * 4 + lane % 4] = u32::MAX >> (31 - lane);
        lane += 1;
    }
    tables
};

const LANES: [u16; BLOCK] = {
    let mut lanes = [0; BLOCK];
    let mut lane = 0;
    while lane < BLOCK {
        lanes[lane] = lane as u16;
        lane += 1;
    }
    lanes
};

/// A base less the columns before it in its block stays above zero with this.
const ABOVE: i16 = 512;

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx512vpopcntdq,avx512bitalg,popcnt,bmi1,bmi2,lzcnt"
)]
pub(super) fn decode(
    words: &[[u8; 2]],
    state: &mut State,
    skipped: &mut Skipped,
    out: &mut Columns<'_>,
) -> Done {
    let room = out.t.len();
    assert!(out.x.len() == room && out.y.len() == room && out.p.len() == room);
    let (t, x, y, p) = (
        out.t.as_mut_ptr(),
        out.x.as_mut_ptr(),
        out.y.as_mut_ptr(),
        out.p.as_mut_ptr(),
    );
    // SAFETY: tables of exactly one vector each.
    let (up_to_a, up_to_b, lanes) = unsafe {
        (
            _mm512_loadu_si512(UP_TO[0].as_ptr().cast()),
            _mm512_loadu_si512(UP_TO[1].as_ptr().cast()),
            _mm512_loadu_si512(LANES.as_ptr().cast()),
        )
    };
    let rank = |mask: u32| {
        let mask = _mm512_set1_epi32(mask.cast_signed());
        _mm512_packus_epi32(
            _mm512_popcnt_epi32(_mm512_and_si512(mask, up_to_a)),
            _mm512_popcnt_epi32(_mm512_and_si512(mask, up_to_b)),
        )
    };
    // Bits of words and bits of the same words, side by side.
    let pair = |one: u16, other: u16| {
        u64::from(_pdep_u32(one.into(), 0x5555_5555) | _pdep_u32(other.into(), 0xAAAA_AAAA))
    };
    let address = _mm512_set1_epi16((ADDRESSES - 1).cast_signed());
    let content_bits = _mm512_set1_epi16(0xFFF);
    let eight_bits = _mm512_set1_epi16(0xFF);
    let polarity_bit = _mm512_set1_epi16(0x800);
    let one = _mm512_set1_epi16(1);
    let skips = _mm512_set1_epi16(skipped.kinds.cast_signed());
    let is =
        |kinds: __m512i, kind: u16| _mm512_cmpeq_epi16_mask(kinds, _mm512_set1_epi16(kind.cast_signed()));

    let mut coarse = _mm512_set1_epi64(state.coarse);
    let mut same_high = _mm512_set1_epi16((Kind::TIME_HIGH << 12 | state.high).cast_signed());
    let mut row = _mm512_set1_epi16(state.y.cast_signed());
    let mut low = _mm512_set1_epi16(state.low.cast_signed());
    let (mut index, mut n, mut steps_back) = (0, 0, 0);
    while index < words.len() && n + SLACK <= room {
        prefetch::soon(words, index + AHEAD);
        let here = (words.len() - index).min(BLOCK);
        let here_mask = u32::MAX >> (BLOCK - here);
        // SAFETY: masked to the words that are left.
        let block = unsafe { _mm512_maskz_loadu_epi16(here_mask, words.as_ptr().add(index).cast()) };
        let kinds = _mm512_srli_epi16::<12>(block);
        let (is_x, is_y, is_low) = (
            is(kinds, Kind::ADDR_X),
            is(kinds, Kind::ADDR_Y),
            is(kinds, Kind::TIME_LOW),
        );
        let mut known = is_x | is_y | is_low | _mm512_cmpeq_epi16_mask(block, same_high);
        let mut passed = 0;
        let mut vectors = Vectors::default();
        if known != u32::MAX {
            passed = _mm512_test_epi16_mask(_mm512_sllv_epi16(one, kinds), skips);
            known |= passed;
            vectors = Vectors {
                base: is(kinds, Kind::VECT_BASE_X),
                twelve: is(kinds, Kind::VECT_12),
                eight: is(kinds, Kind::VECT_8),
            };
        }
        let (mut first, mut is_event, mut second) = (block, is_x, None);
        if vectors.any() != 0 {
            let wide = vectors.twelve | vectors.eight;
            let width = _mm512_maskz_mov_epi16(vectors.twelve, _mm512_set1_epi16(12));
            let width = _mm512_mask_mov_epi16(width, vectors.eight, _mm512_set1_epi16(8));
            // The columns of all vectors of the block in front of a word.
            let behind = _mm512_slli_epi16::<2>(rank(vectors.twelve));
            let behind = _mm512_add_epi16(behind, _mm512_slli_epi16::<3>(rank(wide)));
            let before = _mm512_sub_epi16(behind, width);
            let bases = _mm512_sub_epi16(_mm512_and_si512(block, address), before);
            let bases = _mm512_add_epi16(bases, _mm512_set1_epi16(ABOVE));
            let bases = _mm512_or_si512(
                bases,
                _mm512_slli_epi16::<1>(_mm512_and_si512(block, polarity_bit)),
            );
            let bases = _mm512_maskz_compress_epi16(vectors.base, bases);
            let base = state.base + ABOVE.cast_unsigned() + (u16::from(state.p) << 12);
            let bases = _mm512_mask_expand_epi16(_mm512_set1_epi16(base.cast_signed()), !1, bases);
            let bases = _mm512_permutexvar_epi16(rank(vectors.base), bases);
            let columns = _mm512_add_epi16(_mm512_and_si512(bases, content_bits), before);
            let columns = _mm512_sub_epi16(columns, _mm512_set1_epi16(ABOVE));
            let end = _mm512_add_epi16(columns, width);
            let outside = _mm512_mask_cmpgt_epu16_mask(wide, end, _mm512_set1_epi16(ADDRESSES.cast_signed()));

            let bits = _mm512_maskz_mov_epi16(vectors.twelve, _mm512_and_si512(block, content_bits));
            let bits = _mm512_mask_mov_epi16(bits, vectors.eight, _mm512_and_si512(block, eight_bits));
            let bits = _mm512_mask_mov_epi16(bits, is_x, one);
            let polarity = _mm512_and_si512(_mm512_srli_epi16::<1>(bases), polarity_bit);
            let columns = _mm512_mask_mov_epi16(_mm512_or_si512(columns, polarity), is_x, block);
            // The lowest bit of all, and of those behind it.
            let below = _mm512_sub_epi16(bits, one);
            let more = _mm512_and_si512(bits, below);
            let more_below = _mm512_sub_epi16(more, one);
            let lowest = _mm512_popcnt_epi16(_mm512_andnot_si512(bits, below));
            let next = _mm512_popcnt_epi16(_mm512_andnot_si512(more, more_below));
            let many = _mm512_test_epi16_mask(more, more_below);
            known |= vectors.any() & !outside & !many;
            first = _mm512_add_epi16(columns, lowest);
            is_event = _mm512_test_epi16_mask(bits, bits);
            let is_second = _mm512_test_epi16_mask(more, more);
            second = Some((_mm512_add_epi16(columns, next), is_second));
            if is_event.count_ones() + is_second.count_ones() > 32 {
                // Half of the block has 32 events at most.
                known &= 0xFFFF;
            }
        }
        known &= here_mask;
        // A branch, so that the next block is not waited for: what is known of this one comes out of a long chain.
        let mut length = BLOCK as u32;
        if known != u32::MAX {
            cold_path();
            length = known.trailing_ones().min(here as u32);
        }
        if length > 0 {
            let keep = u32::MAX >> (32 - length);
            let (is_y, is_low) = (is_y & keep, is_low & keep);
            if passed & keep != 0 {
                for kind in 0..16 {
                    if skipped.kinds >> kind & 1 == 1 {
                        skipped.counts[usize::from(kind)] += u64::from((is(kinds, kind) & keep).count_ones());
                    }
                }
            }
            // In front stands the row before the block, behind it those of the block.
            let rows = _mm512_maskz_compress_epi16(is_y, _mm512_and_si512(block, address));
            let rows = _mm512_mask_expand_epi16(row, !1, rows);
            let lows = _mm512_maskz_compress_epi16(is_low, _mm512_and_si512(block, content_bits));
            let later = lows;
            let lows = _mm512_mask_expand_epi16(low, !1, lows);
            let (y_count, low_count) = (is_y.count_ones(), is_low.count_ones());
            let back = _mm512_cmplt_epu16_mask(later, lows) & (((1_u64 << low_count) - 1) as u32);
            steps_back += u64::from(back.count_ones());

            // An index has 5 bits, so the row's can share a lane with the low time's.
            let ranks = _mm512_or_si512(rank(is_y), _mm512_slli_epi16::<8>(rank(is_low)));
            let is_event = is_event & keep;
            let mut ranks = _mm512_maskz_compress_epi16(is_event, ranks);
            let mut events = _mm512_maskz_compress_epi16(is_event, first);
            let mut events_here = is_event.count_ones() as usize;
            if let Some((second, is_second)) = second {
                let is_second = is_second & keep;
                // The lanes of the second events, each behind its first.
                let both = pair(is_event as u16, is_second as u16)
                    | pair((is_event >> 16) as u16, (is_second >> 16) as u16) << 32;
                let is_second_here = _pext_u64(0xAAAA_AAAA_AAAA_AAAA, both) as u32;
                let seconds = _mm512_maskz_compress_epi16(is_event, second);
                let place = _mm512_sub_epi16(lanes, rank(is_second_here));
                ranks = _mm512_permutexvar_epi16(place, ranks);
                events = _mm512_permutexvar_epi16(place, events);
                events = _mm512_mask_permutexvar_epi16(events, is_second_here, place, seconds);
                events_here += is_second.count_ones() as usize;
                vectors.pass(keep, words.get(index..).unwrap_or_default(), state);
            }
            let event_lows = _mm512_permutexvar_epi16(_mm512_srli_epi16::<8>(ranks), lows);
            let time = |lows: __m128i| _mm512_add_epi64(coarse, _mm512_cvtepu16_epi64(lows));
            // SAFETY: n + SLACK <= room, and all of these end 32 places behind n.
            unsafe {
                _mm512_storeu_si512(x.add(n).cast(), _mm512_and_si512(events, address));
                _mm512_storeu_si512(y.add(n).cast(), _mm512_permutexvar_epi16(ranks, rows));
                let polarity = _mm512_and_si512(_mm512_srli_epi16::<11>(events), one);
                _mm256_storeu_si256(p.add(n).cast(), _mm512_cvtepi16_epi8(polarity));
                let t = t.add(n);
                _mm512_storeu_si512(t.cast(), time(_mm512_castsi512_si128(event_lows)));
                _mm512_storeu_si512(t.add(8).cast(), time(_mm512_extracti32x4_epi32::<1>(event_lows)));
                if events_here > 16 {
                    _mm512_storeu_si512(t.add(16).cast(), time(_mm512_extracti32x4_epi32::<2>(event_lows)));
                    _mm512_storeu_si512(t.add(24).cast(), time(_mm512_extracti32x4_epi32::<3>(event_lows)));
                }
            }
            n += events_here;
            index += length as usize;
            // The last of a list; a whole block of one kind has no place for what came before it.
            let last = |list: __m512i, count: u32, mask: __m512i| {
                if count == 32 {
                    _mm512_and_si512(_mm512_permutexvar_epi16(_mm512_set1_epi16(31), block), mask)
                } else {
                    _mm512_permutexvar_epi16(_mm512_set1_epi16(count as i16), list)
                }
            };
            row = last(rows, y_count, address);
            low = last(lows, low_count, content_bits);
            if length as usize == here {
                continue;
            }
        }

        // Words that are rare, or vectors of many events, one by one.
        let mut other = false;
        let began = index;
        while let Some(word) = words.get(index)
            && n + SLACK <= room
        {
            let word = u16::from_le_bytes(*word);
            let (kind, content) = (word >> 12, word & 0xFFF);
            match kind {
                Kind::TIME_HIGH => {
                    let before = state.high;
                    state.time_high(content);
                    if state.high != before {
                        coarse = _mm512_set1_epi64(state.coarse);
                        low = _mm512_setzero_si512();
                        same_high = _mm512_set1_epi16(word.cast_signed());
                    }
                }
                Kind::VECT_BASE_X => (state.base, state.p) = (content % ADDRESSES, (content >> 11) as u8),
                Kind::VECT_12 | Kind::VECT_8 => {
                    let (width, bits) = scalar::vector(kind, content);
                    if index > began && bits.count_ones() <= 2 {
                        break;
                    }
                    if state.base + width > ADDRESSES {
                        other = true;
                        break;
                    }
                    let columns = _mm256_maskz_compress_epi16(bits, _mm512_castsi512_si256(lanes));
                    let columns = _mm256_add_epi16(columns, _mm256_set1_epi16(state.base.cast_signed()));
                    let time = _mm512_add_epi64(coarse, _mm512_cvtepu16_epi64(_mm512_castsi512_si128(low)));
                    // SAFETY: n + SLACK <= room, and all of these end 16 places behind n.
                    unsafe {
                        _mm256_storeu_si256(x.add(n).cast(), columns);
                        _mm256_storeu_si256(y.add(n).cast(), _mm512_castsi512_si256(row));
                        _mm_storeu_si128(p.add(n).cast(), _mm_set1_epi8(state.p.cast_signed()));
                        _mm512_storeu_si512(t.add(n).cast(), time);
                        _mm512_storeu_si512(t.add(n + 8).cast(), time);
                    }
                    n += bits.count_ones() as usize;
                    state.base += width;
                }
                Kind::ADDR_X | Kind::ADDR_Y | Kind::TIME_LOW => break,
                _ if skipped.kinds >> kind & 1 == 1 => skipped.counts[usize::from(kind)] += 1,
                _ => {
                    other = true;
                    break;
                }
            }
            index += 1;
        }
        if other {
            break;
        }
    }
    state.y = _mm512_cvtsi512_si32(row) as u16;
    state.low = _mm512_cvtsi512_si32(low) as u16;
    Done {
        words: index,
        events: n,
        steps_back,
    }
}

/// Blocks whose events, 12 a word at most, are counted in 16 bits.
const COUNTED: usize = u16::MAX as usize / 12;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bitalg")]
pub(super) fn survey(words: &[[u8; 2]], high: u16) -> Surveyed {
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
