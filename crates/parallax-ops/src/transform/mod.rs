//! The operators from events to events. Adding one is its file in this folder and its line here.

use crate::Operator;

macro_rules! operators {
    ($($id:ident)*) => {
        $(mod $id;)*

        pub(crate) const ROWS: &[&Operator] = &[$(&$id::OPERATOR),*];
    };
}

/// The profiles that an operator may be tagged with; what they ask is in the documentation of conformance.
pub(crate) mod profile {
    /// Repeatable to the bit, bounded memory, nothing held back: every profile.
    pub(crate) const ALL: &[&str] = &["base", "realtime", "learning", "lowpower"];
    /// Repeatable under a seed: for training, of no use on a sensor.
    pub(crate) const AUGMENTATION: &[&str] = &["base", "learning"];
    /// Holds the stream back until it has seen enough of it.
    pub(crate) const WHOLE_STREAM: &[&str] = &["base", "learning"];
}

operators! {
    background_activity
    crop
    decimate
    drop_area
    drop_event
    drop_time
    flip_polarity
    flip_x
    flip_y
    hot_pixels
    knoise
    mask
    polarity
    refractory
    region
    spatial_jitter
    time
    time_jitter
}
