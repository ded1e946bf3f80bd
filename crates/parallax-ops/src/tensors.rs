//! A stream of batches in, tensors out, window by window: [`Tensors`].
//!
//! Each tensor is lent to a call-back from one memory that the next window uses again, so that a long recording in
//! short windows takes no more memory than one tensor and the events of one window.

use std::sync::Arc;

use parallax_events::{
    EventBatch, Meta, OpState, Pool, Represent, Result, Span, Tensor, TensorView, WindowCursor, WindowSlices,
    WindowSpec,
};

use crate::represent::check_overlap;

/// Who gets the tensors: which window it is, and its tensor.
pub type EachTensor<'a> = dyn FnMut(u64, TensorView<'_>) -> Result<()> + 'a;

/// The tensors of a stream.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, Pool};
/// use parallax_ops::Tensors;
///
/// let meta = Arc::new(Meta::with_geometry(2, 1)?);
/// let batch = EventBatch::try_new(vec![0, 5, 1000], vec![1, 1, 0], vec![0; 3], vec![1; 3], Arc::clone(&meta))?;
/// let frame = parallax_ops::represent("frame window=1ms polarity=sum incomplete=true")?;
/// let mut tensors = Tensors::new(frame, &meta)?;
/// let mut frames = Vec::new();
/// let mut keep = |_: u64, frame: parallax_events::TensorView<'_>| {
///     frames.push(frame.as_slice::<i32>()?.to_vec());
///     Ok(())
/// };
/// tensors.push(&batch, Pool::serial(), &mut keep)?;
/// tensors.finish(Pool::serial(), &mut keep)?;
/// assert_eq!(frames, [[0, 2], [1, 0]]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct Tensors {
    op: Box<dyn Represent>,
    state: Box<dyn OpState>,
    cursor: Option<WindowCursor>,
}

impl Tensors {
    /// Windows as the operator's parameters ask for; without, the whole stream is one.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if the stream lacks what the operator needs, or the windows
    /// cannot be counted in its unit.
    pub fn new(op: Box<dyn Represent>, meta: &Arc<Meta>) -> Result<Self> {
        let windows = op.windows(meta)?;
        Self::with_windows(op, windows, meta)
    }

    /// These windows, whatever the operator's parameters say; `None` makes the whole stream one.
    ///
    /// # Errors
    /// As [`new`](Self::new); if the windows overlap and the operator goes on counting from one to the next
    /// ([`Represent::counts_on`]).
    pub fn with_windows(
        op: Box<dyn Represent>,
        windows: Option<WindowSpec>,
        meta: &Arc<Meta>,
    ) -> Result<Self> {
        check_overlap(op.params(), op.counts_on(), windows.as_ref())?;
        let cursor = windows.map(|spec| WindowCursor::new(spec, meta)).transpose()?;
        let state = op.state(meta, Span::Events)?;
        Ok(Self { op, state, cursor })
    }

    /// The operator.
    pub fn op(&self) -> &dyn Represent {
        self.op.as_ref()
    }

    /// Takes in the next batch of the stream and hands out the tensors of the windows that it completes.
    ///
    /// # Errors
    /// As [`WindowCursor::push`] and [`Represent::accumulate`], and whatever `each` returns, which ends the call.
    pub fn push(&mut self, batch: &EventBatch, pool: Pool<'_>, each: &mut EachTensor<'_>) -> Result<()> {
        let Self { op, state, cursor } = self;
        match cursor {
            None => op.accumulate_batch(state.as_mut(), batch, pool),
            Some(cursor) => cursor
                .push(batch)?
                .try_for_each(|window| one_window(op.as_ref(), state.as_mut(), &window, pool, each)),
        }
    }

    /// Ends the stream and hands out the tensors that are left; without windows, the only one.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self, pool: Pool<'_>, each: &mut EachTensor<'_>) -> Result<()> {
        let Self { op, state, cursor } = self;
        match cursor {
            None => each(0, op.view(state.as_mut(), pool)?),
            Some(cursor) => cursor
                .finish()
                .try_for_each(|window| one_window(op.as_ref(), state.as_mut(), &window, pool, each)),
        }
    }
}

fn one_window(
    op: &dyn Represent,
    state: &mut dyn OpState,
    window: &WindowSlices,
    pool: Pool<'_>,
    each: &mut EachTensor<'_>,
) -> Result<()> {
    op.restart(state, Span::from(&window.window))?;
    for batch in &window.slices {
        op.accumulate_batch(state, batch, pool)?;
    }
    each(window.window.index, op.view(state, pool)?)
}

/// The one tensor of a whole batch: its span is that of its events.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Event, EventBatch, Meta, Pool};
///
/// let batch = EventBatch::from_events(&[Event::new(5, 1, 0, 1)], Arc::new(Meta::with_geometry(2, 1)?))?;
/// let frame = parallax_ops::represent("frame polarity=signed")?;
/// let tensor = parallax_ops::tensor_of(frame.as_ref(), &batch, Pool::serial())?;
/// assert_eq!(tensor.as_slice::<i32>()?, [0, 1]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// As [`Represent::state`] and [`Represent::accumulate`].
pub fn tensor_of(op: &dyn Represent, batch: &EventBatch, pool: Pool<'_>) -> Result<Tensor> {
    let mut state = op.state(batch.meta(), Span::Events)?;
    op.accumulate_batch(state.as_mut(), batch, pool)?;
    op.tensor(state.as_mut(), batch.meta(), pool)
}
