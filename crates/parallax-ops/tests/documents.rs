//! What the documents say of operators is what the registry takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;

use parallax_ops::{Compose, OPERATORS, operator};

fn document(name: &str) -> String {
    let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pieces of a Markdown text that are set as code on one line.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_operator_text_about_tonic_is_one() {
    let page = document("docs/migrating-from-tonic.md");
    let mut texts = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        texts.extend(cells.get(1).into_iter().flat_map(|cell| code(cell)));
    }
    // The operators that the text in between names, and those in the column of differences.
    let starts_with_id = |text: &&str| {
        let first = text.split([' ', '(']).next().unwrap_or_default();
        OPERATORS.iter().any(|row| row.id() == first)
    };
    texts.extend(code(&page).into_iter().filter(starts_with_id));
    assert!(texts.len() > 50, "{texts:?}");
    for text in texts {
        Compose::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    }
}

#[test]
fn every_transform_of_tonic_is_on_the_page() {
    let page = document("docs/migrating-from-tonic.md");
    for name in [
        "CenterCrop",
        "CropTime",
        "Decimation",
        "Denoise",
        "Downsample",
        "DropEvent",
        "DropEventByArea",
        "DropEventByTime",
        "DropPixel",
        "EventDownsampling",
        "EventDrop",
        "MergePolarities",
        "NumpyAsType",
        "RandomCrop",
        "RandomDropPixel",
        "RandomFlipLR",
        "RandomFlipPolarity",
        "RandomFlipUD",
        "RandomTimeReversal",
        "RefractoryPeriod",
        "SpatialJitter",
        "TimeAlignment",
        "TimeJitter",
        "TimeSkew",
        "ToAveragedTimesurface",
        "ToBinaRep",
        "ToFrame",
        "ToImage",
        "ToSparseTensor",
        "ToTimesurface",
        "ToVoxelGrid",
        "UniformNoise",
    ] {
        assert!(page.contains(&format!("`{name}(")), "{name}");
    }
}

#[test]
fn every_alias_says_what_to_write() {
    for row in OPERATORS {
        for (name, text) in row.declaration.aliases() {
            assert!(
                OPERATORS.iter().all(|other| other.id() != *name),
                "`{name}` is an operator"
            );
            let error = operator(name).unwrap_err().to_string();
            assert!(error.contains(text) && error.contains(name), "{error}");
            let id = text.split(' ').next().unwrap_or_default();
            assert_eq!(operator(id).unwrap().id(), id, "{text}");
            // Two dots stand for a value.
            if text.contains("=\"") || text.contains(['(', ',']) {
                continue;
            }
            let filled = text.replace("=..", "=1").replace("offset=1", "offset=1ms");
            Compose::parse(&filled).unwrap_or_else(|error| panic!("`{text}`: {error}"));
        }
    }
}

#[test]
fn the_names_that_people_look_for_are_found() {
    for name in [
        "regions",
        "pixel_list",
        "stc",
        "fast_decay",
        "activity",
        "rate_limiter",
        "center_crop",
        "random_crop",
        "transpose",
        "rotate90",
        "spatial_downsample",
        "temporal_downsample",
        "time_shift",
        "time_skew",
        "time_scale",
        "time_align",
        "time_reverse",
        "merge_polarities",
        "flip_polarity",
        "drop_polarity",
        "drop_pixel",
        "event_drop",
        "uniform_noise",
        "speed_invariant_time_surface",
        "averaged_time_surface",
        "bina_rep",
        "mixed_density",
        "decay",
        "event_rate",
        "pixel_statistics",
        "intervals",
    ] {
        let known = OPERATORS
            .iter()
            .any(|row| row.id() == name || row.declaration.aliases().iter().any(|(alias, _)| *alias == name));
        assert!(known, "{name}");
    }
}
