//! Events to a tensor: [`Represent`], and the time that a tensor stands for, [`Span`].
//!
//! In go the batches of one window after another, out comes a tensor for each: lent, in memory that the next window
//! uses again ([`Represent::view`]), or given away ([`Represent::tensor`]).
//!
//! The contract: what comes out depends on the events and on the spans alone, not on how the events are cut into
//! batches, on the threads or on the SIMD level.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{
    DvsColumns, EventBatch, Meta, OpState, Params, Pool, Result, Tensor, TensorView, Window, WindowSpec,
};

/// The time that one tensor stands for: where its bins lie, and from when its events have faded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Span {
    /// Known before the events come: `start <= t < end`, in the stream's unit. Events outside are not counted.
    Time {
        /// The first time inside.
        start: i64,
        /// The first time after it.
        end: i64,
    },
    /// From the earliest event to the latest, both inside. That is known when all have come: one whole batch, a
    /// window of so many events, a stream up to its end. An operator that needs to know it beforehand holds on to
    /// the batches until the tensor is asked for.
    #[default]
    Events,
}

impl From<&Window> for Span {
    fn from(window: &Window) -> Self {
        match &window.time {
            Some(time) => Self::Time {
                start: time.start,
                end: time.end,
            },
            None => Self::Events,
        }
    }
}

/// Events to a tensor.
///
/// The calls for one stream are `state`, then for each window `accumulate` (or `accumulate_batch`) as often as there are batches, one of `view`
/// and `tensor`, and `restart` with the span of the next window. [`OpState::reset`] forgets the whole stream and
/// leaves the state as `state` made it.
pub trait Represent: Send + Sync + Debug {
    /// The checked parameters; their id is the operator's.
    fn params(&self) -> &Params;

    /// The windows that the parameters ask for, each of which becomes a tensor; `None` if the whole stream becomes
    /// one. Whoever drives the operator cuts the stream so, or as the user asked for otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the windows cannot be counted in the stream's unit.
    fn windows(&self, meta: &Meta) -> Result<Option<WindowSpec>> {
        let _ = meta;
        Ok(None)
    }

    /// Whether each window goes on from the one before it and adds to it, so that an event in two windows would count twice:
    /// then windows may not overlap.
    fn counts_on(&self) -> bool {
        false
    }

    /// Whether the events of a window with such a span are held until all of it is known: whoever has them all may as well hand
    /// them over at once.
    fn waits(&self, _span: Span) -> bool {
        false
    }

    /// A fresh state for one stream, whose first window is `span`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the stream lacks what the operator needs, such as a geometry;
    /// [`ErrorKind::Limit`](crate::ErrorKind) if the tensor would be too large.
    fn state(&self, meta: &Meta, span: Span) -> Result<Box<dyn OpState>>;

    /// Takes in the next events of the window, in the order of the stream. They are borrowed columns, so that a chain
    /// hands on what it holds in its own memory; x and y lie inside the stream's geometry, p is 0 or 1.
    ///
    /// # Errors
    /// If the state is another operator's, or as the operator documents.
    fn accumulate(&self, state: &mut dyn OpState, events: DvsColumns<'_>, pool: Pool<'_>) -> Result<()>;

    /// Takes in the next batch of the window. The same as [`accumulate`](Self::accumulate) with its columns, but its
    /// order is known, and an operator that holds on to events shares their memory instead of copying them.
    ///
    /// # Errors
    /// As [`accumulate`](Self::accumulate); [`ErrorKind::Param`](crate::ErrorKind) if the batch has another sensor size
    /// than the stream.
    fn accumulate_batch(&self, state: &mut dyn OpState, batch: &EventBatch, pool: Pool<'_>) -> Result<()> {
        self.accumulate(state, batch.columns(), pool)
    }

    /// The tensor of all that was taken in since the window began, lent from the state's memory.
    ///
    /// # Errors
    /// As [`accumulate`](Self::accumulate).
    fn view<'s>(&self, state: &'s mut dyn OpState, pool: Pool<'_>) -> Result<TensorView<'s>>;

    /// Begins the next window in the same memory. What the operator remembers of the stream beyond one window, such
    /// as when each pixel last fired, it keeps.
    ///
    /// # Errors
    /// If the state is another operator's.
    fn restart(&self, state: &mut dyn OpState, span: Span) -> Result<()>;

    /// The tensor of all that was taken in since the window began, for the caller to keep. Only
    /// [`restart`](Self::restart) or [`OpState::reset`] may follow.
    ///
    /// # Errors
    /// As [`accumulate`](Self::accumulate).
    fn tensor(&self, state: &mut dyn OpState, meta: &Meta, pool: Pool<'_>) -> Result<Tensor> {
        self.view(state, pool)?.to_tensor(Arc::new(meta.clone()))
    }
}
