//! The representation at the end of a chain, and the windows that it stands for.

use std::fmt;
use std::sync::Arc;

use parallax_events::{
    BatchBuilder, EventBlock, Meta, OpState, Pool, Represent, Result, Span, Tensor, WindowCursor,
    WindowSlices,
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
            gathered: None,
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
    /// What operators left of blocks, for who waits for the end: few large batches instead of many small ones.
    gathered: Option<BatchBuilder>,
    meta: Arc<Meta>,
}

/// So many events at most are gathered into one batch.
const GATHERED: usize = 1 << 26;

impl EndingRun {
    /// Whether all events are held until the stream ends.
    pub(super) fn waits(&self) -> bool {
        self.cursor.is_none() && self.ending.represent.waits(Span::Events)
    }

    pub(super) fn push(&mut self, block: &mut EventBlock, pool: Pool<'_>, each: Each<'_>) -> Result<()> {
        let waits = self.waits();
        let Self {
            ending,
            state,
            cursor,
            gathered,
            meta,
        } = self;
        let represent = &ending.represent;
        if let Some(cursor) = cursor {
            for window in cursor.push(&block.to_batch(meta)?)? {
                each(ending.tensor(state.as_mut(), &window, meta, pool)?)?;
            }
            return Ok(());
        }
        if !waits {
            return represent.accumulate(state.as_mut(), block.packed(), pool);
        }
        if block.is_shared() && gathered.is_none() {
            return represent.accumulate_batch(state.as_mut(), &block.to_batch(meta)?, pool);
        }
        let room = match gathered {
            Some(room) => room,
            none => none.insert(BatchBuilder::growing()?),
        };
        block.append_to(room, meta, pool)?;
        if room.len() >= GATHERED {
            return self.hand_over(pool);
        }
        Ok(())
    }

    fn hand_over(&mut self, pool: Pool<'_>) -> Result<()> {
        let Some(mut gathered) = self.gathered.take() else {
            return Ok(());
        };
        let batch = gathered.finish(&self.meta)?;
        self.ending
            .represent
            .accumulate_batch(self.state.as_mut(), &batch, pool)
    }

    pub(super) fn end(&mut self, pool: Pool<'_>, each: Each<'_>) -> Result<()> {
        self.hand_over(pool)?;
        let Self {
            ending,
            state,
            cursor,
            meta,
            ..
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
