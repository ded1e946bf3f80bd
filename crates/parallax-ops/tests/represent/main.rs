//! Representations against naive versions of their formulas, on scenes and on input that is out of the ordinary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod frames;
mod input;
mod parameters;
mod statistics;
mod surfaces;
