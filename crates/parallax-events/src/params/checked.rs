//! The typed values of one id, checked once: after that, reading them cannot fail but for a defect of ours.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::declaration::Declaration;
use super::value::Value;
use crate::chain::quote;
use crate::{Error, Nanos, Result};

/// An id with a value for every parameter that has one.
///
/// It comes from [`Declaration::check`] (text), [`Params::of`] (a program) or [`Declaration::defaults`].
/// [`Display`](fmt::Display) writes every value, defaults too, so that a stored text keeps its meaning if a default changes;
/// the alternate form `{:#}` leaves out what equals the default. Parsing either gives the same `Params` back.
/// As JSON it is an object: `{"id": "refractory", "period": 50000}`, with `null` for what is absent.
#[derive(Debug, Clone)]
pub struct Params {
    pub(super) declaration: &'static Declaration,
    pub(super) values: Vec<Option<Value>>,
}

/// Values being collected; [`build`](Self::build) checks that none is missing.
#[derive(Debug, Clone)]
pub struct ParamsBuilder {
    pub(super) declaration: &'static Declaration,
    pub(super) values: Vec<Option<Value>>,
    pub(super) given: Vec<bool>,
}

impl Params {
    /// Begins with the defaults of `declaration`.
    ///
    /// ```
    /// use parallax_events::{Declaration, ParamSpec, Params};
    ///
    /// static REGION: Declaration = Declaration::new(
    ///     "region",
    ///     "Keeps the events inside a rectangle",
    ///     &[
    ///         ParamSpec::int("x").unit("px").range(0, 65_535).default(0).doc("Left edge"),
    ///         ParamSpec::int("width").unit("px").range(1, 65_536).doc("Width"),
    ///     ],
    /// );
    /// let params = Params::of(&REGION).set("width", 640)?.build()?;
    /// assert_eq!((params.int("x")?, params.int("width")?), (0, 640));
    /// assert_eq!(format!("{params} | {params:#}"), "region x=0 width=640 | region width=640");
    ///
    /// let error = Params::of(&REGION).set("width", 0).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`width` of `region` cannot be `0`: it lies outside the range \
    ///      (allowed: 1 to 65536 px); `width` is: Width"
    /// );
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn of(declaration: &'static Declaration) -> ParamsBuilder {
        let values: Vec<_> = declaration
            .params
            .iter()
            .map(|spec| spec.default_value())
            .collect();
        ParamsBuilder {
            declaration,
            given: vec![false; values.len()],
            values,
        }
    }

    /// The id.
    pub fn id(&self) -> &'static str {
        self.declaration.id
    }

    /// What these values were checked against.
    pub fn declaration(&self) -> &'static Declaration {
        self.declaration
    }

    /// The value of `name`, or `None` if it is optional and was not given.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if the declaration has no such parameter.
    pub fn get(&self, name: &str) -> Result<Option<&Value>> {
        let index = self.declaration.params.iter().position(|spec| spec.name == name);
        match index.and_then(|index| self.values.get(index)) {
            Some(value) => Ok(value.as_ref()),
            None => Err(Error::internal(format!(
                "`{}` declares no parameter `{name}`",
                self.id()
            ))),
        }
    }

    /// Name and value of every parameter that has one, as declared.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let names = self.declaration.params.iter().map(|spec| spec.name);
        names
            .zip(&self.values)
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    fn require<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(
            || match self.declaration.params.iter().find(|spec| spec.name == name) {
                Some(spec) => self.declaration.missing(spec),
                None => Error::internal(format!("`{}` declares no parameter `{name}`", self.id())),
            },
        )
    }

    fn wrong_kind(&self, name: &str, value: &Value, wanted: &str) -> Error {
        Error::internal(format!(
            "`{name}` of `{}` is {}, but is read as {wanted}",
            self.id(),
            value.noun()
        ))
    }
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident, $optional:ident -> $type:ty: $pattern:pat => $make:expr;)*) => {
        impl Params {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Param`](crate::ErrorKind::Param) that names the parameter if it is optional and absent,
            /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if it is declared otherwise or not at all.
            pub fn $name(&self, name: &str) -> Result<$type> {
                self.require(name, self.$optional(name)?)
            }

            $(#[$doc])*
            /// `None` if it is optional and absent.
            ///
            /// # Errors
            /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if it is declared otherwise or not at all.
            pub fn $optional(&self, name: &str) -> Result<Option<$type>> {
                match self.get(name)? {
                    None => Ok(None),
                    Some($pattern) => Ok(Some($make)),
                    Some(value) => Err(self.wrong_kind(name, value, stringify!($name))),
                }
            }
        )*}
    };
}

getters! {
    /// A switch.
    bool, optional_bool -> bool: Value::Bool(value) => *value;
    /// A whole number.
    int, optional_int -> i64: Value::Int(value) => *value;
    /// A finite number.
    float, optional_float -> f64: Value::Float(value) => *value;
    /// A text.
    text, optional_text -> &str: Value::Text(value) => value.as_str();
    /// A time.
    time, optional_time -> Nanos: Value::Time(value) => *value;
    /// A number of bytes.
    size, optional_size -> u64: Value::Size(value) => *value;
    /// A rate in hertz.
    rate, optional_rate -> f64: Value::Rate(value) => *value;
    /// One of the declared words.
    choice, optional_choice -> &'static str: Value::Choice(value) => value;
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.declaration == other.declaration && self.values == other.values
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())?;
        for (spec, value) in self.declaration.params.iter().zip(&self.values) {
            match value {
                Some(value) if !(f.alternate() && spec.default_value().as_ref() == Some(value)) => {
                    write!(f, " {}={}", spec.name, quote(&value.to_string()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len() + 1))?;
        map.serialize_entry("id", self.id())?;
        for (spec, value) in self.declaration.params.iter().zip(&self.values) {
            map.serialize_entry(spec.name, value)?;
        }
        map.end()
    }
}
