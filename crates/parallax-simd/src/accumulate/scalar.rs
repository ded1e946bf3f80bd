//! The meaning of the accumulation kernels.
#![forbid(unsafe_code)]

pub(super) fn count(x: &[u16], y: &[u16], width: usize, height: usize, out: &mut [u32]) -> u64 {
    let height = rows(width, height, out.len());
    let mut outside = 0;
    for (&x, &y) in x.iter().zip(y) {
        match pixel(x, y, width, height).and_then(|index| out.get_mut(index)) {
            Some(cell) => *cell = cell.saturating_add(1),
            None => outside += 1,
        }
    }
    outside
}

pub(super) fn signed(x: &[u16], y: &[u16], p: &[u8], width: usize, height: usize, out: &mut [i32]) -> u64 {
    let height = rows(width, height, out.len());
    let mut outside = 0;
    for ((&x, &y), &p) in x.iter().zip(y).zip(p) {
        match pixel(x, y, width, height).and_then(|index| out.get_mut(index)) {
            Some(cell) => *cell = cell.saturating_add(2 * i32::from(p != 0) - 1),
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
