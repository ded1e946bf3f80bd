//! The chain grammar: `id key=value key=value ! id ..` in, ids and raw values with their places out.
//!
//! ```text
//! chain := link ("!" link)*
//! link  := id (key "=" value)*
//! value := quoted | every token that touches the one before it, up to white space or "!"
//! ```
//!
//! Nothing here knows which ids or parameters exist: [`ChainLink::resolve`] finds the row of a registry, and
//! [`Declaration::check`](crate::Declaration::check) turns the raw values into [`Params`](crate::Params). There is
//! one tokenizer: the pipeline parser adds branches, pads and caps on top of [`Cursor`].
//!
//! ```
//! use parallax_events::Chain;
//!
//! let chain = Chain::parse("region x=0 y=0 width=640 height=480 ! refractory period=1ms  # dead time")?;
//! assert_eq!(chain.links.len(), 2);
//! assert_eq!(chain.links[1].id, "refractory");
//! assert_eq!(chain.links[1].args[0].value.text, "1ms");
//! assert_eq!(chain.to_string(), "region x=0 y=0 width=640 height=480 ! refractory period=1ms");
//! # Ok::<(), parallax_events::Error>(())
//! ```

mod cursor;
mod point;
mod token;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use cursor::Cursor;
pub use point::point;
pub(crate) use point::shown;
pub use token::{MAX_TEXT_BYTES, Span, Token, TokenKind, quote, tokenize};

use crate::{Error, ErrorKind, Result, nearest};

/// Links one after another, at least one. Printing and parsing are inverse, but for white space and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The links, in the order in which data passes.
    pub links: Vec<ChainLink>,
}

impl Chain {
    /// Parses a whole chain.
    ///
    /// # Errors
    /// [`ErrorKind::Param`], pointing at the character:
    ///
    /// ```
    /// let error = parallax_events::Chain::parse("region x= y=1").unwrap_err();
    /// assert_eq!(
    ///     error.to_string().lines().collect::<Vec<_>>(),
    ///     [
    ///         "`x=` has no value (line: 1, column: 10); write it right behind the `=`; an empty text is \"\"",
    ///         "  region x= y=1",
    ///         "           ^",
    ///     ]
    /// );
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let mut cursor = Cursor::new(text)?;
        let mut links = Vec::new();
        loop {
            links.push(cursor.link()?);
            if cursor.take(TokenKind::Bang).is_some() {
                continue;
            }
            let Some(token) = cursor.peek() else {
                return Ok(Self { links });
            };
            let message = match token.kind {
                TokenKind::Word => format!("`{}` has no value", shown(token.text)),
                kind => format!("{kind} stands here"),
            };
            return Err(cursor.error(message, "expected `key=value`, or `!` before the next id"));
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, link) in self.links.iter().enumerate() {
            write!(f, "{}{link}", if index == 0 { "" } else { " ! " })?;
        }
        Ok(())
    }
}

/// One id with its raw values.
///
/// Two links are equal if they say the same; where they stand and how they are quoted does not matter.
#[derive(Debug, Clone)]
pub struct ChainLink {
    /// The id as written.
    pub id: String,
    /// Where the id stands.
    pub id_span: Span,
    /// The values in the order in which they were given.
    pub args: Vec<Arg>,
    pub(crate) text: Arc<str>,
}

impl ChainLink {
    /// The row of `rows` that this link's id names; `what` says what the rows are: `"operator"`.
    ///
    /// ```
    /// use parallax_events::Chain;
    ///
    /// let rows = [("refractory", 1), ("region", 2)];
    /// let chain = Chain::parse("regoin x=1")?;
    /// let error = chain.links[0].resolve("operator", &rows, |row| row.0).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `region`? known: refractory, region"));
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], pointing at the id, listing the known ids and the nearest.
    pub fn resolve<'r, R>(&self, what: &str, rows: &'r [R], id: impl Fn(&'r R) -> &'r str) -> Result<&'r R> {
        resolve(what, &self.id, rows, id).map_err(|error| self.point(self.id_span, error))
    }

    /// Makes `error` point at a place of the text that this link was parsed from.
    #[must_use]
    pub fn point(&self, span: Span, error: Error) -> Error {
        point(&self.text, span.start, error)
    }
}

impl PartialEq for ChainLink {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.args == other.args
    }
}

impl Eq for ChainLink {}

impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        for arg in &self.args {
            write!(f, " {}={}", arg.key, quote(&arg.value.text))?;
        }
        Ok(())
    }
}

/// One `key=value`. Equal if key and value are, wherever they stand.
#[derive(Debug, Clone)]
pub struct Arg {
    /// The key as written.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: RawValue,
    /// Where the value stands, quotes included.
    pub value_span: Span,
}

impl PartialEq for Arg {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value.text == other.value.text
    }
}

impl Eq for Arg {}

/// A value that no declaration has given a type yet.
#[derive(Debug, Clone)]
pub struct RawValue {
    /// The text that is meant: without quotes and escapes.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// The row of `rows` whose id is `word`.
///
/// # Errors
/// [`ErrorKind::NotFound`] that lists the known ids and the nearest; `what` says what the rows are: `"format"`.
pub fn resolve<'r, R>(what: &str, word: &str, rows: &'r [R], id: impl Fn(&'r R) -> &'r str) -> Result<&'r R> {
    let exact = rows.iter().find(|row| id(row) == word);
    if let Some(row) = exact.or_else(|| rows.iter().find(|row| is_same_name(id(row), word))) {
        return Ok(row);
    }
    let known: Vec<&str> = rows.iter().map(id).collect();
    Err(Error::new(
        ErrorKind::NotFound,
        format!("no {what} is called `{}`", shown(word)),
    )
    .with_hint(known_words(word, &known)))
}

/// Whether two names are the same but for `-` in the place of `_`: both ways of writing are taken for ids and parameters.
pub(crate) fn is_same_name(a: &str, b: &str) -> bool {
    let plain = |byte| if byte == b'-' { b'_' } else { byte };
    a.bytes().map(plain).eq(b.bytes().map(plain))
}

/// "did you mean `a`? known: a, b". A long word is near to nothing, so hostile ones cost nothing.
pub(crate) fn known_words(word: &str, known: &[&str]) -> String {
    const LONGEST: usize = 64;
    let near = if word.len() <= LONGEST {
        nearest(word, known.iter().copied())
    } else {
        None
    };
    let question = near
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let list = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    format!("{question}known: {list}")
}
