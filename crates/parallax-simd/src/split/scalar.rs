//! The meaning of the kernels, and all of their code: compiled once more for each level.
#![forbid(unsafe_code)]

use super::{Events, Fraction, Ramp, Shares};
use crate::prefetch::stretch_soon;

/// Events that are looked at at once. Few enough for a CPU to look at the next ones while it still adds these: with twice as many
/// a voxel grid took a seventh longer, with half as many a tenth (AMD EPYC, Zen 4).
const BLOCK: usize = 64;

#[inline(always)]
pub(super) fn split<T: Fraction>(
    events: Events<'_>,
    ramp: Ramp,
    shares: Shares,
    left: &mut [T],
    right: &mut [T],
) {
    // Asking for what does not exist takes long.
    match (left.is_empty(), right.is_empty()) {
        (false, false) => each_block(events, ramp, shares, |places, parts: &[[T; BLOCK]; 2]| {
            for ((&index, &first), &second) in places.iter().zip(&parts[0]).zip(&parts[1]) {
                add(left, index, first);
                add(right, index, second);
            }
        }),
        (false, true) => one_side::<T, 0>(events, ramp, shares, left),
        (true, false) => one_side::<T, 1>(events, ramp, shares, right),
        (true, true) => {}
    }
}

#[inline(always)]
fn one_side<T: Fraction, const SIDE: usize>(events: Events<'_>, ramp: Ramp, shares: Shares, cells: &mut [T]) {
    each_block(events, ramp, shares, |places, parts: &[[T; BLOCK]; 2]| {
        for (&index, &part) in places.iter().zip(&parts[SIDE]) {
            add(cells, index, part);
        }
    });
}

#[inline(always)]
fn add<T: Fraction>(cells: &mut [T], index: usize, part: T) {
    if let Some(cell) = cells.get_mut(index) {
        *cell = cell.plus(part);
    }
}

#[inline(always)]
pub(super) fn split_pairs<T: Fraction>(events: Events<'_>, ramp: Ramp, shares: Shares, pairs: &mut [[T; 2]]) {
    each_block(events, ramp, shares, |places, parts: &[[T; BLOCK]; 2]| {
        for ((&index, &first), &second) in places.iter().zip(&parts[0]).zip(&parts[1]) {
            if let Some([left, right]) = pairs.get_mut(index) {
                (*left, *right) = (left.plus(first), right.plus(second));
            }
        }
    });
}

/// Calls `add` with the cells of the events and what they give to the left and to the right.
#[inline(always)]
fn each_block<T: Fraction>(
    (t, x, y, p): Events<'_>,
    ramp: Ramp,
    shares: Shares,
    mut add: impl FnMut(&[usize], &[[T; BLOCK]; 2]),
) {
    let (all_t, all_x, all_y, all_p) = (t, x, y, p);
    let mut places = [0; BLOCK];
    let mut parts = [[T::ZERO; BLOCK]; 2];
    let chunks = t
        .chunks(BLOCK)
        .zip(x.chunks(BLOCK))
        .zip(y.chunks(BLOCK))
        .zip(p.chunks(BLOCK));
    for ((((t, x), y), p), later) in chunks.zip((AHEAD..).step_by(BLOCK)) {
        let later = later..later + BLOCK;
        stretch_soon(all_t, later.clone());
        stretch_soon(all_x, later.clone());
        stretch_soon(all_y, later.clone());
        stretch_soon(all_p, later);
        let count = t.len().min(x.len()).min(y.len()).min(p.len());
        if let (Ok(t), Ok(x), Ok(y), Ok(p)) = (t.try_into(), x.try_into(), y.try_into(), p.try_into()) {
            // A length that is known: lanes without a rest.
            let (t, x, y, p): (&[i64; BLOCK], &[u16; BLOCK], &[u16; BLOCK], &[u8; BLOCK]) = (t, x, y, p);
            look_up((t, x, y, p), ramp, shares, &mut places, &mut parts);
        } else {
            look_up((t, x, y, p), ramp, shares, &mut places, &mut parts);
        }
        add(&places[..count], &parts);
    }
}

/// Events are asked for so many ahead.
const AHEAD: usize = 8 * BLOCK;

#[inline(always)]
fn look_up<T: Fraction>(
    (t, x, y, p): Events<'_>,
    ramp: Ramp,
    shares: Shares,
    places: &mut [usize; BLOCK],
    [first, second]: &mut [[T; BLOCK]; 2],
) {
    let events = t.iter().zip(x).zip(y).zip(p);
    let rooms = places.iter_mut().zip(first).zip(second);
    for (((place, first), second), (((&t, &x), &y), &p)) in rooms.zip(events) {
        *place = shares.index(x, y, p);
        [*first, *second] = shares.parts(p, ramp.place(t));
    }
}
