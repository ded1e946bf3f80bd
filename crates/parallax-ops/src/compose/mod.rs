//! A chain of operators, run as one: `region x=0 y=0 w=640 h=480 ! refractory period=1ms ! frame window=50ms`.
//!
//! In goes a parsed chain, then a stream of batches; out come events, or one tensor a window. [`Compose`] is immutable and
//! cheap to clone; a [`ComposeRun`] is one stream on its way through.
//!
//! - A batch passes in blocks that stay in the cache. Operators that only drop events narrow one mask, block by block, and
//!   nothing is copied before the end of the chain or the first operator that changes values. A block that lost all its
//!   events goes no further.
//! - Leading operators that keep one run of a batch, such as `time` on ordered events, cut it out without a copy.
//! - In the steady state nothing is allocated: blocks are used again. Batches that leave, windows and tensors are new
//!   memory, since the caller may keep them.
//! - The answer depends neither on how the stream is cut into batches nor on the pool.

mod ending;
mod link;
mod mode;
mod quantise;
mod run;

use std::fmt;
use std::sync::Arc;

use ending::Ending;
pub use mode::Mode;
use parallax_events::{Chain, Error, EventOp, Meta, Result};
pub use quantise::QuantisationError;
pub use run::ComposeRun;

/// A chain of operators that were checked, ready for any number of streams.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{BatchBuilder, Event, EventBatch, Meta, Pool};
/// use parallax_ops::Compose;
///
/// let meta = Arc::new(Meta::with_geometry(8, 8)?);
/// let events = [Event::new(0, 1, 1, 1), Event::new(10, 1, 1, 1), Event::new(20, 7, 1, 1)];
/// let batch = EventBatch::from_events(&events, Arc::clone(&meta))?;
///
/// let chain = Compose::parse("region x=0 y=0 w=4 h=4 ! refractory period=1ms")?;
/// let mut run = chain.start(&meta)?;
/// let mut out = BatchBuilder::growing()?;
/// run.push(&batch, Pool::serial(), &mut out)?;
/// run.end(Pool::serial(), &mut out)?;
/// assert_eq!(out.columns().t, [0]);
///
/// let mut counts = Vec::new();
/// let mut run = Compose::parse("polarity keep=on ! frame")?.start(&meta)?;
/// run.push_tensors(&batch, Pool::serial(), &mut |tensor| { counts.push(tensor); Ok(()) })?;
/// run.end_tensors(Pool::serial(), &mut |tensor| { counts.push(tensor); Ok(()) })?;
/// assert_eq!(counts[0].shape(), [2, 8, 8]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Compose {
    ops: Arc<[Box<dyn EventOp>]>,
    ending: Option<Arc<Ending>>,
    mode: Mode,
}

impl Compose {
    /// The chain that `text` says: operators from events to events, then at most one representation.
    ///
    /// # Errors
    /// Unknown ids and wrong parameters point at the character; a representation before the end is refused.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_chain(&Chain::parse(text)?)
    }

    /// The operators of a parsed chain.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_chain(chain: &Chain) -> Result<Self> {
        link::built(chain)
    }

    /// These operators, one after another.
    pub fn of(ops: Vec<Box<dyn EventOp>>) -> Self {
        Self {
            ops: ops.into(),
            ending: None,
            mode: Mode::Exact,
        }
    }

    /// The same chain with time treated as `mode` says.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if the step is not positive.
    pub fn with_mode(mut self, mode: Mode) -> Result<Self> {
        if let Mode::FixedStep(step) = mode
            && step.0 <= 0
        {
            return Err(Error::param(format!("the fixed step cannot be `{step}`"))
                .with_context("allowed", "at least 1ns"));
        }
        self.mode = mode;
        Ok(self)
    }

    /// How time is treated.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it ends in a representation: it yields tensors, not events.
    pub fn yields_tensors(&self) -> bool {
        self.ending.is_some()
    }

    /// The operators from events to events, in their order.
    pub fn ops(&self) -> impl ExactSizeIterator<Item = &dyn EventOp> {
        self.ops.iter().map(AsRef::as_ref)
    }

    /// The facts of the events that leave the last of these operators.
    ///
    /// # Errors
    /// If an operator cannot work on such a stream.
    pub fn output_meta(&self, input: &Meta) -> Result<Meta> {
        self.ops
            .iter()
            .try_fold(input.clone(), |meta, op| op.output_meta(&meta))
    }

    /// Begins a stream with these facts.
    ///
    /// # Errors
    /// If an operator cannot work on such a stream.
    pub fn start(&self, meta: &Arc<Meta>) -> Result<ComposeRun> {
        ComposeRun::new(self.clone(), meta)
    }
}

/// As the grammar writes it, every default spelled out.
impl fmt::Display for Compose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ops = self.ops.iter().map(|op| op.params().to_string());
        let ending = self.ending.iter().map(|ending| ending.to_string());
        let links: Vec<String> = ops.chain(ending).collect();
        f.write_str(&links.join(" ! "))
    }
}
