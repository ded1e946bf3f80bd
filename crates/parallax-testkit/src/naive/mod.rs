//! What representations should be, written from their formulas: one event after another, one cell after another, in
//! `f64`, without a thought for speed. Independent of the code that is tested; only the nouns are shared.
//!
//! Every function takes the events of one window and gives the cells in C order. `start` and `end` are the window's
//! bounds; where the window is that of the events themselves, [`extent`] says what they are.

mod frames;
mod surfaces;

pub use frames::{bina_rep, frame, frame_bins, mixed_density, stacked_histogram, voxel};
pub use surfaces::{averaged_time_surface, decay, speed_invariant, time_surface};

use parallax_events::{Event, Geometry};

/// What becomes of the polarities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// OFF, then ON.
    Separate,
    /// Both alike.
    Sum,
    /// ON minus OFF.
    Signed,
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        if self == Self::Separate { 2 } else { 1 }
    }

    fn of(self, event: &Event) -> usize {
        if self == Self::Separate {
            usize::from(event.p)
        } else {
            0
        }
    }

    fn weight(self, event: &Event) -> f64 {
        if self == Self::Signed && event.p == 0 {
            -1.0
        } else {
            1.0
        }
    }
}

/// The least and the greatest time.
pub fn extent(events: &[Event]) -> Option<(i64, i64)> {
    Some((
        events.iter().map(|e| e.t).min()?,
        events.iter().map(|e| e.t).max()?,
    ))
}

fn pixel(geometry: Geometry, event: &Event) -> usize {
    usize::from(event.y) * usize::from(geometry.width) + usize::from(event.x)
}
