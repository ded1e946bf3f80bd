//! The operators from events to a tensor. Adding one is its file in this folder and its line here.

use crate::Operator;

macro_rules! operators {
    ($($id:ident)*) => {
        $(mod $id;)*

        pub(crate) const ROWS: &[&Operator] = &[$(&$id::OPERATOR),*];
    };
}

operators! {
    count
}
