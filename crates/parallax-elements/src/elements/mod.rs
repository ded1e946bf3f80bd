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
    fault
    filesink
    filesrc
    funnel
    input_selector
    merge
    nullsink
    output_selector
    passthrough
    pngsink
    queue
    split
    tcpsink
    tcpsrc
    tap
    tee
    throttle
    udpsink
    udpsrc
    valve
    window
}

pub use consolesink::ConsoleSink;
pub use fakesink::FakeSink;
pub use fakesrc::{FakeSource, Fill};
pub use filesink::FileSink;
pub use filesrc::FileSrc;
pub use input_selector::InputSelector;
pub use nullsink::{Checksum, ChecksumHandle, NullSink, sum};
pub use output_selector::{OutputSelector, SelectorHandle};
pub use tap::Tap;
pub use valve::{Valve, ValveHandle};
