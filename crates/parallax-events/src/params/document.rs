//! A declaration as text, Markdown and JSON: the command's help, the docs' tables and Python's signatures.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::declaration::Declaration;
use super::spec::{ParamKind, ParamSpec};

impl Declaration {
    /// The header of the table that [`markdown_rows`](Self::markdown_rows) fills.
    pub const MARKDOWN_HEADER: &'static str =
        "| parameter | type | default | allowed | what it is |\n| --- | --- | --- | --- | --- |\n";

    /// One row of a Markdown table for each parameter, each with its line end.
    ///
    /// ```
    /// use parallax_events::{Declaration, Nanos, ParamSpec};
    ///
    /// static REFRACTORY: Declaration = Declaration::new(
    ///     "refractory",
    ///     "Drops the events of a pixel that follow one too soon",
    ///     &[ParamSpec::time("period").min(Nanos(1)).default(Nanos(1_000_000)).doc("Dead time of a pixel")],
    /// );
    /// assert_eq!(
    ///     REFRACTORY.markdown_rows(),
    ///     "| `period` | time | `1ms` | at least 1ns | Dead time of a pixel |\n"
    /// );
    /// assert_eq!(
    ///     REFRACTORY.help(),
    ///     "refractory: Drops the events of a pixel that follow one too soon\n\
    ///      \n  \
    ///        period=<time>  Dead time of a pixel [default: 1ms; allowed: at least 1ns]\n"
    /// );
    /// ```
    pub fn markdown_rows(&self) -> String {
        let mut rows = String::new();
        for spec in self.params {
            let default = match spec.default_value() {
                Some(value) => format!("`{}`", crate::chain::quote(&value.to_string())),
                None => absence(spec).to_owned(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                rows,
                "| `{}` | {} | {} | {} | {} |",
                spec.name,
                spec.kind.name(),
                default.replace('|', "\\|"),
                spec.allowed().replace('|', "\\|"),
                spec.doc.replace('|', "\\|")
            );
        }
        rows
    }

    /// The id and title, the longer text and the other names if there are any, and a line for each parameter.
    pub fn help(&self) -> String {
        let mut text = format!("{}: {}\n", self.id, self.title);
        if !self.doc.is_empty() {
            let _ = write!(text, "\n{}\n", self.doc.trim_end());
        }
        if !self.aliases.is_empty() {
            let others = self
                .aliases
                .iter()
                .map(|(name, here)| format!("{name} is `{here}`"));
            let _ = write!(text, "\nOther names: {}\n", others.collect::<Vec<_>>().join("; "));
        }
        if !self.tags.is_empty() {
            let _ = write!(text, "\nTags: {}\n", self.tags.join(", "));
        }
        let keys: Vec<String> = self
            .params
            .iter()
            .map(|spec| format!("{}=<{}>", spec.name, spec.kind.name()))
            .collect();
        let width = keys.iter().map(String::len).max().unwrap_or(0);
        if !keys.is_empty() {
            text.push('\n');
        }
        for (spec, key) in self.params.iter().zip(&keys) {
            let state = match spec.default_value() {
                Some(value) => format!("default: {}", crate::chain::quote(&value.to_string())),
                None => absence(spec).to_owned(),
            };
            let allowed = match spec.allowed() {
                allowed if allowed.is_empty() => allowed,
                allowed => format!("; allowed: {allowed}"),
            };
            let _ = writeln!(text, "  {key:width$}  {} [{state}{allowed}]", spec.doc);
        }
        text
    }
}

fn absence(spec: &ParamSpec) -> &'static str {
    if spec.is_required() {
        "required"
    } else {
        "optional"
    }
}

/// `{"id", "title", "doc", "tags": [..], "aliases": {name: text}, "params": [..]}`.
impl Serialize for Declaration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Declaration", 6)?;
        object.serialize_field("id", self.id)?;
        object.serialize_field("title", self.title)?;
        object.serialize_field("doc", self.doc)?;
        object.serialize_field("tags", self.tags)?;
        let aliases: BTreeMap<&str, &str> = self.aliases.iter().copied().collect();
        object.serialize_field("aliases", &aliases)?;
        object.serialize_field("params", self.params)?;
        object.end()
    }
}

/// `{"name", "type", "unit", "required", "default", "min", "max", "choices", "doc"}`; what does not apply is `null`.
/// Values are as in [`Value`](super::Value), so times count nanoseconds.
impl Serialize for ParamSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let choices = match self.kind {
            ParamKind::Choice(words) => Some(words),
            _ => None,
        };
        let unit = match self.kind {
            ParamKind::Time => "ns",
            ParamKind::Size => "B",
            ParamKind::Rate => "Hz",
            _ => self.unit,
        };
        let mut object = serializer.serialize_struct("ParamSpec", 9)?;
        object.serialize_field("name", self.name)?;
        object.serialize_field("type", self.kind.name())?;
        object.serialize_field("unit", &Some(unit).filter(|unit| !unit.is_empty()))?;
        object.serialize_field("required", &self.is_required())?;
        object.serialize_field("default", &self.default_value())?;
        object.serialize_field("min", &self.min_value())?;
        object.serialize_field("max", &self.max_value())?;
        object.serialize_field("choices", &choices)?;
        object.serialize_field("doc", self.doc)?;
        object.end()
    }
}
