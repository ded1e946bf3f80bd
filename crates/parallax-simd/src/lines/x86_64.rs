//! Usual lines with AVX2: where the digits end is one mask for the whole line, and all digits of a line
//! become numbers together.
//!
//! Only finding the end of a line waits for the line before; everything else of many lines is under way at the same
//! time. A line that is declined here is asked of `scalar.rs`, so that both read the same.

mod avx512;

use std::arch::x86_64::*;

use super::{Line, POWERS, Parsed, Style, WINDOW, scalar};
use crate::{Columns, Level};

/// The most digits of a time before and behind the point, and of a coordinate.
const TIME: usize = 15;
const COORDINATE: usize = 7;

/// The most digits before the point so that a time fits, whatever stands behind it, by the places that are kept.
const fn whole_digits(places: u8) -> usize {
    // Below 10^18 with the places, and at most one more by rounding.
    18_usize.saturating_sub(places as usize)
}

/// Row n moves the first n of 16 bytes to the end, behind zeros.
static TO_THE_END: [[u8; 16]; TIME + 1] = {
    let mut rows = [[0x80; 16]; TIME + 1];
    let mut n = 0;
    while n <= TIME {
        let mut i = 0;
        while i < n {
            rows[n][16 - n + i] = i as u8;
            i += 1;
        }
        n += 1;
    }
    rows
};

pub(super) fn parse(level: Level, bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    match level.usable() {
        Level::Scalar => scalar::parse(bytes, style, out),
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it, and the rest was asked for here.
        Level::Avx512 if avx512::is_there() => unsafe { avx512::parse(bytes, style, out) },
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 | Level::Avx512 => unsafe { parse_avx2(bytes, style, out) },
    }
}

/// The loop over lines, in a function that has AVX2.
macro_rules! each_line {
    ($bytes:ident, $style:ident, $out:ident, $line:ident) => {{
        let Columns { t, x, y, p } = $out;
        let places = t.len();
        let (x, y, p) = (&mut x[..places], &mut y[..places], &mut p[..places]);
        let mut done = Parsed::default();
        while done.events < places
            && let Some(window) = $bytes[done.bytes..].first_chunk()
        {
            // SAFETY: this function has AVX2.
            let fast = unsafe { $line(window, marks(window), $style) };
            let Some((time, column, row, polarity, length)) = fast.or_else(|| declined(window, $style))
            else {
                break;
            };
            let n = done.events;
            (t[n], x[n], y[n], p[n]) = (time, column, row, polarity);
            done.events += 1;
            done.bytes += length;
        }
        done
    }};
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn parse_avx2(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    if style.places == 0 {
        each_line!(bytes, style, out, whole)
    } else {
        each_line!(bytes, style, out, pointed)
    }
}

#[cold]
#[inline(never)]
fn declined(window: &[u8; WINDOW], style: Style) -> Option<Line> {
    scalar::line(window, style)
}

/// A bit for each byte that is no digit.
#[inline]
#[target_feature(enable = "avx2")]
fn marks(window: &[u8; WINDOW]) -> u64 {
    let half = |at: usize| {
        // SAFETY: `at` is 0 or 32, and the window has 64 bytes.
        let bytes = unsafe { _mm256_loadu_si256(window.as_ptr().add(at).cast()) };
        let digits = _mm256_sub_epi8(bytes, _mm256_set1_epi8(b'0' as i8));
        let is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digits, _mm256_set1_epi8(9)), digits);
        u64::from(!(_mm256_movemask_epi8(is_digit) as u32))
    };
    half(0) | half(32) << 32
}

/// The fields behind the time: where they are, and what follows them.
struct Tail {
    x: u64,
    y: u64,
    p: u8,
    length: usize,
}

/// A line whose time is whole. `marks` are the places without a digit.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn whole(window: &[u8; WINDOW], marks: u64, style: Style) -> Option<Line> {
    let time_end = marks.trailing_zeros() as usize;
    let tail = tail(window, marks, style)?;
    if time_end.wrapping_sub(1) >= TIME {
        return None;
    }
    // SAFETY: as the caller says, the CPU has AVX2.
    let [high, low, x, y] = unsafe {
        let coordinates = _mm_set_epi64x(tail.y as i64, tail.x as i64);
        numbers(to_the_end(window, 0, time_end), coordinates)
    };
    let (x, y) = (u16::try_from(x).ok()?, u16::try_from(y).ok()?);
    Some((
        i64::from(high) * 100_000_000 + i64::from(low),
        x,
        y,
        tail.p,
        tail.length,
    ))
}

/// A line whose time has a point.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn pointed(window: &[u8; WINDOW], marks: u64, style: Style) -> Option<Line> {
    let point = marks.trailing_zeros() as usize;
    let marks = marks & marks.wrapping_sub(1);
    let time_end = marks.trailing_zeros() as usize;
    let tail = tail(window, marks, style)?;
    let digits = time_end.wrapping_sub(point + 1);
    let most = TIME.min(whole_digits(style.places));
    if point.wrapping_sub(1) >= most || window[point] != b'.' || digits.wrapping_sub(1) >= TIME {
        return None;
    }
    // SAFETY: as the caller says, the CPU has AVX2.
    let ([high, low, fraction_high, fraction_low], [x, y, ..]) = unsafe {
        let time = numbers(
            to_the_end(window, 0, point),
            to_the_end(window, point + 1, digits),
        );
        let coordinates = _mm_set_epi64x(tail.y as i64, tail.x as i64);
        (time, numbers(coordinates, coordinates))
    };
    let (x, y) = (u16::try_from(x).ok()?, u16::try_from(y).ok()?);
    let places = usize::from(style.places);
    let before = u64::from(high) * 100_000_000 + u64::from(low);
    let behind = u64::from(fraction_high) * 100_000_000 + u64::from(fraction_low);
    let t = before * POWERS[places] + scalar::rounded(behind, digits, places);
    Some((t as i64, x, y, tail.p, tail.length))
}

/// The fields behind the separator that the lowest of `marks` is.
#[inline(always)]
fn tail(window: &[u8; WINDOW], marks: u64, style: Style) -> Option<Tail> {
    let first = marks.trailing_zeros() as usize;
    let marks = marks & marks.wrapping_sub(1);
    let second = marks.trailing_zeros() as usize;
    let marks = marks & marks.wrapping_sub(1);
    let third = marks.trailing_zeros() as usize;
    let marks = marks & marks.wrapping_sub(1);
    let end = marks.trailing_zeros() as usize;
    // Without four marks the last is 64; a carriage return there would have no place for what follows it.
    if end + 1 >= WINDOW {
        return None;
    }
    let (x_digits, y_digits) = (second - first - 1, third - second - 1);
    let separator = style.separator;
    let others = (window[first] ^ separator) | (window[second] ^ separator) | (window[third] ^ separator);
    let p = window[third + 1] ^ b'0';
    let is_usual = others == 0
        && p <= 1
        && end == third + 2
        && x_digits.wrapping_sub(1) < COORDINATE
        && y_digits.wrapping_sub(1) < COORDINATE;
    if !is_usual {
        return None;
    }
    let length = match (window[end], window[end + 1]) {
        (b'\n', _) => end + 1,
        (b'\r', b'\n') => end + 2,
        _ => return None,
    };
    Some(Tail {
        x: digits(window, first + 1, x_digits)?,
        y: digits(window, second + 1, y_digits)?,
        p,
        length,
    })
}

/// `count` digits, 1 to 7, at the upper end of a word, in front of zeros.
#[inline(always)]
fn digits(window: &[u8; WINDOW], at: usize, count: usize) -> Option<u64> {
    let word = window.get(at..)?.first_chunk::<8>()?;
    let digits = u64::from_le_bytes(*word) ^ 0x3030_3030_3030_3030;
    Some(digits << (64 - 8 * count))
}

/// `count` digits, 1 to 15, at the end of 16 bytes, behind zeros.
#[inline]
#[target_feature(enable = "avx2")]
fn to_the_end(window: &[u8; WINDOW], at: usize, count: usize) -> __m128i {
    assert!(at + 16 <= WINDOW);
    // SAFETY: 16 bytes of the window, as was asserted, and a row of 16.
    let (bytes, row) = unsafe {
        (
            _mm_loadu_si128(window.as_ptr().add(at).cast()),
            _mm_loadu_si128(TO_THE_END[count].as_ptr().cast()),
        )
    };
    _mm_shuffle_epi8(_mm_xor_si128(bytes, _mm_set1_epi8(b'0' as i8)), row)
}

/// The four numbers of eight digits each, 0 to 9 a byte, that two times 16 bytes hold.
#[inline]
#[target_feature(enable = "avx2")]
fn numbers(first: __m128i, second: __m128i) -> [u32; 4] {
    let digits = _mm256_set_m128i(second, first);
    let pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A));
    let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_0064));
    let fours = _mm256_packus_epi32(fours, fours);
    let eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(0x0001_2710));
    let first = _mm_cvtsi128_si64(_mm256_castsi256_si128(eights)) as u64;
    let second = _mm_cvtsi128_si64(_mm256_extracti128_si256::<1>(eights)) as u64;
    [
        first as u32,
        (first >> 32) as u32,
        second as u32,
        (second >> 32) as u32,
    ]
}
