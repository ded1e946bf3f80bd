//! Pipelines: parsed from a text, played, waited for, heard; with ends and elements that Python holds.
//!
//! Three elements are in texts here and nowhere else: `appsrc` gives what Python sends, `appsink` hands Python what comes,
//! `python` has a Python function do something to each packet. A text only says where they stand; whoever parses it
//! says which function is meant, and gets the ends, by the elements' names.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parallax::elements::{Receiver, Sender, app_sink, app_source, registry};
use parallax::events::{Declaration, ParamSpec, Params};
use parallax::memory::{Bytes, MemoryKind};
use parallax::pipeline::{
    Built, Element, ElementRow, Message, Out, Packet, Payload, Pipeline as Engine, PipelineConfig, Ports,
    State,
};
use parallax::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batch::Batch;
use crate::chain::{TensorRow, tensor_row};
use crate::error::raised;

/// How often Ctrl-C is looked for while waiting.
const LOOK: Duration = Duration::from_millis(20);

static SOURCE: ElementRow = ElementRow::plain(
    &Declaration::new("appsrc", "Gives what the program sends", &[CAPACITY]),
    Ports::SOURCE,
    |params| {
        let (source, sender) = app_source(capacity(&params)?);
        making(|making| making.sources.push(sender))?;
        Ok(source.into())
    },
);

static SINK: ElementRow = ElementRow::plain(
    &Declaration::new("appsink", "Hands the program what comes", &[CAPACITY]),
    Ports::SINK,
    |params| {
        let (sink, receiver) = app_sink(capacity(&params)?);
        making(|making| making.sinks.push(receiver))?;
        Ok(sink.into())
    },
);

static FUNCTION: ElementRow = ElementRow::plain(
    &Declaration::new(
        "python",
        "Has a Python function do something to each packet",
        &[ParamSpec::text("function")
            .default("")
            .doc("The name under which it is given; the only one if absent")],
    ),
    Ports::FILTER,
    |params| {
        let name = params.text("function")?.to_owned();
        let function = making(|making| match making.functions.as_slice() {
            [(_, only)] if name.is_empty() => Some(Python::attach(|py| only.clone_ref(py))),
            known => known
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, function)| Python::attach(|py| function.clone_ref(py))),
        })?;
        let function = function.ok_or_else(|| {
            Error::not_found(format!("no function is called `{name}`"))
                .with_hint("give it to the pipeline: Pipeline('.. ! python function=f ! ..', f=my_function)")
        })?;
        Ok(Built::element(PythonElement { function }))
    },
);

const CAPACITY: ParamSpec = ParamSpec::int("capacity")
    .unit("packets")
    .range(1, 65_536)
    .default(4)
    .doc("How many packets may wait");

fn capacity(params: &Params) -> Result<usize> {
    Ok(usize::try_from(params.int("capacity")?).unwrap_or(1))
}

/// What a text that is being parsed on this thread makes and asks for.
#[derive(Default)]
struct Making {
    functions: Vec<(String, Py<PyAny>)>,
    sources: Vec<Sender>,
    sinks: Vec<Receiver>,
}

thread_local! {
    static MAKING: RefCell<Option<Making>> = const { RefCell::new(None) };
}

fn making<T>(work: impl FnOnce(&mut Making) -> T) -> Result<T> {
    MAKING.with_borrow_mut(|making| {
        making
            .as_mut()
            .map(work)
            .ok_or_else(|| Error::unsupported("an element of Python outside a pipeline of Python"))
    })
}

/// Calls a Python function with each packet; what it returns goes on.
#[derive(Debug)]
struct PythonElement {
    function: Py<PyAny>,
}

impl Element for PythonElement {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let Packet { payload, metadata } = packet;
        let made = Python::try_attach(|py| {
            let call = || -> PyResult<Option<Payload>> {
                let answer = self.function.bind(py).call1((Given::of(py, payload)?,))?;
                match answer.is_none() {
                    true => Ok(None),
                    false => payload_of(&answer).map(Some),
                }
            };
            call().map_err(|error| Error::param(format!("the function failed: {error}")))
        });
        match made.unwrap_or_else(|| Err(Error::new(ErrorKind::Closed, "Python has ended")))? {
            Some(payload) => out.push(Packet { payload, metadata }),
            None => Ok(()),
        }
    }
}

/// A payload for Python: events, a tensor, or bytes.
#[derive(IntoPyObject)]
struct Given<'py>(Option<Batch>, Option<TensorRow>, Option<Bound<'py, PyBytes>>);

impl<'py> Given<'py> {
    fn of(py: Python<'py>, payload: Payload) -> PyResult<Self> {
        Ok(match payload {
            Payload::Events(batch) => Self(Some(Batch::of(Arc::unwrap_or_clone(batch))), None, None),
            Payload::Tensor(tensor) => Self(
                None,
                Some(tensor_row(Arc::unwrap_or_clone(tensor)).map_err(raised)?),
                None,
            ),
            Payload::Bytes(bytes) => Self(None, None, Some(PyBytes::new(py, &bytes))),
            other => {
                return Err(raised(Error::unsupported(format!(
                    "a packet of {} in Python",
                    other.media()
                ))));
            }
        })
    }
}

/// What Python hands over: events or bytes.
fn payload_of(object: &Bound<'_, PyAny>) -> PyResult<Payload> {
    if let Ok(batch) = object.cast::<Batch>() {
        return Ok(Payload::Events(Arc::new(batch.get().events.clone())));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Payload::Bytes(Bytes::from(bytes.as_bytes().to_vec())));
    }
    let class = object.get_type().name()?;
    Err(raised(
        Error::param(format!("a {class} cannot be a packet"))
            .with_hint("give events, bytes, or None to drop it"),
    ))
}

/// A message of the bus: what, which element, what about it.
type MessageRow = (&'static str, Option<String>, String);

/// A pipeline.
#[pyclass(frozen, module = "parallax._native")]
pub(crate) struct Pipeline {
    engine: Mutex<Engine>,
    bus: parallax::pipeline::Bus,
    sources: HashMap<String, Mutex<Option<Sender>>>,
    sinks: HashMap<String, Receiver>,
}

#[pymethods]
impl Pipeline {
    /// The pipeline that a text writes, with functions by name.
    #[new]
    #[pyo3(signature = (text, functions, memory="heap"))]
    fn new(text: &str, functions: Vec<(String, Py<PyAny>)>, memory: &str) -> PyResult<Self> {
        let memory = match memory {
            "heap" => MemoryKind::Heap,
            "huge" => MemoryKind::Huge,
            "shared" => MemoryKind::Shared,
            _ => {
                return Err(raised(
                    Error::param(format!("`memory` cannot be `{memory}`"))
                        .with_hint("it is heap, huge or shared"),
                ));
            }
        };
        MAKING.set(Some(Making {
            functions,
            ..Making::default()
        }));
        let registry = registry().clone().with([&SOURCE, &SINK, &FUNCTION]);
        let engine = Engine::parse_with(text, &registry, PipelineConfig { memory });
        let making = MAKING.take().unwrap_or_default();
        let engine = engine.map_err(raised)?;
        // They were made in the order in which the elements were added.
        let named = |id: &str| -> Vec<String> {
            engine
                .elements()
                .filter(|(_, known)| *known == id)
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        let sources = named("appsrc").into_iter().zip(making.sources);
        let sinks = named("appsink").into_iter().zip(making.sinks);
        Ok(Self {
            bus: engine.bus(),
            sources: sources
                .map(|(name, sender)| (name, Mutex::new(Some(sender))))
                .collect(),
            sinks: sinks.collect(),
            engine: Mutex::new(engine),
        })
    }

    /// The elements' names, in the order in which they were added.
    #[getter]
    fn names(&self, py: Python<'_>) -> Vec<String> {
        self.with(py, |engine| engine.names().map(str::to_owned).collect())
    }

    /// The names of the ends that Python holds: sources, sinks.
    #[getter]
    fn ends(&self) -> (Vec<String>, Vec<String>) {
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names
        };
        (
            sorted(self.sources.keys().cloned().collect()),
            sorted(self.sinks.keys().cloned().collect()),
        )
    }

    /// `null`, `ready`, `paused` or `playing`.
    #[getter]
    fn state(&self, py: Python<'_>) -> &'static str {
        state_name(self.with(py, |engine| engine.state()))
    }

    /// Goes to a state.
    fn set_state(&self, py: Python<'_>, state: &str) -> PyResult<()> {
        let state = match state {
            "null" => State::Null,
            "ready" => State::Ready,
            "paused" => State::Paused,
            "playing" => State::Playing,
            _ => {
                return Err(raised(
                    Error::param(format!("there is no state `{state}`"))
                        .with_hint("the states are null, ready, paused, playing"),
                ));
            }
        };
        self.with(py, |engine| engine.set_state(state)).map_err(raised)
    }

    /// Waits for the end of the stream; false if that took too long.
    #[pyo3(signature = (timeout_s=None))]
    fn wait(&self, py: Python<'_>, timeout_s: Option<f64>) -> PyResult<bool> {
        let deadline = deadline(timeout_s)?;
        loop {
            let left = left(deadline);
            let done = self
                .with(py, |engine| engine.wait_eos_timeout(left.min(LOOK)))
                .map_err(raised)?;
            if done || (deadline.is_some() && left.is_zero()) {
                return Ok(done);
            }
            py.check_signals()?;
        }
    }

    /// Has every source end its stream now.
    fn end(&self, py: Python<'_>) {
        if let Some(controller) = self.with(py, |engine| engine.controller()) {
            controller.end();
        }
    }

    /// The next message of the bus; none if none came in time.
    #[pyo3(signature = (timeout_s=None))]
    fn message(&self, py: Python<'_>, timeout_s: Option<f64>) -> PyResult<Option<MessageRow>> {
        let deadline = deadline(timeout_s)?;
        loop {
            let left = left(deadline);
            let message = py.detach(|| self.bus.wait(left.min(LOOK)));
            if message.is_some() || (deadline.is_some() && left.is_zero()) {
                return Ok(message.map(row_of));
            }
            py.check_signals()?;
        }
    }

    /// Sends a packet into the source called `name`, waiting for room.
    fn send(&self, py: Python<'_>, name: &str, packet: &Bound<'_, PyAny>) -> PyResult<()> {
        let payload = payload_of(packet)?;
        let sender = {
            let held = self.source(name)?.lock().unwrap_or_else(PoisonError::into_inner);
            held.clone().ok_or_else(|| {
                raised(Error::new(
                    ErrorKind::Closed,
                    format!("the stream of `{name}` was ended"),
                ))
            })?
        };
        // On a thread of its own, which is left behind if the pipeline fails: it ends with that.
        let (tell, mut told) = sync_channel(1);
        thread::Builder::new()
            .name("parallax-send".to_owned())
            .spawn(move || {
                let _ = tell.send(sender.send(payload));
            })
            .map_err(|error| raised(error.into()))?;
        loop {
            let answer;
            (told, answer) = py.detach(move || {
                let answer = told.recv_timeout(LOOK);
                (told, answer)
            });
            match answer {
                Ok(sent) => return sent.map_err(raised),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(raised(Error::internal("the sending ended without an answer")));
                }
                Err(RecvTimeoutError::Timeout) => self.check(py)?,
            }
        }
    }

    /// Ends the stream of the source called `name`.
    fn end_source(&self, name: &str) -> PyResult<()> {
        self.source(name)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }

    /// The next packet of the sink called `name`; all three are none at the end. An error if the pipeline has failed.
    #[pyo3(signature = (name, timeout_s=None))]
    fn receive<'py>(&self, py: Python<'py>, name: &str, timeout_s: Option<f64>) -> PyResult<Given<'py>> {
        let receiver = self
            .sinks
            .get(name)
            .ok_or_else(|| raised(unknown(name, self.sinks.keys())))?;
        let deadline = deadline(timeout_s)?;
        loop {
            let left = left(deadline);
            match py.detach(|| receiver.receive_timeout(left.min(LOOK))) {
                Ok(Some(packet)) => return Given::of(py, packet.payload),
                Ok(None) => return Ok(Given(None, None, None)),
                Err(error)
                    if error.kind() == ErrorKind::Timeout && !(deadline.is_some() && left.is_zero()) => {}
                Err(error) => return Err(raised(error)),
            }
            self.check(py)?;
        }
    }

    /// The graph for Graphviz.
    fn dot(&self, py: Python<'_>) -> String {
        self.with(py, |engine| engine.to_dot())
    }

    /// What passed each element: name, packets, bytes.
    fn stats(&self, py: Python<'_>) -> Vec<(String, u64, u64)> {
        let stats = self.with(py, |engine| engine.stats());
        let rows = stats.elements.into_iter();
        rows.map(|element| (element.name, element.packets, element.bytes))
            .collect()
    }
}

impl Pipeline {
    /// Does something with the engine, without the GIL: its threads may need that to end.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Engine) -> T + Send) -> T {
        py.detach(|| work(&mut self.engine.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// An error if waiting for the pipeline is in vain: Ctrl-C, or it has failed or does not run.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        py.check_signals()?;
        let outcome = self.with(py, |engine| engine.wait_eos_timeout(Duration::ZERO));
        outcome.map(drop).map_err(raised)
    }

    fn source(&self, name: &str) -> PyResult<&Mutex<Option<Sender>>> {
        self.sources
            .get(name)
            .ok_or_else(|| raised(unknown(name, self.sources.keys())))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // Threads that call Python could not end while this one holds the GIL.
        let stop = || {
            let engine = self.engine.get_mut().unwrap_or_else(PoisonError::into_inner);
            // What does not end is left behind; there is nobody to tell.
            let _ = engine.stop();
        };
        Python::try_attach(|py| py.detach(stop));
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let mut known: Vec<&str> = known.map(String::as_str).collect();
    known.sort_unstable();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Error::not_found(format!("the pipeline has no such end as `{name}`")).with_context("known", known)
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Null => "null",
        State::Ready => "ready",
        State::Paused => "paused",
        State::Playing => "playing",
    }
}

fn row_of(message: Message) -> MessageRow {
    match message {
        Message::Eos => ("eos", None, String::new()),
        Message::Error { element, kind, text } => {
            ("error", Some(element), format!("{}: {text}", kind.name()))
        }
        Message::Warning { element, text } => ("warning", Some(element), text),
        Message::Info { element, text } => ("info", Some(element), text),
        Message::State { from, to } => (
            "state",
            None,
            format!("{} to {}", state_name(from), state_name(to)),
        ),
        Message::Progress { element, done, total } => {
            ("progress", Some(element), format!("{done} of {total}"))
        }
        Message::Latency(latency) => ("latency", None, latency.to_string()),
        other => ("other", None, format!("{other:?}")),
    }
}

/// When to give up; never, if nothing was said.
fn deadline(timeout_s: Option<f64>) -> PyResult<Option<Instant>> {
    let Some(seconds) = timeout_s else { return Ok(None) };
    let timeout = Duration::try_from_secs_f64(seconds).map_err(|_| {
        raised(
            Error::param(format!("`timeout` cannot be {seconds}")).with_hint("it is in seconds, 0 or more"),
        )
    })?;
    Ok(Instant::now().checked_add(timeout))
}

fn left(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}
