//! Runs the `parallax` program as a user would and looks at what it prints, writes and returns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bad_input;
mod convert;
mod digest;
mod info;
mod lists;
mod program;
mod render;
mod signals;
