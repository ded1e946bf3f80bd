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
    activity
    background_activity
    crop
    decimate
    downsample
    drop_area
    drop_event
    drop_pixel
    drop_time
    event_drop
    fast_decay
    flip_polarity
    flip_x
    flip_y
    hot_pixels
    knoise
    mask
    merge_polarity
    polarity
    rate_limit
    refractory
    region
    regions
    rotate
    spatial_jitter
    stc
    time
    time_align
    time_jitter
    time_reverse
    time_skew
    transpose
    uniform_noise
}
