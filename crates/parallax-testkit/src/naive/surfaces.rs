//! Surfaces of time.
#![allow(
    clippy::disallowed_methods,
    reason = "the platform's exp is the independent answer"
)]

use parallax_events::{Event, Geometry};

use super::{Channels, pixel};

/// `exp(-(now - t) / tau)`, or `1 - (now - t) / tau` down to 0, of each pixel's latest event; 0 where there is none.
/// Times are in ticks.
pub fn time_surface(
    events: &[Event],
    geometry: Geometry,
    channels: Channels,
    now: i64,
    tau: f64,
    is_linear: bool,
) -> Vec<f64> {
    let mut latest: Vec<Option<i64>> = vec![None; channels.count() * geometry.pixels()];
    for event in events {
        let cell = &mut latest[channels.of(event) * geometry.pixels() + pixel(geometry, event)];
        *cell = Some(cell.map_or(event.t, |t| t.max(event.t)));
    }
    let value = |t: i64| {
        let age = (now - t) as f64 / tau;
        if is_linear {
            (1.0 - age).max(0.0)
        } else {
            (-age).exp()
        }
    };
    latest
        .into_iter()
        .map(|latest| latest.map_or(0.0, value))
        .collect()
}
