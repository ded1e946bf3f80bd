//! Usual lines with AVX-512, eight at a time.
//!
//! First the ends of eight lines are found, so that no line waits for the one before. Then the fields of each line are found
//! by a mask of what is no digit, and its digits are moved to the ends of fields of 8 and 16 bytes. At last the digits
//! of all eight lines become numbers together. A line that is declined here is asked of `scalar.rs`, so that both
//! read the same.

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use super::{TIME, TO_THE_END, declined, whole_digits};
use crate::Columns;
use crate::lines::{POWERS, Parsed, Style, WINDOW, scalar};

/// Lines whose digits become numbers together.
const LINES: usize = 8;

/// The most digits of a coordinate; more are declined. So no coordinate is too large here.
const COORDINATE: usize = 4;

/// The digits of a field of each line, 0 to 9 a byte, behind zeros; line k in row [`row_of`] k.
#[repr(align(64))]
struct Fields([[u8; 16]; LINES]);

/// Where lines end; an end takes two bytes, and those of a whole window are written at once.
type Ends = [u16; LINES + WINDOW];

/// Row (x, y) moves x + 1 digits to the end of 8 bytes and, behind one more byte, y + 1 digits to the end of the next 8.
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
        row += 1;
    }
    rows
};

/// Even lines are in front, since [`numbers`] takes one from each half in turn.
const fn row_of(line: usize) -> usize {
    line % 2 * (LINES / 2) + line / 2
}

/// Whether the CPU has what is used here besides AVX-512 as `Level` means it.
pub(super) fn is_there() -> bool {
    has!("avx512vbmi2")
}

/// Reads lines, with a point in their times or without.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi1,bmi2,popcnt")]
pub(super) fn parse<const POINT: bool>(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    let Columns { t, x, y, p } = out;
    let room = t.len();
    let (x, y, p) = (&mut x[..room], &mut y[..room], &mut p[..room]);
    let mut done = Parsed::default();
    let mut ends: Ends = [0; LINES + WINDOW];
    let mut whole = Fields([[0; 16]; LINES]);
    let mut fraction = Fields([[0; 16]; LINES]);
    let mut coordinates = Fields([[0; 16]; LINES]);
    let mut places = [0; LINES];
    while done.events < room {
        let rest = &bytes[done.bytes..];
        let found = find_ends(rest, &mut ends);
        let wanted = found.min(LINES).min(room - done.events);
        let (mut at, mut lines) = (0, 0);
        for (line, &end) in ends[..wanted].iter().enumerate() {
            let Some(window) = rest[at..].first_chunk::<WINDOW>() else {
                break;
            };
            let end = usize::from(end);
            let Some(found) = fields::<POINT>(window, end - at, style) else {
                break;
            };
            let row = row_of(line);
            whole.0[row] = moved(window, 0, &TO_THE_END[found.whole]);
            if POINT {
                fraction.0[row] = moved(window, found.whole + 1, &TO_THE_END[found.fraction]);
                places[line] = found.fraction;
            }
            let shuffle = &COORDINATES[found.x_digits - 1][found.y_digits - 1];
            coordinates.0[row] = moved(window, found.x, shuffle);
            p[done.events + line] = found.p;
            at = end + 1;
            lines = line + 1;
        }
        let mask = ((1_u32 << lines) - 1) as u8;
        let numbers_of_pixels = numbers(&coordinates);
        let times = combined(numbers(&whole));
        let n = done.events;
        // SAFETY: masked to `lines` places behind n, and n + lines <= room.
        unsafe {
            let rows = _mm512_srli_epi64::<32>(numbers_of_pixels);
            _mm_mask_storeu_epi16(
                x.as_mut_ptr().add(n).cast(),
                mask,
                _mm512_cvtepi64_epi16(numbers_of_pixels),
            );
            _mm_mask_storeu_epi16(y.as_mut_ptr().add(n).cast(), mask, _mm512_cvtepi64_epi16(rows));
            _mm512_mask_storeu_epi64(t.as_mut_ptr().add(n), mask, times);
        }
        if POINT {
            let mut fractions = [0_u64; LINES];
            // SAFETY: eight numbers of 8 bytes.
            unsafe { _mm512_storeu_si512(fractions.as_mut_ptr().cast(), combined(numbers(&fraction))) };
            let kept = usize::from(style.places);
            for ((t, fraction), digits) in t[n..n + lines].iter_mut().zip(fractions).zip(places) {
                *t = (*t as u64 * POWERS[kept] + scalar::rounded(fraction, digits, kept)) as i64;
            }
        }
        done.events += lines;
        done.bytes += at;
        if lines < LINES {
            // The bytes end, the room ends, or a line is not as usual here.
            if done.events == room {
                break;
            }
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

/// Writes where the first lines of `bytes` end and returns how many are known: eight or more unless the lines are long or the
/// bytes end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,popcnt")]
fn find_ends(bytes: &[u8], ends: &mut Ends) -> usize {
    // SAFETY: a table of exactly one vector.
    let numbers = unsafe { _mm512_loadu_si512(NUMBERS.as_ptr().cast()) };
    let mut found = 0;
    for at in (0..bytes.len().min(LINES * WINDOW)).step_by(WINDOW) {
        let here = (bytes.len() - at).min(WINDOW);
        // SAFETY: masked to the bytes that are there.
        let window =
            unsafe { _mm512_maskz_loadu_epi8(u64::MAX >> (WINDOW - here), bytes.as_ptr().add(at).cast()) };
        let mask = _mm512_cmpeq_epi8_mask(window, _mm512_set1_epi8(b'\n' as i8));
        let places = _mm512_maskz_compress_epi8(mask, numbers);
        let base = _mm512_set1_epi16(at as i16);
        let first = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places)));
        let rest = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(places)));
        let out = &mut ends[found..found + WINDOW];
        // SAFETY: 64 ends are 128 bytes.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().cast(), first);
            _mm512_storeu_si512(out.as_mut_ptr().add(32).cast(), rest);
        }
        found += mask.count_ones() as usize;
        if found >= LINES {
            break;
        }
    }
    found
}

static NUMBERS: [u8; WINDOW] = {
    let mut numbers = [0; WINDOW];
    let mut i = 0;
    while i < WINDOW {
        numbers[i] = i as u8;
        i += 1;
    }
    numbers
};

/// How many digits the fields of a line have, where the coordinates begin, and the polarity.
struct Found {
    whole: usize,
    fraction: usize,
    x: usize,
    x_digits: usize,
    y_digits: usize,
    p: u8,
}

/// The fields of the line that ends with the `\n` at `end`; `None` if it is not as usual here.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
fn fields<const POINT: bool>(window: &[u8; WINDOW], end: usize, style: Style) -> Option<Found> {
    // SAFETY: the window has 64 bytes.
    let bytes = unsafe { _mm512_loadu_si512(window.as_ptr().cast()) };
    let digits = _mm512_sub_epi8(bytes, _mm512_set1_epi8(b'0' as i8));
    let mut marks = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
    let separators = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(style.separator.cast_signed()));
    let without_lowest = |mask: u64| mask & mask.wrapping_sub(1);

    let whole = marks.trailing_zeros() as usize;
    let mut fraction = 0;
    let mut most = TIME;
    if POINT {
        most = TIME.min(whole_digits(style.places));
        marks = without_lowest(marks);
        fraction = (marks.trailing_zeros() as usize).wrapping_sub(whole + 1);
        if fraction.wrapping_sub(1) >= TIME {
            return None;
        }
    }
    if whole.wrapping_sub(1) >= most || (POINT && window[whole] != b'.') {
        return None;
    }
    let first = marks.trailing_zeros() as usize;
    let behind_first = without_lowest(marks);
    let second = behind_first.trailing_zeros() as usize;
    let behind_second = without_lowest(behind_first);
    let third = behind_second.trailing_zeros() as usize;
    let behind_third = without_lowest(behind_second);
    // The three lowest marks are separators, and the next is the end, two behind the last of them.
    let mark = behind_third.trailing_zeros() as usize;
    let is_end = mark == end || (mark + 1 == end && window.get(mark) == Some(&b'\r'));
    if (marks ^ behind_third) & !separators != 0 || mark != third + 2 || !is_end {
        return None;
    }
    let (x, y) = ((second - first).wrapping_sub(2), (third - second).wrapping_sub(2));
    let p = window.get(third + 1)? ^ b'0';
    if (x | y) >= COORDINATE || p > 1 {
        return None;
    }
    Some(Found {
        whole,
        fraction,
        x: first + 1,
        x_digits: x + 1,
        y_digits: y + 1,
        p,
    })
}

/// The digits in the 16 bytes at `at`, moved.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn moved(window: &[u8; WINDOW], at: usize, to: &[u8; 16]) -> [u8; 16] {
    assert!(at + 16 <= WINDOW);
    let mut row = [0; 16];
    // SAFETY: 16 bytes of the window, as was asserted, and rows of 16.
    unsafe {
        let digits = _mm_xor_si128(
            _mm_loadu_si128(window.as_ptr().add(at).cast()),
            _mm_set1_epi8(b'0' as i8),
        );
        let moved = _mm_shuffle_epi8(digits, _mm_loadu_si128(to.as_ptr().cast()));
        _mm_storeu_si128(row.as_mut_ptr().cast(), moved);
    }
    row
}

/// For each line, the number of the first eight digits, and above it that of the last eight.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn numbers(fields: &Fields) -> __m512i {
    let fours = |row: usize| {
        // SAFETY: four rows of 16 bytes, 0 or 4 rows from the front of 8.
        let digits = unsafe { _mm512_load_si512(fields.0.as_ptr().add(row).cast()) };
        let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
        _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064))
    };
    let fours = _mm512_packus_epi32(fours(0), fours(LINES / 2));
    _mm512_madd_epi16(fours, _mm512_set1_epi32(0x0001_2710))
}

/// The numbers of all sixteen digits.
#[inline]
#[target_feature(enable = "avx512f")]
fn combined(halves: __m512i) -> __m512i {
    let high = _mm512_mul_epu32(halves, _mm512_set1_epi64(100_000_000));
    _mm512_add_epi64(high, _mm512_srli_epi64::<32>(halves))
}
