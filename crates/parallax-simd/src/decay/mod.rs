//! Values that fade with age: `exp(-(now - last) * rate)`.
//!
//! In go the times at which cells were last written, in ticks ([`Tick`]), 0 or the first of all times for never; out come
//! values from 0 to 1. `now` before a cell's time counts as no age. Ticks of 32 bits and those of 64 give the same values for
//! the same ages. Cells go by [`BLOCK`]s, a bit each in `lit`: most of a sensor is silent most of the time, and what it
//! holds need be neither read nor written.
//!
//! Contract: from an age of [`GONE_F32`] or [`GONE_F64`] time constants on the result is exactly 0, so that a caller
//! may leave out cells that are older. What would be left is less than the smallest normal number.
//!
//! An `f32` fades by halves: `2^-y`, `y = n + f` with `|f| <= 1/2`, as `2^-n` in the exponent and the polynomial of sixth
//! degree whose greatest relative error is least (2e-9; by Lawson's reweighted least squares). `y` is rounded to an `f32`, which
//! is half a last place of 126 where the value is least: 3e-6 of it.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "calls code for instructions that the CPU was asked about"
)]
mod x86_64;

use crate::Level;

/// Cells in a block: the widest vector of them.
pub const BLOCK: usize = 16;

/// So many time constants after its event an `f32` has faded to 0.
pub const GONE_F32: f64 = 87.0;
/// So many time constants after its event an `f64` has faded to 0.
pub const GONE_F64: f64 = 708.0;

/// A time, as a cell holds it.
pub trait Tick: Copy {
    /// How many ticks ago that was at `now`, 0 if it is still to come; exact up to 2^53.
    fn age(self, now: Self) -> f64;
    /// Whether it stands for never: 0, or the first of all times.
    fn is_never(self) -> bool;
}

impl Tick for u32 {
    #[inline(always)]
    fn age(self, now: Self) -> f64 {
        f64::from(now.max(self) - self)
    }

    #[inline(always)]
    fn is_never(self) -> bool {
        self == 0
    }
}

impl Tick for i64 {
    #[inline(always)]
    fn age(self, now: Self) -> f64 {
        now.max(self).abs_diff(self) as f64
    }

    #[inline(always)]
    fn is_never(self) -> bool {
        self == Self::MIN
    }
}

/// What each cell of the blocks in `lit` has faded to at `now`, into its place in `out`. The bits of 64 blocks are a word, the
/// first the lowest; a block without a bit is left as it is.
///
/// ```
/// let mut out = [9.0; 3];
/// parallax_simd::decay::fade_f32(&[0_u32, 200, 100], 200, 0.01, &[1], &mut out);
/// assert_eq!(out[..2], [0.0, 1.0]);
/// assert!((out[2] - parallax_simd::math::exp_f32(-1.0)).abs() < 1e-7);
/// ```
pub fn fade_f32<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    fade_f32_at(Level::detect(), last, now, rate, lit, out);
}

/// As [`fade_f32`].
pub fn fade_f64<T: Tick>(last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    fade_f64_at(Level::detect(), last, now, rate, lit, out);
}

/// [`fade_f32`] at a given level, or the CPU's best if that is lower.
pub fn fade_f32_at<T: Tick>(level: Level, last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f32]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::fade_f32(level, last, now, rate, lit, out),
        _ => scalar::fade_f32(last, now, rate, lit, out),
    }
}

/// [`fade_f64`] at a given level, or the CPU's best if that is lower.
pub fn fade_f64_at<T: Tick>(level: Level, last: &[T], now: T, rate: f64, lit: &[u64], out: &mut [f64]) {
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        level @ (Level::Avx2 | Level::Avx512) => x86_64::fade_f64(level, last, now, rate, lit, out),
        _ => scalar::fade_f64(last, now, rate, lit, out),
    }
}

/// Writes what `value` makes of each cell of the blocks in `lit` to its place in `out`.
#[inline(always)]
pub fn each<T: Copy, U>(last: &[T], lit: &[u64], out: &mut [U], value: impl Fn(T) -> U) {
    let write = |last: &[T], out: &mut [U]| last.iter().zip(out).for_each(|(&last, out)| *out = value(last));
    let (blocks, last_rest) = last.as_chunks::<BLOCK>();
    let (out_blocks, out_rest) = out.as_chunks_mut::<BLOCK>();
    for (word, (blocks, out)) in lit.iter().zip(blocks.chunks(64).zip(out_blocks.chunks_mut(64))) {
        let mut bits = *word;
        while bits != 0 {
            let block = bits.trailing_zeros() as usize;
            if let (Some(last), Some(out)) = (blocks.get(block), out.get_mut(block)) {
                write(last, out);
            }
            bits &= bits - 1;
        }
    }
    let end = blocks.len();
    if lit.get(end / 64).is_some_and(|word| word >> (end % 64) & 1 == 1) {
        write(last_rest, out_rest);
    }
}
