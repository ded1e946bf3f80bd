//! Floor 3 of Parallax: the pipeline engine's contracts.
//!
//! In outline: what a source, an element and a sink are, and the list of them. The engine that runs them, with
//! its memory pools, queues and states, is a later issue; these traits are what it will drive.
//!
//! ```
//! use parallax_pipeline::{Built, Payload, build};
//!
//! let Built::Element(mut element) = build("passthrough")? else { unreachable!() };
//! let out = element.process(Payload::Bytes(vec![1, 2, 3].into()))?;
//! assert!(matches!(out, Some(Payload::Bytes(bytes)) if *bytes == [1, 2, 3]));
//! # Ok::<(), parallax_events::Error>(())
//! ```
#![forbid(unsafe_code)]

mod element;
mod elements;

pub use element::{Build, Built, Element, ElementRow, Payload, Sink, Source, build, element};
pub use elements::ELEMENTS;
