//! The usual line, without a branch per digit: `t x y p` in this order, one separator between two fields, whole
//! coordinates, p as one digit. Whatever differs is declined, and read by [`record`](super::record).
//!
//! Eight bytes are looked at together. With the digits of a word xor-ed to 0..=9, adding 0x76 to each byte sets the
//! top bit of those that are no digits; the lowest such bit says how many digits there are. Shifted to the end, they
//! become a number by three multiplications.

use parallax_events::Event;

use super::number::POWERS;
use super::plan::{Column, Plan, Separator, USUAL};

/// The most bytes that a usual line has: a line shorter than that is read without looking for its end.
pub(super) const LONGEST: usize = 64;

/// What a usual line looks like under a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    separator: u8,
    /// Digits of the kept unit behind the decimal point.
    places: u8,
}

impl Usual {
    /// The usual line of a plan, if it has one.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let separator = match plan.separator {
            Separator::Byte(byte) => byte,
            Separator::Blanks => b' ',
        };
        let usual: &[Column] = &USUAL;
        (plan.layout.0 == usual).then_some(Self {
            separator,
            places: plan.unit.power(),
        })
    }

    /// The event in the line that `window` begins with, and how long the line is. `None` if it is not a usual one.
    #[inline(always)]
    pub(super) fn parse(self, window: &[u8; LONGEST]) -> Option<(Event, usize)> {
        let (mut t, mut at) = digits16(window, 0)?;
        if self.places > 0 {
            t = t.checked_mul(POWERS[usize::from(self.places)])?;
            if window[at] == b'.' {
                let (fraction, end) = digits16(window, at + 1)?;
                t = t.checked_add(rounded(fraction, end - at - 1, usize::from(self.places)))?;
                at = end;
            }
        }
        let t = i64::try_from(t).ok()?;
        let x_at = self.after_separator(window, at)?;
        let (x, at) = coordinate(window, x_at)?;
        let y_at = self.after_separator(window, at)?;
        let (y, at) = coordinate(window, y_at)?;
        let p_at = self.after_separator(window, at)?;
        let p = window[p_at] ^ b'0';
        let length = match window[p_at + 1..p_at + 3] {
            [b'\n', _] => p_at + 2,
            [b'\r', b'\n'] => p_at + 3,
            _ => return None,
        };
        (p <= 1).then_some((Event::new(t, x, y, p), length))
    }

    #[inline(always)]
    fn after_separator(self, window: &[u8; LONGEST], at: usize) -> Option<usize> {
        (window[at] == self.separator).then_some(at + 1)
    }
}

/// `fraction`, of so many digits behind the point, in units of `places` digits: nearest, halves to even.
#[inline(always)]
fn rounded(fraction: u64, digits: usize, places: usize) -> u64 {
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

/// The number of 1 to 15 digits at `at`, and where it ends.
#[inline(always)]
fn digits16(window: &[u8; LONGEST], at: usize) -> Option<(u64, usize)> {
    let (high, count) = digits8(load(window, at)?);
    if count < 8 {
        return (count > 0).then_some((high, at + count));
    }
    let (low, more) = digits8(load(window, at + 8)?);
    (more < 8).then_some((high * POWERS[more] + low, at + 8 + more))
}

/// The coordinate of 1 to 5 digits at `at`, and where it ends.
#[inline(always)]
fn coordinate(window: &[u8; LONGEST], at: usize) -> Option<(u16, usize)> {
    let (value, count) = digits8(load(window, at)?);
    let value = u16::try_from(value).ok()?;
    (count > 0 && count < 8).then_some((value, at + count))
}

#[inline(always)]
fn load(window: &[u8; LONGEST], at: usize) -> Option<u64> {
    window
        .get(at..)?
        .first_chunk::<8>()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

/// The number that the first bytes of `word` spell, and how many digits it has: 0 to 8.
#[inline(always)]
fn digits8(word: u64) -> (u64, usize) {
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
    use super::*;

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
            assert_eq!(digits8(word), (value, count), "{text}");
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
                assert_eq!(digits8(u64::from_le_bytes(text)), (value, count), "{text:?}");
            }
        }
    }
}
