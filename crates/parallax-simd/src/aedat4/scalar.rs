//! The meaning of the kernel of AEDAT 4.0.
#![forbid(unsafe_code)]

use super::EVENT;
use crate::Columns;

/// Events of a block.
const BLOCK: usize = 32;

/// As many events as there are places.
#[inline(always)]
pub(super) fn transpose(events: &[[u8; EVENT]], out: Columns<'_>) {
    let (blocks, rest) = events.as_chunks::<BLOCK>();
    let (t, t_rest) = out.t.as_chunks_mut::<BLOCK>();
    let (x, x_rest) = out.x.as_chunks_mut::<BLOCK>();
    let (y, y_rest) = out.y.as_chunks_mut::<BLOCK>();
    let (p, p_rest) = out.p.as_chunks_mut::<BLOCK>();
    for ((((block, t), x), y), p) in blocks.iter().zip(t).zip(x).zip(y).zip(p) {
        // A loop for each column: the compiler makes each of them one of vectors.
        for (t, event) in t.iter_mut().zip(block) {
            *t = u128::from_le_bytes(*event) as i64;
        }
        for (x, event) in x.iter_mut().zip(block) {
            *x = place(*event) as u16;
        }
        for (y, event) in y.iter_mut().zip(block) {
            *y = (place(*event) >> 16) as u16;
        }
        for (p, event) in p.iter_mut().zip(block) {
            *p = polarity(place(*event));
        }
    }
    let columns = t_rest.iter_mut().zip(x_rest).zip(y_rest).zip(p_rest);
    for (event, (((t, x), y), p)) in rest.iter().zip(columns) {
        *t = u128::from_le_bytes(*event) as i64;
        *x = place(*event) as u16;
        *y = (place(*event) >> 16) as u16;
        *p = polarity(place(*event));
    }
}

/// What follows the time.
#[inline(always)]
fn place(event: [u8; EVENT]) -> u64 {
    (u128::from_le_bytes(event) >> 64) as u64
}

/// The polarity, with a bit that none has where a sign is set.
#[inline(always)]
fn polarity(place: u64) -> u8 {
    (place >> 32) as u8 | ((place >> 14) as u8 & 2) | ((place >> 30) as u8 & 2)
}
