//! Lines of text at every level, against a reader that splits strings: random lines of all lengths, and lines with one
//! byte changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use parallax_simd::lines::{self, Parsed, Style, WINDOW};
use parallax_simd::{Columns, Level};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % end
    }

    /// So many random digits; often zeros, often nines.
    fn digits(&mut self, count: u64) -> String {
        let kind = self.below(4);
        let digit = |numbers: &mut Self| match kind {
            0 => '0',
            1 => '9',
            2 => ['0', '5'][numbers.below(2) as usize],
            _ => char::from(b'0' + numbers.below(10) as u8),
        };
        (0..count).map(|_| digit(self)).collect()
    }
}

/// What the module's documentation says, by splitting. `None`: not a usual line.
fn naive(text: &[u8], style: Style) -> Option<((i64, u16, u16, u8), usize)> {
    if text.len() < WINDOW {
        return None;
    }
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(text[..end].strip_suffix(b"\r").unwrap_or(&text[..end])).ok()?;
    let fields: Vec<&str> = line.split(char::from(style.separator)).collect();
    let [t, x, y, p] = fields.as_slice() else {
        return None;
    };
    let number = |text: &str, most: usize| {
        let is_number = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u128>().unwrap())
    };
    let scale = 10_u128.pow(style.places.into());
    let t = match t.split_once('.') {
        Some((whole, fraction)) if style.places > 0 => {
            let unit = 10_u128.pow(fraction.len() as u32);
            let (whole, fraction) = (number(whole, 15)?, number(fraction, 15)?);
            let (mut nearest, rest) = (fraction * scale / unit, fraction * scale % unit);
            if 2 * rest > unit || (2 * rest == unit && nearest % 2 == 1) {
                nearest += 1;
            }
            whole * scale + nearest
        }
        _ => number(t, 15)? * scale,
    };
    let p = match *p {
        "0" => 0,
        "1" => 1,
        _ => return None,
    };
    let coordinate = |text| u16::try_from(number(text, 7)?).ok();
    let event = (i64::try_from(t).ok()?, coordinate(x)?, coordinate(y)?, p);
    Some((event, end + 1))
}

fn check(text: &[u8], style: Style, places: usize) -> usize {
    let (mut wanted, mut at) = (Vec::new(), 0);
    while wanted.len() < places
        && let Some((event, length)) = naive(&text[at..], style)
    {
        wanted.push(event);
        at += length;
    }
    for level in Level::available() {
        let (mut t, mut x, mut y, mut p) = (
            vec![-9; places],
            vec![9999; places],
            vec![9999; places],
            vec![9; places],
        );
        let out = Columns {
            t: &mut t,
            x: &mut x,
            y: &mut y,
            p: &mut p,
        };
        let done = lines::parse_at(level, text, style, out);
        let found: Vec<_> = (0..done.events).map(|i| (t[i], x[i], y[i], p[i])).collect();
        let shown = || String::from_utf8_lossy(text).escape_debug().to_string();
        assert_eq!(found, wanted, "{level:?} {style:?} {}", shown());
        assert_eq!(
            done,
            Parsed {
                events: wanted.len(),
                bytes: at
            },
            "{level:?} {style:?} {}",
            shown()
        );
    }
    wanted.len()
}

const STYLES: [(u8, u8); 7] = [
    (b',', 0),
    (b' ', 6),
    (b' ', 0),
    (b';', 3),
    (b'\t', 1),
    (b',', 9),
    (b',', 15),
];

fn line(numbers: &mut Numbers, style: Style) -> String {
    let s = char::from(style.separator);
    let longest = [1, 4, 10, 16][numbers.below(4) as usize];
    let count = 1 + numbers.below(longest);
    let mut t = numbers.digits(count);
    if style.places > 0 && numbers.below(8) > 0 {
        let most = [9, 16][numbers.below(2) as usize];
        let count = 1 + numbers.below(most);
        t = format!("{t}.{}", numbers.digits(count));
    }
    let mut coordinate = || {
        let most = [3, 4, 5, 8][numbers.below(4) as usize];
        let count = 1 + numbers.below(most);
        numbers.digits(count)
    };
    let (x, y) = (coordinate(), coordinate());
    let p = ["0", "1", "1", "0", "0", "1", "2", "00"][numbers.below(8) as usize];
    let end = if numbers.below(4) == 0 { "\r\n" } else { "\n" };
    format!("{t}{s}{x}{s}{y}{s}{p}{end}")
}

#[test]
fn single_lines_of_all_lengths() {
    let mut numbers = Numbers(17);
    let mut usual = 0;
    for (separator, places) in STYLES {
        let style = Style { separator, places };
        for _ in 0..20_000 {
            let text = line(&mut numbers, style) + &"x".repeat(WINDOW);
            usual += check(text.as_bytes(), style, 1);
        }
    }
    // Most are usual: the test would be empty otherwise.
    assert!(usual > 50_000, "{usual}");
}

#[test]
fn runs_of_lines_and_what_ends_them() {
    let mut numbers = Numbers(23);
    for (separator, places) in STYLES {
        let style = Style { separator, places };
        for count in [0, 1, 2, 7, 40] {
            for _ in 0..100 {
                let mut text: String = (0..count).map(|_| line(&mut numbers, style)).collect();
                // As much behind the last line as the window takes, or too little.
                text.push_str(&"7".repeat([0, 1, 30, WINDOW][numbers.below(4) as usize]));
                let room = numbers.below(50) as usize;
                check(text.as_bytes(), style, room);
            }
        }
    }
}

#[test]
fn long_runs_of_usual_lines() {
    let mut numbers = Numbers(41);
    for (separator, places) in STYLES {
        let style = Style { separator, places };
        let s = char::from(separator);
        for ends in [["\n", "\n"], ["\r\n", "\r\n"], ["\n", "\r\n"]] {
            for fraction in [1, 6, 9] {
                let mut text = String::new();
                for _ in 0..700 {
                    let count = 1 + numbers.below(3);
                    let point = if places > 0 {
                        format!(".{}", numbers.digits(fraction))
                    } else {
                        String::new()
                    };
                    let (t, x) = (numbers.digits(count), numbers.digits(1 + count % 3));
                    let (y, p) = (numbers.digits(4), numbers.below(2));
                    let end = ends[numbers.below(2) as usize];
                    text.push_str(&format!("{t}{point}{s}{x}{s}{y}{s}{p}{end}"));
                }
                assert!(check(text.as_bytes(), style, 1000) > 690);
                // One byte changed anywhere ends or changes the run there.
                for _ in 0..30 {
                    let mut text = text.clone().into_bytes();
                    let at = numbers.below(text.len() as u64) as usize;
                    text[at] = [b'7', b'\r', b'\n', b'-', separator][numbers.below(5) as usize];
                    check(&text, style, 1000);
                }
            }
        }
    }
}

#[test]
fn one_byte_changed() {
    let mut numbers = Numbers(31);
    for (separator, places) in STYLES {
        let style = Style { separator, places };
        for _ in 0..300 {
            let mut text = line(&mut numbers, style).into_bytes();
            let length = text.len();
            text.extend_from_slice(line(&mut numbers, style).as_bytes());
            text.extend_from_slice(&[b'\n'; WINDOW]);
            for at in 0..length {
                for byte in [
                    b'0', b'9', b'/', b':', b'.', b',', b' ', b'\n', b'\r', b'-', 0, 0x80, 0xFF,
                ] {
                    let mut changed = text.clone();
                    changed[at] = byte;
                    check(&changed, style, 2);
                }
            }
        }
    }
}
