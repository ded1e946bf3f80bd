//! Floor 3 of Parallax: the pipeline engine.
//!
//! In go elements ([`Source`], [`Element`], [`Sink`]) and links, from a program ([`Pipeline::add`], [`Pipeline::link`]), a
//! text ([`Pipeline::parse`]) or a typed chain ([`TypedPipeline`]); out comes a running graph. One engine runs all three.
//!
//! - Elements between two queues call each other directly, on one thread: no lock, no copy, no allocation, no system
//!   call. A `queue` is the border between two threads.
//! - A [`Packet`] is a reference and some facts. A tee shares it; nothing is copied.
//! - Back-pressure is the default: a full queue holds its sender. Leaking is said explicitly.
//! - An error or a panic in an element stops the pipeline and is laid at that element's door on the [`Bus`].
//!
//! - An element with several inputs ([`Aggregator`]) has a thread of its own. Packets wait for it pad by pad.
//!
//! Surprises: live changes of the graph and links between processes have their place and are not here yet.
#![forbid(unsafe_code)]

#[cfg(feature = "async")]
mod asynchronous;
mod bus;
mod caps;
mod caps_filter;
mod element;
#[cfg(feature = "metrics")]
mod metered;
mod packet;
mod pipeline;
mod ports;
mod queue;
mod row;
mod run;
mod text;
mod typed;

#[cfg(feature = "async")]
pub use asynchronous::{AsyncSink, AsyncSource, SinkTask, SourceTask};
pub use bus::{Bus, Message};
pub use caps::{Caps, Field, Media, Structure};
pub use caps_filter::{CAPS_FILTER, CapsFilter};
pub use element::{Aggregator, Built, Element, Position, Produced, Sink, Source};
pub use packet::{Packet, Payload};
pub use pipeline::{
    Controller, ElementId, ElementStats, Latency, LinkStats, MAX_ELEMENTS, Pipeline, PipelineConfig, State,
    Stats,
};
pub use ports::Ports;
pub use queue::{Leaky, QueueConfig};
pub use row::{Build, ElementRow, Registry};
pub use run::{Collector, Context, Out};
pub use typed::{Tee, Then, TypedChain, TypedElement, TypedPipeline, TypedRun, TypedSink, TypedSource};
