//! Frames and voxel grids.

use parallax_events::{Event, Geometry};

use super::{Channels, pixel};

/// How many events each pixel had.
pub fn frame(events: &[Event], geometry: Geometry, channels: Channels) -> Vec<f64> {
    let mut cells = vec![0.0; channels.count() * geometry.pixels()];
    for event in events {
        cells[channels.of(event) * geometry.pixels() + pixel(geometry, event)] += channels.weight(event);
    }
    cells
}

/// Frames of bins; `bin` says which one an event, the `index`-th of its window, goes to.
pub fn frame_bins(
    events: &[Event],
    geometry: Geometry,
    channels: Channels,
    bins: usize,
    bin: impl Fn(usize, &Event) -> Option<usize>,
) -> Vec<f64> {
    let mut cells = Vec::new();
    for wanted in 0..bins {
        let inside = |(index, event): (usize, &Event)| (bin(index, event) == Some(wanted)).then_some(*event);
        let events: Vec<Event> = events.iter().enumerate().filter_map(inside).collect();
        cells.extend(frame(&events, geometry, channels));
    }
    cells
}

/// A voxel grid: cell `(b, x, y)` is the sum of `max(0, 1 - |b - s|)` over its events, where an event's place is `s`
/// and the share to the right of the last bin is lost.
pub fn voxel(
    events: &[Event],
    geometry: Geometry,
    channels: Channels,
    bins: usize,
    place: impl Fn(&Event) -> f64,
) -> Vec<f64> {
    let frame = channels.count() * geometry.pixels();
    let mut cells = vec![0.0; bins * frame];
    for event in events {
        for bin in 0..bins {
            let share = (1.0 - (bin as f64 - place(event)).abs()).max(0.0);
            cells[bin * frame + channels.of(event) * geometry.pixels() + pixel(geometry, event)] +=
                channels.weight(event) * share;
        }
    }
    cells
}
