//! The meaning of the bounds kernels.
#![forbid(unsafe_code)]

/// Bytes that are searched before the question "was one above?" is asked.
const BLOCK_BYTES: usize = 512;

#[inline(always)]
pub(super) fn max_u8(values: &[u8]) -> u8 {
    values.iter().fold(0, |largest, &value| largest.max(value))
}

#[inline(always)]
pub(super) fn max_u16(values: &[u16]) -> u16 {
    values.iter().fold(0, |largest, &value| largest.max(value))
}

#[inline(always)]
pub(super) fn min_max_i64(values: &[i64]) -> Option<(i64, i64)> {
    let &first = values.first()?;
    Some(values.iter().fold((first, first), |(least, largest), &value| {
        (least.min(value), largest.max(value))
    }))
}

#[inline(always)]
pub(super) fn first_above_u8(values: &[u8], limit: u8) -> Option<usize> {
    for (block, values) in values.chunks(BLOCK_BYTES).enumerate() {
        if max_u8(values) > limit {
            let inside = values.iter().position(|&value| value > limit)?;
            return Some(block * BLOCK_BYTES + inside);
        }
    }
    None
}

#[inline(always)]
pub(super) fn first_above_u16(values: &[u16], limit: u16) -> Option<usize> {
    const BLOCK: usize = BLOCK_BYTES / size_of::<u16>();
    for (block, values) in values.chunks(BLOCK).enumerate() {
        if max_u16(values) > limit {
            let inside = values.iter().position(|&value| value > limit)?;
            return Some(block * BLOCK + inside);
        }
    }
    None
}
