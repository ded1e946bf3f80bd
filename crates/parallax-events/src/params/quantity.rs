//! Numbers with units as text: `1ms`, `0x10`, `1e6`, `4MiB`, `30Hz`; exact both ways.
//!
//! Every reader takes the whole text and says in words what is wrong; who asked puts a name and a place to it.
//! Times, sizes and integers are exact decimals: a text that means no whole nanosecond, byte or number is refused,
//! never rounded. Printing takes the largest unit that is exact, so that reading gives the same value back.

/// A unit's spellings, with how many of the base unit it is. The first spelling is the one that is printed.
type Unit = (&'static [&'static str], i128);

const TIME_UNITS: [Unit; 6] = [
    (&["ns"], 1),
    (&["us", "µs", "μs"], 1_000),
    (&["ms"], 1_000_000),
    (&["s"], 1_000_000_000),
    (&["min"], 60_000_000_000),
    (&["h"], 3_600_000_000_000),
];
/// Minutes and hours are read, not printed: `90s` says more than a mixture of units would.
const PRINTED_TIME_UNITS: usize = 4;

const SIZE_UNITS: [Unit; 8] = [
    (&["B"], 1),
    (&["KiB"], 1 << 10),
    (&["MiB"], 1 << 20),
    (&["GiB"], 1 << 30),
    (&["TiB"], 1 << 40),
    (&["kB", "KB"], 1_000),
    (&["MB"], 1_000_000),
    (&["GB"], 1_000_000_000),
];
/// Sizes are printed in powers of two.
const PRINTED_SIZE_UNITS: usize = 5;

const RATE_UNITS: [(&str, &str); 4] = [("Hz", "e0"), ("kHz", "e3"), ("MHz", "e6"), ("mHz", "e-3")];

/// What a reader says when it refuses a text.
type Refusal = String;

/// Nanoseconds. A bare number has no meaning, except 0.
pub(super) fn read_time(text: &str) -> Result<i64, Refusal> {
    let (number, unit) = split_unit(text);
    let nanos = if unit.is_empty() {
        match decimal(number, 0)? {
            Some(0) => 0,
            _ => return Err(format!("a time needs a unit, such as `{number}ms`")),
        }
    } else {
        let per_unit = find_unit(&TIME_UNITS, unit)
            .ok_or_else(|| "the units of time are ns, us, ms, s, min and h".to_owned())?;
        scaled(number, per_unit)?.ok_or_else(|| "that is no whole number of nanoseconds".to_owned())?
    };
    i64::try_from(nanos).map_err(|_| "a time lies within ±292 years".to_owned())
}

/// Text that [`read_time`] reads as `nanos`.
pub(super) fn print_time(nanos: i64) -> String {
    print(i128::from(nanos), &TIME_UNITS[..PRINTED_TIME_UNITS])
}

/// Bytes; a bare number counts bytes.
pub(super) fn read_size(text: &str) -> Result<u64, Refusal> {
    let (number, unit) = split_unit(text);
    let per_unit = if unit.is_empty() {
        1
    } else {
        find_unit(&SIZE_UNITS, unit)
            .ok_or_else(|| "the units of size are B, KiB, MiB, GiB, TiB, kB, MB and GB".to_owned())?
    };
    let bytes = scaled(number, per_unit)?.ok_or_else(|| "that is no whole number of bytes".to_owned())?;
    u64::try_from(bytes).map_err(|_| "a size lies between 0 and 2^64 - 1 bytes".to_owned())
}

/// Text that [`read_size`] reads as `bytes`.
pub(super) fn print_size(bytes: u64) -> String {
    print(i128::from(bytes), &SIZE_UNITS[..PRINTED_SIZE_UNITS])
}

/// Hertz, the nearest `f64`. A bare number has no meaning, except 0.
pub(super) fn read_rate(text: &str) -> Result<f64, Refusal> {
    let (number, unit) = split_unit(text);
    check_decimal(number)?;
    let exponent = match RATE_UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, exponent)) => exponent,
        None if unit.is_empty() && number.parse() == Ok(0.0) => "e0",
        None if unit.is_empty() => return Err(format!("a rate needs a unit, such as `{number}Hz`")),
        None => return Err("the units of rate are Hz, kHz, MHz and mHz".to_owned()),
    };
    read_float(&format!("{number}{exponent}"))
}

/// Text that [`read_rate`] reads as `hertz`, for finite values.
pub(super) fn print_rate(hertz: f64) -> String {
    format!("{hertz}Hz")
}

/// A whole number: decimal, `0x` hexadecimal, or with an exponent if the result is whole (`1e6`, `2.5e3`).
pub(super) fn read_int(text: &str) -> Result<i64, Refusal> {
    let too_large = || "a whole number lies within 64 bits".to_owned();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("hexadecimal digits must follow `0x`".to_owned());
        }
        let magnitude = i128::from(u64::from_str_radix(digits, 16).map_err(|_| too_large())?);
        return i64::try_from(sign * magnitude).map_err(|_| too_large());
    }
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
            if exponent.is_empty() || !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("digits must follow the `e` of a whole number".to_owned());
            }
            (
                number,
                exponent
                    .parse::<u32>()
                    .ok()
                    .filter(|&exponent| exponent <= 18)
                    .ok_or_else(too_large)?,
            )
        }
        None => (text, 0),
    };
    let value = decimal(number, exponent)?.ok_or_else(|| "that is no whole number".to_owned())?;
    i64::try_from(value).map_err(|_| too_large())
}

/// A finite decimal number, the nearest `f64`.
pub(super) fn read_float(text: &str) -> Result<f64, Refusal> {
    let number = text
        .parse::<f64>()
        .map_err(|_| "a number is needed, such as `0.5`".to_owned())?;
    if number.is_finite() {
        Ok(number)
    } else {
        Err("the number must be finite".to_owned())
    }
}

/// `true` or `false`, in the spellings that people use.
pub(super) fn read_bool(text: &str) -> Result<bool, Refusal> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("`true` or `false` is needed".to_owned()),
    }
}

/// The number and the unit behind it; neither has been checked.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !matches!(character, '0'..='9' | '.' | '+' | '-'));
    text.split_at(end.unwrap_or(text.len()))
}

fn find_unit(units: &[Unit], unit: &str) -> Option<i128> {
    units
        .iter()
        .find(|(names, _)| names.contains(&unit))
        .map(|(_, scale)| *scale)
}

/// `number` times `scale`, if that is whole.
fn scaled(number: &str, scale: i128) -> Result<Option<i128>, Refusal> {
    let (mantissa, decimals) = mantissa(number)?;
    let product = mantissa.checked_mul(scale).ok_or_else(out_of_range)?;
    // Every unit has fewer than 38 factors of ten, so more decimals than that are never whole.
    let Some(divisor) = 10_i128.checked_pow(decimals) else {
        return Ok(None);
    };
    Ok((product % divisor == 0).then_some(product / divisor))
}

/// `number` times ten to the `exponent`, if that is whole.
fn decimal(number: &str, exponent: u32) -> Result<Option<i128>, Refusal> {
    scaled(number, 10_i128.checked_pow(exponent).ok_or_else(out_of_range)?)
}

/// All digits as one number, and how many of them stand behind the point. Zeros at the end of a fraction say nothing.
fn mantissa(number: &str) -> Result<(i128, u32), Refusal> {
    check_decimal(number)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let decimals = u32::try_from(fraction.len()).map_err(|_| out_of_range())?;
    let digits = format!("{whole}{fraction}");
    Ok((digits.parse().map_err(|_| out_of_range())?, decimals))
}

/// A sign, digits, and perhaps a point with digits behind it.
fn check_decimal(number: &str) -> Result<(), Refusal> {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        Ok(())
    } else {
        Err("a number is needed".to_owned())
    }
}

fn out_of_range() -> Refusal {
    "the number has too many digits".to_owned()
}

fn print(value: i128, units: &[Unit]) -> String {
    let exact = |(_, scale): &&Unit| value % scale == 0 && (value != 0 || *scale == 1);
    match units.iter().filter(exact).max_by_key(|(_, scale)| *scale) {
        Some((names, scale)) => format!("{}{}", value / scale, names[0]),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_exact() {
        let known = [
            ("1ms", 1_000_000),
            ("50us", 50_000),
            ("50µs", 50_000),
            ("2s", 2_000_000_000),
            ("10ns", 10),
            ("1.5ms", 1_500_000),
            ("-0.000000001s", -1),
            ("+3min", 180_000_000_000),
            ("1h", 3_600_000_000_000),
            ("0", 0),
            ("0.50000000000000000000000000000000000000000000000000ns00", 0),
        ];
        for (text, nanos) in &known[..10] {
            assert_eq!(read_time(text), Ok(*nanos), "{text}");
        }
        assert_eq!(
            read_time("1.500000000000000000000000000000000000000000000ms"),
            Ok(1_500_000)
        );
        assert_eq!(read_time("9223372036854775807ns"), Ok(i64::MAX));
        assert_eq!(read_time("-9223372036854775808ns"), Ok(i64::MIN));
        let refused = [
            "1",
            "1.5",
            "",
            "ms",
            "-",
            ".5ms",
            "5.ms",
            "1..2ms",
            "1e3ms",
            "1 ms",
            "0.5ns",
            "1.0000001ms",
            "1MS",
            "9223372036854775808ns",
            "1ms2",
            "++1ms",
            "1_000ms",
            "nan",
            "inf",
            "0x10ms",
            "99999999999999999999h",
            "0.00000000000000000000000000000000000000000000001s",
        ];
        for text in refused {
            assert!(read_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_exact() {
        let known = [
            ("0", 0),
            ("-7", -7),
            ("+7", 7),
            ("0x10", 16),
            ("-0x10", -16),
            ("1e6", 1_000_000),
            ("2.5e3", 2_500),
            ("-1E2", -100),
            ("1.0", 1),
            ("9223372036854775807", i64::MAX),
            ("-0x8000000000000000", i64::MIN),
        ];
        for (text, value) in known {
            assert_eq!(read_int(text), Ok(value), "{text}");
        }
        let refused = [
            "",
            "-",
            "1.5",
            "1e-3",
            "1e",
            "0x",
            "0x-1",
            "0xg",
            "1e19",
            "1e400000000000",
            "9223372036854775808",
            "١",
            "--1",
            "0x10000000000000000",
            "1 ",
            "e5",
            "2.55e1",
        ];
        for text in refused {
            assert!(read_int(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_rates_numbers_and_switches() {
        assert_eq!(read_size("4MiB"), Ok(4 << 20));
        assert_eq!(read_size("1.5KiB"), Ok(1536));
        assert_eq!(read_size("2GB"), Ok(2_000_000_000));
        assert_eq!(read_size("17"), Ok(17));
        assert_eq!(read_size("18446744073709551615"), Ok(u64::MAX));
        for text in ["-1", "0.5", "4M", "4mib", "18446744073709551616", ""] {
            assert!(read_size(text).is_err(), "{text}");
        }
        assert_eq!(read_rate("30Hz"), Ok(30.0));
        assert_eq!(read_rate("0.1kHz"), Ok(100.0));
        assert_eq!(read_rate("0"), Ok(0.0));
        for text in ["30", "30hz", "Hz", "1e3Hz", "infHz", ".5Hz"] {
            assert!(read_rate(text).is_err(), "{text}");
        }
        assert_eq!(read_float("-1.5e-3"), Ok(-0.0015));
        for text in ["nan", "inf", "-infinity", "1e999", "", "1,5"] {
            assert!(read_float(text).is_err(), "{text}");
        }
        assert_eq!(read_bool("on"), Ok(true));
        assert!(read_bool("True ").is_err());
    }

    #[test]
    fn the_largest_exact_unit_is_printed() {
        let printed = [1_000_000, 50_000, 1_500_000, 0, -1, 90_000_000_000, 10].map(print_time);
        assert_eq!(printed, ["1ms", "50us", "1500us", "0ns", "-1ns", "90s", "10ns"]);
        let printed = [0, 1, 1024, 1536, 4 << 20, 1 << 40].map(print_size);
        assert_eq!(printed, ["0B", "1B", "1KiB", "1536B", "4MiB", "1TiB"]);
    }

    proptest! {
        #[test]
        fn reading_undoes_printing(nanos: i64, bytes: u64, hertz in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(read_time(&print_time(nanos)), Ok(nanos));
            prop_assert_eq!(read_size(&print_size(bytes)), Ok(bytes));
            prop_assert_eq!(read_rate(&print_rate(hertz)), Ok(hertz));
            prop_assert_eq!(read_int(&nanos.to_string()), Ok(nanos));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "[-+0-9.eExXa-zA-Zµ]{0,60}|\\PC{0,20}") {
            let _ = (read_time(&text), read_size(&text), read_rate(&text), read_int(&text), read_float(&text));
        }
    }
}
