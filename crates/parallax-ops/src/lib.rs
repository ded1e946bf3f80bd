//! Floor 2 of Parallax: filters, denoisers, augmentations and representations behind one registry.
//!
//! An operator is one file with one static row ([`Operator`]) and one line in the list of its folder. The
//! pipeline string, the command and the docs read the row's declaration; the laws run over every row. A chain of operators
//! is a [`Compose`]; one operator alone works as below.
//!
//! ```
//! use std::sync::Arc;
//! use parallax_events::{Event, EventBatch, Meta};
//!
//! let on_only = parallax_ops::event_op("polarity keep=on")?;
//! let meta = Arc::new(Meta::with_geometry(4, 4)?);
//! let batch = EventBatch::from_events(&[Event::new(1, 0, 0, 1), Event::new(2, 0, 0, 0)], meta)?;
//! let mut state = on_only.state(batch.meta())?;
//! assert_eq!(on_only.apply(state.as_mut(), &batch)?.columns().t, [1]);
//! # Ok::<(), parallax_events::Error>(())
//! ```
#![forbid(unsafe_code)]

mod cells;
mod coarse;
mod compose;
mod counted;
mod displacement;
mod fixed;
mod grid;
mod held;
mod mirror;
mod neighbours;
mod operator;
pub mod picture;
mod represent;
mod saved;
#[cfg(feature = "async")]
pub mod stream;
mod tensors;
mod times;
mod transform;

pub use compose::{Compose, ComposeRun, Mode, QuantisationError};
pub use operator::{Build, OPERATORS, Operator, event_op, operator, represent};
pub use tensors::{EachTensor, Tensors, tensor_of};
