//! 16 words at a time, with AVX2.
//!
//! What a word is, is looked up for 16 at once and taken as masks of bits. Of eight words, the row and the low time that
//! hold at each are moved there by a shuffle that the mask of the rows, or of the times, is looked up for; the shuffle of
//! the events' mask then moves all three of their values together. Until the time changes above its lower bits, events
//! wait with what their words say; so few bytes of each are moved in the loop, and whole vectors are finished afterwards.
//! The columns of vectors are the widths of those before them, added up, and the last base. The first event of each word and
//! its second stand side by side before they are moved together. Vectors of more end a block and are done one by one,
//! without a branch on how many events they have.

use std::arch::x86_64::*;
use std::hint::black_box;

use super::super::{ADDRESSES, Done, Kind, SLACK, Skipped, State, Surveyed, scalar};
use super::{AHEAD, Vectors};
use crate::compress::PAIRS;
use crate::{Columns, prefetch};

/// Words of a block.
const BLOCK: usize = 16;

/// So many events are finished together: what they need stays in the nearest cache.
const WAITING: usize = 1024;

/// Of each mask of 8 bits the two bytes of the last lane whose bit is set, at each lane; 0x80 where there is none yet.
static LAST: [[u8; 16]; 256] = {
    let mut table = [[0x80; 16]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut lane = 0;
        let mut last = None;
        while lane < 8 {
            if bits >> lane & 1 == 1 {
                last = Some(lane as u8);
            }
            if let Some(last) = last {
                table[bits][2 * lane] = 2 * last;
                table[bits][2 * lane + 1] = 2 * last + 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    table
};

/// Of each half of a vector, a mask of 6 bits, the columns of its events, in order.
static HALF: [[u8; 8]; 64] = {
    let mut table = [[0; 8]; 64];
    let mut bits = 0;
    while bits < 64 {
        let (mut column, mut next) = (0, 0);
        while column < 6 {
            if bits >> column & 1 == 1 {
                table[bits][next] = column;
                next += 1;
            }
            column += 1;
        }
        bits += 1;
    }
    table
};

/// Behind so many vectors of two events at most, blocks go on: they are faster at those.
const SMALL: usize = 4;

/// How many columns VECT_BASE_X and the two kinds behind it have, and which bits stand for them.
static VECTORS: [(u16, u16); 3] = [(0, 0), (12, 0xFFF), (8, 0xFF)];

/// What a kind of word is to a block: one bit each.
const IS_X: u8 = 0x80;
const IS_Y: u8 = 0x40;
const IS_LOW: u8 = 0x20;
const IS_SKIPPED: u8 = 0x10;
const IS_BASE: u8 = 0x08;
const IS_12: u8 = 0x04;
const IS_8: u8 = 0x02;

/// Words that are looked at before their events are finished: as many as a count of 16 bits takes in.
const STAGE: usize = 1 << 13;

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) fn decode(
    words: &[[u8; 2]],
    state: &mut State,
    skipped: &mut Skipped,
    out: &mut Columns<'_>,
) -> Done {
    let mut lows = [0; WAITING + SLACK];
    let mut done = Done::default();
    while words.len() - done.words >= BLOCK && done.events + SLACK <= out.t.len() {
        let ahead = &words[done.words..];
        let mut out = out.part(done.events..out.t.len().min(done.events + lows.len()));
        let stage = &ahead[..ahead.len().min(STAGE)];
        let found = gather(stage, state, skipped.kinds, out.x, out.y, &mut lows);
        finish(state.coarse, &lows[..found.events], &mut out);
        if found.skipped {
            count(&stage[..found.words], skipped);
        }
        done.words += found.words;
        done.events += found.events;
        done.steps_back += found.steps_back;
        match ahead.get(found.words).map(|word| u16::from_le_bytes(*word)) {
            Some(word) if word >> 12 == Kind::TIME_HIGH => {
                state.time_high(word & 0xFFF);
                done.words += 1;
            }
            // A word that is none of the kernel's.
            _ if found.words == 0 => return done,
            _ => {}
        }
    }
    // Less than a block, or too little room.
    let mut out = out.part(done.events..out.t.len());
    let rest = scalar::decode(&words[done.words..], state, skipped, &mut out);
    Done {
        words: done.words + rest.words,
        events: done.events + rest.events,
        steps_back: done.steps_back + rest.steps_back,
    }
}

/// What was gathered.
struct Gathered {
    words: usize,
    events: usize,
    steps_back: u64,
    /// Whether some of the words are to be counted.
    skipped: bool,
}

/// Writes what the words say about events, in front of the first TIME_HIGH that changes the time: their columns with the
/// polarities, their rows, and their low times; each as it came, with whatever bits stand above it.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn gather(
    words: &[[u8; 2]],
    state: &mut State,
    skips: u16,
    x: &mut [u16],
    y: &mut [u16],
    lows: &mut [u16; WAITING + SLACK],
) -> Gathered {
    let room = lows.len().min(x.len()).min(y.len());
    let (x, y, lows) = (x.as_mut_ptr(), y.as_mut_ptr(), lows.as_mut_ptr());
    let mut classes = [0; 16];
    for (kind, class) in classes.iter_mut().enumerate() {
        *class = if skips >> kind & 1 == 1 { IS_SKIPPED } else { 0 };
    }
    classes[usize::from(Kind::ADDR_X)] = IS_X;
    classes[usize::from(Kind::ADDR_Y)] = IS_Y;
    classes[usize::from(Kind::TIME_LOW)] = IS_LOW;
    classes[usize::from(Kind::VECT_BASE_X)] = IS_BASE;
    classes[usize::from(Kind::VECT_12)] = IS_12;
    classes[usize::from(Kind::VECT_8)] = IS_8;
    let classes = load(&classes);
    let same_high = _mm_set1_epi16((Kind::TIME_HIGH << 12 | state.high).cast_signed());
    // One shuffle; of a constant the compiler makes two.
    let last_lane = black_box(_mm_set1_epi16(0x0F0E));

    let mut row = _mm_set1_epi16(state.y.cast_signed());
    let mut low = _mm_set1_epi16((Kind::TIME_LOW << 12 | state.low).cast_signed());
    let mut falls = _mm_setzero_si128();
    let (mut index, mut n, mut steps_back, mut passed) = (0, 0, 0, 0);
    while words.len() - index >= BLOCK && n + SLACK <= room {
        prefetch::soon(words, index + AHEAD);
        // SAFETY: there are 16 words from here on.
        let halves = unsafe {
            let words = words.as_ptr().add(index).cast::<__m128i>();
            [_mm_loadu_si128(words), _mm_loadu_si128(words.add(1))]
        };
        let kinds = _mm_packus_epi16(_mm_srli_epi16::<12>(halves[0]), _mm_srli_epi16::<12>(halves[1]));
        let is_x = _mm_shuffle_epi8(classes, kinds);
        let is_y = _mm_add_epi8(is_x, is_x);
        let is_low = _mm_add_epi8(is_y, is_y);
        let is_skipped = _mm_add_epi8(is_low, is_low);
        let is_same = _mm_packs_epi16(
            _mm_cmpeq_epi16(halves[0], same_high),
            _mm_cmpeq_epi16(halves[1], same_high),
        );
        let mask = |lanes: __m128i| _mm_movemask_epi8(lanes).cast_unsigned();
        let mut known = mask(is_x) | mask(is_y) | mask(is_low) | mask(is_skipped) | mask(is_same);
        let mut vectors = Vectors::default();
        let mut pairs = None;
        if known != 0xFFFF {
            let is_base = _mm_add_epi8(is_skipped, is_skipped);
            let is_12 = _mm_add_epi8(is_base, is_base);
            let is_8 = _mm_add_epi8(is_12, is_12);
            vectors = Vectors {
                base: mask(is_base),
                twelve: mask(is_12),
                eight: mask(is_8),
            };
            if vectors.any() != 0 {
                let found = Pairs::of(halves, vectors, state);
                known |= found.known;
                pairs = Some(found);
            }
        }
        // A branch, so that the next block need not wait for this one's length.
        let length = if known == 0xFFFF {
            BLOCK as u32
        } else {
            known.trailing_ones()
        };
        if length > 0 {
            let keep = 0xFFFF >> (BLOCK as u32 - length);
            passed |= mask(is_skipped) & keep;
            let [mut is_x, mut is_y, mut is_low] = [is_x, is_y, is_low].map(|lanes| mask(lanes) & keep);
            let mut slots = pairs
                .as_ref()
                .map(|pairs| pairs.slots & u32::MAX >> (32 - 2 * length));
            for (half, words) in halves.into_iter().enumerate() {
                let rows = hold(words, is_y, row);
                row = _mm_shuffle_epi8(rows, last_lane);
                let here = hold(words, is_low, low);
                falls = _mm_sub_epi16(falls, _mm_cmpgt_epi16(_mm_alignr_epi8::<14>(here, low), here));
                low = _mm_shuffle_epi8(here, last_lane);
                let mut put = |columns, rows, here, mask: u32| {
                    let kept = load(&PAIRS[usize::from(mask as u8)]);
                    // SAFETY: n + SLACK <= room at the block's start, which has 32 events at most; this ends 8 places
                    // behind those before.
                    unsafe {
                        _mm_storeu_si128(x.add(n).cast(), _mm_shuffle_epi8(columns, kept));
                        _mm_storeu_si128(y.add(n).cast(), _mm_shuffle_epi8(rows, kept));
                        _mm_storeu_si128(lows.add(n).cast(), _mm_shuffle_epi8(here, kept));
                    }
                    n += (mask as u8).count_ones() as usize;
                };
                if let (Some(pairs), Some(slots)) = (&pairs, &mut slots) {
                    let [first, second] = pairs.columns[half];
                    put(
                        _mm_unpacklo_epi16(first, second),
                        _mm_unpacklo_epi16(rows, rows),
                        _mm_unpacklo_epi16(here, here),
                        *slots,
                    );
                    *slots >>= 8;
                    put(
                        _mm_unpackhi_epi16(first, second),
                        _mm_unpackhi_epi16(rows, rows),
                        _mm_unpackhi_epi16(here, here),
                        *slots,
                    );
                    *slots >>= 8;
                } else {
                    put(words, rows, here, is_x);
                }
                [is_x, is_y, is_low] = [is_x, is_y, is_low].map(|mask| mask >> 8);
            }
            if pairs.is_some() {
                vectors.pass(keep, words.get(index..).unwrap_or_default(), state);
            }
            index += length as usize;
            if length as usize == BLOCK {
                continue;
            }
        }

        // Parts of vectors, with what stands between them, one by one.
        let (began, mut small) = (index, 0);
        while let Some(word) = words.get(index)
            && n + SLACK <= room
        {
            let word = u16::from_le_bytes(*word);
            let (kind, content) = (word >> 12, word & 0xFFF);
            match kind {
                Kind::VECT_BASE_X | Kind::VECT_12 | Kind::VECT_8 => {
                    // A base is a vector without columns.
                    let (width, bits) = VECTORS[usize::from(kind - Kind::VECT_BASE_X)];
                    let bits = usize::from(content & bits);
                    if width == 0 {
                        (state.base, state.p) = (content % ADDRESSES, (content >> 11) as u8);
                    } else if bits.count_ones() > 2 {
                        small = 0;
                    } else if small == SMALL {
                        break;
                    } else {
                        small += 1;
                    }
                    if state.base + width > ADDRESSES {
                        break;
                    }
                    let base = state.base + (u16::from(state.p) << 11);
                    for (half, base) in [(bits & 63, base), (bits >> 6, base + 6)] {
                        // SAFETY: n + SLACK <= room, and two halves end 14 places behind that.
                        unsafe {
                            let columns = _mm_cvtepu8_epi16(_mm_loadl_epi64(HALF[half].as_ptr().cast()));
                            let columns = _mm_add_epi16(columns, _mm_set1_epi16(base.cast_signed()));
                            _mm_storeu_si128(x.add(n).cast(), columns);
                            _mm_storeu_si128(y.add(n).cast(), row);
                            _mm_storeu_si128(lows.add(n).cast(), low);
                        }
                        n += half.count_ones() as usize;
                    }
                    state.base += width;
                }
                Kind::ADDR_Y => row = _mm_set1_epi16(word.cast_signed()),
                Kind::TIME_LOW => {
                    let before = _mm_extract_epi16::<0>(low) as u16;
                    steps_back += u64::from(word < before);
                    low = _mm_set1_epi16(word.cast_signed());
                }
                _ => break,
            }
            index += 1;
        }
        if index == began && length == 0 {
            break;
        }
    }
    state.y = _mm_extract_epi16::<0>(row) as u16 % ADDRESSES;
    state.low = _mm_extract_epi16::<0>(low) as u16 & 0xFFF;
    let mut each = [0_u16; 8];
    // SAFETY: both are 16 bytes long.
    unsafe { _mm_storeu_si128(each.as_mut_ptr().cast(), falls) };
    Gathered {
        words: index,
        events: n,
        steps_back: steps_back + each.into_iter().map(u64::from).sum::<u64>(),
        skipped: passed != 0,
    }
}

/// A row of a table.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: as long as a vector.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// What holds at each of eight words: the last of those of a mask so far, or in front of the first what held before.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn hold(words: __m128i, mask: u32, before: __m128i) -> __m128i {
    let last = load(&LAST[usize::from(mask as u8)]);
    let none = _mm_srai_epi16::<15>(last);
    _mm_or_si128(_mm_shuffle_epi8(words, last), _mm_and_si128(before, none))
}

/// A bit for each event of a word, at its column behind the vector's first; `single` and the others say what a word is.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[inline]
fn event_bits(block: __m256i, single: __m256i, twelve: __m256i, eight: __m256i) -> __m256i {
    let bits = _mm256_or_si256(
        _mm256_and_si256(twelve, _mm256_set1_epi16(0xFFF)),
        _mm256_and_si256(eight, _mm256_set1_epi16(0xFF)),
    );
    let one = _mm256_and_si256(single, _mm256_set1_epi16(1));
    _mm256_or_si256(_mm256_and_si256(bits, block), one)
}

/// The events of a block with vectors: two of each word, side by side.
struct Pairs {
    /// The columns of the first and of the second events of each half, with the polarities above them.
    columns: [[__m128i; 2]; 2],
    /// Which events there are: two bits a word.
    slots: u32,
    /// The parts of vectors that have two events at most, in columns that exist.
    known: u32,
}

/// A base less the columns before it in its block stays above zero with this.
const ABOVE: u16 = 256;

impl Pairs {
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn of(halves: [__m128i; 2], vectors: Vectors, state: &State) -> Self {
        let of = |value: u16| _mm256_set1_epi16(value.cast_signed());
        let parts = |both: __m256i| [_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both)];
        let last_lane = _mm256_set1_epi16(0x0F0E);
        let block = _mm256_set_m128i(halves[1], halves[0]);
        let kinds = _mm256_srli_epi16::<12>(block);
        let is = |kind| _mm256_cmpeq_epi16(kinds, of(kind));
        let (single, twelve, eight) = (is(Kind::ADDR_X), is(Kind::VECT_12), is(Kind::VECT_8));

        // The columns of all vectors of the block up to each word, and in front of it.
        let width = _mm256_or_si256(_mm256_and_si256(twelve, of(12)), _mm256_and_si256(eight, of(8)));
        let sum = _mm256_add_epi16(width, _mm256_slli_si256::<2>(width));
        let sum = _mm256_add_epi16(sum, _mm256_slli_si256::<4>(sum));
        let sum = _mm256_add_epi16(sum, _mm256_slli_si256::<8>(sum));
        let all = _mm256_shuffle_epi8(sum, last_lane);
        let up_to = _mm256_add_epi16(sum, _mm256_permute2x128_si256::<0x08>(all, all));
        let before = _mm256_sub_epi16(up_to, width);

        let bases = _mm256_sub_epi16(_mm256_and_si256(block, of(ADDRESSES - 1)), before);
        let polarity = _mm256_slli_epi16::<1>(_mm256_and_si256(block, of(0x800)));
        let bases = parts(_mm256_or_si256(_mm256_add_epi16(bases, of(ABOVE)), polarity));
        let base = state.base + ABOVE + (u16::from(state.p) << 12);
        let first = hold(bases[0], vectors.base, _mm_set1_epi16(base.cast_signed()));
        let base = _mm_shuffle_epi8(first, _mm256_castsi256_si128(last_lane));
        let bases = _mm256_set_m128i(hold(bases[1], vectors.base >> 8, base), first);
        let columns = _mm256_add_epi16(_mm256_and_si256(bases, of(0xFFF)), before);
        let columns = _mm256_sub_epi16(columns, of(ABOVE));
        let outside = _mm256_cmpgt_epi16(_mm256_add_epi16(columns, width), of(ADDRESSES));
        let polarity = _mm256_and_si256(_mm256_srli_epi16::<1>(bases), of(0x800));
        let columns = _mm256_blendv_epi8(_mm256_or_si256(columns, polarity), block, single);

        let bits = event_bits(block, single, twelve, eight);
        // Without the lowest bit of all, and without that of the rest.
        let more = _mm256_and_si256(bits, _mm256_sub_epi16(bits, of(1)));
        let rest = _mm256_and_si256(more, _mm256_sub_epi16(more, of(1)));
        let table = _mm256_broadcastsi128_si256(load(&PLACES));
        let place = |bit: __m256i| {
            let high = _mm256_srli_epi16::<12>(_mm256_mullo_epi16(bit, of(DE_BRUIJN)));
            _mm256_shuffle_epi8(table, high)
        };
        let first = _mm256_add_epi16(columns, place(_mm256_xor_si256(bits, more)));
        let second = _mm256_add_epi16(columns, place(_mm256_xor_si256(more, rest)));

        let zero = _mm256_setzero_si256();
        let (no_first, no_second) = (_mm256_cmpeq_epi16(bits, zero), _mm256_cmpeq_epi16(more, zero));
        let none = _mm256_packs_epi16(
            _mm256_unpacklo_epi16(no_first, no_second),
            _mm256_unpackhi_epi16(no_first, no_second),
        );
        let few = _mm256_andnot_si256(outside, _mm256_cmpeq_epi16(rest, zero));
        let few = parts(few);
        let (first, second) = (parts(first), parts(second));
        Self {
            columns: [[first[0], second[0]], [first[1], second[1]]],
            slots: !_mm256_movemask_epi8(none).cast_unsigned(),
            known: vectors.any() & _mm_movemask_epi8(_mm_packs_epi16(few[0], few[1])).cast_unsigned(),
        }
    }
}

/// A bit times this has its place, by way of [`PLACES`], in the upper four of 16 bits.
const DE_BRUIJN: u16 = 0x09AF;

static PLACES: [u8; 16] = {
    let mut places = [0; 16];
    let mut place = 0;
    while place < 16 {
        places[(DE_BRUIJN << place >> 12) as usize] = place as u8;
        place += 1;
    }
    places
};

/// Makes events of what was gathered.
#[target_feature(enable = "avx2")]
fn finish(coarse: i64, lows: &[u16], out: &mut Columns<'_>) {
    for (t, low) in out.t.iter_mut().zip(lows) {
        *t = coarse.wrapping_add(i64::from(*low & 0xFFF));
    }
    let x = &mut out.x[..lows.len()];
    for (p, x) in out.p.iter_mut().zip(&*x) {
        *p = (*x >> 11) as u8 & 1;
    }
    for column in [x, &mut out.y[..lows.len()]] {
        for cell in column {
            *cell %= ADDRESSES;
        }
    }
}

/// Counts words of the kinds that are passed over.
#[target_feature(enable = "avx2")]
fn count(words: &[[u8; 2]], skipped: &mut Skipped) {
    for (kind, count) in (0..).zip(&mut skipped.counts) {
        if skipped.kinds >> kind & 1 == 1 {
            let is = |word: &[u8; 2]| u16::from(u16::from_le_bytes(*word) >> 12 == kind);
            *count += u64::from(words.iter().map(is).sum::<u16>());
        }
    }
}

/// Vectors of words whose events are counted before a TIME_HIGH among them is asked for: no sum of 8 bits overflows.
const GROUP: usize = 8;

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) fn survey(words: &[[u8; 2]], high: u16) -> Surveyed {
    let zero = _mm256_setzero_si256();
    let (mut done, mut events, mut parts) = (0, zero, zero);
    let (vectors, _) = words.as_chunks::<16>();
    // Where one lies in a group, one vector of it after the other.
    for size in [GROUP, 1] {
        for group in vectors[done..].chunks(size) {
            prefetch::soon(group.as_flattened(), AHEAD);
            let found = look(group, high);
            if _mm256_testz_si256(found.other, found.other) == 0 {
                break;
            }
            parts = _mm256_or_si256(parts, found.parts);
            events = _mm256_add_epi64(events, _mm256_sad_epu8(found.counts, zero));
            done += group.len();
        }
    }
    let mut each = [0_u64; 4];
    // SAFETY: both are 32 bytes long.
    unsafe { _mm256_storeu_si256(each.as_mut_ptr().cast(), events) };
    // The vector with another TIME_HIGH, or the rest.
    let rest = &words[done * 16..];
    let rest = scalar::survey(&rest[..rest.len().min(16)], high);
    Surveyed {
        words: done * 16 + rest.words,
        events: each.into_iter().sum::<u64>() as usize + rest.events,
        vectors: _mm256_testz_si256(parts, parts) == 0 || rest.vectors,
    }
}

/// What some words are.
struct Looked {
    /// How many events they have, in bytes.
    counts: __m256i,
    /// Not zero if there is a TIME_HIGH with another content.
    other: __m256i,
    /// Not zero if there is a part of a vector.
    parts: __m256i,
}

/// Looks at [`GROUP`] vectors of words at most.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[inline]
fn look(vectors: &[[[u8; 2]; 16]], high: u16) -> Looked {
    let of = |value: u16| _mm256_set1_epi16(value.cast_signed());
    // With a sentinel above 12 bits, any TIME_HIGH is another.
    let same_high = of(if high > 0xFFF {
        0
    } else {
        Kind::TIME_HIGH << 12 | high
    });
    let ones = _mm256_broadcastsi128_si256(load(&ONES));
    let zero = _mm256_setzero_si256();
    let (mut counts, mut other, mut parts) = (zero, zero, zero);
    for vector in vectors {
        // SAFETY: 16 words are one vector.
        let block = unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) };
        let kinds = _mm256_srli_epi16::<12>(block);
        let is = |kind| _mm256_cmpeq_epi16(kinds, of(kind));
        let (single, twelve, eight) = (is(Kind::ADDR_X), is(Kind::VECT_12), is(Kind::VECT_8));
        let time = _mm256_andnot_si256(_mm256_cmpeq_epi16(block, same_high), is(Kind::TIME_HIGH));
        other = _mm256_or_si256(other, time);
        parts = _mm256_or_si256(parts, is(Kind::VECT_BASE_X));
        parts = _mm256_or_si256(parts, _mm256_or_si256(twelve, eight));
        let bits = event_bits(block, single, twelve, eight);
        let low = _mm256_and_si256(bits, of(0x0F0F));
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bits), of(0x0F0F));
        let count = _mm256_add_epi8(_mm256_shuffle_epi8(ones, low), _mm256_shuffle_epi8(ones, high));
        counts = _mm256_add_epi8(counts, count);
    }
    Looked { counts, other, parts }
}

/// How many of four bits are set.
static ONES: [u8; 16] = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];
