//! Event-camera data from sensor to tensor, table and network without a copy.
//!
//! This crate is all that a user of the library needs: it re-exports the floors below it.
//!
//! ```no_run
//! use parallax::{EventReader, ReadOptions};
//!
//! let mut reader = EventReader::open("recording.raw", &ReadOptions::default())?;
//! println!("{:?}", reader.meta().geometry);
//! while let Some(events) = reader.next_columns()? {
//!     println!("{} events from t = {}", events.len(), events.t[0]);
//! }
//! # Ok::<(), parallax::Error>(())
//! ```
#![forbid(unsafe_code)]

pub use parallax_elements as elements;
pub use parallax_events as events;
pub use parallax_formats as formats;
pub use parallax_memory as memory;
pub use parallax_ops as ops;
pub use parallax_pipeline as pipeline;
pub use parallax_simd as simd;

pub use parallax_events::{
    BatchBuilder, DvsColumns, Error, ErrorKind, Event, EventBatch, EventOp, Geometry, Limits, Meta, Micros,
    Millis, Nanos, Order, OrderPolicy, Report, Represent, Result, Span, Tensor, TensorView, TimeLiteral,
    TimeRange, TimeUnit,
};
pub use parallax_formats::{EventReader, OutputFile, PushReader, ReadOptions, WriteOptions};
