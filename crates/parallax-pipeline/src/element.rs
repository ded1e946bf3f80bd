//! Sources, elements and sinks: the contracts, and the row of the registry.

use std::fmt::Debug;

use parallax_events::{Chain, Declaration, Error, EventBatch, Params, Result, Tensor, chain};
use parallax_memory::Bytes;

use crate::ELEMENTS;

/// What travels between elements. Handing it on moves a reference; the memory stays where it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Payload {
    /// Bytes of any meaning.
    Bytes(Bytes),
    /// Events.
    Events(EventBatch),
    /// A representation.
    Tensor(Tensor),
}

/// Begins a stream.
pub trait Source: Send + Debug {
    /// The next payload; `None` once, at the end of the stream.
    ///
    /// # Errors
    /// If the stream cannot go on.
    fn produce(&mut self) -> Result<Option<Payload>>;
}

/// Stands inside a stream: one payload in, at most one out.
pub trait Element: Send + Debug {
    /// Takes one payload and hands on what becomes of it.
    ///
    /// # Errors
    /// If the element cannot take such a payload, or fails.
    fn process(&mut self, payload: Payload) -> Result<Option<Payload>>;

    /// The stream has ended: hands on what is still held back, one payload a call, `None` when done. The engine
    /// calls nothing afterwards.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    fn drain(&mut self) -> Result<Option<Payload>> {
        Ok(None)
    }

    /// Forgets what is held back, as a seek or a stop asks; from any state.
    fn flush(&mut self) {}
}

/// Ends a stream.
pub trait Sink: Send + Debug {
    /// Takes one payload.
    ///
    /// # Errors
    /// If the sink cannot take such a payload, or fails.
    fn consume(&mut self, payload: Payload) -> Result<()>;

    /// The stream has ended: completes what was begun. Called once.
    ///
    /// # Errors
    /// If what was begun cannot be completed.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// One element that was made from its parameters.
#[derive(Debug)]
pub enum Built {
    /// Begins a stream.
    Source(Box<dyn Source>),
    /// Stands inside a stream.
    Element(Box<dyn Element>),
    /// Ends a stream.
    Sink(Box<dyn Sink>),
}

/// Makes an element from parameters that were checked against its declaration.
pub type Build = fn(Params) -> Result<Built>;

/// One element's row. The rows are `static` and listed in `elements/mod.rs`.
#[derive(Debug)]
pub struct ElementRow {
    /// Id, title and parameters.
    pub declaration: &'static Declaration,
    /// Other names that users expect.
    pub aliases: &'static [&'static str],
    /// Makes it.
    pub build: Build,
}

impl ElementRow {
    /// The id: the name everywhere.
    pub fn id(&self) -> &'static str {
        self.declaration.id()
    }
}

/// The row called `id`, or by an alias of it.
///
/// # Errors
/// [`ErrorKind::NotFound`](parallax_events::ErrorKind) lists the known ones and names the nearest.
pub fn element(id: &str) -> Result<&'static ElementRow> {
    match ELEMENTS.iter().find(|row| row.aliases.contains(&id)) {
        Some(row) => Ok(row),
        None => chain::resolve("element", id, ELEMENTS, |row| row.id()).copied(),
    }
}

/// The element that `text` names with its parameters.
///
/// # Errors
/// Unknown ids and wrong parameters name what is known.
pub fn build(text: &str) -> Result<Built> {
    let chain = Chain::parse(text)?;
    let [link] = chain.links.as_slice() else {
        return Err(Error::param(format!("\"{text}\" is not one element")));
    };
    let row = element(&link.id).map_err(|error| link.point(link.id_span, error))?;
    // The declaration knows the id alone.
    let mut link = link.clone();
    link.id = row.id().to_owned();
    (row.build)(row.declaration.check(&link)?)
}
