//! What an operator's row is, and how one is found and built.

use parallax_events::{Chain, ChainLink, Declaration, Error, EventOp, Params, Represent, Result, chain};

use crate::represent::{self};
use crate::transform;

/// One operator. The rows are `static` and listed in `transform/mod.rs` and `represent/mod.rs`.
#[derive(Debug)]
pub struct Operator {
    /// Id, title and parameters: what the pipeline string, the command and the docs read.
    pub declaration: &'static Declaration,
    /// Makes the operator from parameters that were checked against the declaration.
    pub build: Build,
}

/// How an operator is made, which also says what it is.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// Events to events.
    Events(fn(Params) -> Result<Box<dyn EventOp>>),
    /// Events to a tensor.
    Tensor(fn(Params) -> Result<Box<dyn Represent>>),
}

impl Operator {
    /// The id: the name everywhere.
    pub fn id(&self) -> &'static str {
        self.declaration.id()
    }

    /// One line for a person.
    pub fn title(&self) -> &'static str {
        self.declaration.title()
    }
}

const COUNT: usize = transform::ROWS.len() + represent::ROWS.len();

/// Every operator: those from events to events, then those to tensors.
pub static OPERATORS: &[&Operator] = &{
    let mut all: [&Operator; COUNT] = [transform::ROWS[0]; COUNT];
    let mut index = 0;
    while index < COUNT {
        all[index] = if index < transform::ROWS.len() {
            transform::ROWS[index]
        } else {
            represent::ROWS[index - transform::ROWS.len()]
        };
        index += 1;
    }
    all
};

/// The operator called `id`.
///
/// # Errors
/// [`ErrorKind::NotFound`](parallax_events::ErrorKind) lists the known ones and names the nearest; for a name by which
/// others know an operator, it says what to write here.
pub fn operator(id: &str) -> Result<&'static Operator> {
    let found = chain::resolve("operator", id, OPERATORS, |row| row.id());
    found.copied().map_err(|error| named_otherwise(id, error))
}

/// The operator that a link of a chain names.
pub(crate) fn of_link(link: &ChainLink) -> Result<&'static Operator> {
    let found = link.resolve("operator", OPERATORS, |row| row.id());
    found.copied().map_err(|error| named_otherwise(&link.id, error))
}

/// The error for an unknown `id`, with what to write instead if it is an alias.
fn named_otherwise(id: &str, error: Error) -> Error {
    let aliases = || OPERATORS.iter().flat_map(|row| row.declaration.aliases());
    let texts: Vec<&str> = aliases()
        .filter(|(name, _)| *name == id)
        .map(|(_, text)| *text)
        .collect();
    if texts.is_empty() {
        return error;
    }
    error.with_hint(format!("here it is: {}", texts.join(", or: ")))
}

fn one_link(text: &str) -> Result<(&'static Operator, Params)> {
    let chain = Chain::parse(text)?;
    let [link]: &[ChainLink] = &chain.links else {
        return Err(Error::param(format!("\"{text}\" is not one operator"))
            .with_hint("write one operator, as in `polarity keep=on`"));
    };
    let row = of_link(link)?;
    Ok((row, row.declaration.check(link)?))
}

/// The operator from events to events that `text` names with its parameters: `polarity keep=on`.
///
/// # Errors
/// Unknown ids and wrong parameters point at the character; an operator to tensors is refused.
pub fn event_op(text: &str) -> Result<Box<dyn EventOp>> {
    let (row, params) = one_link(text)?;
    match row.build {
        Build::Events(build) => build(params),
        Build::Tensor(_) => Err(Error::param(format!("{} yields a tensor, not events", row.id()))),
    }
}

/// The representation that `text` names with its parameters: `frame bins=5`.
///
/// # Errors
/// Unknown ids and wrong parameters point at the character; an operator to events is refused.
pub fn represent(text: &str) -> Result<Box<dyn Represent>> {
    let (row, params) = one_link(text)?;
    match row.build {
        Build::Tensor(build) => build(params),
        Build::Events(_) => Err(Error::param(format!("{} yields events, not a tensor", row.id()))),
    }
}
