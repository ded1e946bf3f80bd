//! Surfaces of time, over whole streams and window by window.
#![allow(
    clippy::disallowed_methods,
    reason = "the platform's exp is the independent answer"
)]

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Pool, Span, TensorView};
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

/// Batches that are in order, of which the second is earlier: the latest event of each pixel counts all the same.
#[test]
fn surfaces_of_batches_that_run_back() {
    let meta = Arc::new(Meta::with_geometry(2, 1).unwrap());
    // The third runs back in itself, the others only behind the one before.
    let events = [
        [(100, 0), (200, 0)],
        [(50, 0), (150, 1)],
        [(300, 1), (250, 0)],
        [(260, 1), (270, 0)],
    ]
    .map(|batch| batch.map(|(t, x)| Event::new(t, x, 0, 1)));
    let operator = represent("time_surface tau=100us polarity=merged").unwrap();
    for count in 1..=events.len() {
        for is_saved in [false, true] {
            let state = || operator.state(&meta, Span::Events).unwrap();
            let mut before = state();
            for events in &events[..count] {
                let batch = EventBatch::from_events(events, Arc::clone(&meta)).unwrap();
                operator
                    .accumulate_batch(before.as_mut(), &batch, Pool::serial())
                    .unwrap();
                if is_saved {
                    let bytes = before.save();
                    before = state();
                    before.restore(&bytes).unwrap();
                }
            }
            let surface = operator.tensor(before.as_mut(), &meta, Pool::serial()).unwrap();
            let events = events[..count].concat();
            let end = events.iter().map(|event| event.t).max().unwrap();
            let wanted =
                naive::time_surface(&events, meta.geometry.unwrap(), Channels::Sum, end, 100.0, false);
            near(
                &surface,
                &wanted,
                1e-6,
                &format!("{count} batches, saved: {is_saved}"),
            );
        }
    }
}

/// Hours of silence: more ticks than 32 bits hold between events, and windows that end so long after the last one. Pixels of many
/// blocks fade to nothing and fire again. However the events come, the surfaces are the same to the bit.
#[test]
fn surfaces_of_hours_are_those_of_seconds() {
    let meta = Arc::new(Meta::with_geometry(75, 53).unwrap());
    let geometry = meta.geometry.unwrap();
    let mut events = Vec::new();
    let mut seed = 1_u64;
    for (start, count, step) in [
        (-7_000_000_000, 900, 3_000_000),
        (5_000_000_000, 700, 70_000),
        (19_000_000_000, 1, 1),
    ] {
        for index in 0..count {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (x, y) = ((seed >> 33) % 75, (seed >> 45) % 53 / (1 + index as u64 % 3));
            events.push(Event::new(
                start + index * step,
                x as u16,
                y as u16,
                (seed >> 60 & 1) as u8,
            ));
        }
    }
    let batch = EventBatch::from_events(&events, Arc::clone(&meta)).unwrap();
    for (dtype, tolerance) in [("f32", 1e-5), ("f64", 1e-13)] {
        let text = format!("time_surface tau=40s dtype={dtype} window=1000s incomplete=true");
        let surfaces = |size: usize, pool: Pool<'_>| {
            let mut tensors = Tensors::new(represent(&text).unwrap(), &meta).unwrap();
            let mut found = Vec::new();
            let mut keep = |_: u64, view: TensorView<'_>| {
                found.push(view.to_tensor(Arc::clone(&meta))?);
                Ok(())
            };
            for start in (0..batch.len()).step_by(size) {
                tensors
                    .push(&batch.slice(start..start + size), pool, &mut keep)
                    .unwrap();
            }
            tensors.finish(pool, &mut keep).unwrap();
            found
        };
        let found = surfaces(usize::MAX, Pool::serial());
        assert_eq!(found.len(), 27);
        for surface in &found {
            let (_, end) = surface.time_span().unwrap();
            let seen: Vec<Event> = events.iter().filter(|event| event.t < end).copied().collect();
            let wanted = naive::time_surface(&seen, geometry, Channels::Separate, end, 40e6, false);
            near(surface, &wanted, tolerance, &format!("{dtype} until {end}"));
        }
        let three = parallax_events::SharedPool::new(3).unwrap();
        for (size, pool) in [
            (1, Pool::serial()),
            (333, three.pool()),
            (usize::MAX, three.pool()),
        ] {
            let others = surfaces(size, pool);
            assert_eq!(others.len(), found.len());
            for (other, surface) in others.iter().zip(&found) {
                assert_eq!(
                    other.buffer().as_slice(),
                    surface.buffer().as_slice(),
                    "{dtype} in batches of {size}"
                );
            }
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
