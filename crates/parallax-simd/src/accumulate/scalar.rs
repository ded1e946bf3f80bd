//! The meaning of the accumulation kernels.
#![forbid(unsafe_code)]

use super::{Counter, Planes};
use crate::bounds::max_u16;

#[inline(always)]
pub(super) fn add<T: Counter>(
    x: &[u16],
    y: &[u16],
    p: &[u8],
    sensor: (usize, usize),
    planes: Planes<T>,
    out: &mut [T],
) -> u64 {
    let weight = planes.weight;
    each_cell(x, y, p, sensor, planes.offset, out, |cell, polarity| {
        *cell = cell.plus(weight[polarity]);
    })
}

#[inline(always)]
pub(super) fn erase<T: Counter>(
    x: &[u16],
    y: &[u16],
    p: &[u8],
    sensor: (usize, usize),
    offset: [usize; 2],
    out: &mut [T],
) {
    each_cell(x, y, p, sensor, offset, out, |cell, _| *cell = T::ZERO);
}

/// Calls `write` with each event's cell and polarity, in order; returns how many events have no cell.
#[inline(always)]
fn each_cell<T>(
    x: &[u16],
    y: &[u16],
    p: &[u8],
    (width, height): (usize, usize),
    offset: [usize; 2],
    out: &mut [T],
    write: impl Fn(&mut T, usize),
) -> u64 {
    let mut outside = 0;
    // A row that does not fit into `out` has no cells, so no index overflows.
    let height = rows(width, height, out.len());
    let is_inside = usize::from(max_u16(x)) < width && usize::from(max_u16(y)) < height;
    if is_inside {
        // The common case: nothing is left to ask of an event.
        for ((&x, &y), &p) in x.iter().zip(y).zip(p) {
            let polarity = usize::from(p != 0);
            let index = offset[polarity].wrapping_add(usize::from(y) * width + usize::from(x));
            match out.get_mut(index) {
                Some(cell) => write(cell, polarity),
                None => outside += 1,
            }
        }
        return outside;
    }
    for ((&x, &y), &p) in x.iter().zip(y).zip(p) {
        let polarity = usize::from(p != 0);
        let index = pixel(x, y, width, height).map(|index| offset[polarity].wrapping_add(index));
        match index.and_then(|index| out.get_mut(index)) {
            Some(cell) => write(cell, polarity),
            None => outside += 1,
        }
    }
    outside
}

/// How many rows there are: no more than fit into `cells`, so that no index of a pixel overflows.
fn rows(width: usize, height: usize, cells: usize) -> usize {
    cells.checked_div(width).unwrap_or(0).min(height)
}

#[inline(always)]
fn pixel(x: u16, y: u16, width: usize, height: usize) -> Option<usize> {
    let (x, y) = (usize::from(x), usize::from(y));
    (x < width && y < height).then(|| y * width + x)
}
