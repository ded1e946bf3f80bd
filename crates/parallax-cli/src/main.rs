//! The parallax command.
#![forbid(unsafe_code)]
fn main() {}
