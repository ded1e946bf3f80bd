//! Texts of pipelines under a seeded mutator: see [`parallax_testkit::fuzz::survive`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use parallax_elements::registry;
use parallax_testkit::fuzz::{pipelines, survive};

#[test]
fn texts_of_pipelines_survive() {
    survive(&[pipelines(registry())], "parallax-elements").unwrap();
}
