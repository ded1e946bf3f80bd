//! The meaning of [`super`]'s kernel: sixteen events side by side, for the compiler to make vectors of.
#![forbid(unsafe_code)]

use super::{Bounds, OUTSIDE, Steps};

const LANES: usize = 16;

#[inline(always)]
pub(super) fn shift(x: &mut [u16], y: &mut [u16], words: &[[u32; 2]], steps: [Steps<'_>; 2], bounds: Bounds) {
    let len = x.len().min(y.len()).min(words.len());
    let (xs, rest_x) = x[..len].as_chunks_mut::<LANES>();
    let (ys, rest_y) = y[..len].as_chunks_mut::<LANES>();
    let (groups, rest) = words[..len].as_chunks::<LANES>();
    for ((x, y), words) in xs.iter_mut().zip(ys).zip(groups) {
        lanes(x, y, words, steps, bounds);
    }
    for ((x, y), words) in rest_x.iter_mut().zip(rest_y).zip(rest) {
        lanes(
            std::array::from_mut(x),
            std::array::from_mut(y),
            std::array::from_ref(words),
            steps,
            bounds,
        );
    }
}

#[inline(always)]
fn lanes<const N: usize>(
    x: &mut [u16; N],
    y: &mut [u16; N],
    words: &[[u32; 2]; N],
    [to_side, down]: [Steps<'_>; 2],
    bounds: Bounds,
) {
    let (right, bottom) = (i32::from(bounds.width) - 1, i32::from(bounds.height) - 1);
    let moved_x = moved(x, &words.map(|[word, _]| word), to_side);
    let moved_y = moved(y, &words.map(|[_, word]| word), down);
    for lane in 0..N {
        let (inside_x, inside_y) = (moved_x[lane].clamp(0, right), moved_y[lane].clamp(0, bottom));
        let inside = bounds.clamps | ((inside_x == moved_x[lane]) & (inside_y == moved_y[lane]));
        x[lane] = if inside { inside_x as u16 } else { OUTSIDE };
        y[lane] = inside_y as u16;
    }
}

#[inline(always)]
fn moved<const N: usize>(from: &[u16; N], words: &[u32; N], steps: Steps<'_>) -> [i32; N] {
    let mut moved = from.map(|place| i32::from(place) + steps.lowest);
    for &change in steps.changes {
        for lane in 0..N {
            moved[lane] += i32::from(words[lane] >= change);
        }
    }
    moved
}
