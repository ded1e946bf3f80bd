//! The meaning of [`super`]'s kernels: word by word; all or nothing at once, few one by one, many without a branch.
#![forbid(unsafe_code)]

use super::Events;
use crate::Columns;

/// Up to so many of 64 are found by their bits; above, all 64 are written and the place moves on for the kept ones.
const FEW: usize = 16;

#[inline(always)]
pub(super) fn compress<T: Copy>(values: &[T], mask: &[u64], out: &mut [T]) -> usize {
    let mut kept = 0;
    for (group, &word) in values.chunks(64).zip(mask) {
        kept += compress_word(group, word, &mut out[kept..]);
    }
    kept
}

#[inline(always)]
pub(super) fn compress_events(events: Events<'_>, mask: &[u64], out: Columns<'_>) -> usize {
    compress(events.t, mask, out.t);
    compress(events.x, mask, out.x);
    compress(events.y, mask, out.y);
    compress(events.p, mask, out.p)
}

/// One group of at most 64 values; those for which `out` has no room are left out.
#[inline(always)]
pub(super) fn compress_word<T: Copy>(group: &[T], word: u64, out: &mut [T]) -> usize {
    let word = if group.len() < 64 {
        word & ((1 << group.len()) - 1)
    } else {
        word
    };
    let count = (word.count_ones() as usize).min(out.len());
    if count == group.len() {
        out[..count].copy_from_slice(group);
    } else if count <= FEW || out.len() < group.len() {
        let mut bits = word;
        for cell in &mut out[..count] {
            *cell = group[bits.trailing_zeros() as usize];
            bits &= bits - 1;
        }
    } else {
        let out = &mut out[..group.len()];
        let mut next = 0;
        for (place, &value) in group.iter().enumerate() {
            out[next] = value;
            next += (word >> place & 1) as usize;
        }
    }
    count
}
