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

/// RVT's stacked histogram: `(polarity and bin, y, x)`, in RVT's 32-bit arithmetic, cut at `cutoff`.
pub fn stacked_histogram(events: &[Event], geometry: Geometry, bins: usize, cutoff: f64) -> Vec<f64> {
    let mut cells = vec![0.0; 2 * bins * geometry.pixels()];
    let Some((first, last)) = super::extent(events) else {
        return cells;
    };
    for event in events {
        let place = (event.t - first) as f32 / (last - first).max(1) as f32 * bins as f32;
        let bin = (place.floor() as usize).min(bins - 1);
        cells[(usize::from(event.p) * bins + bin) * geometry.pixels() + pixel(geometry, event)] += 1.0;
    }
    cells.into_iter().map(|cell: f64| cell.min(cutoff)).collect()
}

/// Bina-Rep: of each frame, the sum of `2^(bits - 1 - k)` over the bins `k` in which the pixel fired, over `2^bits - 1`.
pub fn bina_rep(
    events: &[Event],
    geometry: Geometry,
    channels: Channels,
    (frames, bits): (usize, usize),
    bin: impl Fn(usize, &Event) -> Option<usize>,
) -> Vec<f64> {
    let binary = frame_bins(events, geometry, channels, frames * bits, bin);
    let cells = channels.count() * geometry.pixels();
    let most = (1_u64 << bits) as f64 - 1.0;
    (0..frames * cells)
        .map(|cell| {
            let bit = |k: usize| {
                let fired = binary[(cell / cells * bits + k) * cells + cell % cells] != 0.0;
                if fired {
                    (1_u64 << (bits - 1 - k)) as f64
                } else {
                    0.0
                }
            };
            (0..bits).map(bit).sum::<f64>() / most
        })
        .collect()
}

/// RVT's mixed-density stack, from logarithms; events whose place is within a billionth of a bin's edge are named by
/// `None`, since logarithms do not tell on which side they are.
pub fn mixed_density(events: &[Event], geometry: Geometry, bins: usize, cutoff: f64) -> Option<Vec<f64>> {
    let mut cells = vec![0.0; bins * geometry.pixels()];
    let (first, last) = super::extent(events)?;
    for event in events {
        let place = (event.t - first) as f64 / (last - first).max(1) as f64;
        let place = place.clamp(1e-6, 1.0 - 1e-6).log2() + bins as f64;
        if (place - place.round()).abs() < 1e-9 {
            return None;
        }
        let bin = place.floor().max(0.0) as usize;
        for sum in bin..bins {
            cells[sum * geometry.pixels() + pixel(geometry, event)] += if event.p == 0 { -1.0 } else { 1.0 };
        }
    }
    Some(
        cells
            .into_iter()
            .map(|cell: f64| cell.clamp(-cutoff, cutoff))
            .collect(),
    )
}
