//! The meaning: one line after another, its fields from left to right, eight bytes at a time.
//!
//! With the digits of a word xor-ed to 0..=9, adding 0x76 to each byte sets the top bit of those that are no digits; the
//! lowest such bit says how many digits there are. Shifted to the end, they become a number by three multiplications.

use super::{Line, POWERS, Parsed, Style, WINDOW};
use crate::Columns;

pub(super) fn parse(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    let mut done = Parsed::default();
    while done.events < out.t.len()
        && let Some(window) = bytes[done.bytes..].first_chunk()
        && let Some((t, x, y, p, length)) = line(window, style)
    {
        let n = done.events;
        (out.t[n], out.x[n], out.y[n], out.p[n]) = (t, x, y, p);
        done.events += 1;
        done.bytes += length;
    }
    done
}

/// The event in the line that `window` begins with. `None` if it is not a usual one.
#[inline(always)]
pub(super) fn line(window: &[u8; WINDOW], style: Style) -> Option<Line> {
    let places = usize::from(style.places);
    let (mut t, mut at) = number(window, 0)?;
    if places > 0 {
        t = t.checked_mul(POWERS[places])?;
        if window[at] == b'.' {
            let (fraction, end) = number(window, at + 1)?;
            t = t.checked_add(rounded(fraction, end - at - 1, places))?;
            at = end;
        }
    }
    let t = i64::try_from(t).ok()?;
    let (x, at) = coordinate(window, after_separator(window, at, style)?)?;
    let (y, at) = coordinate(window, after_separator(window, at, style)?)?;
    let at = after_separator(window, at, style)?;
    let p = window[at] ^ b'0';
    let length = match window[at + 1..at + 3] {
        [b'\n', _] => at + 2,
        [b'\r', b'\n'] => at + 3,
        _ => return None,
    };
    (p <= 1).then_some((t, x, y, p, length))
}

/// `fraction`, of so many digits behind the point, in units of `places` digits: nearest, halves to even.
#[inline(always)]
pub(super) fn rounded(fraction: u64, digits: usize, places: usize) -> u64 {
    if digits <= places {
        return fraction * POWERS[places - digits];
    }
    // The usual number of digits divides by a constant.
    let (whole, rest, unit) = if digits - places == 3 {
        (fraction / 1000, fraction % 1000, 1000)
    } else {
        let unit = POWERS[digits - places];
        (fraction / unit, fraction % unit, unit)
    };
    let half = unit / 2;
    // The digits before the point end in a zero of the kept unit, so they do not change what is even.
    whole + u64::from(rest > half || (rest == half && whole % 2 == 1))
}

#[inline(always)]
fn after_separator(window: &[u8; WINDOW], at: usize, style: Style) -> Option<usize> {
    (window[at] == style.separator).then_some(at + 1)
}

/// The number of 1 to 15 digits at `at`, and where it ends.
#[inline(always)]
fn number(window: &[u8; WINDOW], at: usize) -> Option<(u64, usize)> {
    let (high, count) = digits(load(window, at)?);
    if count < 8 {
        return (count > 0).then_some((high, at + count));
    }
    let (low, more) = digits(load(window, at + 8)?);
    (more < 8).then_some((high * POWERS[more] + low, at + 8 + more))
}

/// The coordinate of 1 to 7 digits at `at`, and where it ends.
#[inline(always)]
fn coordinate(window: &[u8; WINDOW], at: usize) -> Option<(u16, usize)> {
    let (value, count) = digits(load(window, at)?);
    let value = u16::try_from(value).ok()?;
    (count > 0 && count < 8).then_some((value, at + count))
}

#[inline(always)]
fn load(window: &[u8; WINDOW], at: usize) -> Option<u64> {
    window
        .get(at..)?
        .first_chunk::<8>()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

/// The number that the first bytes of `word` spell, and how many digits it has: 0 to 8.
#[inline(always)]
fn digits(word: u64) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = word ^ (ONES * 0x30);
    // A carry out of a byte reaches only bytes above it, so the lowest mark is right.
    let marks = (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80);
    let count = (marks.trailing_zeros() / 8) as usize;
    // The digits to the upper end; zeros, as leading ones, below. No digit at all shifts everything out.
    let digits = if count == 0 { 0 } else { digits << (64 - 8 * count) };
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let value = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    (value, count)
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn eight_bytes_at_once() {
        for (text, value, count) in [
            ("12345678", 12_345_678, 8),
            ("99999999", 99_999_999, 8),
            ("00000001", 1, 8),
            ("7,123,45", 7, 1),
            ("1023 1\n4", 1023, 4),
            (",1234567", 0, 0),
            ("12:45678", 12, 2),
            ("12/45678", 12, 2),
            ("12\u{e9}5678", 12, 2),
        ] {
            let word = u64::from_le_bytes(*text.as_bytes().first_chunk().unwrap());
            assert_eq!(digits(word), (value, count), "{text}");
        }
    }

    /// Every byte in every place: a digit counts exactly if it is one.
    #[test]
    fn every_byte_in_every_place() {
        for place in 0..8 {
            for byte in 0..=255_u8 {
                let mut text = *b"12345678";
                text[place] = byte;
                let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let value = text[..count]
                    .iter()
                    .fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
                assert_eq!(digits(u64::from_le_bytes(text)), (value, count), "{text:?}");
            }
        }
    }
}
