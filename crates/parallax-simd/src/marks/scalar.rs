//! The meaning of marks.
#![forbid(unsafe_code)]

use super::Marks;

#[inline(always)]
pub(super) fn narrow(marks: Marks<'_>, x: &[u16], y: &[u16], keeps_marked: bool, mask: &mut [u64]) {
    let mut groups = x.chunks(64).zip(y.chunks(64));
    for word in mask {
        let (x, y) = groups.next().unwrap_or_default();
        let mut bits = 0;
        for (place, (&x, &y)) in x.iter().zip(y).enumerate() {
            bits |= u64::from(marks.has(x, y) == keeps_marked) << place;
        }
        *word &= bits;
    }
}
