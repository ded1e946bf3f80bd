//! The list of elements that are neither formats nor operators. Adding one is its file in this folder and its line here.

use parallax_pipeline::ElementRow;

macro_rules! elements {
    ($($id:ident)*) => {
        $(mod $id;)*

        /// Every element of this crate's own.
        pub static ELEMENTS: &[&ElementRow] = &[$(&$id::ELEMENT),*];
    };
}

elements! {
    consolesink
    fakesink
    fakesrc
    filesink
    filesrc
    nullsink
    passthrough
    queue
    split
    tcpsink
    tcpsrc
    tee
    throttle
    valve
    window
}

pub use fakesink::FakeSink;
pub use fakesrc::{FakeSource, Fill};
pub use filesink::FileSink;
pub use filesrc::FileSrc;
pub use nullsink::sum;
