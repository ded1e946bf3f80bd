//! Floor 0 of Parallax: kernels on plain slices, dispatched to the best instruction set at run time.
//!
//! In go slices of numbers, out come numbers; there are no types of events here. Each kernel is a folder:
//! `mod.rs` is the public function and chooses, `scalar.rs` is the meaning, and an arch file (`x86_64.rs`) stands
//! beside it only where a bench on realistic data shows at least 1.3 times the speed of what the compiler makes
//! of `scalar.rs` for the baseline. The figures are in `BENCH.md`; `cargo bench -p parallax-simd` makes them.
//!
//! # Contract
//! - Every level gives the same answer as `scalar.rs`, bit for bit, floats included: no fused multiply-add, a
//!   fixed tree for sums, NaN always the same NaN. `tests/levels.rs` holds them to it.
//! - No kernel panics, allocates or keeps state. Slices of different length are used up to the shortest.
//! - Each kernel has a twin named `.._at` that takes a [`Level`], for tests and benches.
//!
//! # Surprises
//! - The variable `PARALLAX_SIMD` (`scalar`, `avx2`, `avx512`) lowers the level of the whole process; see [`Level`].
#![deny(unsafe_op_in_unsafe_fn)]
// Allowed again for the arch files alone, where each kernel declares its own.
#![deny(unsafe_code)]

pub mod accumulate;
pub mod aedat4;
pub mod bounds;
mod columns;
pub mod compress;
pub mod copy_past;
pub mod dat;
pub mod decay;
pub mod displace;
pub mod es;
pub mod evt2;
pub mod evt3;
mod level;
pub mod lines;
pub mod lz4;
pub mod marks;
pub mod math;
pub mod order;
pub mod philox;
pub mod prefetch;
pub mod quantile;
pub mod select;
mod split;
pub mod sum;

pub use columns::Columns;
pub use level::Level;
