//! The list of elements. Adding one is its file in this folder and its line here.

use crate::ElementRow;

macro_rules! elements {
    ($($id:ident)*) => {
        $(mod $id;)*

        /// Every element.
        pub static ELEMENTS: &[&ElementRow] = &[$(&$id::ELEMENT),*];
    };
}

elements! {
    passthrough
}
