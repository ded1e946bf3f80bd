//! What a row of a registry declares about its parameters, and the check of raw values against it.

use super::checked::{Params, ParamsBuilder};
use super::draft::same_text;
use super::spec::{ParamKind, ParamSpec};
use super::value::Value;
use crate::chain::{ChainLink, is_same_name, known_words, shown};
use crate::{Error, Result, nearest};

/// An id, what it is, and its parameters: declared once, in a `static`.
///
/// ```
/// use parallax_events::{Chain, Declaration, Nanos, ParamSpec};
///
/// static REFRACTORY: Declaration = Declaration::new(
///     "refractory",
///     "Drops the events of a pixel that follow one too soon",
///     &[ParamSpec::time("period").min(Nanos(1)).default(Nanos(1_000_000)).doc("Dead time of a pixel")],
/// );
///
/// let chain = Chain::parse("refractory period=50us")?;
/// let params = REFRACTORY.check(&chain.links[0])?;
/// assert_eq!(params.time("period")?, Nanos(50_000));
/// assert_eq!(params.to_string(), "refractory period=50us");
///
/// let chain = Chain::parse("refractory perod=50us")?;
/// let error = REFRACTORY.check(&chain.links[0]).unwrap_err();
/// assert!(error.to_string().contains("did you mean `period`?"));
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, PartialEq)]
pub struct Declaration {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) doc: &'static str,
    pub(super) tags: &'static [&'static str],
    pub(super) aliases: &'static [(&'static str, &'static str)],
    pub(super) params: &'static [ParamSpec],
}

impl Declaration {
    /// Declares `id`. The title is one line without a full stop.
    ///
    /// # Panics
    /// If the id or a parameter's name is not a lower-case ASCII letter followed by letters, digits, `_` (or, in an id,
    /// `-`), or if two parameters share a name. In a `static` that is an error of the compiler.
    pub const fn new(id: &'static str, title: &'static str, params: &'static [ParamSpec]) -> Self {
        assert!(
            is_name(id, true),
            "an id is a letter, then letters, digits, `_` and `-`"
        );
        let mut index = 0;
        while index < params.len() {
            assert!(
                is_name(params[index].name, false),
                "a name is a letter, then letters, digits and `_`"
            );
            let mut other = 0;
            while other < index {
                assert!(
                    !same_text(params[index].name, params[other].name),
                    "two parameters share a name"
                );
                other += 1;
            }
            index += 1;
        }
        Self {
            id,
            title,
            doc: "",
            tags: &[],
            aliases: &[],
            params,
        }
    }

    /// Adds the longer text: what it does, its source. Markdown.
    #[must_use]
    pub const fn with_doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Adds words that sort it among others, such as the profiles that it fits.
    #[must_use]
    pub const fn with_tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// Adds names by which others know it, or a part of it, each with the text that does it here. They are for people
    /// who look for them; a chain takes the id alone.
    ///
    /// # Panics
    /// If a name is no id, or the text beside it is empty. In a `static` that is an error of the compiler.
    #[must_use]
    pub const fn with_aliases(mut self, aliases: &'static [(&'static str, &'static str)]) -> Self {
        let mut index = 0;
        while index < aliases.len() {
            assert!(is_name(aliases[index].0, true), "an alias is a name as an id is");
            assert!(
                !aliases[index].1.is_empty(),
                "an alias says what to write instead"
            );
            index += 1;
        }
        self.aliases = aliases;
        self
    }

    /// Other names, each with the text that does it here.
    pub const fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        self.aliases
    }

    /// The words that sort it among others.
    pub const fn tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// The name everywhere: in chains, the command, Python and SQL.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// What it is, in one line.
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// What it does at length, in Markdown; may be empty.
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// The parameters, in the order in which they are printed.
    pub const fn params(&self) -> &'static [ParamSpec] {
        self.params
    }

    /// The values of a parsed link, typed and checked.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) that points at the character, for a parameter that is unknown, given
    /// twice, of another type, out of range, or missing; also if the link's id is another one.
    pub fn check(&'static self, link: &ChainLink) -> Result<Params> {
        if !is_same_name(&link.id, self.id) {
            let message = format!("`{}` is not `{}`", shown(&link.id), self.id);
            return Err(link.point(link.id_span, Error::param(message)));
        }
        let mut builder = Params::of(self);
        for arg in &link.args {
            let index = self
                .index(&arg.key)
                .map_err(|error| link.point(arg.key_span, error))?;
            if builder.given.get(index) == Some(&true) {
                let error = Error::param(format!("`{}` is given twice", arg.key)).with_hint("keep one");
                return Err(link.point(arg.key_span, error));
            }
            builder
                .put(index, Value::Text(arg.value.text.clone()))
                .map_err(|error| link.point(arg.value_span, error))?;
        }
        builder.build().map_err(|error| link.point(link.id_span, error))
    }

    /// Every default; an error if a parameter is required.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param), naming the first required parameter.
    pub fn defaults(&'static self) -> Result<Params> {
        Params::of(self).build()
    }

    /// Which parameter `name` is, or an error that lists the known ones and the nearest.
    pub(super) fn index(&self, name: &str) -> Result<usize> {
        self.params
            .iter()
            .position(|spec| is_same_name(spec.name, name))
            .ok_or_else(|| {
                let known: Vec<&str> = self.params.iter().map(|spec| spec.name).collect();
                Error::param(format!("`{}` has no parameter `{}`", self.id, shown(name)))
                    .with_hint(known_words(name, &known))
            })
    }

    /// The error for a value that `spec` refuses.
    pub(super) fn refuse(&self, spec: &ParamSpec, value: &Value, reason: &str) -> Error {
        let text = value.to_string();
        let message = format!(
            "`{}` of `{}` cannot be `{}`: {reason}",
            spec.name,
            self.id,
            shown(&text)
        );
        let near = match spec.kind {
            ParamKind::Choice(words) if text.len() <= 64 => nearest(&text, words.iter().copied()),
            _ => None,
        };
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{}` is: {}", spec.name, spec.doc),
        };
        let allowed = spec.allowed();
        let error = Error::param(message).with_hint(hint);
        if allowed.is_empty() {
            error
        } else {
            error.with_context("allowed", allowed)
        }
    }

    /// The error for a value that is needed and absent.
    pub(super) fn missing(&self, spec: &ParamSpec) -> Error {
        Error::param(format!("`{}` needs `{}=`", self.id, spec.name))
            .with_context("type", spec.kind.name())
            .with_hint(format!("`{}` is: {}", spec.name, spec.doc))
    }
}

impl ParamsBuilder {
    /// The parameter's value, from a program or from text: `set("period", Nanos(50_000))`, `set("period", "50us")`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) if the name is unknown, or the value of another type or out of range.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Result<Self> {
        let index = self.declaration.index(name)?;
        self.put(index, value.into())?;
        Ok(self)
    }

    /// The values, if every required one is there.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param), naming the first that is missing.
    pub fn build(self) -> Result<Params> {
        let Self {
            declaration, values, ..
        } = self;
        let missing = declaration
            .params
            .iter()
            .zip(&values)
            .find(|(spec, value)| spec.is_required() && value.is_none());
        match missing {
            Some((spec, _)) => Err(declaration.missing(spec)),
            None => Ok(Params { declaration, values }),
        }
    }

    fn put(&mut self, index: usize, value: Value) -> Result<()> {
        let declaration = self.declaration;
        let (Some(spec), Some(slot), Some(given)) = (
            declaration.params.get(index),
            self.values.get_mut(index),
            self.given.get_mut(index),
        ) else {
            return Err(Error::internal(format!(
                "`{}` has no parameter number {index}",
                declaration.id
            )));
        };
        let converted = spec.convert(value.clone());
        *slot = Some(converted.map_err(|reason| declaration.refuse(spec, &value, &reason))?);
        *given = true;
        Ok(())
    }
}

const fn is_name(name: &str, dashes: bool) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        let fits = match bytes[index] {
            b'a'..=b'z' => true,
            b'0'..=b'9' | b'_' => index > 0,
            b'-' => index > 0 && dashes,
            _ => false,
        };
        if !fits {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}
