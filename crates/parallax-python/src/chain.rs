//! Operators, one after another, on a batch or on a stream: built once from texts or values, used any number of times.
//!
//! A small batch passes at once, on the thread that calls. A large one passes in slices, on the pool, so that Ctrl-C is seen
//! in between; the law that every operator keeps (in pieces = whole) makes the answer the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use parallax::events::{BatchBuilder, Pool, chain as grammar};
use parallax::ops::{Compose, ComposeRun, Mode, QuantisationError, operator};
use parallax::{Error, EventBatch, Meta, Result, Tensor};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyString};

use crate::batch::{Batch, SMALL};
use crate::cells::Cells;
use crate::error::raised;
use crate::memory::Memory;
use crate::settings;
use crate::work::{Gauge, watched};

/// How many events of a large batch pass before the first look for Ctrl-C: a few milliseconds of work. Then twice as many
/// at a time, as long as they pass quickly: threads have less to wait for each other.
const SLICE: usize = 1 << 19;
const MOST: usize = 1 << 23;
const QUICKLY: Duration = Duration::from_millis(20);

/// Operators, one after another; the last may make tensors.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    text: String,
    compose: Compose,
    is_windowed: bool,
}

/// A tensor for Python: its memory, the names of its axes, its span of time, its facts.
pub(crate) type TensorRow = (Memory, Vec<String>, Option<(i64, i64)>, Vec<(String, String)>);

/// What leaves a chain: events, or tensors.
type Made = (Option<Batch>, Vec<TensorRow>);

#[pymethods]
impl Chain {
    /// The operators that a text names: `region w=8 h=8 ! count`.
    #[staticmethod]
    fn parse(text: &str) -> PyResult<Self> {
        Self::of_text(text).map_err(raised)
    }

    /// The operator called `id`, with these values; those that are None or the default are left out.
    #[staticmethod]
    fn of(id: &str, values: &Bound<'_, PyDict>) -> PyResult<Self> {
        let row = operator(id).map_err(raised)?;
        let mut text = id.to_owned();
        for (name, value) in values {
            if value.is_none() {
                continue;
            }
            // A parameter that is called as a keyword of Python has an underscore behind it there.
            let name: String = name.extract()?;
            let name = name.trim_end_matches('_').to_owned();
            let value = text_of(&value, id, &name)?;
            let spec = row.declaration.params().iter().find(|spec| spec.name() == name);
            let default = spec
                .and_then(|spec| spec.default_value())
                .map(|value| value.to_string());
            if default.as_ref() != Some(&value) {
                text.push_str(&format!(" {name}={}", grammar::quote(&value)));
            }
        }
        Self::of_text(&text).map_err(raised)
    }

    /// All operators of these chains, one after another.
    #[staticmethod]
    fn join(chains: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let texts: Vec<&str> = chains.iter().map(|chain| chain.text.as_str()).collect();
        Self::of_text(&texts.join(" ! ")).map_err(raised)
    }

    /// The chain in the grammar.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// Whether it makes tensors.
    #[getter]
    fn makes_tensor(&self) -> bool {
        self.compose.yields_tensors()
    }

    /// Whether it makes a tensor for each window, not one for all.
    #[getter]
    fn is_windowed(&self) -> bool {
        self.is_windowed
    }

    /// The operators on a batch that is a whole stream.
    #[pyo3(signature = (batch, progress=None))]
    fn apply(&self, py: Python<'_>, batch: &Batch, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Made> {
        let (events, mode) = (batch.events.clone(), settings::mode());
        let made = if events.len() <= SMALL {
            py.detach(|| Whole::at_once(&self.compose, mode, &events))
        } else {
            let pool = settings::pool(py).map_err(raised)?;
            let compose = self.compose.clone();
            let whole = watched(py, progress, move |gauge| {
                Whole::in_slices(&compose, mode, &events, pool.pool(), gauge)
            });
            return whole?.into_python().map_err(raised);
        };
        made.and_then(Whole::into_python).map_err(raised)
    }

    /// The cells that are not zero of the one tensor that the operators make of a batch that is a whole stream, as far as they
    /// lie within so many rows and columns.
    fn cells(&self, py: Python<'_>, batch: &Batch, within: (usize, usize)) -> PyResult<Cells> {
        let (events, compose) = (batch.events.clone(), self.compose.clone());
        let pool = settings::pool(py).map_err(raised)?;
        watched(py, None, move |gauge| {
            let pool = pool.pool();
            let made = Whole::in_slices(&compose, Mode::Exact, &events, pool, gauge)?;
            match made.tensors.as_slice() {
                [tensor] => Cells::of(tensor, within, pool),
                tensors => Err(Error::internal(format!(
                    "{} tensors where one is due",
                    tensors.len()
                ))),
            }
        })
    }

    /// The operators on a stream with the facts of `batch`; `exact` whatever the mode is.
    #[pyo3(signature = (batch, exact=false))]
    fn start(&self, batch: &Batch, exact: bool) -> PyResult<ChainRun> {
        let mode = if exact { Mode::Exact } else { settings::mode() };
        let compose = self.compose.clone().with_mode(mode);
        let run = compose.and_then(|compose| compose.start(batch.events.meta()));
        Ok(ChainRun {
            run: Mutex::new(run.map_err(raised)?),
            makes_tensor: self.compose.yields_tensors(),
        })
    }
}

impl Chain {
    /// What begins this chain in exact mode on a stream: for a thread that knows nothing of Python.
    pub(crate) fn started(&self) -> impl FnOnce(&Arc<Meta>) -> Result<ComposeRun> + Send + 'static {
        let compose = self.compose.clone();
        move |meta| compose.start(meta)
    }

    fn of_text(text: &str) -> Result<Self> {
        let parsed = grammar::Chain::parse(text)?;
        let compose = Compose::from_chain(&parsed)?;
        // The parameters that every representation has.
        let asks = |arg: &grammar::Arg| arg.key == "window" || arg.key == "window_events";
        let is_windowed =
            compose.yields_tensors() && parsed.links.last().is_some_and(|last| last.args.iter().any(asks));
        Ok(Self {
            text: parsed.to_string(),
            compose,
            is_windowed,
        })
    }
}

/// A chain on its way through a stream.
#[pyclass(frozen, module = "parallax._native")]
#[derive(Debug)]
pub(crate) struct ChainRun {
    run: Mutex<ComposeRun>,
    makes_tensor: bool,
}

#[pymethods]
impl ChainRun {
    /// Takes the next batch of the stream.
    fn push(&self, py: Python<'_>, batch: &Batch) -> PyResult<Made> {
        let pool = settings::pool(py).map_err(raised)?;
        py.detach(|| {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let pool = if batch.events.len() <= SMALL {
                Pool::serial()
            } else {
                pool.pool()
            };
            if self.makes_tensor {
                let mut tensors = Vec::new();
                run.push_tensors(&batch.events, pool, &mut |tensor| {
                    tensors.push(tensor);
                    Ok(())
                })?;
                return Ok(Whole::tensors(tensors));
            }
            Ok(Whole::events(run.apply(&batch.events, pool)?, None))
        })
        .and_then(Whole::into_python)
        .map_err(raised)
    }

    /// Ends the stream: what was held back.
    fn end(&self, py: Python<'_>) -> PyResult<Made> {
        py.detach(|| {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            if self.makes_tensor {
                return ended_tensors(&mut run, Pool::serial()).map(Whole::tensors);
            }
            let mut out = BatchBuilder::growing()?;
            run.end(Pool::serial(), &mut out)?;
            let meta = Arc::clone(run.output_meta());
            Ok(Whole::events(out.finish(&meta)?, run.quantisation_error()))
        })
        .and_then(Whole::into_python)
        .map_err(raised)
    }
}

fn ended_tensors(run: &mut ComposeRun, pool: Pool<'_>) -> Result<Vec<Tensor>> {
    let mut tensors = Vec::new();
    run.end_tensors(pool, &mut |tensor| {
        tensors.push(tensor);
        Ok(())
    })?;
    Ok(tensors)
}

/// What a whole stream became.
struct Whole {
    events: Option<EventBatch>,
    quantised: Option<QuantisationError>,
    tensors: Vec<Tensor>,
}

impl Whole {
    fn events(events: EventBatch, quantised: Option<QuantisationError>) -> Self {
        Self {
            events: Some(events),
            quantised,
            tensors: Vec::new(),
        }
    }

    fn tensors(tensors: Vec<Tensor>) -> Self {
        Self {
            events: None,
            quantised: None,
            tensors,
        }
    }

    fn at_once(compose: &Compose, mode: Mode, events: &EventBatch) -> Result<Self> {
        let compose = compose.clone().with_mode(mode)?;
        let mut run = compose.start(events.meta())?;
        let pool = Pool::serial();
        if compose.yields_tensors() {
            let mut tensors = Vec::new();
            run.push_tensors(events, pool, &mut |tensor| {
                tensors.push(tensor);
                Ok(())
            })?;
            tensors.extend(ended_tensors(&mut run, pool)?);
            return Ok(Self::tensors(tensors));
        }
        let mut made = run.apply(events, pool)?;
        let mut held = BatchBuilder::growing()?;
        run.end(pool, &mut held)?;
        if !held.is_empty() {
            let held = held.finish(run.output_meta())?;
            made = EventBatch::concat(&[made, held])?;
        }
        Ok(Self::events(made, run.quantisation_error()))
    }

    fn in_slices(
        compose: &Compose,
        mode: Mode,
        events: &EventBatch,
        pool: Pool<'_>,
        gauge: &Gauge,
    ) -> Result<Self> {
        if mode == Mode::Exact && only_cuts(compose, events)? {
            return Self::at_once(compose, mode, events);
        }
        let compose = compose.clone().with_mode(mode)?;
        let mut run = compose.start(events.meta())?;
        let mut out = BatchBuilder::growing()?;
        let mut tensors = Vec::new();
        let mut done = 0;
        let mut size = if run.waits() { events.len() } else { SLICE };
        while done < events.len() {
            gauge.tell(done as u64, events.len() as u64)?;
            let began = Instant::now();
            let end = events.len().min(done.saturating_add(size));
            let slice = events.slice(done..end);
            if compose.yields_tensors() {
                run.push_tensors(&slice, pool, &mut |tensor| {
                    tensors.push(tensor);
                    Ok(())
                })?;
            } else {
                run.push(&slice, pool, &mut out)?;
            }
            done = end;
            if began.elapsed() < QUICKLY && size < MOST {
                size *= 2;
            }
        }
        if compose.yields_tensors() {
            tensors.extend(ended_tensors(&mut run, pool)?);
            return Ok(Self::tensors(tensors));
        }
        run.end(pool, &mut out)?;
        let meta = Arc::clone(run.output_meta());
        Ok(Self::events(out.finish(&meta)?, run.quantisation_error()))
    }

    fn into_python(self) -> Result<Made> {
        let Self {
            events,
            quantised,
            tensors,
        } = self;
        let rows = tensors.into_iter().map(tensor_row).collect::<Result<_>>()?;
        Ok((events.map(|events| Batch::made(events, quantised)), rows))
    }
}

/// A tensor for Python.
pub(crate) fn tensor_row(tensor: Tensor) -> Result<TensorRow> {
    let axes = tensor.axes().iter().map(ToString::to_string).collect();
    let (span, meta) = (tensor.time_span(), tensor.meta().to_pairs());
    Ok((Memory::tensor(tensor)?, axes, span, meta))
}

/// Whether every operator keeps one run of the batch, which is found without looking at every event.
fn only_cuts(compose: &Compose, events: &EventBatch) -> Result<bool> {
    let mut left = events.clone();
    for op in compose.ops() {
        let mut state = op.state(left.meta())?;
        match op.narrow(state.as_mut(), &left)? {
            Some(range) => left = left.slice(range),
            None => return Ok(false),
        }
    }
    Ok(!compose.yields_tensors())
}

/// A Python value as the grammar writes it: numbers, texts, switches, `timedelta`.
fn text_of(value: &Bound<'_, PyAny>, id: &str, name: &str) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_cow()?.into_owned());
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(value.is_true().to_string());
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(format!("{:?}", number.value()));
    }
    if value.is_instance_of::<PyDelta>() {
        // Exactly: a timedelta is whole microseconds.
        let step = PyDelta::new(value.py(), 0, 0, 1, false)?;
        let micros: i64 = value.floor_div(step)?.extract()?;
        return Ok(format!("{micros}us"));
    }
    // Whatever counts as a whole number, then as a number: NumPy's own as well.
    if let Ok(number) = value.call_method0("__index__") {
        return Ok(number.str()?.to_cow()?.into_owned());
    }
    if let Ok(number) = value.call_method0("__float__") {
        return Ok(format!("{:?}", number.extract::<f64>()?));
    }
    let class = value.get_type().name()?;
    Err(raised(
        Error::param(format!("`{name}` of `{id}` cannot be a {class}"))
            .with_hint("give a number, a text, a switch or a timedelta"),
    ))
}
