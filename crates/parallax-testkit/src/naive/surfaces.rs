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

/// Averaged time surfaces: `(cell, polarity, y, x)`. `weight` is what an event adds that is so many ticks old, if it
/// is not too old. Times never go back: an event that does counts at the latest time so far.
pub fn averaged_time_surface(
    events: &[Event],
    geometry: Geometry,
    cell: usize,
    size: usize,
    weight: impl Fn(i64) -> Option<f64>,
) -> Vec<f64> {
    let columns = usize::from(geometry.width).div_ceil(cell);
    let groups = 2 * columns * usize::from(geometry.height).div_ceil(cell);
    let group = |event: &Event| {
        2 * (usize::from(event.y) / cell * columns + usize::from(event.x) / cell) + usize::from(event.p)
    };
    let mut clock = i64::MIN;
    let events: Vec<Event> = events
        .iter()
        .map(|event| {
            clock = clock.max(event.t);
            Event::new(clock, event.x, event.y, event.p)
        })
        .collect();
    let mut sums = vec![0.0; groups * size * size];
    let mut counts = vec![0_usize; groups];
    let reach = (size / 2) as i64;
    for (index, event) in events.iter().enumerate() {
        counts[group(event)] += 1;
        for other in &events[..=index] {
            let (dx, dy) = (
                i64::from(other.x) - i64::from(event.x),
                i64::from(other.y) - i64::from(event.y),
            );
            if group(other) != group(event) || dx.abs() > reach || dy.abs() > reach {
                continue;
            }
            let place = ((dy + reach) as usize) * size + (dx + reach) as usize;
            sums[group(event) * size * size + place] += weight(event.t - other.t).unwrap_or(0.0);
        }
    }
    let average = |(index, sum): (usize, f64)| sum / counts[index / (size * size)].max(1) as f64;
    sums.into_iter().enumerate().map(average).collect()
}

/// `sum exp(-(now - t) / tau)` of each cell.
pub fn decay(events: &[Event], geometry: Geometry, channels: Channels, now: i64, tau: f64) -> Vec<f64> {
    let mut cells = vec![0.0; channels.count() * geometry.pixels()];
    for event in events {
        cells[channels.of(event) * geometry.pixels() + pixel(geometry, event)] +=
            channels.weight(event) * (-((now - event.t) as f64) / tau).exp();
    }
    cells
}

/// The speed-invariant surface of Manderscheid et al., whose values do not go below 0.
pub fn speed_invariant(events: &[Event], geometry: Geometry, channels: Channels, radius: i64) -> Vec<f64> {
    let (width, height) = (i64::from(geometry.width), i64::from(geometry.height));
    let mut cells = vec![0.0; channels.count() * geometry.pixels()];
    for event in events {
        let at = |x: i64, y: i64| channels.of(event) * geometry.pixels() + (y * width + x) as usize;
        let (x, y) = (i64::from(event.x), i64::from(event.y));
        let own = cells[at(x, y)];
        for other_y in (y - radius).max(0)..=(y + radius).min(height - 1) {
            for other_x in (x - radius).max(0)..=(x + radius).min(width - 1) {
                let value = &mut cells[at(other_x, other_y)];
                if *value >= own && *value > 0.0 {
                    *value -= 1.0;
                }
            }
        }
        cells[at(x, y)] = ((2 * radius + 1) * (2 * radius + 1)) as f64;
    }
    cells
}
