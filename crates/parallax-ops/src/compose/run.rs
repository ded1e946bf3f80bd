//! One stream on its way through a chain.

use std::sync::Arc;

use parallax_events::{
    BatchBuilder, Error, EventBatch, EventBlock, Meta, OpState, Pool, Relay, Report, Result, Tensor,
};

use super::ending::{Each, EndingRun};
use super::quantise::{QuantisationError, Quantiser};
use super::{Compose, Mode};

/// Events that pass at once: their columns and what the operators make of them stay in the second-level cache.
const BLOCK: usize = 16 << 10;

/// With several threads a block is large enough that handing out its parts costs little.
const PARALLEL_BLOCK: usize = 1 << 18;

/// Events that are appended at once on several threads: there is room for them all before it is known how many are kept.
const RELAYED: usize = 4 << 20;

/// One stream on its way through a [`Compose`].
#[derive(Debug)]
pub struct ComposeRun {
    compose: Compose,
    states: Vec<Box<dyn OpState>>,
    /// The facts before each operator, and behind the last.
    metas: Vec<Arc<Meta>>,
    block: EventBlock,
    quantiser: Option<Quantiser>,
    ending: Option<EndingRun>,
    events_in: u64,
    events_out: u64,
}

/// What takes the rest of a stream.
enum To<'a> {
    Events(&'a mut BatchBuilder),
    Tensors(Sink<'a>),
}

/// Takes what leaves the last operator.
type Sink<'a> = &'a mut dyn FnMut(&mut EventBlock, &Meta) -> Result<()>;

impl ComposeRun {
    pub(super) fn new(compose: Compose, meta: &Arc<Meta>) -> Result<Self> {
        let mut metas = vec![Arc::clone(meta)];
        let mut states = Vec::new();
        let mut input = Arc::clone(meta);
        for op in compose.ops.iter() {
            states.push(op.state(&input)?);
            let output = op.output_meta(&input)?;
            if output != *input {
                input = Arc::new(output);
            }
            metas.push(Arc::clone(&input));
        }
        let quantiser = match compose.mode {
            Mode::Exact => None,
            Mode::FixedStep(step) => Some(Quantiser::new(step, meta)?),
        };
        let ending = compose
            .ending
            .as_ref()
            .map(|ending| ending.start(&input))
            .transpose()?;
        let block = EventBlock::default();
        Ok(Self {
            compose,
            states,
            metas,
            block,
            quantiser,
            ending,
            events_in: 0,
            events_out: 0,
        })
    }

    /// The facts of the events that leave.
    pub fn output_meta(&self) -> &Arc<Meta> {
        self.metas.last().unwrap_or(&self.metas[0])
    }

    /// How many events came in, and how many left the last operator from events to events.
    pub fn passed(&self) -> (u64, u64) {
        (self.events_in, self.events_out)
    }

    /// Whether it only holds on to batches until the stream ends: whoever has all events may as well push them at once, which is
    /// what a representation that works on several threads does best with.
    pub fn waits(&self) -> bool {
        let ending = self.ending.as_ref();
        self.states.is_empty() && self.quantiser.is_none() && ending.is_some_and(EndingRun::waits)
    }

    /// What the operators have to say of the stream so far beyond the events that leave, such as how many were dropped for
    /// their number; places are counted in the events that came to the operator.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn report(&mut self) -> Result<Report> {
        let mut report = Report::default();
        for (op, state) in self.compose.ops.iter().zip(&mut self.states) {
            op.report(state.as_mut(), &mut report)?;
        }
        Ok(report)
    }

    /// How far times were moved so far; `None` in the exact mode.
    pub fn quantisation_error(&self) -> Option<QuantisationError> {
        self.quantiser.as_ref().map(Quantiser::error)
    }

    /// Takes the next batch of the stream and appends what follows from it to `out`.
    ///
    /// # Errors
    /// If the chain yields tensors; if the batch is of another stream; if `out` is full; as the operators document.
    pub fn push(&mut self, batch: &EventBatch, pool: Pool<'_>, out: &mut BatchBuilder) -> Result<()> {
        self.require_events()?;
        let (batch, from) = self.narrowed(batch)?;
        self.append(&batch, from, pool, out)
    }

    /// Ends the stream: what was held back is appended to `out`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn end(&mut self, pool: Pool<'_>, out: &mut BatchBuilder) -> Result<()> {
        self.require_events()?;
        self.drain(pool, &mut To::Events(out))
    }

    /// Takes the next batch of the stream and returns what follows from it: without a copy where operators only cut one
    /// run out of it, else in new memory.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn apply(&mut self, batch: &EventBatch, pool: Pool<'_>) -> Result<EventBatch> {
        self.require_events()?;
        let (batch, from) = self.narrowed(batch)?;
        let meta = Arc::clone(self.output_meta());
        if from == self.states.len() && self.quantiser.is_none() {
            self.events_out += batch.len() as u64;
            return batch.with_meta(meta);
        }
        let mut out = BatchBuilder::growing()?;
        self.append(&batch, from, pool, &mut out)?;
        if out.is_empty() {
            return Ok(EventBatch::empty(meta));
        }
        out.finish(&meta)
    }

    /// As [`push`](Self::push), for a chain that ends in a representation: `each` gets the tensors of the windows that are
    /// now complete. Without windows there is one tensor, at the end of the stream.
    ///
    /// # Errors
    /// If the chain yields events; as [`push`](Self::push); what `each` returns.
    pub fn push_tensors(
        &mut self,
        batch: &EventBatch,
        pool: Pool<'_>,
        each: &mut dyn FnMut(Tensor) -> Result<()>,
    ) -> Result<()> {
        self.with_ending(pool, each, |run, sink| run.drive(batch, pool, sink))
    }

    /// Ends the stream: `each` gets the tensors that are left.
    ///
    /// # Errors
    /// As [`push_tensors`](Self::push_tensors).
    pub fn end_tensors(&mut self, pool: Pool<'_>, each: &mut dyn FnMut(Tensor) -> Result<()>) -> Result<()> {
        self.with_ending(pool, each, |run, sink| run.drain(pool, &mut To::Tensors(sink)))?;
        match &mut self.ending {
            Some(ending) => ending.end(pool, each),
            None => Ok(()),
        }
    }

    fn require_events(&self) -> Result<()> {
        if self.ending.is_none() {
            return Ok(());
        }
        Err(Error::param(
            "the chain ends in a representation: it yields tensors, not events",
        ))
    }

    fn with_ending(
        &mut self,
        pool: Pool<'_>,
        each: Each<'_>,
        work: impl FnOnce(&mut Self, Sink<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(mut ending) = self.ending.take() else {
            return Err(Error::param(
                "the chain ends in no representation: it yields events, not tensors",
            ));
        };
        let done = work(self, &mut |block, _| ending.push(block, pool, each));
        self.ending = Some(ending);
        done
    }

    fn drive(&mut self, batch: &EventBatch, pool: Pool<'_>, sink: Sink<'_>) -> Result<()> {
        let (batch, from) = self.narrowed(batch)?;
        self.pass(&batch, from, pool, sink)
    }

    /// What the first operators leave of the batch by cutting one run out of it, and how many did so.
    fn narrowed(&mut self, batch: &EventBatch) -> Result<(EventBatch, usize)> {
        let (found, wanted) = (batch.meta(), &self.metas[0]);
        if (found.time_unit, found.geometry) != (wanted.time_unit, wanted.geometry) {
            return Err(Error::param(
                "a batch of another unit or geometry than the stream began with",
            ));
        }
        self.events_in += batch.len() as u64;
        let (mut batch, mut from) = (batch.clone(), 0);
        if self.quantiser.is_some() {
            return Ok((batch, from));
        }
        for (op, state) in self.compose.ops.iter().zip(&mut self.states) {
            match op.narrow(state.as_mut(), &batch)? {
                Some(range) => batch = batch.slice(range),
                None => break,
            }
            from += 1;
        }
        Ok((batch, from))
    }

    /// The batch through the operators from `from` on, and what is left of it to `out`.
    fn append(
        &mut self,
        batch: &EventBatch,
        from: usize,
        pool: Pool<'_>,
        out: &mut BatchBuilder,
    ) -> Result<()> {
        for start in (0..batch.len()).step_by(RELAYED) {
            let part = batch.slice(start..start.saturating_add(RELAYED));
            match self.stretch(&part, from, pool)? {
                Some(stretch) if out.reserve(part.len()).is_ok() => {
                    let before = out.len();
                    let done = self.relay(&part, from, stretch, pool, out);
                    self.events_out += (out.len() - before) as u64;
                    done?;
                }
                _ => self.pass(&part, from, pool, &mut |block, meta| {
                    block.append_to(out, meta, pool)
                })?,
            }
        }
        Ok(())
    }

    /// How many events go through the operators at once on one thread, if other stretches of the batch may do so at the same time.
    fn stretch(&mut self, batch: &EventBatch, from: usize, pool: Pool<'_>) -> Result<Option<usize>> {
        if pool.threads() == 1 || from == self.states.len() || self.quantiser.is_some() {
            return Ok(None);
        }
        let mut size = BLOCK;
        for (op, state) in self.compose.ops.iter().zip(&mut self.states).skip(from) {
            if batch.len() <= size {
                return Ok(None);
            }
            match op.stretch(state.as_mut(), batch, pool)? {
                Some(least) => size = size.max(least),
                None => return Ok(None),
            }
        }
        Ok((size < batch.len()).then_some(size))
    }

    /// As [`append`](Self::append), each stretch of so many events through all operators on one thread.
    fn relay(
        &mut self,
        batch: &EventBatch,
        from: usize,
        size: usize,
        pool: Pool<'_>,
        out: &mut BatchBuilder,
    ) -> Result<()> {
        let relay = Relay::default();
        let after = self.metas.iter().skip(1);
        let ops = self
            .compose
            .ops
            .iter()
            .zip(&mut self.states)
            .zip(after)
            .skip(from);
        let ops: Vec<_> = ops
            .map(|((op, state), meta)| (op, meta, relay.turns(state)))
            .collect();
        let meta = self.metas.last().unwrap_or(&self.metas[0]);
        relay.run(batch, size, meta, pool, out, |stretch, block| {
            for (op, meta, states) in &ops {
                let forked = states.pass(stretch, |state| -> Result<_> {
                    let fork = op.fork(state.as_mut(), block)?;
                    if fork.is_none() && !block.is_empty() {
                        op.run(state.as_mut(), block, Pool::serial())?;
                    }
                    Ok(fork)
                })?;
                if let Some(mut state) = forked?
                    && !block.is_empty()
                {
                    op.run(state.as_mut(), block, Pool::serial())?;
                }
                block.check(meta, op.params().id())?;
            }
            Ok(())
        })
    }

    /// The batch, block by block, through the operators from `from` on.
    fn pass(&mut self, batch: &EventBatch, from: usize, pool: Pool<'_>, sink: Sink<'_>) -> Result<()> {
        let first = self.compose.ops.get(from).zip(self.states.get_mut(from));
        let is_for_cache = match first {
            Some((op, state)) => !op.holds(state.as_mut())?,
            None => self.quantiser.is_some(),
        };
        let size = if !is_for_cache {
            // No operator is to find them in the cache.
            batch.len().max(1)
        } else if pool.threads() > 1 {
            PARALLEL_BLOCK
        } else {
            BLOCK
        };
        for start in (0..batch.len()).step_by(size) {
            self.block.load(&batch.slice(start..start.saturating_add(size)));
            if let Some(quantiser) = &mut self.quantiser {
                quantiser.run(&mut self.block);
            }
            self.through(from, pool, sink)?;
        }
        Ok(())
    }

    /// The block through the operators from `from` on, and what is left of it to `sink`.
    fn through(&mut self, from: usize, pool: Pool<'_>, sink: Sink<'_>) -> Result<()> {
        let Self {
            compose,
            states,
            metas,
            block,
            ..
        } = self;
        let after = metas.iter().skip(1);
        for ((op, state), meta) in compose.ops.iter().zip(states).zip(after).skip(from) {
            if block.is_empty() {
                return Ok(());
            }
            op.run(state.as_mut(), block, pool)?;
            block.check(meta, op.params().id())?;
        }
        if block.is_empty() {
            return Ok(());
        }
        self.events_out += block.kept() as u64;
        match metas.last() {
            Some(meta) => sink(block, meta),
            None => Ok(()),
        }
    }

    /// What each operator held back, through it once more or through those behind it.
    fn drain(&mut self, pool: Pool<'_>, to: &mut To<'_>) -> Result<()> {
        // Times that were quantised are not again.
        let quantiser = self.quantiser.take();
        let done = (0..self.states.len()).try_for_each(|index| self.drain_one(index, pool, to));
        self.quantiser = quantiser;
        done
    }

    fn drain_one(&mut self, index: usize, pool: Pool<'_>, to: &mut To<'_>) -> Result<()> {
        while let Some((op, state)) = self.compose.ops.get(index).zip(self.states.get_mut(index)) {
            if let Some(batch) = op.again(state.as_mut(), pool)? {
                match to {
                    To::Events(out) => self.append(&batch, index, pool, out)?,
                    To::Tensors(sink) => self.pass(&batch, index, pool, sink)?,
                }
                continue;
            }
            self.block.clear();
            op.finish(state.as_mut(), &mut self.block, pool)?;
            if self.block.is_empty() {
                break;
            }
            if let Some(meta) = self.metas.get(index + 1) {
                self.block.check(meta, op.params().id())?;
            }
            match to {
                To::Events(out) => self.through(index + 1, pool, &mut |block, meta| {
                    block.append_to(out, meta, pool)
                })?,
                To::Tensors(sink) => self.through(index + 1, pool, sink)?,
            }
        }
        Ok(())
    }
}
