//! Streams of events for Tokio, behind the feature `async`.
//!
//! In go chunks from a recording, a sensor or another task; out comes an [`EventStream`]: a
//! [`futures_core::Stream`] of [`EventChunk`]s in their recorded order, which operators, windows and clocks change
//! one after another.
//!
//! - **Back-pressure.** Every channel is bounded and counted in chunks. Who is faster waits; nothing is dropped.
//! - **Work is not done on an async worker.** A stage that computes (a recording being decoded, an operator) has a
//!   thread of Tokio's blocking pool; what only hands on (windows, clocks, merging) is polled where it is.
//! - **Stopping.** Dropping a stream closes its channel: the stage behind it ends at its next chunk, and so on up to
//!   the source. Dropping the sender ends the stream.
//! - **The answer is that of the same operators without streams**: it depends neither on the channels' sizes nor on
//!   the number of workers.
//! - **Errors come in their place**: the chunks before one are delivered, then the error, then the end.
//! - **Clocks.** A sender may put [`TimeBeacon`]s between the chunks. [`EventStream::on_host_clock`] brings the events
//!   to the host's time with the line through the beacons that came before them, and [`EventStream::sync_status`]
//!   gives drift and jitter. Two streams on one clock are [merged](merge) in the order of time.
//!
//! ```
//! use std::sync::Arc;
//! use parallax_events::{EventBatch, Meta, WindowSpec};
//! use parallax_ops::stream::EventStream;
//! use tokio_stream::StreamExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let meta = Arc::new(Meta::default());
//! let chunk = EventBatch::try_new(vec![1, 2, 3], vec![7; 3], vec![7; 3], vec![1, 0, 1], Arc::clone(&meta))?;
//! let chunks = EventStream::from_chunks(meta, [Ok(chunk)].into_iter(), 4)?;
//! let on_only = chunks.through(parallax_ops::event_op("polarity keep=on")?, 4)?;
//! let mut windows = on_only.windows(WindowSpec::count(2)?)?;
//! assert_eq!(windows.next().await.unwrap()?.to_batch()?.columns().t, [1, 3]);
//! # Ok::<(), parallax_events::Error>(())
//! # }).unwrap();
//! ```

mod channel;
mod clocked;
mod merge;
mod stage;
mod windows;

pub use channel::{EventSender, EventStream};
pub use clocked::Rebased;
pub use merge::{Merge, merge};
pub use windows::Windowed;

// For the links of this page.
#[allow(unused_imports)]
use parallax_events::{EventChunk, TimeBeacon};
