//! Fields of eight lines: where they start, and their digits.

use std::arch::x86_64::*;
use std::hint::black_box;

use super::super::{TIME, TO_THE_END};
use super::LINES;
use super::marks::BLOCKS;
use crate::lines::WINDOW;

/// The most digits of a coordinate; more are declined. So no coordinate is too large here.
pub(super) const COORDINATE: usize = 4;

/// Which places the fields of eight lines lie between: those of all whole times, all x, all y and all p, with so many
/// marks a line; and those of the fractions.
pub(super) struct Between<const PER_LINE: usize>;

impl<const PER_LINE: usize> Between<PER_LINE> {
    pub(super) const FROM: [u16; 4 * LINES] = Self::marks([0, PER_LINE - 3, PER_LINE - 2, PER_LINE - 1]);
    pub(super) const TO: [u16; 4 * LINES] = Self::marks([1, PER_LINE - 2, PER_LINE - 1, PER_LINE]);
    pub(super) const FRACTION_FROM: [u16; 4 * LINES] = Self::marks([1]);
    pub(super) const FRACTION_TO: [u16; 4 * LINES] = Self::marks([2]);

    const fn marks<const FIELDS: usize>(fields: [usize; FIELDS]) -> [u16; 4 * LINES] {
        let mut marks = [0; 4 * LINES];
        let mut i = 0;
        while i < FIELDS * LINES {
            marks[i] = (i % LINES * PER_LINE + fields[i / LINES]) as u16;
            i += 1;
        }
        marks
    }
}

/// Row (x, y) moves x + 1 digits to the end of 8 bytes and, behind one more byte, y + 1 digits to the end of the next 8; and
/// the digit behind one more byte to the front, where it counts ten millions.
static COORDINATES: [[[u8; 16]; COORDINATE]; COORDINATE] = {
    let mut rows = [[[0x80; 16]; COORDINATE]; COORDINATE];
    let mut row = 0;
    while row < COORDINATE * COORDINATE {
        let (x, y) = (row / COORDINATE + 1, row % COORDINATE + 1);
        let mut i = 0;
        while i < COORDINATE {
            if i < x {
                rows[x - 1][y - 1][8 - x + i] = i as u8;
            }
            if i < y {
                rows[x - 1][y - 1][16 - y + i] = (x + 1 + i) as u8;
            }
            i += 1;
        }
        rows[x - 1][y - 1][0] = (x + 1 + y + 1) as u8;
        row += 1;
    }
    rows
};

/// What a polarity of 1 adds to the x in front of it.
pub(super) const ON: i64 = 10_000_000;

/// Where fields of eight lines start, and how many bytes they have: 32 numbers of 16 bits, eight for each field.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    starts: __m512i,
    pub(super) lens: __m512i,
}

impl Fields {
    /// Those of some lines; the others have no bytes, at the front.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn only(self, lines: u8) -> Self {
        let lines = u32::from_le_bytes([lines; 4]);
        Self {
            starts: _mm512_maskz_mov_epi16(lines, self.starts),
            lens: _mm512_maskz_mov_epi16(lines, self.lens),
        }
    }

    /// The digits of the first field at the ends of 16 bytes; and those of the second and the third at the ends of 8
    /// each, as [`COORDINATES`] moves them; behind zeros. Of even lines, and of odd ones.
    ///
    /// # Safety
    /// `bytes` has 16 bytes behind the start of each field, none of which has more digits than the tables have rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn digits(self, bytes: &[u8]) -> [[__m512i; 2]; 2] {
        let second = _mm512_extracti32x4_epi32::<1>(self.lens);
        let third = _mm512_extracti32x4_epi32::<2>(self.lens);
        // Sixteen bytes a row; no digits are row 0.
        let second = _mm_subs_epu16(_mm_slli_epi16::<6>(second), _mm_set1_epi16(64));
        let third = _mm_subs_epu16(_mm_slli_epi16::<4>(third), _mm_set1_epi16(16));
        let starts = numbers_of(_mm512_extracti32x4_epi32::<1>(self.starts));
        let rows = numbers_of(_mm_add_epi16(second, third));
        // SAFETY: as the caller says.
        unsafe {
            [
                self.first_digits(bytes),
                [
                    moved::<0>(bytes, &starts, COORDINATES.as_flattened(), &rows),
                    moved::<1>(bytes, &starts, COORDINATES.as_flattened(), &rows),
                ],
            ]
        }
    }

    /// The first of [`digits`](Self::digits).
    ///
    /// # Safety
    /// As there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn first_digits(self, bytes: &[u8]) -> [__m512i; 2] {
        let starts = numbers_of(_mm512_castsi512_si128(self.starts));
        let rows = numbers_of(_mm_slli_epi16::<4>(_mm512_castsi512_si128(self.lens)));
        // SAFETY: as the caller says.
        unsafe {
            [
                moved::<0>(bytes, &starts, &TO_THE_END, &rows),
                moved::<1>(bytes, &starts, &TO_THE_END, &rows),
            ]
        }
    }

    /// The lengths of the first field.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn lens_of_first(self) -> [u16; LINES] {
        numbers_of(_mm512_castsi512_si128(self.lens))
    }
}

/// Eight numbers. Whoever reads them as places says so by [`black_box`], or the compiler takes each out of the vector by
/// itself, which keeps the one port busy that everything waits for.
#[inline]
#[target_feature(enable = "sse2")]
fn numbers_of(vector: __m128i) -> [u16; LINES] {
    let mut numbers = [0; LINES];
    // SAFETY: eight numbers.
    unsafe { _mm_storeu_si128(numbers.as_mut_ptr().cast(), vector) };
    numbers
}

/// The digits at four `starts`, the even ones or the odd ones, each moved by the row of `table` at so many bytes.
///
/// # Safety
/// There are 16 bytes behind all these places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn moved<const ODD: usize>(
    bytes: &[u8],
    starts: &[u16; LINES],
    table: &[[u8; 16]],
    rows: &[u16; LINES],
) -> __m512i {
    let (starts, rows) = (black_box(starts), black_box(rows));
    // SAFETY: as the caller says.
    let (from, to) = unsafe {
        (
            four::<ODD>(bytes.as_ptr(), starts),
            four::<ODD>(table.as_ptr().cast(), rows),
        )
    };
    let digits = _mm512_sub_epi8(from, _mm512_set1_epi8(b'0' as i8));
    _mm512_shuffle_epi8(digits, to)
}

/// Four times 16 bytes, at the even or the odd ones of eight places.
///
/// # Safety
/// They are there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn four<const ODD: usize>(bytes: *const u8, at: &[u16; LINES]) -> __m512i {
    // SAFETY: as the caller says.
    unsafe {
        let four = _mm512_castsi128_si512(_mm_loadu_si128(bytes.add(at[ODD].into()).cast()));
        let four = _mm512_inserti32x4::<1>(four, _mm_loadu_si128(bytes.add(at[2 + ODD].into()).cast()));
        let four = _mm512_inserti32x4::<2>(four, _mm_loadu_si128(bytes.add(at[4 + ODD].into()).cast()));
        _mm512_inserti32x4::<3>(four, _mm_loadu_si128(bytes.add(at[6 + ODD].into()).cast()))
    }
}

/// The fields between two marks each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn between(places: &[u16], from: &[u16; 4 * LINES], to: &[u16; 4 * LINES]) -> Fields {
    let places = &places[..64];
    // SAFETY: 64 places, 32 numbers each.
    let (low, high, from, to) = unsafe {
        (
            _mm512_loadu_si512(places.as_ptr().cast()),
            _mm512_loadu_si512(places.as_ptr().add(32).cast()),
            _mm512_loadu_si512(from.as_ptr().cast()),
            _mm512_loadu_si512(to.as_ptr().cast()),
        )
    };
    let from = _mm512_permutex2var_epi16(low, from, high);
    let starts = _mm512_add_epi16(from, _mm512_set1_epi16(1));
    let lens = _mm512_sub_epi16(_mm512_permutex2var_epi16(low, to, high), starts);
    Fields { starts, lens }
}

/// Which lines have digits behind the point, and not too many.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn has_fraction(fractions: Fields) -> u8 {
    let less = _mm512_sub_epi16(fractions.lens, _mm512_set1_epi16(1));
    _mm512_cmple_epu16_mask(less, _mm512_set1_epi16(TIME as i16 - 1)) as u8
}

/// Which lines begin a window or more before the end of so many bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn begun(fields: Fields, len: usize) -> u8 {
    let Some(last) = len.checked_sub(WINDOW) else {
        return 0;
    };
    let last = _mm512_set1_epi16(last.min(BLOCKS[1]) as i16);
    _mm512_cmple_epu16_mask(fields.starts, last) as u8
}

/// Which of `lines` end behind one digit, with a carriage return or without. Their last fields are one byte or two.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn with_polarity(bytes: &[u8], fields: Fields, lines: u8) -> u8 {
    let lens = _mm512_extracti32x4_epi32::<3>(fields.lens);
    let two = lines & _mm_cmpneq_epi16_mask(lens, _mm_set1_epi16(1));
    if two == 0 {
        return lines;
    }
    let starts = numbers_of(_mm512_extracti32x4_epi32::<3>(fields.starts));
    let mut lines = lines;
    for (line, start) in starts.into_iter().enumerate() {
        let has_return = bytes.get(usize::from(start) + 1) == Some(&b'\r');
        lines &= !(two & 1 << line & u8::from(has_return).wrapping_sub(1));
    }
    lines
}
