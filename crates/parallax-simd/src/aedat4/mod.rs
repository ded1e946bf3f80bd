//! Events of AEDAT 4.0 to columns.
//!
//! In go structures of 16 bytes, little-endian: t (i64), x, y (i16), polarity (a byte, 0 or 1), three bytes of padding. Out
//! come columns. A column or a row below zero makes a polarity above 1, which no event has, so that whoever checks
//! polarities drops it.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::{Columns, Level};

/// The bytes of an event.
pub const EVENT: usize = 16;

/// Transposes events from the front of `events`, as far as there are places. Returns how many.
pub fn transpose(events: &[[u8; EVENT]], out: Columns<'_>) -> usize {
    transpose_at(Level::detect(), events, out)
}

/// [`transpose`] at a given level, or the CPU's best if that is lower.
pub fn transpose_at(level: Level, events: &[[u8; EVENT]], out: Columns<'_>) -> usize {
    let count = events.len().min(out.len());
    let (events, out) = (&events[..count], out.first(count));
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ Level::Avx512 => x86_64::transpose(level, events, out),
        _ => scalar::transpose(events, out),
    }
    count
}
