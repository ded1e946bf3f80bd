//! Frames and voxel grids.

use std::sync::Arc;

use parallax_events::{EventBatch, Meta, Pool, SharedPool, TensorView};
use parallax_ops::{Tensors, represent};
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

/// Where there are many events for each cell, two bins lie side by side, and threads share the bins; what comes in small
/// batches finds each bin in its place. Bit by bit the same, in a second window too.
#[test]
fn voxel_grids_of_many_events_are_those_of_few_at_a_time() {
    /// Side by side are bins with an event for every eighth of the 16,384 cells.
    const MANY: usize = 20_000;
    const FEW: usize = 700;
    let mix = |index: i64| (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let pools: Vec<_> = (1..=5).map(|threads| SharedPool::new(threads).unwrap()).collect();
    for events in [
        vec![MANY, MANY, MANY, MANY],
        vec![MANY, 0, FEW, MANY, MANY, 0, 0, MANY, FEW, 0],
        vec![FEW, MANY, 0, MANY, MANY, FEW, MANY, MANY, MANY],
        vec![0, 0, MANY, 2 * MANY, 0],
        vec![4 * MANY],
    ] {
        // Bins of 10 ms, in two windows.
        let bins = events.len();
        let in_bins = (0_i64..).zip([events.clone(), events].concat());
        let t: Vec<_> = in_bins
            .flat_map(|(bin, count)| {
                (0..count).map(move |event| 10_000 * bin + (10_000 * event / count) as i64)
            })
            .collect();
        for (polarity, height) in [("signed", 128_u16), ("separate", 64)] {
            let meta = Arc::new(Meta::with_geometry(128, height).unwrap());
            let column =
                |divisor: u64, size: u64| (0..t.len() as i64).map(move |index| mix(index) / divisor % size);
            let batch = EventBatch::try_new(
                t.clone(),
                column(1, 128).map(|x| x as u16).collect::<Vec<_>>(),
                column(128, height.into()).map(|y| y as u16).collect::<Vec<_>>(),
                column(1 << 18, 2).map(|p| p as u8).collect::<Vec<_>>(),
                Arc::clone(&meta),
            )
            .unwrap();
            // As it is, and every second event before the others.
            let halves = [0, 1].map(|first| {
                let half: Vec<_> = batch.to_events().into_iter().skip(first).step_by(2).collect();
                EventBatch::from_events(&half, Arc::clone(&meta)).unwrap()
            });
            let bits = |text: &str, batches: &[EventBatch], chunk: usize, pool: Pool<'_>| {
                let mut tensors = Tensors::new(represent(text).unwrap(), &meta).unwrap();
                let mut found = Vec::new();
                let mut keep = |_: u64, view: TensorView<'_>| {
                    found.extend_from_slice(view.as_bytes());
                    Ok(())
                };
                for batch in batches {
                    for start in (0..batch.len()).step_by(chunk) {
                        let end = batch.len().min(start + chunk);
                        tensors.push(&batch.slice(start..end), pool, &mut keep).unwrap();
                    }
                }
                tensors.finish(pool, &mut keep).unwrap();
                found
            };
            for (grid, dtype) in [("tonic", "f32"), ("zhu", "f64")] {
                let bins = if grid == "zhu" { bins + 1 } else { bins };
                let window = 10 * (bins - usize::from(grid == "zhu"));
                let whole = format!("voxel grid={grid} bins={bins} polarity={polarity} dtype={dtype}");
                let windows = format!("{whole} window={window}ms incomplete=true");
                // A window of so many events is like a recording of its own.
                let half = batch.len().div_ceil(2);
                let alone = [batch.slice(..half), batch.slice(half..)]
                    .map(|half| bits(&whole, &[half], 1000, Pool::serial()))
                    .concat();
                let counted = format!("{whole} window_events={half} incomplete=true");
                let found = bits(
                    &counted,
                    std::slice::from_ref(&batch),
                    batch.len(),
                    pools[1].pool(),
                );
                assert!(found == alone, "{counted}");
                // A batch whose times run back is like the batches in order that it is made of; in a second window too.
                let joined: Vec<_> = halves.iter().flat_map(EventBatch::to_events).collect();
                let joined = EventBatch::from_events(&joined, Arc::clone(&meta)).unwrap();
                let counted = format!("{whole} window_events={}", joined.len());
                let found = bits(&counted, &[joined.clone(), joined], batch.len(), pools[1].pool());
                assert!(
                    found == bits(&whole, &halves, batch.len(), Pool::serial()).repeat(2),
                    "{counted}"
                );
                for (text, batches) in [(windows, std::slice::from_ref(&batch)), (whole, &halves)] {
                    let parts = bits(&text, batches, 1000, Pool::serial());
                    assert!(parts.iter().any(|&byte| byte != 0), "{text}");
                    for pool in &pools {
                        for chunk in [50_000, batch.len()] {
                            let found = bits(&text, batches, chunk, pool.pool());
                            assert!(
                                found == parts,
                                "{text}, {chunk} at a time on {} threads",
                                pool.pool().threads()
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn stacked_histograms_are_those_of_rvt() {
    for (name, batch) in streams() {
        for (bins, cutoff) in [(10_usize, 10), (1, 255), (4, 1)] {
            let wanted =
                naive::stacked_histogram(&batch.to_events(), geometry(&batch), bins, f64::from(cutoff));
            let text = format!("stacked_histogram bins={bins} cutoff={cutoff}");
            assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
        }
    }
}

/// RVT's windows hold the events at both their ends; an event on an edge is in two.
#[test]
fn windows_of_rvt_are_closed() {
    let meta = Arc::new(Meta::with_geometry(1, 1).unwrap());
    let batch = EventBatch::try_new(
        vec![0, 5, 10, 20],
        vec![0; 4],
        vec![0; 4],
        vec![1; 4],
        Arc::clone(&meta),
    )
    .unwrap();
    for (edges, wanted) in [("rvt", [3, 2]), ("window", [2, 1])] {
        let text = format!("stacked_histogram bins=1 window=10us edges={edges} incomplete=true");
        let mut tensors = Tensors::new(represent(&text).unwrap(), &meta).unwrap();
        let mut counts = Vec::new();
        let mut keep = |_: u64, view: TensorView<'_>| {
            counts.push(view.as_slice::<u8>()?[1]);
            Ok(())
        };
        tensors.push(&batch, Pool::serial(), &mut keep).unwrap();
        tensors.finish(Pool::serial(), &mut keep).unwrap();
        assert_eq!(counts[..2], wanted, "{edges}");
    }
}

#[test]
fn bits_of_bina_rep_say_in_which_bins_a_pixel_fired() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (start, end) = extent(&events).unwrap();
        for (frames, bits) in [(1_usize, 8_usize), (3, 4), (2, 24)] {
            let bins = frames * bits;
            let length = i128::from(end) - i128::from(start);
            let bin = |_: usize, event: &parallax_events::Event| {
                let offset = i128::from(event.t - start);
                Some(
                    (offset * bins as i128)
                        .checked_div(length)
                        .map_or(0, |bin| (bin as usize).min(bins - 1)),
                )
            };
            for (word, channels) in [("separate", Channels::Separate), ("merged", Channels::Sum)] {
                let wanted = naive::bina_rep(&events, geometry, channels, (frames, bits), bin);
                let text = format!("bina_rep frames={frames} bits={bits} polarity={word}");
                near(&made(&text, &batch), &wanted, 1e-7, &format!("{name}: {text}"));
            }
        }
    }
}

/// What Tonic 1.7.0 gives for the same events: `ToBinaRep` of `ToFrame(n_time_bins=4)` on a sensor of 3 x 1.
#[test]
fn bina_rep_is_that_of_tonic() {
    let meta = Arc::new(Meta::with_geometry(3, 1).unwrap());
    let events = [
        (0, 0, 1),
        (10, 1, 1),
        (20, 1, 1),
        (30, 2, 0),
        (79, 0, 1),
        (80, 2, 1),
    ];
    let events = events.map(|(t, x, p)| parallax_events::Event::new(t, x, 0, p));
    let batch = EventBatch::from_events(&events, meta).unwrap();
    let tensor = made("bina_rep frames=1 bits=4 edges=floor", &batch);
    near(&tensor, &[0.0, 0.0, 4.0 / 15.0, 0.6, 0.8, 0.0], 1e-6, "1 x 4");
    let tensor = made("bina_rep frames=2 bits=2 edges=floor", &batch);
    let wanted = [
        0.0,
        0.0,
        1.0 / 3.0,
        2.0 / 3.0,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
        1.0 / 3.0,
        0.0,
        0.0,
    ];
    near(&tensor, &wanted, 1e-6, "2 x 2");
}

#[test]
fn mixed_density_stacks_double_their_reach() {
    let mut compared = 0;
    for (name, batch) in streams() {
        for (bins, cutoff) in [(7, 32_767), (3, 2), (24, 100)] {
            let wanted = naive::mixed_density(&batch.to_events(), geometry(&batch), bins, f64::from(cutoff));
            let text = format!("mixed_density bins={bins} cutoff={cutoff}");
            let found = cells(&made(&text, &batch));
            if let Some(wanted) = wanted {
                assert_eq!(found, wanted, "{name}: {text}");
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "only {compared} were told apart by logarithms");
}
