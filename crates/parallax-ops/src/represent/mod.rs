//! The operators from events to a tensor. Adding one is its file in this folder and its line here.

mod accumulator;
mod bins;
mod kernel;
mod last_times;
mod one_window;
mod polarity;
mod saved;
mod windows;

use crate::Operator;

macro_rules! operators {
    ($($id:ident)*) => {
        $(mod $id;)*

        pub(crate) const ROWS: &[&Operator] = &[$(&$id::OPERATOR),*];
    };
}

operators! {
    frame
    time_surface
    voxel
}
