//! Words of EVT 2.0 to columns of events: a run of events that share the upper bits of their time.
//!
//! In go words and the time of the last TIME_HIGH, out come the events in front of the first word that is none. Places
//! behind them may be overwritten.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// A word from here on is no event: the upper four bits are 0 or 1 for events.
const NO_EVENT: u32 = 2 << 28;

/// Columns and rows have 11 bits.
const ADDRESS: u32 = 0x7FF;

/// Decodes the events that `words` begin with, at most as many as there are places; `base` is added to the low bits of
/// their times. Returns how many those are.
pub fn run(words: &[[u8; 4]], base: i64, out: Columns<'_>) -> usize {
    run_at(Level::detect(), words, base, out)
}

/// [`run`] at a given level, or the CPU's best if that is lower.
pub fn run_at(level: Level, words: &[[u8; 4]], base: i64, out: Columns<'_>) -> usize {
    let out = out.first(words.len());
    let words = &words[..out.t.len()];
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ Level::Avx512 => x86_64::run(level, words, base, out),
        _ => scalar::run(words, base, out),
    }
}

/// How many of `words` are events.
pub fn count(words: &[[u8; 4]]) -> usize {
    count_at(Level::detect(), words)
}

/// [`count`] at a given level, or the CPU's best if that is lower.
pub fn count_at(level: Level, words: &[[u8; 4]]) -> usize {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::count(level, words),
        _ => scalar::count(words),
    }
}
