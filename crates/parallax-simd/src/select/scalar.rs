//! The meaning of the selections.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

#[inline(always)]
pub(super) fn within_u16(values: &[u16], range: RangeInclusive<u16>, mask: &mut [u64]) {
    narrow(values, mask, |value| range.contains(&value));
}

#[inline(always)]
pub(super) fn within_i64(values: &[i64], range: RangeInclusive<i64>, mask: &mut [u64]) {
    narrow(values, mask, |value| range.contains(&value));
}

#[inline(always)]
pub(super) fn equal_u8(values: &[u8], value: u8, mask: &mut [u64]) {
    narrow(values, mask, |found| found == value);
}

#[inline(always)]
pub(super) fn at_least_u32(values: &[u32], least: u32, mask: &mut [u64]) {
    narrow(values, mask, |value| value >= least);
}

/// Clears the bits of what does not pass, and those beyond the values.
#[inline(always)]
pub(super) fn narrow<T: Copy>(values: &[T], mask: &mut [u64], passes: impl Fn(T) -> bool) {
    let mut groups = values.chunks(64);
    for word in mask {
        let mut bits = 0;
        for (place, &value) in groups.next().unwrap_or_default().iter().enumerate() {
            bits |= u64::from(passes(value)) << place;
        }
        *word &= bits;
    }
}
