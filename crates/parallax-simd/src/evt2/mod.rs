//! Words of EVT 2.0 to columns of events: single events and the TIME_HIGH words between them.
//!
//! In go words and the [`Time`] in front of them, out come events and the time behind what was done. A kernel stops in
//! front of the first word that is neither an event nor a TIME_HIGH, of a TIME_HIGH that falls back (which may be a wrap),
//! and where fewer than [`SLACK`] places are left; it may stop anywhere else too. What it has done is the same at every
//! level: the caller goes on from there.
//!
//! # Surprises
//! Places behind the events written may be overwritten, up to [`SLACK`] of them.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// A kernel wants so much more room than it fills.
pub const SLACK: usize = 16;

/// A word from here on is no event: the upper four bits are 0 or 1 for events.
const NO_EVENT: u32 = 2 << 28;

/// The type of a TIME_HIGH, and the bits of its content.
const TIME_HIGH: u32 = 8;
const CONTENT: u32 = 0xFFF_FFFF;

/// Columns and rows have 11 bits.
const ADDRESS: u32 = 0x7FF;

/// The time as the last TIME_HIGH left it. A value made by hand must have `high` below 2^28.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Time {
    /// What is added to the 34 bits that are stored.
    pub offset: i64,
    /// The content of the last TIME_HIGH, which is the upper 28 of them.
    pub high: u32,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Words.
    pub words: usize,
    /// Events, written or counted.
    pub events: usize,
}

/// Decodes words from the front of `words`, as far as the [module](self) says.
pub fn decode(words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    decode_at(Level::detect(), words, time, out)
}

/// [`decode`] at a given level, or the CPU's best if that is lower.
pub fn decode_at(level: Level, words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    let out = out.first(usize::MAX);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::decode(level, words, time, out),
        _ => scalar::decode(words, time, out),
    }
}

/// Counts the events in front of the first TIME_HIGH that falls back; `high` is the content of the last one before it,
/// before and afterwards. Words of other types are passed over.
pub fn survey(words: &[[u8; 4]], high: &mut u32) -> Done {
    survey_at(Level::detect(), words, high)
}

/// [`survey`] at a given level, or the CPU's best if that is lower.
pub fn survey_at(level: Level, words: &[[u8; 4]], high: &mut u32) -> Done {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::survey(level, words, high),
        _ => scalar::survey(words, high),
    }
}
