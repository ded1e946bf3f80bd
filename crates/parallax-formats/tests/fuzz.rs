//! The fuzz targets under a seeded mutator: see [`parallax_testkit::fuzz::survive`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_testkit::fuzz::{survive, targets};

#[test]
fn every_target_survives() {
    survive(&targets().unwrap(), "parallax-formats").unwrap();
}
