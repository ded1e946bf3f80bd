//! The operators from events to a tensor. Adding one is its file in this folder and its line here.

mod accumulator;
mod bins;
mod kernel;
mod last_times;
mod neighbourhoods;
mod one_window;
mod polarity;
mod scratch;
mod windows;

pub(crate) use windows::check_overlap;

use crate::Operator;

macro_rules! operators {
    ($($id:ident)*) => {
        $(mod $id;)*

        pub(crate) const ROWS: &[&Operator] = &[$(&$id::OPERATOR),*];
    };
}

operators! {
    averaged_time_surface
    bina_rep
    decay
    event_rate
    frame
    intervals
    mixed_density
    pixel_statistics
    speed_invariant_time_surface
    stacked_histogram
    time_surface
    voxel
}
