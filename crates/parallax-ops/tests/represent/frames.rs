//! Frames and voxel grids.

use parallax_testkit::naive::{self, Channels, extent};

use crate::input::{cells, geometry, made, near, streams};

#[test]
fn frames_count_per_polarity_summed_and_signed() {
    for (name, batch) in streams() {
        let events = batch.to_events();
        for (word, channels) in [
            ("separate", Channels::Separate),
            ("sum", Channels::Sum),
            ("signed", Channels::Signed),
        ] {
            let wanted = naive::frame(&events, geometry(&batch), channels);
            for dtype in ["i32", "i16", "f32"] {
                let text = format!("frame polarity={word} dtype={dtype}");
                assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
            }
        }
    }
}

#[test]
fn small_cells_stop_at_their_ends() {
    for (name, batch) in streams() {
        let wanted = naive::frame(&batch.to_events(), geometry(&batch), Channels::Sum);
        let wanted: Vec<f64> = wanted.iter().map(|cell| cell.min(255.0)).collect();
        assert_eq!(
            cells(&made("frame polarity=sum dtype=u8", &batch)),
            wanted,
            "{name}"
        );
    }
}

#[test]
fn bins_of_time_and_of_events_are_even_or_as_tonic_has_them() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (start, end) = extent(&events).unwrap();
        let count = events.len();
        for bins in [1_usize, 3, 10] {
            let length = i128::from(end) - i128::from(start);
            let even = |offset: i128, length: i128| {
                if length == 0 {
                    0
                } else {
                    (offset * bins as i128 / length).min(bins as i128 - 1) as usize
                }
            };
            let floor = |offset: i128, length: i128| {
                let width = length / bins as i128;
                Some(offset.checked_div(width)? as usize).filter(|bin| *bin < bins)
            };
            let channels = Channels::Separate;
            let text = format!("frame bins={bins}");
            let wanted = naive::frame_bins(&events, geometry, channels, bins, |_, event| {
                Some(even(i128::from(event.t - start), length))
            });
            assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
            let text = format!("frame bins={bins} edges=floor");
            let wanted = naive::frame_bins(&events, geometry, channels, bins, |_, event| {
                floor(i128::from(event.t - start), length)
            });
            assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
            let text = format!("frame bins={bins} bins_of=events");
            let wanted = naive::frame_bins(&events, geometry, channels, bins, |index, _| {
                Some(even(index as i128, count as i128))
            });
            assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
            let text = format!("frame bins={bins} bins_of=events edges=floor");
            let wanted = naive::frame_bins(&events, geometry, channels, bins, |index, _| {
                floor(index as i128, count as i128)
            });
            assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
        }
    }
}

#[test]
fn voxel_grids_share_events_between_bins() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (start, end) = extent(&events).unwrap();
        for (grid, bins) in [
            ("zhu", 5_usize),
            ("tonic", 5),
            ("zhu", 1),
            ("tonic", 1),
            ("tonic", 12),
        ] {
            let places = if grid == "tonic" { bins } else { bins - 1 };
            let place = |event: &parallax_events::Event| {
                if start == end {
                    0.0
                } else {
                    places as f64 * (event.t - start) as f64 / (end - start) as f64
                }
            };
            for (word, channels) in [("signed", Channels::Signed), ("separate", Channels::Separate)] {
                let wanted = naive::voxel(&events, geometry, channels, bins, place);
                for (dtype, tolerance) in [("f64", 1e-9), ("f32", 1e-4)] {
                    let text = format!("voxel grid={grid} bins={bins} polarity={word} dtype={dtype}");
                    near(
                        &made(&text, &batch),
                        &wanted,
                        tolerance,
                        &format!("{name}: {text}"),
                    );
                }
            }
        }
    }
}
