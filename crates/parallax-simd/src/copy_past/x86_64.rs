//! Copies past the cache, a line of 64 bytes at a time.

use std::arch::x86_64::*;

use super::{Number, scalar};
use crate::Level;

/// Bytes of a line of the cache.
const LINE: usize = 64;

pub(super) fn copy<T: Number>(level: Level, from: &[T], to: &mut [T]) {
    // Columns are aligned to their numbers, so that a line ends between two of them.
    let head = to.as_ptr().align_offset(LINE).min(to.len());
    let (from_head, from) = from.split_at(head);
    let (to_head, to) = to.split_at_mut(head);
    scalar::copy(from_head, to_head);
    let whole = to.len() / (LINE / size_of::<T>()) * (LINE / size_of::<T>());
    let (from, from_tail) = from.split_at(whole);
    let (to, to_tail) = to.split_at_mut(whole);
    scalar::copy(from_tail, to_tail);
    match level.usable() {
        Level::Scalar => scalar::copy(from, to),
        // SAFETY: `usable` is at least AVX2 only if the CPU said that it has it.
        Level::Avx2 => unsafe { lines_avx2(from, to) },
        // SAFETY: `usable` is AVX-512 only if the CPU said that it has it.
        Level::Avx512 => unsafe { lines_avx512(from, to) },
    }
}

/// Checks what the copies of lines rest on and says how many there are.
fn lines<T: Number>(from: &[T], to: &[T]) -> usize {
    let lines = size_of_val(to) / LINE;
    assert!(
        from.len() == to.len()
            && lines * LINE == size_of_val(to)
            && (lines == 0 || to.as_ptr().addr().is_multiple_of(LINE))
    );
    lines
}

#[target_feature(enable = "avx2")]
fn lines_avx2<T: Number>(from: &[T], to: &mut [T]) {
    let count = lines(from, to);
    let (from, to) = (from.as_ptr().cast::<__m256i>(), to.as_mut_ptr().cast::<__m256i>());
    for half in 0..2 * count {
        // SAFETY: both hold `count` lines, and `to` begins on a border of lines, as `lines` has asked. Numbers have no
        // padding.
        unsafe { _mm256_stream_si256(to.add(half), _mm256_loadu_si256(from.add(half))) };
    }
    // Ordered before what this thread stores next, such as the flag by which another learns of it.
    _mm_sfence();
}

#[target_feature(enable = "avx512f")]
fn lines_avx512<T: Number>(from: &[T], to: &mut [T]) {
    let count = lines(from, to);
    let (from, to) = (from.as_ptr().cast::<__m512i>(), to.as_mut_ptr().cast::<__m512i>());
    for line in 0..count {
        // SAFETY: both hold `count` lines, and `to` begins on a border of lines, as `lines` has asked. Numbers have no
        // padding.
        unsafe { _mm512_stream_si512(to.add(line), _mm512_loadu_si512(from.add(line))) };
    }
    // Ordered before what this thread stores next, such as the flag by which another learns of it.
    _mm_sfence();
}
