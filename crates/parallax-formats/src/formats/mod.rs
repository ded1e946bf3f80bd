//! The list of formats. Adding one is its file in this folder and its line here.

use crate::Format;

macro_rules! formats {
    ($($id:ident)*) => {
        $(mod $id;)*

        /// Every format, in the order in which they are listed and, among equally sure ones, preferred.
        pub static FORMATS: &[&Format] = &[$(&$id::FORMAT),*];
    };
}

formats! {
    aedat4
    arrow
    arrow_stream
    atis_bin
    csv
    dat
    es
    event_tensor
    evt2
    evt21
    evt3
    npy
    npz
    parquet
    rpg
}
