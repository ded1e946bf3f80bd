//! Usual lines with AVX-512, eight at a time.
//!
//! What is no digit is a mark: separators, points, ends of lines. The marks of a block are listed first, with their
//! places. Usual lines have the same marks in the same order, so that one comparison checks those of eight, and the
//! places of a field's marks say for eight lines at once how many digits it has. Then the digits are moved to the ends
//! of fields of 8 and 16 bytes, and those of all eight lines become numbers together. No line waits for the one before.
//! A line that is declined here is asked of `scalar.rs`, so that both read the same.

mod fields;
mod marks;

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use fields::{Between, COORDINATE, Fields, ON, begun, between, has_fraction, with_polarity};
use marks::{BLOCKS, Marks, find_marks, same};

use super::{TIME, declined, whole_digits};
use crate::Columns;
use crate::lines::{POWERS, Parsed, Style, WINDOW, scalar};

/// Lines whose digits become numbers together.
const LINES: usize = 8;

/// The most marks of a line: with a point in its time.
const MARKS: usize = 5;

/// Whether the CPU has what is used here besides AVX-512 as `Level` means it.
pub(super) fn is_there() -> bool {
    has!("avx512vbmi2")
}

/// Reads lines, with a point in their times or without.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt")]
pub(super) fn parse(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    if style.places == 0 {
        parse_by::<{ MARKS - 1 }>(bytes, style, out)
    } else {
        parse_by::<MARKS>(bytes, style, out)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt")]
fn parse_by<const PER_LINE: usize>(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    let Columns { t, x, y, p } = out;
    let room = t.len();
    let (x, y, p) = (&mut x[..room], &mut y[..room], &mut p[..room]);
    let mut done = Parsed::default();
    let mut marks = Marks {
        places: [u16::MAX; 1 + BLOCKS[1] + WINDOW],
        bytes: [0; BLOCKS[1] + WINDOW],
    };
    let lines = Lines::new::<PER_LINE>(style);
    let mut block = BLOCKS[0];
    while done.events < room {
        let rest = &bytes[done.bytes..];
        let found = find_marks(rest, block, &mut marks);
        let mut passed = 0;
        let before = done.events;
        block = BLOCKS[1];
        loop {
            let known = ((found - passed) / PER_LINE).min(LINES).min(room - done.events);
            let n = done.events;
            let out = Columns {
                t: &mut t[n..],
                x: &mut x[n..],
                y: &mut y[n..],
                p: &mut p[n..],
            };
            let read = lines.read::<PER_LINE>(rest, &marks, passed, known, out);
            if read < LINES {
                passed += read * PER_LINE;
                done.events += read;
                if read < known {
                    block = BLOCKS[0];
                }
                break;
            }
            // The usual case waits for nothing that was found here.
            passed += LINES * PER_LINE;
            done.events += LINES;
        }
        // Behind the last mark of the last line, or behind -1.
        done.bytes += usize::from(marks.places[passed].wrapping_add(1));
        if done.events == before {
            // The bytes end, or a line is not as usual here.
            let Some(window) = bytes[done.bytes..].first_chunk() else {
                break;
            };
            let Some(line) = declined(window, style) else {
                break;
            };
            let n = done.events;
            (t[n], x[n], y[n], p[n]) = (line.0, line.1, line.2, line.3);
            done.events += 1;
            done.bytes += line.4;
        }
    }
    done
}

/// What eight lines are held against.
struct Lines {
    /// The marks of usual lines, and zeros.
    usual: [u8; WINDOW],
    /// The most bytes of each field, less one.
    most: [u16; 4 * LINES],
    /// Digits behind the point.
    kept: usize,
}

impl Lines {
    fn new<const PER_LINE: usize>(style: Style) -> Self {
        let mut usual = [0; WINDOW];
        for line in usual.chunks_exact_mut(PER_LINE).take(LINES) {
            line.fill(style.separator);
            line[PER_LINE - 1] = b'\n';
            if PER_LINE == MARKS {
                line[0] = b'.';
            }
        }
        let whole = if PER_LINE == MARKS {
            TIME.min(whole_digits(style.places))
        } else {
            TIME
        };
        let fields = [whole, COORDINATE, COORDINATE, 2];
        Self {
            usual,
            most: std::array::from_fn(|i| fields[i / LINES] as u16 - 1),
            kept: usize::from(style.places),
        }
    }

    /// Reads up to eight lines of `bytes`, the marks of which are `known`, behind `passed` others, and returns how many
    /// are as usual.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    fn read<const PER_LINE: usize>(
        &self,
        bytes: &[u8],
        marks: &Marks,
        passed: usize,
        known: usize,
        out: Columns<'_>,
    ) -> usize {
        let has_point = PER_LINE == MARKS;
        let places = &marks.places[passed..][..WINDOW];
        let known = known.min(same(&marks.bytes[passed..][..WINDOW], &self.usual) / PER_LINE);
        let fields = between(places, &Between::<PER_LINE>::FROM, &Between::<PER_LINE>::TO);
        let mut usual = first_lines(known) & self.within(fields) & begun(fields, bytes.len());
        let fractions = if has_point {
            between(
                places,
                &Between::<PER_LINE>::FRACTION_FROM,
                &Between::<PER_LINE>::FRACTION_TO,
            )
        } else {
            fields
        };
        if has_point {
            usual &= has_fraction(fractions);
        }
        let mut usual = with_polarity(bytes, fields, usual);
        let (mut fields, mut fractions) = (fields, fractions);
        if usual != u8::MAX {
            if usual & 1 == 0 {
                return 0;
            }
            // Those in front of the first that is unusual.
            usual = first_lines(usual.trailing_ones() as usize);
            (fields, fractions) = (fields.only(usual), fractions.only(usual));
        }
        // SAFETY: usual lines begin a window before the end, and their fields are within bounds; of others nothing is left.
        let [whole, pixels] = unsafe { fields.digits(bytes) };
        let (whole, pixels) = (numbers(whole), numbers(pixels));
        let columns = _mm512_and_si512(pixels, _mm512_set1_epi64(0xFFFF_FFFF));
        let known = _mm512_cmplt_epu64_mask(columns, _mm512_set1_epi64(2 * ON));
        let on = _mm512_cmpge_epu64_mask(columns, _mm512_set1_epi64(ON));
        let columns = _mm512_mask_sub_epi64(columns, on, columns, _mm512_set1_epi64(ON));
        let lines = (usual & known).trailing_ones() as usize;
        let usual = first_lines(lines);
        let mut times = combined(whole);
        if has_point {
            // SAFETY: as above.
            let behind = combined(numbers(unsafe { fractions.first_digits(bytes) }));
            let digits = fractions.lens_of_first();
            let first = usize::from(digits[0]);
            let is_same = digits[..lines].iter().all(|digits| usize::from(*digits) == first);
            let behind = if first <= self.kept && is_same {
                _mm512_mullo_epi64(behind, _mm512_set1_epi64(POWERS[self.kept - first] as i64))
            } else {
                rounded(behind, &digits[..lines], self.kept)
            };
            let scale = _mm512_set1_epi64(POWERS[self.kept] as i64);
            times = _mm512_add_epi64(_mm512_mullo_epi64(times, scale), behind);
        }
        let Columns { t, x, y, p } = out;
        let (t, x) = (&mut t[..lines], &mut x[..lines]);
        let (y, p) = (&mut y[..lines], &mut p[..lines]);
        // SAFETY: masked to the places of `lines` events.
        unsafe {
            let rows = _mm512_srli_epi64::<32>(pixels);
            _mm_mask_storeu_epi16(x.as_mut_ptr().cast(), usual, _mm512_cvtepi64_epi16(columns));
            _mm_mask_storeu_epi16(y.as_mut_ptr().cast(), usual, _mm512_cvtepi64_epi16(rows));
            _mm512_mask_storeu_epi64(t.as_mut_ptr(), usual, times);
            _mm_mask_storeu_epi8(
                p.as_mut_ptr().cast(),
                usual.into(),
                _mm_maskz_set1_epi8(on.into(), 1),
            );
        }
        lines
    }

    /// Which lines have 1 byte in each field up to as many as it may have.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn within(&self, fields: Fields) -> u8 {
        // SAFETY: 32 numbers.
        let most = unsafe { _mm512_loadu_si512(self.most.as_ptr().cast()) };
        let within = _mm512_cmple_epu16_mask(_mm512_sub_epi16(fields.lens, _mm512_set1_epi16(1)), most);
        let [t, x, y, p] = within.to_le_bytes();
        t & x & y & p
    }
}

/// A bit for each of so many lines in front.
fn first_lines(count: usize) -> u8 {
    ((1_u32 << count) - 1) as u8
}

/// `fractions` of so many digits each in units of `kept` digits.
#[cold]
#[target_feature(enable = "avx512f")]
fn rounded(fractions: __m512i, digits: &[u16], kept: usize) -> __m512i {
    let mut numbers = [0_u64; LINES];
    // SAFETY: eight numbers of 8 bytes.
    unsafe { _mm512_storeu_si512(numbers.as_mut_ptr().cast(), fractions) };
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = scalar::rounded(*number, usize::from(*digits), kept);
    }
    // SAFETY: as above.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

/// For each line, the number of the first eight digits, and above it that of the last eight. Even lines come in front, since
/// one from each half is taken in turn.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn numbers(digits: [__m512i; 2]) -> __m512i {
    let [even, odd] = digits.map(|digits| {
        let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
        _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064))
    });
    _mm512_madd_epi16(_mm512_packus_epi32(even, odd), _mm512_set1_epi32(0x0001_2710))
}

/// The numbers of all sixteen digits.
#[inline]
#[target_feature(enable = "avx512f")]
fn combined(halves: __m512i) -> __m512i {
    let high = _mm512_mul_epu32(halves, _mm512_set1_epi64(100_000_000));
    _mm512_add_epi64(high, _mm512_srli_epi64::<32>(halves))
}
