//! A parameter's value, with its type.

use std::fmt;

use serde::{Serialize, Serializer};

use super::quantity::{print_rate, print_size, print_time};
use crate::{Micros, Millis, Nanos};

/// A typed value. [`Display`](fmt::Display) writes it as the grammar reads it, before quoting.
///
/// As JSON: booleans, numbers and texts as themselves; a time is a whole number of nanoseconds, a size of bytes, a rate
/// a number of hertz.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// Any text.
    Text(String),
    /// A length of time, or a point on a time axis.
    Time(Nanos),
    /// A number of bytes.
    Size(u64),
    /// Hertz, finite.
    Rate(f64),
    /// One of the words that the declaration lists.
    Choice(&'static str),
}

impl Value {
    /// What this value is called in a message.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a switch",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) | Self::Choice(_) => "a text",
            Self::Time(_) => "a time",
            Self::Size(_) => "a size",
            Self::Rate(_) => "a rate",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::Time(value) => f.write_str(&print_time(value.0)),
            Self::Size(value) => f.write_str(&print_size(*value)),
            Self::Rate(value) => f.write_str(&print_rate(*value)),
            Self::Choice(value) => f.write_str(value),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) | Self::Rate(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Time(value) => serializer.serialize_i64(value.0),
            Self::Size(value) => serializer.serialize_u64(*value),
            Self::Choice(value) => serializer.serialize_str(value),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $make:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $make
            }
        }
    )*};
}

value_from! {
    bool => |value| Self::Bool(value),
    i64 => |value| Self::Int(value),
    i32 => |value| Self::Int(value.into()),
    u32 => |value| Self::Int(value.into()),
    u16 => |value| Self::Int(value.into()),
    u8 => |value| Self::Int(value.into()),
    f64 => |value| Self::Float(value),
    f32 => |value| Self::Float(value.into()),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    Nanos => |value| Self::Time(value),
    Micros => |value| Self::Time(value.into()),
    Millis => |value| Self::Time(value.into()),
}
