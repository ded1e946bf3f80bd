//! An operator as the laws see it, and what it makes of a stream.

use std::sync::Arc;

use parallax_events::{
    Chain, Error, ErrorKind, Event, EventBatch, EventBlock, EventOp, Meta, OpState, ParamKind, ParamSpec,
    Pool, Represent, Result, Span, Tensor,
};
use parallax_ops::{Build, Operator};

use crate::laws::{Broken, Subject, same_events, sound};

/// An operator of either kind.
#[derive(Debug)]
pub enum Op {
    /// Events to events.
    Events(Box<dyn EventOp>),
    /// Events to a tensor.
    Tensor(Box<dyn Represent>),
}

/// An operator with certain parameters.
#[derive(Debug)]
pub struct Variant {
    /// Id and parameters, as the grammar writes them.
    pub text: String,
    /// The operator.
    pub op: Op,
}

/// One row of the registry, in all its variants.
#[derive(Debug)]
pub struct OperatorRow {
    /// The row's id.
    pub id: String,
    /// The row, where there is one; a test that must see a law fail has none.
    pub row: Option<&'static Operator>,
    /// The first is the one with the defaults, or an error if even that could not be made.
    pub variants: Result<Vec<Variant>, Broken>,
}

impl Subject for OperatorRow {
    const KIND: &'static str = "operator";

    fn id(&self) -> &str {
        &self.id
    }
}

impl OperatorRow {
    /// The row as it is.
    pub fn new(row: &'static Operator) -> Self {
        Self {
            id: row.id().to_owned(),
            row: Some(row),
            variants: variants(row),
        }
    }

    /// An operator that is in no registry.
    pub fn outside(id: &str, op: Op) -> Self {
        Self {
            id: id.to_owned(),
            row: None,
            variants: Ok(vec![Variant {
                text: id.to_owned(),
                op,
            }]),
        }
    }

    /// Every row.
    pub fn all(rows: &[&'static Operator]) -> Vec<Self> {
        rows.iter().map(|row| Self::new(row)).collect()
    }

    /// Holds a law over every variant.
    pub(super) fn each(&self, check: impl Fn(&Variant) -> Result<(), Broken>) -> Result<(), Broken> {
        let variants = self.variants.as_ref().map_err(Clone::clone)?;
        variants.iter().try_for_each(|variant| {
            check(variant).map_err(|broken| Broken(format!("`{}`: {broken}", variant.text)))
        })
    }
}

/// The defaults, then every word of every choice and both sides of every switch, one at a time.
fn variants(row: &'static Operator) -> Result<Vec<Variant>, Broken> {
    let specs = row.declaration.params();
    let mut required = row.id().to_owned();
    for spec in specs.iter().filter(|spec| spec.is_required()) {
        required.push_str(&format!(" {}={}", spec.name(), some_value(spec)));
    }
    let mut texts = vec![required.clone()];
    for spec in specs {
        let words: &[&str] = match spec.kind() {
            ParamKind::Choice(words) => words,
            ParamKind::Bool => &["true", "false"],
            _ => &[],
        };
        if !spec.is_required() {
            texts.extend(
                words
                    .iter()
                    .map(|word| format!("{required} {}={word}", spec.name())),
            );
        }
    }
    let mut variants = Vec::new();
    for text in texts {
        match made(row, &text) {
            Ok(op) => variants.push(Variant { text, op }),
            // A choice may need another parameter beside it; the defaults must do.
            Err(error) if variants.is_empty() => {
                return Err(Broken(format!("`{text}` cannot be made: {error:?}")));
            }
            Err(_) => {}
        }
    }
    Ok(variants)
}

fn some_value(spec: &ParamSpec) -> String {
    if let Some(least) = spec.min_value() {
        return least.to_string();
    }
    match spec.kind() {
        ParamKind::Bool => "true",
        ParamKind::Time => "1ms",
        ParamKind::Rate => "1Hz",
        ParamKind::Size => "4096",
        ParamKind::Choice(words) => words.first().copied().unwrap_or("none"),
        _ => "1",
    }
    .to_owned()
}

fn made(row: &'static Operator, text: &str) -> Result<Op> {
    let chain = Chain::parse(text)?;
    let link = chain.links.first().ok_or_else(|| Error::param("no operator"))?;
    let params = row.declaration.check(link)?;
    Ok(match row.build {
        Build::Events(build) => Op::Events(build(params)?),
        Build::Tensor(build) => Op::Tensor(build(params)?),
    })
}

/// What an operator made of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Events.
    Events(Vec<Event>),
    /// A tensor.
    Tensor(Tensor),
    /// It refused the stream; the kind of the error.
    Refused(parallax_events::ErrorKind),
}

impl Answer {
    /// Says where two answers differ.
    pub(super) fn agree(&self, wanted: &Self, who: &str) -> Result<(), Broken> {
        match (self, wanted) {
            _ if self == wanted => Ok(()),
            (Self::Events(found), Self::Events(wanted)) => same_events(found, wanted, who),
            (Self::Tensor(a), Self::Tensor(b)) => Err(Broken(format!(
                "{who}: the tensor of {} {:?} over {:?} differs from that of {} {:?} over {:?}",
                a.dtype(),
                a.shape(),
                a.time_span(),
                b.dtype(),
                b.shape(),
                b.time_span()
            ))),
            _ => Err(Broken(format!(
                "{who}: {} instead of {}",
                self.short(),
                wanted.short()
            ))),
        }
    }

    fn short(&self) -> String {
        match self {
            Self::Events(events) => format!("{} events", events.len()),
            Self::Tensor(tensor) => format!("a tensor of shape {:?}", tensor.shape()),
            Self::Refused(kind) => format!("a refusal ({kind})"),
        }
    }

    /// Everything in it as bytes, for a digest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Events(events) => events
                .iter()
                .flat_map(|e| format!("{e:?}").into_bytes())
                .collect(),
            Self::Tensor(tensor) => {
                let head = format!(
                    "{:?} {:?} {:?}",
                    tensor.dtype(),
                    tensor.shape(),
                    tensor.time_span()
                );
                [head.as_bytes(), tensor.buffer().as_slice()].concat()
            }
            Self::Refused(kind) => kind.name().as_bytes().to_vec(),
        }
    }
}

/// One run of an operator over a stream: its state, and what came out so far.
pub(super) struct Run<'a> {
    op: &'a Op,
    pool: Pool<'a>,
    block: EventBlock,
    meta: Arc<Meta>,
    pub(super) state: Box<dyn OpState>,
    events: Vec<Event>,
    refused: Option<Error>,
}

impl<'a> Run<'a> {
    /// Begins; refused at once if the operator needs what the stream lacks.
    pub(super) fn new(op: &'a Op, meta: &Arc<Meta>) -> Result<Self> {
        Self::within(op, meta, Pool::serial())
    }

    /// As [`new`](Self::new), on the threads of a pool.
    pub(super) fn within(op: &'a Op, meta: &Arc<Meta>, pool: Pool<'a>) -> Result<Self> {
        let state = match op {
            Op::Events(op) => {
                op.output_meta(meta)?;
                op.state(meta)?
            }
            Op::Tensor(op) => op.state(meta, Span::Events)?,
        };
        Ok(Self {
            op,
            pool,
            block: EventBlock::default(),
            meta: Arc::clone(meta),
            state,
            events: Vec::new(),
            refused: None,
        })
    }

    /// Takes in a batch, and checks what comes out.
    pub(super) fn push(&mut self, batch: &EventBatch) -> Result<(), Broken> {
        if self.refused.is_some() {
            return Ok(());
        }
        let outcome = match self.op {
            Op::Events(op) => self.run(op.as_ref(), batch)?,
            Op::Tensor(op) => op.accumulate(self.state.as_mut(), batch.columns(), self.pool),
        };
        self.refused = outcome.err();
        Ok(())
    }

    /// One batch through an operator, as a chain of this one alone does it.
    fn run(&mut self, op: &dyn EventOp, batch: &EventBatch) -> Result<Result<()>, Broken> {
        let meta = Arc::new(op.output_meta(&self.meta)?);
        let out = match op.narrow(self.state.as_mut(), batch) {
            Ok(Some(range)) => batch.slice(range).with_meta(meta)?,
            Ok(None) => {
                self.block.load(batch);
                if let Err(error) = op.run(self.state.as_mut(), &mut self.block, self.pool) {
                    return Ok(Err(error));
                }
                self.block.check(&meta, op.params().id())?;
                self.block.to_batch(&meta)?
            }
            Err(error) => return Ok(Err(error)),
        };
        sound(&out)?;
        self.events.extend(out.columns().iter());
        Ok(Ok(()))
    }

    /// Ends the stream.
    pub(super) fn finish(mut self) -> Result<Answer, Broken> {
        if let Some(error) = self.refused {
            return Ok(Answer::Refused(error.kind()));
        }
        match self.op {
            Op::Events(op) => {
                let out = match op.end(self.state.as_mut(), &self.meta) {
                    Ok(out) => out,
                    // Who holds the stream may find only then that it cannot go on with it; a defect is none of that.
                    Err(error) if error.kind() != ErrorKind::Internal => {
                        return Ok(Answer::Refused(error.kind()));
                    }
                    Err(error) => return Err(error.into()),
                };
                sound(&out)?;
                self.events.extend(out.columns().iter());
                Ok(Answer::Events(self.events))
            }
            Op::Tensor(op) => Ok(Answer::Tensor(op.tensor(
                self.state.as_mut(),
                &self.meta,
                self.pool,
            )?)),
        }
    }
}

/// What the operator makes of these batches.
pub(super) fn answer(op: &Op, batches: &[EventBatch], meta: &Arc<Meta>) -> Result<Answer, Broken> {
    answer_on(op, batches, meta, Pool::serial())
}

/// What the operator makes of these batches with the threads of a pool.
pub(super) fn answer_on(
    op: &Op,
    batches: &[EventBatch],
    meta: &Arc<Meta>,
    pool: Pool<'_>,
) -> Result<Answer, Broken> {
    let mut run = match Run::within(op, meta, pool) {
        Ok(run) => run,
        Err(error) => return Ok(Answer::Refused(error.kind())),
    };
    run.pool = pool;
    for batch in batches {
        run.push(batch)?;
    }
    run.finish()
}
