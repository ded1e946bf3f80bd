//! Words of EVT 3.0 to columns of events: single events and vectors, with their times and rows.
//!
//! In go words and the [`State`] in front of them, out come events and the state behind what was done. A kernel stops
//! in front of the first word that is none of its own (see [`Kind`]), of a vector that reaches beyond the last column,
//! and where fewer than [`SLACK`] places are left; it may stop anywhere else too. What it has done is the same at every
//! level: the caller goes on from there.
//!
//! # Surprises
//! - Places behind the events written may be overwritten, up to [`SLACK`] of them.
//! - The AVX-512 kernel also needs VBMI2, VPOPCNTDQ and BITALG (Ice Lake, Zen 4); without them the AVX2 one runs.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// A kernel wants so much more room than it fills.
pub const SLACK: usize = 64;

/// The kinds of words that a kernel knows: the upper four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {}

impl Kind {
    /// The row of the events to come.
    pub const ADDR_Y: u16 = 0x0;
    /// An event: its column and polarity.
    pub const ADDR_X: u16 = 0x2;
    /// The first column and the polarity of the vectors to come.
    pub const VECT_BASE_X: u16 = 0x3;
    /// Events in 12 neighbouring columns.
    pub const VECT_12: u16 = 0x4;
    /// Events in 8 neighbouring columns.
    pub const VECT_8: u16 = 0x5;
    /// The lower 12 bits of the time.
    pub const TIME_LOW: u16 = 0x6;
    /// The upper 12 bits of the time.
    pub const TIME_HIGH: u16 = 0x8;
}

/// How many columns and rows there are.
pub const ADDRESSES: u16 = 0x800;

/// What words change. A value made by hand must have `low` below 4096, `high` too, and `base` at most 2048.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// The time without its lower 12 bits: what is added to them.
    pub coarse: i64,
    /// The lower 12 bits of the time.
    pub low: u16,
    /// The last TIME_HIGH.
    pub high: u16,
    /// The row.
    pub y: u16,
    /// The first column of the next vector.
    pub base: u16,
    /// The polarity of vectors.
    pub p: u8,
}

impl State {
    /// The time of the next event.
    #[inline(always)]
    pub fn t(&self) -> i64 {
        self.coarse.wrapping_add(i64::from(self.low))
    }

    /// Takes in a TIME_HIGH. One that falls back by half its range or more is a wrap; one that changes clears the lower
    /// bits.
    #[inline(always)]
    pub fn time_high(&mut self, high: u16) {
        if high == self.high {
            return;
        }
        let wrapped = self.high >= ADDRESSES + high;
        let step = i64::from(high) - i64::from(self.high) + if wrapped { 0x1000 } else { 0 };
        self.coarse = self.coarse.wrapping_add(step << 12);
        self.high = high;
        self.low = 0;
    }
}

/// Words that are passed over: the kinds, one bit each, and how many of each there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Bit k for the kind k. None of those that a kernel knows.
    pub kinds: u16,
    /// How many words of each kind were passed over.
    pub counts: [u64; 16],
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Words.
    pub words: usize,
    /// Events written.
    pub events: usize,
    /// How often a TIME_LOW was smaller than the lower bits before it.
    pub steps_back: u64,
}

/// Decodes words from the front of `words`, as far as the [module](self) says.
pub fn decode(words: &[[u8; 2]], state: &mut State, skipped: &mut Skipped, out: Columns<'_>) -> Done {
    decode_at(Level::detect(), words, state, skipped, out)
}

/// [`decode`] at a given level, or the CPU's best if that is lower.
pub fn decode_at(
    level: Level,
    words: &[[u8; 2]],
    state: &mut State,
    skipped: &mut Skipped,
    out: Columns<'_>,
) -> Done {
    let mut out = out.first(usize::MAX);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::decode(level, words, state, skipped, &mut out),
        _ => scalar::decode(words, state, skipped, &mut out),
    }
}

/// What [`survey`] finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// How many words there are in front of the first TIME_HIGH whose content is another.
    pub words: usize,
    /// How many events these have, wherever their columns are.
    pub events: usize,
    /// False only if none of these is part of a vector.
    pub vectors: bool,
}

/// Counts the events in front of the first TIME_HIGH whose content is not `high`.
pub fn survey(words: &[[u8; 2]], high: u16) -> Surveyed {
    survey_at(Level::detect(), words, high)
}

/// [`survey`] at a given level, or the CPU's best if that is lower.
pub fn survey_at(level: Level, words: &[[u8; 2]], high: u16) -> Surveyed {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::survey(level, words, high),
        _ => scalar::survey(words, high),
    }
}

/// The index of the last word of a kind.
pub fn last_of(words: &[[u8; 2]], kind: u16) -> Option<usize> {
    last_of_at(Level::detect(), words, kind)
}

/// [`last_of`] at a given level, or the CPU's best if that is lower.
pub fn last_of_at(level: Level, words: &[[u8; 2]], kind: u16) -> Option<usize> {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::last_of(level, words, kind),
        _ => scalar::last_of(words, kind),
    }
}
