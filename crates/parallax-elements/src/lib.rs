//! Floor 4 of Parallax: sources, sinks, formats and operators as pipeline elements, and the registry of them all.
//!
//! Every format is a decoder (`evt3dec`) and, where it can be written, an encoder (`evt3enc`); every operator is an
//! element under its own id. An element that is neither is one file in `elements/`.
//!
//! ```
//! use parallax_elements::parse;
//!
//! let mut pipeline = parse("fakesrc num_buffers=3 ! tee name=t ! queue ! fakesink t. ! nullsink")?;
//! pipeline.run()?;
//! assert_eq!(pipeline.stats().elements[0].packets, 3);
//! # Ok::<(), parallax_events::Error>(())
//! ```
#![forbid(unsafe_code)]

mod adapters;
mod elements;
mod location;
mod mailbox;
mod pace;
mod program;
mod socket;

use std::sync::LazyLock;

use parallax_events::Result;
use parallax_pipeline::{CAPS_FILTER, Pipeline, Registry};

pub use elements::{
    Checksum, ChecksumHandle, ConsoleSink, ELEMENTS, FakeSink, FakeSource, FileSink, FileSrc, Fill,
    InputSelector, NullSink, OutputSelector, SelectorHandle, Tap, Valve, ValveHandle, sum,
};
pub use program::{AppSink, AppSource, Receiver, Sender, app_sink, app_source};

/// Every element: those of this crate, every format, every operator.
pub fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let own = ELEMENTS.iter().copied().chain([&CAPS_FILTER]);
        Registry::new(own.chain(adapters::rows()))
    });
    &REGISTRY
}

/// The pipeline that `text` writes, of the elements of this crate.
///
/// # Errors
/// As [`Pipeline::parse`].
pub fn parse(text: &str) -> Result<Pipeline> {
    Pipeline::parse(text, registry())
}
