//! The declaration of one parameter: name, type, unit, default, range and what it is for, in a `static`.

use super::draft::{BoolKind, ChoiceKind, Draft, FloatKind, IntKind, RateKind, SizeKind, TextKind, TimeKind};
use super::quantity::{read_bool, read_float, read_int, read_rate, read_size, read_time};
use super::value::Value;
use crate::Nanos;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamKind {
    /// `true` or `false`.
    Bool,
    /// A whole number: `12`, `-3`, `0x10`, `1e6`.
    Int,
    /// A finite number: `0.5`, `1e-3`.
    Float,
    /// Any text.
    Text,
    /// A time with its unit: `1ms`, `50us`, `1.5s`; nanoseconds inside.
    Time,
    /// Bytes: `4096`, `4MiB`.
    Size,
    /// A rate with its unit: `30Hz`; hertz inside.
    Rate,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl ParamKind {
    /// The kind's name in docs and JSON: lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Time => "time",
            Self::Size => "size",
            Self::Rate => "rate",
            Self::Choice(_) => "choice",
        }
    }
}

/// A value that a `static` can hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    Time(Nanos),
    Size(u64),
    Rate(f64),
    Choice(&'static str),
}

impl Constant {
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(value) => Value::Text(value.to_owned()),
            Self::Time(value) => Value::Time(value),
            Self::Size(value) => Value::Size(value),
            Self::Rate(value) => Value::Rate(value),
            Self::Choice(value) => Value::Choice(value),
        }
    }
}

/// What holds where the user gives no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Absent {
    Required,
    Optional,
    Default(Constant),
}

/// The declaration of one parameter.
///
/// A kind begins it and its text ends it, so none is without a text. Without a default it is required, unless it
/// is marked optional. In a `static` or `const`, a default outside the range does not compile.
///
/// ```
/// use parallax_events::{Nanos, ParamSpec};
///
/// static SPECS: [ParamSpec; 4] = [
///     ParamSpec::int("width").unit("px").range(1, 65_536).optional().doc("Width of the region"),
///     ParamSpec::time("period").min(Nanos(1)).default(Nanos(1_000_000)).doc("Dead time of a pixel"),
///     ParamSpec::choice("mode", &["count", "binary"]).default("count").doc("What a cell holds"),
///     ParamSpec::text("location").doc("Path of the file"),
/// ];
/// assert!(SPECS[3].is_required());
/// assert_eq!(SPECS[1].default_value().map(|value| value.to_string()).as_deref(), Some("1ms"));
/// ```
///
/// ```compile_fail
/// use parallax_events::ParamSpec;
/// static WRONG: ParamSpec = ParamSpec::int("bins").range(1, 10).default(11).doc("Time bins");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamSpec {
    pub(super) name: &'static str,
    pub(super) kind: ParamKind,
    pub(super) unit: &'static str,
    pub(super) absent: Absent,
    pub(super) min: Option<Constant>,
    pub(super) max: Option<Constant>,
    pub(super) doc: &'static str,
}

impl ParamSpec {
    /// Begins a switch.
    pub const fn bool(name: &'static str) -> Draft<BoolKind> {
        Draft::new(name, ParamKind::Bool)
    }

    /// Begins a whole number.
    pub const fn int(name: &'static str) -> Draft<IntKind> {
        Draft::new(name, ParamKind::Int)
    }

    /// Begins a finite number.
    pub const fn float(name: &'static str) -> Draft<FloatKind> {
        Draft::new(name, ParamKind::Float)
    }

    /// Begins a text.
    pub const fn text(name: &'static str) -> Draft<TextKind> {
        Draft::new(name, ParamKind::Text)
    }

    /// Begins a time.
    pub const fn time(name: &'static str) -> Draft<TimeKind> {
        Draft::new(name, ParamKind::Time)
    }

    /// Begins a number of bytes.
    pub const fn size(name: &'static str) -> Draft<SizeKind> {
        Draft::new(name, ParamKind::Size)
    }

    /// Begins a rate in hertz.
    pub const fn rate(name: &'static str) -> Draft<RateKind> {
        Draft::new(name, ParamKind::Rate)
    }

    /// Begins a choice between `words`.
    pub const fn choice(name: &'static str, words: &'static [&'static str]) -> Draft<ChoiceKind> {
        Draft::new(name, ParamKind::Choice(words))
    }

    /// The name: the key in the grammar, the flag, the Python keyword.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The type.
    pub const fn kind(&self) -> ParamKind {
        self.kind
    }

    /// The unit that a bare number counts in, for the docs; may be empty.
    pub const fn unit(&self) -> &'static str {
        self.unit
    }

    /// What it is for, in a phrase.
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// Whether a value must be given.
    pub const fn is_required(&self) -> bool {
        matches!(self.absent, Absent::Required)
    }

    /// The value that holds if none is given.
    pub fn default_value(&self) -> Option<Value> {
        match self.absent {
            Absent::Default(value) => Some(value.to_value()),
            Absent::Required | Absent::Optional => None,
        }
    }

    /// The smallest value that is allowed, if there is such a bound.
    pub fn min_value(&self) -> Option<Value> {
        self.min.map(Constant::to_value)
    }

    /// The largest value that is allowed, if there is such a bound.
    pub fn max_value(&self) -> Option<Value> {
        self.max.map(Constant::to_value)
    }

    /// What is allowed, in words: `1 to 65536 px`, `count, binary`, `at least 1ns`; empty if everything is.
    pub fn allowed(&self) -> String {
        if let ParamKind::Choice(words) = self.kind {
            return words.join(", ");
        }
        let unit = if self.unit.is_empty() {
            String::new()
        } else {
            format!(" {}", self.unit)
        };
        match (self.min_value(), self.max_value()) {
            (Some(min), Some(max)) => format!("{min} to {max}{unit}"),
            (Some(min), None) => format!("at least {min}{unit}"),
            (None, Some(max)) => format!("at most {max}{unit}"),
            (None, None) => String::new(),
        }
    }

    /// `text` as this parameter's type and within its range, or in words why it is not.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        // `width=640px` says the same as `width=640`.
        let number = text.strip_suffix(self.unit).unwrap_or(text);
        let value = match self.kind {
            ParamKind::Bool => Value::Bool(read_bool(text)?),
            ParamKind::Int => Value::Int(read_int(number)?),
            ParamKind::Float => Value::Float(read_float(number)?),
            ParamKind::Text => Value::Text(text.to_owned()),
            ParamKind::Time => Value::Time(Nanos(read_time(text)?)),
            ParamKind::Size => Value::Size(read_size(text)?),
            ParamKind::Rate => Value::Rate(read_rate(text)?),
            ParamKind::Choice(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Value::Choice(word),
                None => return Err("it is none of the words".to_owned()),
            },
        };
        self.within_range(value)
    }

    /// `value` as this parameter's type, where that loses nothing, and within its range. A text is read.
    pub(super) fn convert(&self, value: Value) -> Result<Value, String> {
        let value = match (self.kind, value) {
            (_, Value::Text(text)) => return self.read(&text),
            (_, Value::Choice(word)) => return self.read(word),
            (ParamKind::Bool, value @ Value::Bool(_))
            | (ParamKind::Int, value @ Value::Int(_))
            | (ParamKind::Float, value @ Value::Float(_))
            | (ParamKind::Time, value @ Value::Time(_))
            | (ParamKind::Size, value @ Value::Size(_))
            | (ParamKind::Rate, value @ Value::Rate(_)) => value,
            (_, Value::Int(whole)) if self.kind != ParamKind::Bool => return self.read(&whole.to_string()),
            (ParamKind::Rate, Value::Float(_)) => {
                return Err("a rate needs its unit, such as \"30Hz\"".to_owned());
            }
            (kind, value) => {
                return Err(format!(
                    "{} is given where {} is needed",
                    value.noun(),
                    kind.name()
                ));
            }
        };
        self.within_range(value)
    }

    fn within_range(&self, value: Value) -> Result<Value, String> {
        let finite = match value {
            Value::Float(number) | Value::Rate(number) => number.is_finite(),
            _ => true,
        };
        if !finite {
            return Err("the number must be finite".to_owned());
        }
        let at_least = |min: Constant| !is_less(&value, &min.to_value());
        let at_most = |max: Constant| !is_less(&max.to_value(), &value);
        if self.min.is_none_or(at_least) && self.max.is_none_or(at_most) {
            Ok(value)
        } else {
            Err("it lies outside the range".to_owned())
        }
    }
}

/// Values of one kind, in their order; of two kinds, never.
fn is_less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) | (Value::Rate(a), Value::Rate(b)) => a < b,
        (Value::Time(a), Value::Time(b)) => a < b,
        (Value::Size(a), Value::Size(b)) => a < b,
        _ => false,
    }
}
