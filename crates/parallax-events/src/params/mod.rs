//! Parameters, declared once: the grammar, the command, Python and the docs read the same [`Declaration`].
//!
//! A [`ParamSpec`] declares one parameter, a [`Declaration`] an id with its parameters, both in a `static`.
//! Raw values ([`ChainLink`](crate::ChainLink)) or a program's ([`Params::of`]) are checked against it once, and
//! become [`Params`], from which reading cannot fail. Errors name the id, the parameter, the value and what is allowed,
//! and point at the character if there is a text.

mod checked;
mod declaration;
mod document;
mod draft;
mod quantity;
mod spec;
mod time_range;
mod value;

#[cfg(test)]
mod tests;

pub use checked::{Params, ParamsBuilder};
pub use declaration::Declaration;
pub use draft::{BoolKind, ChoiceKind, Draft, FloatKind, IntKind, RateKind, SizeKind, TextKind, TimeKind};
pub use spec::{ParamKind, ParamSpec};
pub use time_range::TimeRange;
pub use value::Value;
