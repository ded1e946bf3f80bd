//! The row of an element, and the registry: a value, not a global.

use parallax_events::chain::{self, ChainLink};
use parallax_events::{Chain, Declaration, Error, Params, Result};

use crate::{Built, Media, Ports};

/// Makes an element from parameters that were checked against its declaration.
pub type Build = fn(Params) -> Result<Built>;

/// One element's row.
#[derive(Debug)]
pub struct ElementRow {
    /// Id, title and parameters.
    pub declaration: &'static Declaration,
    /// Other names that users expect.
    pub aliases: &'static [&'static str],
    /// How many pads it has.
    pub ports: Ports,
    /// From what to what it converts, if that is what it is for: a failed negotiation offers it.
    pub converts: Option<(Media, Media)>,
    /// Where it copies bytes, for [`Pipeline::explain`](crate::Pipeline::explain); empty if it does not.
    pub copies: &'static str,
    /// Makes it.
    pub build: Build,
}

impl ElementRow {
    /// A row with nothing special about it; `..ElementRow::plain(..)` fills in the rest of a literal.
    pub const fn plain(declaration: &'static Declaration, ports: Ports, build: Build) -> Self {
        Self {
            declaration,
            aliases: &[],
            ports,
            converts: None,
            copies: "",
            build,
        }
    }

    /// The id: the name everywhere.
    pub fn id(&self) -> &'static str {
        self.declaration.id()
    }

    /// What it is, in a word: `source`, `element` or `sink`.
    pub fn kind(&self) -> &'static str {
        match (self.ports.inputs, self.ports.outputs) {
            (0, _) => "source",
            (_, 0) => "sink",
            _ => "element",
        }
    }
}

/// The elements that a pipeline text may name.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    rows: Vec<&'static ElementRow>,
}

impl Registry {
    /// These rows.
    pub fn new(rows: impl IntoIterator<Item = &'static ElementRow>) -> Self {
        Self {
            rows: rows.into_iter().collect(),
        }
    }

    /// The same with more rows, such as elements of your own.
    #[must_use]
    pub fn with(mut self, rows: impl IntoIterator<Item = &'static ElementRow>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// Every row.
    pub fn rows(&self) -> &[&'static ElementRow] {
        &self.rows
    }

    /// The row called `id`, or by an alias of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](parallax_events::ErrorKind) lists the known ones and names the nearest.
    pub fn element(&self, id: &str) -> Result<&'static ElementRow> {
        match self.rows.iter().find(|row| row.aliases.contains(&id)) {
            Some(row) => Ok(row),
            None => chain::resolve("element", id, &self.rows, |row| row.id()).copied(),
        }
    }

    /// The element that `text` names with its parameters.
    ///
    /// # Errors
    /// Unknown ids and wrong parameters name what is known.
    pub fn build(&self, text: &str) -> Result<Built> {
        let chain = Chain::parse(text)?;
        let [link] = chain.links.as_slice() else {
            return Err(Error::param(format!("\"{text}\" is not one element")));
        };
        let (row, params) = self.check(link)?;
        (row.build)(params)
    }

    /// The row and the checked parameters of a link; errors point into its text.
    pub(crate) fn check(&self, link: &ChainLink) -> Result<(&'static ElementRow, Params)> {
        let row = self
            .element(&link.id)
            .map_err(|error| link.point(link.id_span, error))?;
        // The declaration knows the id alone.
        let mut link = link.clone();
        link.id = row.id().to_owned();
        Ok((row, row.declaration.check(&link)?))
    }
}
