//! Operators, one after another, on a batch: built once from texts or values, used any number of times.
//!
//! A small batch passes whole. A large one passes in slices, so that Ctrl-C is seen; the law that every operator keeps
//! (in pieces = whole) makes the answer the same.

use std::sync::Arc;

use parallax::events::params::ParamsBuilder;
use parallax::events::{BatchBuilder, OpState, Params, Value, chain as grammar};
use parallax::ops::{Build, OPERATORS, Operator, operator};
use parallax::{Error, EventBatch, EventOp, Meta, Nanos, Represent, Result, Tensor};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyString};

use crate::batch::{Batch, SMALL};
use crate::error::raised;
use crate::memory::Memory;
use crate::work::{Gauge, watched};

/// Operators, one after another; the last may make a tensor.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    text: String,
    filters: Vec<Arc<dyn EventOp>>,
    last: Option<Arc<dyn Represent>>,
}

/// What a chain makes: events, or a tensor.
enum Made {
    Events(EventBatch),
    Tensor(Tensor),
}

/// A tensor for Python: its memory, the names of its axes, its span of time, its facts.
type TensorRow = (Memory, Vec<String>, Option<(i64, i64)>, Vec<(String, String)>);

#[pymethods]
impl Chain {
    /// The operators that a text names: `region width=8 height=8 ! count`.
    #[staticmethod]
    fn parse(text: &str) -> PyResult<Self> {
        let make = || -> Result<Self> {
            let parsed = grammar::Chain::parse(text)?;
            let mut chain = Self::empty();
            for link in &parsed.links {
                let row = *link.resolve("operator", OPERATORS, |row| row.id())?;
                let params = row.declaration.check(link)?;
                chain
                    .add(row, params)
                    .map_err(|error| link.point(link.id_span, error))?;
            }
            Ok(chain)
        };
        make().map_err(raised)
    }

    /// The operator called `id`, with these values.
    #[staticmethod]
    fn of(id: &str, values: &Bound<'_, PyDict>) -> PyResult<Self> {
        let row = operator(id).map_err(raised)?;
        let mut builder: ParamsBuilder = Params::of(row.declaration);
        for (name, value) in values {
            if value.is_none() {
                continue;
            }
            let name: String = name.extract()?;
            let value = value_of(&value, id, &name)?;
            builder = builder.set(&name, value).map_err(raised)?;
        }
        let mut chain = Self::empty();
        let params = builder.build().map_err(raised)?;
        chain.add(row, params).map_err(raised)?;
        Ok(chain)
    }

    /// All operators of these chains, one after another.
    #[staticmethod]
    fn join(chains: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let mut joined = Self::empty();
        for chain in &chains {
            if let Some(last) = &joined.last {
                return Err(raised(after_tensor(last.params().id(), &chain.text)));
            }
            joined.filters.extend(chain.filters.iter().cloned());
            joined.last = chain.last.clone();
            joined.say(&chain.text);
        }
        Ok(joined)
    }

    /// The chain in the grammar, without what equals the defaults.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// Whether it makes a tensor.
    #[getter]
    fn makes_tensor(&self) -> bool {
        self.last.is_some()
    }

    /// The operators on a batch: (events, None) or (None, tensor).
    #[pyo3(signature = (batch, progress=None))]
    fn apply(
        &self,
        py: Python<'_>,
        batch: &Batch,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Option<Batch>, Option<TensorRow>)> {
        let made = if batch.events.len() <= SMALL {
            py.detach(|| self.run_whole(&batch.events)).map_err(raised)?
        } else {
            let (chain, events) = (self.clone(), batch.events.clone());
            watched(py, progress, move |gauge| chain.run_in_slices(&events, gauge))?
        };
        Ok(match made {
            Made::Events(events) => (Some(Batch::of(events)), None),
            Made::Tensor(tensor) => {
                let axes = tensor.axes().iter().map(ToString::to_string).collect();
                let (span, meta) = (tensor.time_span(), tensor.meta().to_pairs());
                (None, Some((Memory::tensor(tensor), axes, span, meta)))
            }
        })
    }
}

impl Chain {
    fn empty() -> Self {
        Self {
            text: String::new(),
            filters: Vec::new(),
            last: None,
        }
    }

    fn add(&mut self, row: &Operator, params: Params) -> Result<()> {
        if let Some(last) = &self.last {
            return Err(after_tensor(last.params().id(), row.id()));
        }
        let text = format!("{params:#}");
        match row.build {
            Build::Events(build) => self.filters.push(build(params)?.into()),
            Build::Tensor(build) => self.last = Some(build(params)?.into()),
        }
        self.say(&text);
        Ok(())
    }

    fn say(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push_str(" ! ");
        }
        self.text.push_str(text);
    }

    fn run_whole(&self, events: &EventBatch) -> Result<Made> {
        let mut run = Run::new(self, events.meta())?;
        let mut out = run.push(0, events.clone())?;
        let rest = run.finish()?;
        if !rest.is_empty() && run.tensor.is_none() {
            let mut parts = vec![out];
            parts.extend(rest);
            parts.retain(|part| !part.is_empty());
            out = if parts.is_empty() {
                EventBatch::empty(Arc::new(run.meta.clone()))
            } else {
                EventBatch::concat(&parts)?
            };
        }
        run.made(|| Ok(out))
    }

    fn run_in_slices(&self, events: &EventBatch, gauge: &Gauge) -> Result<Made> {
        let mut run = Run::new(self, events.meta())?;
        let total = events.len() as u64;
        let meta = Arc::new(run.meta.clone());
        let mut out = BatchBuilder::growing()?;
        out.set_geometry(meta.geometry);
        let mut done = 0;
        while done < events.len() {
            gauge.tell(done as u64, total)?;
            let end = events.len().min(done.saturating_add(SMALL));
            let part = run.push(0, events.slice(done..end))?;
            append(&mut out, &part)?;
            done = end;
        }
        for part in run.finish()? {
            append(&mut out, &part)?;
        }
        run.made(|| out.finish(&meta))
    }
}

/// A chain at work on one stream.
struct Run<'a> {
    filters: Vec<(&'a dyn EventOp, Box<dyn OpState>, Meta)>,
    tensor: Option<(&'a dyn Represent, Box<dyn OpState>)>,
    /// The facts of what comes out of the filters.
    meta: Meta,
}

impl<'a> Run<'a> {
    fn new(chain: &'a Chain, meta: &Meta) -> Result<Self> {
        let mut meta = meta.clone();
        let mut filters = Vec::with_capacity(chain.filters.len());
        for op in &chain.filters {
            let state = op.state(&meta)?;
            let next = op.output_meta(&meta)?;
            filters.push((op.as_ref(), state, std::mem::replace(&mut meta, next)));
        }
        let tensor = match &chain.last {
            Some(op) => Some((op.as_ref(), op.state(&meta)?)),
            None => None,
        };
        Ok(Self {
            filters,
            tensor,
            meta,
        })
    }

    /// Passes events through the filters from `first` on, and into the tensor.
    fn push(&mut self, first: usize, mut events: EventBatch) -> Result<EventBatch> {
        for (op, state, _) in self.filters.iter_mut().skip(first) {
            events = op.apply(state.as_mut(), &events)?;
        }
        if let Some((op, state)) = &mut self.tensor {
            op.accumulate(state.as_mut(), &events)?;
        }
        Ok(events)
    }

    /// What the filters held back, passed on through those behind.
    fn finish(&mut self) -> Result<Vec<EventBatch>> {
        let mut parts = Vec::new();
        for index in 0..self.filters.len() {
            let Some((op, state, meta)) = self.filters.get_mut(index) else {
                break;
            };
            if let Some(held) = op.finish(state.as_mut(), meta)? {
                parts.push(self.push(index + 1, held)?);
            }
        }
        Ok(parts)
    }

    fn made(mut self, events: impl FnOnce() -> Result<EventBatch>) -> Result<Made> {
        match &mut self.tensor {
            Some((op, state)) => op.tensor(state.as_mut(), &self.meta).map(Made::Tensor),
            None => events().map(Made::Events),
        }
    }
}

/// Copies checked events behind those in the builder.
fn append(out: &mut BatchBuilder, events: &EventBatch) -> Result<()> {
    let columns = events.columns();
    out.reserve(columns.len())?;
    let spare = out.spare();
    let room = [
        spare
            .t
            .get_mut(..columns.len())
            .map(|t| t.copy_from_slice(columns.t)),
        spare
            .x
            .get_mut(..columns.len())
            .map(|x| x.copy_from_slice(columns.x)),
        spare
            .y
            .get_mut(..columns.len())
            .map(|y| y.copy_from_slice(columns.y)),
        spare
            .p
            .get_mut(..columns.len())
            .map(|p| p.copy_from_slice(columns.p)),
    ];
    if room.contains(&None) || out.commit(columns.len())?.kept != columns.len() {
        return Err(Error::internal(
            "an operator made events outside its own geometry",
        ));
    }
    Ok(())
}

fn after_tensor(tensor: &str, next: &str) -> Error {
    Error::param(format!("{tensor} yields a tensor, and {next} takes events"))
        .with_hint("a representation comes last")
}

/// A Python value as a parameter's: numbers, texts, switches, `timedelta`.
fn value_of(value: &Bound<'_, PyAny>, id: &str, name: &str) -> PyResult<Value> {
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.to_cow()?.into_owned()));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Value::Float(number.value()));
    }
    if value.is_instance_of::<PyDelta>() {
        // Exactly: a timedelta is whole microseconds.
        let py = value.py();
        let step = PyDelta::new(py, 0, 0, 1, false)?;
        let micros: i64 = value.floor_div(step)?.extract()?;
        return Ok(Value::Time(Nanos(micros.saturating_mul(1_000))));
    }
    // Whatever counts as a whole number, then as a number: NumPy's own as well.
    if let Ok(number) = value.call_method0("__index__") {
        return Ok(Value::Int(number.extract()?));
    }
    if let Ok(number) = value.call_method0("__float__") {
        return Ok(Value::Float(number.extract()?));
    }
    let class = value.get_type().name()?;
    Err(raised(
        Error::param(format!("`{name}` of `{id}` cannot be a {class}"))
            .with_hint("give a number, a text, a switch or a timedelta"),
    ))
}
