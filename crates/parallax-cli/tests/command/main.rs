//! Runs the `parallax` program as a user would and looks at what it prints, writes and returns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod apply;
mod bad_input;
mod bench;
mod cat;
mod conform;
mod convert;
mod digest;
mod documents;
mod edit;
mod film;
mod golden;
mod info;
mod lists;
mod many;
mod pipelines;
mod program;
mod render;
mod shell;
mod signals;
mod triggers;
