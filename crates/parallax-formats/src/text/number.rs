//! Decimal numbers as text, exactly.

/// 10 to the power of the index, as far as 64 bits go.
pub(super) const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < 20 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// As many digits as always fit into 64 bits.
const DIGITS: u32 = 19;

/// What the digits behind the last that is held come to, in units of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    Nothing,
    BelowHalf,
    Half,
    AboveHalf,
}

/// A decimal number: `digits * 10^exponent`, and the rest of very long ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: u64,
    exponent: i32,
    rest: Rest,
    /// Whether it is written with a decimal point or an exponent.
    pub(super) fractional: bool,
}

impl Decimal {
    /// `-12`, `0.5`, `.5`, `5.`, `9.6e+01`. `None` for anything else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let mut number = Self {
            negative,
            digits: 0,
            exponent: 0,
            rest: Rest::Nothing,
            fractional: false,
        };
        let (mut held, mut seen, mut cut) = (0, false, false);
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    if held < DIGITS {
                        number.digits = number.digits * 10 + u64::from(byte - b'0');
                        held += u32::from(number.digits > 0);
                        number.exponent -= i32::from(number.fractional);
                    } else {
                        number.rest = match (number.rest, byte) {
                            (Rest::Nothing, b'1'..) if cut => Rest::BelowHalf,
                            (Rest::Half, b'1'..) => Rest::AboveHalf,
                            (Rest::Nothing, b'1'..=b'4') => Rest::BelowHalf,
                            (Rest::Nothing, b'5') => Rest::Half,
                            (Rest::Nothing, b'6'..) => Rest::AboveHalf,
                            (rest, _) => rest,
                        };
                        cut = true;
                        number.exponent = number.exponent.saturating_add(i32::from(!number.fractional));
                    }
                }
                b'.' if !number.fractional => number.fractional = true,
                b'e' | b'E' if seen => {
                    number.fractional = true;
                    number.exponent = number.exponent.checked_add(exponent(after)?)?;
                    return Some(number);
                }
                _ => return None,
            }
            rest = after;
        }
        seen.then_some(number)
    }

    /// The number times 10 to the power of `power`, to the nearest whole number; halves to even. `None` if that
    /// does not fit, or needs digits that were cut off.
    pub(super) fn scaled(self, power: i32) -> Option<i64> {
        let exponent = self.exponent.checked_add(power)?;
        let size = match usize::try_from(exponent) {
            _ if self.digits == 0 => 0,
            Ok(0) => {
                let up = self.rest > Rest::Half || (self.rest == Rest::Half && self.digits % 2 == 1);
                self.digits + u64::from(up)
            }
            Ok(_) if self.rest > Rest::Nothing => return None,
            Ok(up) => self.digits.checked_mul(*POWERS.get(up)?)?,
            Err(_) => match POWERS.get(exponent.unsigned_abs() as usize) {
                Some(&unit) => {
                    let (whole, rest) = (self.digits / unit, self.digits % unit);
                    let half = unit / 2;
                    let up = rest > half || (rest == half && (self.rest > Rest::Nothing || whole % 2 == 1));
                    whole + u64::from(up)
                }
                // Below a tenth: the digits are fewer than the places.
                None => 0,
            },
        };
        if self.negative {
            0_i64.checked_sub_unsigned(size)
        } else {
            i64::try_from(size).ok()
        }
    }

    /// The number, if it is whole.
    pub(super) fn whole(self) -> Option<i64> {
        let fraction = match usize::try_from(-i64::from(self.exponent)) {
            Ok(places) if self.digits > 0 => POWERS
                .get(places)
                .is_none_or(|unit| !self.digits.is_multiple_of(*unit)),
            _ => false,
        };
        if fraction || self.rest > Rest::Nothing {
            None
        } else {
            self.scaled(0)
        }
    }
}

/// `-3`, `+01`.
fn exponent(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse::<i16>().ok().map(i32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        Decimal::parse(text.as_bytes())?.scaled(6)
    }

    #[test]
    fn seconds_round_to_the_nearest_microsecond() {
        for (text, expected) in [
            ("0.003811000", 3_811),
            ("0.003820001", 3_820),
            ("3.4040675", 3_404_068),
            ("3.4040665", 3_404_066),
            ("3.40406650001", 3_404_067),
            ("3.404066499999999999999999", 3_404_066),
            ("3.404066500000000000000001", 3_404_067),
            ("1700000000.1234567", 1_700_000_000_123_457),
            ("-0.0000015", -2),
            ("-0.0000025", -2),
            ("7", 7_000_000),
            (".5", 500_000),
            ("5.", 5_000_000),
            ("3.811000000000000000e-03", 3_811),
            ("1E2", 100_000_000),
            ("0e99", 0),
            ("1e-40", 0),
            ("0000000000000000000000000001", 1_000_000),
            ("4490931660946.155262", 4_490_931_660_946_155_262),
            ("4490931660946.1552624999999", 4_490_931_660_946_155_262),
            ("4490931660946.1552625", 4_490_931_660_946_155_262),
            ("4490931660946.1552635", 4_490_931_660_946_155_264),
            ("4490931660946.15526250000001", 4_490_931_660_946_155_263),
            ("4490931660946.15526200000009", 4_490_931_660_946_155_262),
            ("4490931660946.1552627", 4_490_931_660_946_155_263),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1 ", "nan", "inf", "1e99999", "9e18", "1,5",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
        let whole = |text: &str| Decimal::parse(text.as_bytes())?.whole();
        assert_eq!(whole("1700000000123456789"), Some(1_700_000_000_123_456_789));
        assert_eq!(whole("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(whole("9223372036854775808"), None);
        assert_eq!(whole("9.600000000000000000e+01"), Some(96));
        assert_eq!(whole("96.0"), Some(96));
        assert_eq!(whole("0.0"), Some(0));
        assert_eq!(whole("9.5"), None);
        assert_eq!(whole("1e-30"), None);
        assert_eq!(whole("18446744073709551616"), None);
    }
}
