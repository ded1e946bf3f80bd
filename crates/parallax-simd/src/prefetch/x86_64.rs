//! The instruction of SSE, which every x86-64 CPU has.

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

#[inline(always)]
pub(super) fn soon<T>(values: &[T], index: usize) {
    let value = values.as_ptr().wrapping_add(index);
    // SAFETY: nothing is read: the instruction is a hint, and an address that is none has no effect.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(value.cast()) };
}
