//! What an operator is: events to events ([`EventOp`]) here, or events to a tensor ([`Represent`](crate::Represent)).
//!
//! The operator itself is immutable: its checked parameters. What it remembers between batches is a value of
//! its own, an [`OpState`], which can be reset, saved and restored; so one operator serves many streams at
//! once. The law every operator keeps: the output for a stream does not depend on how the stream is cut into
//! batches, on the number of threads or on the SIMD level.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use crate::{Error, EventBatch, EventBlock, Meta, Params, Pool, Report, Result};

/// What an operator remembers from one batch to the next.
pub trait OpState: Any + Send + Debug {
    /// Forgets the stream so far.
    fn reset(&mut self);
    /// The state as bytes, which [`restore`](Self::restore) of the same operator reads.
    fn save(&self) -> Vec<u8>;
    /// Takes on the state that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind) if the bytes are not a state of this operator.
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// For the operator, to get its own state back.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// The state of an operator that remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stateless;

impl OpState for Stateless {
    fn reset(&mut self) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            Ok(())
        } else {
            Err(Error::malformed("a saved state for an operator that has none"))
        }
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The state as the operator's own type.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind) if the state is that of another operator.
pub fn state_as<S: OpState>(state: &mut dyn OpState) -> Result<&mut S> {
    state
        .as_any_mut()
        .downcast_mut::<S>()
        .ok_or_else(|| Error::internal("the state is that of another operator"))
}

/// Events to events.
pub trait EventOp: Send + Sync + Debug {
    /// The checked parameters; their id is the operator's.
    fn params(&self) -> &Params;

    /// The facts of the output stream. An operator that needs a geometry and gets none says so here.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the operator cannot work on such a stream.
    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        Ok(input.clone())
    }

    /// A fresh state for one stream.
    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>>;

    /// Makes of the next stretch of the input what follows from it of the output, in place. Work may be split over the
    /// threads of `pool`, if the answer is the same.
    ///
    /// # Errors
    /// If the state is another operator's, or as the operator documents.
    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()>;

    /// Where stretches of `batch`, which comes next, may go through at once on the threads of `pool`: how many events each should
    /// have at least to be worth it. Then [`fork`](Self::fork) is asked for each stretch, until the batch is through, and before
    /// there are more of them under way than the pool has threads. `None` if the operator is to be given the stream in order.
    ///
    /// # Errors
    /// If the state is another operator's, or there is no memory for more of them.
    fn stretch(&self, state: &mut dyn OpState, batch: &EventBatch, pool: Pool<'_>) -> Result<Option<usize>> {
        let _ = (batch, pool);
        let fork = self.fork(state, &EventBlock::default())?;
        Ok(fork.map(|_| 1))
    }

    /// The state for the events of `block` alone, before they are worked on; `state` is then behind them. Most operators can
    /// tell where what comes of an event hangs on nothing but itself and how many came before, some also where it hangs on
    /// what came shortly before. `None` if these events have to be worked on with `state` itself, once those before are.
    ///
    /// # Errors
    /// If the state is another operator's.
    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let _ = (state, block);
        Ok(None)
    }

    /// Where the events that are kept of `batch` are one run that is found without looking at every event: that run.
    /// Then it is cut out without a copy, and [`run`](Self::run) is not called for this batch.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn narrow(&self, state: &mut dyn OpState, batch: &EventBatch) -> Result<Option<Range<usize>>> {
        let _ = (state, batch);
        Ok(None)
    }

    /// Whether it only counts and holds on to what comes, until the stream ends: then it may as well come at once.
    ///
    /// # Errors
    /// If the state is another operator's.
    fn holds(&self, state: &mut dyn OpState) -> Result<bool> {
        let _ = state;
        Ok(false)
    }

    /// After the end of the stream, the next batch of those that were held back until all of it was known. It is of the input, and
    /// goes through [`run`](Self::run) or a [`fork`](Self::fork) once more, which now lets events go. Called until there is
    /// none, before [`finish`](Self::finish); most operators hold nothing, or know better what to do with it. What has to be
    /// found out before may be found on the threads of `pool`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn again(&self, state: &mut dyn OpState, pool: Pool<'_>) -> Result<Option<EventBatch>> {
        let _ = (state, pool);
        Ok(None)
    }

    /// What is still held back when the stream ends, put into a block that is empty before. Called until the block stays
    /// empty; most operators hold nothing. Work may be split over the threads of `pool`, if the answer is the same.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let _ = (state, block, pool);
        Ok(())
    }

    /// What a person should know of the stream so far beyond the events that come out, such as how many were dropped for
    /// their number. It depends on the events alone, not on how they came in batches, is part of the saved state, and is
    /// clean after a reset; asking changes nothing.
    ///
    /// # Errors
    /// If the state is another operator's.
    fn report(&self, state: &mut dyn OpState, report: &mut Report) -> Result<()> {
        let _ = (state, report);
        Ok(())
    }

    /// The events of the output that follow from the next batch of the input: for one operator alone, on the calling
    /// thread.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn apply(&self, state: &mut dyn OpState, batch: &EventBatch) -> Result<EventBatch> {
        let meta = Arc::new(self.output_meta(batch.meta())?);
        if let Some(range) = self.narrow(state, batch)? {
            return batch.slice(range).with_meta(meta);
        }
        let mut block = EventBlock::default();
        block.load(batch);
        self.run(state, &mut block, Pool::serial())?;
        block.check(&meta, self.params().id())?;
        block.to_batch(&meta)
    }

    /// The events that were still held back; `meta` is that of the input.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn end(&self, state: &mut dyn OpState, meta: &Meta) -> Result<EventBatch> {
        let meta = Arc::new(self.output_meta(meta)?);
        let (mut block, mut parts) = (EventBlock::default(), vec![EventBatch::empty(Arc::clone(&meta))]);
        while let Some(batch) = self.again(state, Pool::serial())? {
            parts.push(self.apply(state, &batch)?);
        }
        loop {
            block.clear();
            self.finish(state, &mut block, Pool::serial())?;
            if block.is_empty() {
                return EventBatch::concat(&parts);
            }
            block.check(&meta, self.params().id())?;
            parts.push(block.to_batch(&meta)?);
        }
    }
}
