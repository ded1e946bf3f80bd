//! Bytes of Event Stream (DVS) to columns of events.
//!
//! In go bytes that begin with an event, or with one that stands for time alone, and the time in front of them; out come
//! events until the bytes or the places are used up. What is left of the bytes is less than an event.
//!
//! An event is a byte with the time since the one before and the polarity, then column and row in two bytes each. A byte
//! 0xFF stands for 127 us without an event, a byte 0xFE (a reset) for nothing.
//!
//! # Surprises
//! - Places behind the events written may be overwritten.
//! - The AVX-512 kernel also needs VBMI (Ice Lake, Zen 4); without it the scalar one runs.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// The bytes of an event.
const EVENT: usize = 5;

/// A first byte from here on belongs to no event; what the largest stands for.
const NO_EVENT: u8 = 0xFE;
const LONG: u8 = 0xFF;
const LONG_TIME: i64 = 127;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Bytes.
    pub bytes: usize,
    /// Events, written or counted.
    pub events: usize,
}

/// Decodes from the front of `bytes`, as the [module](self) says; `t` is the time before and afterwards. A row y is turned
/// to `turn` - y, modulo 2^16, if that is given.
pub fn decode(bytes: &[u8], t: &mut i64, turn: Option<u16>, out: Columns<'_>) -> Done {
    decode_at(Level::detect(), bytes, t, turn, out)
}

/// [`decode`] at a given level, or the CPU's best if that is lower.
pub fn decode_at(level: Level, bytes: &[u8], t: &mut i64, turn: Option<u16>, out: Columns<'_>) -> Done {
    let mut out = out.first(usize::MAX);
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ Level::Avx512 => x86_64::decode(level, bytes, t, turn, &mut out),
        _ => scalar::decode(bytes, t, turn, &mut out, 0),
    }
}

/// Counts the events in `bytes` and adds to `t` the time that they take.
pub fn survey(bytes: &[u8], t: &mut i64) -> Done {
    survey_at(Level::detect(), bytes, t)
}

/// [`survey`] at a given level, or the CPU's best if that is lower.
pub fn survey_at(level: Level, bytes: &[u8], t: &mut i64) -> Done {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ Level::Avx512 => x86_64::survey(level, bytes, t),
        _ => scalar::survey(bytes, t),
    }
}
