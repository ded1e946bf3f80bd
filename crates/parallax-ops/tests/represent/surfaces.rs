//! Surfaces of time, over whole streams and window by window.
#![allow(
    clippy::disallowed_methods,
    reason = "the platform's exp is the independent answer"
)]

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Pool, TensorView};
use parallax_ops::{Tensors, represent};
use parallax_testkit::naive::{self, Channels, extent};

use crate::input::{geometry, made, near, streams};

#[test]
fn time_surfaces_fade_from_the_last_event() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (_, end) = extent(&events).unwrap();
        for (word, channels) in [("separate", Channels::Separate), ("merged", Channels::Sum)] {
            for (tau, ticks) in [("1ms", 1000.0), ("50us", 50.0), ("2500ns", 2.5)] {
                for decay in ["exp", "linear"] {
                    let wanted =
                        naive::time_surface(&events, geometry, channels, end, ticks, decay == "linear");
                    for (dtype, tolerance) in [("f64", 1e-14), ("f32", 1e-5)] {
                        let text =
                            format!("time_surface tau={tau} polarity={word} decay={decay} dtype={dtype}");
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
}

/// Window by window, with and without memory; ages are taken at the window's end.
#[test]
fn surfaces_remember_earlier_windows_if_asked_to() {
    let meta = Arc::new(Meta::with_geometry(3, 1).unwrap());
    let events = [(0, 0), (40, 1), (1100, 1), (5050, 2)].map(|(t, x)| Event::new(t, x, 0, 1));
    let batch = EventBatch::from_events(&events, Arc::clone(&meta)).unwrap();
    let geometry = meta.geometry.unwrap();
    for (memory, remembers) in [("stream", true), ("window", false)] {
        let text =
            format!("time_surface tau=300us memory={memory} polarity=merged window=1ms incomplete=true");
        let mut tensors = Tensors::new(represent(&text).unwrap(), &meta).unwrap();
        let mut found = Vec::new();
        let mut keep = |_: u64, view: TensorView<'_>| {
            found.push(view.to_tensor(Arc::clone(&meta))?);
            Ok(())
        };
        tensors.push(&batch, Pool::serial(), &mut keep).unwrap();
        tensors.finish(Pool::serial(), &mut keep).unwrap();
        assert_eq!(found.len(), 6);
        for (index, surface) in found.iter().enumerate() {
            let (start, end) = (index as i64 * 1000, (index as i64 + 1) * 1000);
            let inside = |event: &&Event| event.t < end && (remembers || event.t >= start);
            let seen: Vec<Event> = events.iter().filter(inside).copied().collect();
            let wanted = naive::time_surface(&seen, geometry, Channels::Sum, end, 300.0, false);
            near(
                surface,
                &wanted,
                1e-6,
                &format!("window {index} with memory={memory}"),
            );
            assert_eq!(surface.time_span(), Some((start, end)));
        }
    }
}

#[test]
fn averaged_surfaces_see_earlier_events_of_their_cell() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        if events.len() > 4000 || geometry.pixels() > 2000 {
            continue;
        }
        for (cell, size) in [(10, 5), (3, 3), (4, 7), (7, 1), (2, 13)] {
            for (past, ticks, tau, tau_ticks) in [
                ("1ms", 1000, "100us", 100.0),
                ("300us", 300, "2ms", 2000.0),
                ("1s", 1_000_000, "50us", 50.0),
            ] {
                let exp = |age: i64| (age <= ticks).then(|| (-(age as f64) / tau_ticks).exp());
                let linear =
                    |age: i64| (age <= ticks).then(|| (1.0 - age as f64 / (3.0 * tau_ticks)).max(0.0));
                let text = format!("averaged_time_surface cell={cell} size={size} past={past} tau={tau}");
                let wanted = naive::averaged_time_surface(&events, geometry, cell, size, exp);
                near(&made(&text, &batch), &wanted, 1e-6, &format!("{name}: {text}"));
                let text = format!("{text} decay=linear");
                let wanted = naive::averaged_time_surface(&events, geometry, cell, size, linear);
                near(&made(&text, &batch), &wanted, 1e-6, &format!("{name}: {text}"));
            }
        }
    }
}

/// What Tonic 1.7.0 (`ToAveragedTimesurface`, `surface_size=3, cell_size=5, time_window=1000, tau=100`) gives for the
/// same events, on a sensor of 10 x 10.
#[test]
fn averaged_surfaces_are_those_of_tonic() {
    let meta = Arc::new(Meta::with_geometry(10, 10).unwrap());
    let on = |events: &[(i64, u16, u16)]| {
        let events: Vec<Event> = events.iter().map(|&(t, x, y)| Event::new(t, x, y, 1)).collect();
        let batch = EventBatch::from_events(&events, Arc::clone(&meta)).unwrap();
        let tensor = made("averaged_time_surface cell=5 size=3 past=1ms tau=100us", &batch);
        assert_eq!(tensor.shape(), [4, 2, 3, 3]);
        tensor.as_slice::<f32>().unwrap()[9..18].to_vec()
    };
    for (events, wanted) in [
        (
            &[(0, 2, 2), (50, 2, 2)][..],
            [0.0, 0.0, 0.0, 0.0, 1.303_265, 0.0, 0.0, 0.0, 0.0],
        ),
        (
            &[(0, 2, 2), (50, 3, 2)],
            [0.0, 0.0, 0.0, 0.303_265, 1.0, 0.0, 0.0, 0.0, 0.0],
        ),
        (
            &[(0, 4, 2), (50, 5, 2)],
            [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        ),
        (
            &[(0, 2, 2), (0, 2, 2)],
            [0.0, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0],
        ),
        (
            &[(0, 2, 2), (50, 2, 2), (80, 3, 3)],
            [0.396_716, 0.0, 0.0, 0.0, 1.202_177, 0.0, 0.0, 0.0, 0.0],
        ),
    ] {
        for (found, wanted) in on(events).iter().zip(wanted) {
            assert!((found - wanted).abs() < 2e-6, "{events:?}: {found} {wanted}");
        }
    }
}

#[test]
fn accumulators_fade() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (_, end) = extent(&events).unwrap();
        for (word, channels) in [
            ("separate", Channels::Separate),
            ("sum", Channels::Sum),
            ("signed", Channels::Signed),
        ] {
            let wanted = naive::decay(&events, geometry, channels, end, 500.0);
            let text = format!("decay tau=500us polarity={word}");
            near(&made(&text, &batch), &wanted, 1e-6, &format!("{name}: {text}"));
        }
    }
}

#[test]
fn speed_invariant_surfaces_rank() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        for (word, channels) in [("separate", Channels::Separate), ("merged", Channels::Sum)] {
            for radius in [1, 3, 7] {
                let wanted = naive::speed_invariant(&events, geometry, channels, radius);
                let text = format!("speed_invariant_time_surface radius={radius} polarity={word}");
                near(&made(&text, &batch), &wanted, 0.0, &format!("{name}: {text}"));
            }
        }
    }
}
