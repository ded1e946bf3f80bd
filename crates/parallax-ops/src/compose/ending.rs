//! The representation at the end of a chain, and the windows that it stands for.

use std::fmt;
use std::sync::Arc;

use parallax_events::{
    EventBlock, Meta, OpState, Pool, Represent, Result, Span, Tensor, WindowCursor, WindowSlices,
};

/// The end of a chain.
#[derive(Debug)]
pub(super) struct Ending {
    represent: Box<dyn Represent>,
}

impl Ending {
    pub(super) fn new(represent: Box<dyn Represent>) -> Self {
        Self { represent }
    }

    pub(super) fn start(self: &Arc<Self>, meta: &Arc<Meta>) -> Result<EndingRun> {
        let windows = self.represent.windows(meta)?;
        Ok(EndingRun {
            state: self.represent.state(meta, Span::Events)?,
            cursor: windows.map(|spec| WindowCursor::new(spec, meta)).transpose()?,
            meta: Arc::clone(meta),
            ending: Arc::clone(self),
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.represent.params())
    }
}

/// What takes the tensors.
pub(super) type Each<'a> = &'a mut dyn FnMut(Tensor) -> Result<()>;

/// One stream at the end of a chain.
#[derive(Debug)]
pub(super) struct EndingRun {
    ending: Arc<Ending>,
    state: Box<dyn OpState>,
    cursor: Option<WindowCursor>,
    meta: Arc<Meta>,
}

impl EndingRun {
    /// Whether all events are held until the stream ends.
    pub(super) fn waits(&self) -> bool {
        self.cursor.is_none() && self.ending.represent.waits(Span::Events)
    }

    pub(super) fn push(&mut self, block: &mut EventBlock, pool: Pool<'_>, each: Each<'_>) -> Result<()> {
        let Self {
            ending,
            state,
            cursor,
            meta,
        } = self;
        let represent = &ending.represent;
        let Some(cursor) = cursor else {
            // Who has to wait with the events holds on to those of a batch, and would copy others.
            return if block.is_shared() {
                represent.accumulate_batch(state.as_mut(), &block.to_batch(meta)?, pool)
            } else {
                represent.accumulate(state.as_mut(), block.packed(), pool)
            };
        };
        for window in cursor.push(&block.to_batch(meta)?)? {
            each(ending.tensor(state.as_mut(), &window, meta, pool)?)?;
        }
        Ok(())
    }

    pub(super) fn end(&mut self, pool: Pool<'_>, each: Each<'_>) -> Result<()> {
        let Self {
            ending,
            state,
            cursor,
            meta,
        } = self;
        let Some(cursor) = cursor else {
            return each(ending.represent.tensor(state.as_mut(), meta, pool)?);
        };
        for window in cursor.finish() {
            each(ending.tensor(state.as_mut(), &window, meta, pool)?)?;
        }
        Ok(())
    }
}

impl Ending {
    fn tensor(
        &self,
        state: &mut dyn OpState,
        window: &WindowSlices,
        meta: &Meta,
        pool: Pool<'_>,
    ) -> Result<Tensor> {
        self.represent.restart(state, Span::from(&window.window))?;
        for slice in &window.slices {
            self.represent.accumulate_batch(state, slice, pool)?;
        }
        self.represent.tensor(state, meta, pool)
    }
}
