//! Development only: synthetic scenes, the golden loader and the law suites.
//!
//! A law is something that every row of a registry keeps: every format, every operator, every element. The
//! suites are generic over the row, so a new row is tested without new test code: a crate's `tests/laws.rs` is one
//! line, [`format_laws!`], [`operator_laws!`] or [`element_laws!`], with its registry.
//!
//! The oracle is never our own output: a format's sample is written by hand from its specification, a recording's
//! digest is what independent decoders agree on ([`oracle()`]), and what options do is compared with a naive
//! function over the whole stream.
#![forbid(unsafe_code)]

mod digest;
pub mod fuzz;
pub mod laws;
pub mod naive;
mod oracle;
pub mod recordings;
mod scene;

pub use digest::{Digest, Digester, digest};
pub use oracle::{Golden, oracle};
pub use recordings::recording;
pub use scene::{Label, Scene, SceneBuilder};
