//! Surfaces of time, over whole streams and window by window.

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
