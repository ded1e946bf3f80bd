//! The meaning of the kernels of Event Stream.
#![forbid(unsafe_code)]

use super::{Done, EVENT, LONG, LONG_TIME, NO_EVENT};
use crate::Columns;

/// Writes from the place `n` on. The columns are of one length.
#[inline(always)]
pub(super) fn decode(
    bytes: &[u8],
    t: &mut i64,
    turn: Option<u16>,
    out: &mut Columns<'_>,
    mut n: usize,
) -> Done {
    let (room, before) = (out.t.len(), n);
    let (x, y, p) = (&mut out.x[..room], &mut out.y[..room], &mut out.p[..room]);
    let last_row = turn.unwrap_or(0);
    let mut time = *t;
    let mut at = 0;
    while n < room {
        match next(&bytes[at..]) {
            Next::Event([first, x0, x1, y0, y1]) => {
                time += i64::from(first >> 1);
                let row = u16::from_le_bytes([y0, y1]);
                out.t[n] = time;
                x[n] = u16::from_le_bytes([x0, x1]);
                y[n] = if turn.is_some() {
                    last_row.wrapping_sub(row)
                } else {
                    row
                };
                p[n] = first & 1;
                (at, n) = (at + EVENT, n + 1);
            }
            Next::Time(step) => (at, time) = (at + 1, time + step),
            Next::Nothing => break,
        }
    }
    *t = time;
    Done {
        bytes: at,
        events: n - before,
    }
}

#[inline(always)]
pub(super) fn survey(bytes: &[u8], t: &mut i64) -> Done {
    let (mut at, mut events) = (0, 0);
    loop {
        match next(&bytes[at..]) {
            Next::Event([first, ..]) => {
                *t += i64::from(first >> 1);
                (at, events) = (at + EVENT, events + 1);
            }
            Next::Time(step) => (at, *t) = (at + 1, *t + step),
            Next::Nothing => return Done { bytes: at, events },
        }
    }
}

/// What bytes begin with.
enum Next {
    Event([u8; EVENT]),
    Time(i64),
    /// Less than an event.
    Nothing,
}

#[inline(always)]
fn next(bytes: &[u8]) -> Next {
    match (bytes.first(), bytes.first_chunk()) {
        (Some(&first), _) if first >= NO_EVENT => Next::Time(if first == LONG { LONG_TIME } else { 0 }),
        (_, Some(event)) => Next::Event(*event),
        _ => Next::Nothing,
    }
}
