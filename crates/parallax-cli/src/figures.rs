//! Numbers for people: counts in groups of three, rates, sizes and times with a fitting unit.

use parallax::TimeUnit;

/// `1,218,618`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Events a second: `113 kev/s`.
pub(crate) fn rate(events_per_second: f64) -> String {
    scaled(events_per_second, &["ev/s", "kev/s", "Mev/s", "Gev/s"])
}

/// `9.36 MB`, in powers of ten.
pub(crate) fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, &["bytes", "kB", "MB", "GB", "TB"])
}

/// Three digits and the unit that fits; the units are a thousand apart.
fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = units.first().copied().unwrap_or_default();
    for larger in units.iter().skip(1) {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    let decimals = if value < 9.995 && value.fract() != 0.0 {
        2
    } else if value < 99.95 && value.fract() != 0.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

/// A point in time, exact: `11.200224 s`.
pub(crate) fn seconds(t: i64, unit: TimeUnit) -> String {
    let per_second = unit.per_second().unsigned_abs();
    let (sign, t) = (if t < 0 { "-" } else { "" }, t.unsigned_abs());
    let decimals = per_second.ilog10() as usize;
    format!("{sign}{}.{:0decimals$} s", t / per_second, t % per_second)
}

/// A length of time: `10.8 s`, `95.9 ms`, `12 us`.
pub(crate) fn duration(ticks: u128, unit: TimeUnit) -> String {
    let nanos = ticks as f64 * unit.nanos() as f64;
    if nanos < 999.5e6 {
        scaled(nanos, &["ns", "us", "ms"])
    } else {
        scaled_seconds(nanos / 1e9)
    }
}

fn scaled_seconds(seconds: f64) -> String {
    if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// A part of a whole: `45.4 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        "- %".to_owned()
    } else {
        format!("{:.1} %", 100.0 * part as f64 / whole as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [0, 999, 1_000, 1_218_618].map(count),
            ["0", "999", "1,000", "1,218,618"]
        );
        assert_eq!(
            [0.0, 7.5, 113_172.0, 999_600.0, 4.2e6].map(rate),
            ["0 ev/s", "7.50 ev/s", "113 kev/s", "1.00 Mev/s", "4.20 Mev/s"]
        );
        assert_eq!(
            [512, 9_363_577, 22_618_903].map(bytes),
            ["512 bytes", "9.36 MB", "22.6 MB"]
        );
        assert_eq!(seconds(11_200_224, TimeUnit::Micros), "11.200224 s");
        assert_eq!(seconds(-5, TimeUnit::Millis), "-0.005 s");
        assert_eq!(seconds(i64::MIN, TimeUnit::Nanos), "-9223372036.854775808 s");
        assert_eq!(duration(10_767_997, TimeUnit::Micros), "10.8 s");
        assert_eq!(duration(95_871, TimeUnit::Micros), "95.9 ms");
        assert_eq!(duration(0, TimeUnit::Micros), "0 ns");
        assert_eq!(percent(1, 3), "33.3 %");
    }
}
