//! Lines of text with an event each to columns: `t x y p` in this order, one separator between two fields.
//!
//! In go bytes at the beginning of a line, out come the events of the usual lines that they begin with, in front of the
//! first that is written otherwise. A usual line has
//! - t: 1 to 15 digits; if `places` are asked for, a point and 1 to 15 more may follow;
//! - x and y: 1 to 7 digits each, at most 65535;
//! - p: `0` or `1`;
//! - `\n` or `\r\n` at its end.
//!
//! t is handed out in units of the last of `places` digits behind the point: to the nearest, halves to even. A line
//! whose t does not fit into 63 bits is not usual.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// So many bytes are looked at together. A usual line is shorter; one that begins closer to the end of the bytes is
/// left alone.
pub const WINDOW: usize = 64;

/// 10 to the power of the index, as far as the digits of a time go.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut i = 1;
    while i < 16 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// What stands between two fields: any byte but a digit, a point or an end of line.
    pub separator: u8,
    /// How many digits behind the point are kept: 0, which allows no point, to 15.
    pub places: u8,
}

/// What [`parse`] came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Lines read, and places written.
    pub events: usize,
    /// Bytes read.
    pub bytes: usize,
}

/// An event, and how long its line is.
type Line = (i64, u16, u16, u8, usize);

/// Reads the usual lines that `bytes` begin with, as many as there are places for.
pub fn parse(bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    parse_at(Level::detect(), bytes, style, out)
}

/// [`parse`] at a given level, or the CPU's best if that is lower.
pub fn parse_at(level: Level, bytes: &[u8], style: Style, out: Columns<'_>) -> Parsed {
    if usize::from(style.places) >= POWERS.len() {
        return Parsed::default();
    }
    let places = out.len();
    let out = out.first(places);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::parse(level, bytes, style, out),
        _ => scalar::parse(bytes, style, out),
    }
}
