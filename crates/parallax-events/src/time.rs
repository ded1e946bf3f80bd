//! Time with its unit in the type, and conversions that never guess.
//!
//! A conversion that would lose precision or overflow is an error ([`ErrorKind::Param`](crate::ErrorKind)).
//! The caller who wants rounding says so with [`TimeUnit::rescale_rounded`].

use std::fmt;

use arrow_schema::TimeUnit as ArrowTimeUnit;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The unit in which a stream counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeUnit {
    /// 10⁻³ s.
    #[serde(rename = "ms")]
    Millis,
    /// 10⁻⁶ s: what almost every event camera counts in.
    #[default]
    #[serde(rename = "us")]
    Micros,
    /// 10⁻⁹ s.
    #[serde(rename = "ns")]
    Nanos,
}

impl TimeUnit {
    /// Every unit, coarsest first.
    pub const ALL: [Self; 3] = [Self::Millis, Self::Micros, Self::Nanos];

    /// `ms`, `us` or `ns`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }

    /// The unit called `name`, or an error that lists the known ones.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|unit| unit.name() == name)
            .ok_or_else(|| {
                Error::param(format!("unknown time unit \"{name}\"")).with_hint("use ms, us or ns")
            })
    }

    /// How many nanoseconds one of it lasts.
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }

    /// How many of it make a second.
    pub const fn per_second(self) -> i64 {
        1_000_000_000 / self.nanos()
    }

    /// The same unit in Arrow's words.
    pub const fn to_arrow(self) -> ArrowTimeUnit {
        match self {
            Self::Millis => ArrowTimeUnit::Millisecond,
            Self::Micros => ArrowTimeUnit::Microsecond,
            Self::Nanos => ArrowTimeUnit::Nanosecond,
        }
    }

    /// The unit that Arrow calls `unit`; whole seconds are too coarse for events and refused.
    pub fn from_arrow(unit: ArrowTimeUnit) -> Result<Self> {
        match unit {
            ArrowTimeUnit::Millisecond => Ok(Self::Millis),
            ArrowTimeUnit::Microsecond => Ok(Self::Micros),
            ArrowTimeUnit::Nanosecond => Ok(Self::Nanos),
            ArrowTimeUnit::Second => Err(Error::unsupported("event times in whole seconds")
                .with_hint("cast the column t to Duration(us) first")),
        }
    }

    /// `value` of this unit, counted in `target`: exact, or an error that says why it cannot be.
    ///
    /// ```
    /// use parallax_events::TimeUnit;
    ///
    /// assert_eq!(TimeUnit::Millis.rescale(3, TimeUnit::Micros)?, 3_000);
    /// assert!(TimeUnit::Nanos.rescale(1_500, TimeUnit::Micros).is_err());
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn rescale(self, value: i64, target: Self) -> Result<i64> {
        let (from, to) = (self.nanos(), target.nanos());
        if from >= to {
            value.checked_mul(from / to).ok_or_else(|| {
                Error::param(format!(
                    "{value} {} does not fit into 64 bits of {}",
                    self.name(),
                    target.name()
                ))
                .with_hint("keep the finer unit out, or shift the time origin first")
            })
        } else if value % (to / from) == 0 {
            Ok(value / (to / from))
        } else {
            Err(Error::param(format!(
                "{value} {} is not a whole number of {}",
                self.name(),
                target.name()
            ))
            .with_hint("round explicitly, or keep the finer unit"))
        }
    }

    /// As [`rescale`](Self::rescale), but rounds to the nearest (halves to even) where precision is lost.
    pub fn rescale_rounded(self, value: i64, target: Self) -> Result<i64> {
        let (from, to) = (self.nanos(), target.nanos());
        if from >= to {
            return self.rescale(value, target);
        }
        let factor = to / from;
        let (whole, rest) = (value.div_euclid(factor), value.rem_euclid(factor));
        let up = rest * 2 > factor || (rest * 2 == factor && whole % 2 != 0);
        Ok(whole + i64::from(up))
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! time_type {
    ($(#[$doc:meta])* $name:ident, $unit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub i64);

        impl $name {
            /// The unit that this type counts in.
            pub const UNIT: TimeUnit = $unit;

            /// The same time counted in `unit`: exact, or an error.
            pub fn to_unit(self, unit: TimeUnit) -> Result<i64> {
                Self::UNIT.rescale(self.0, unit)
            }

            /// `value` of `unit` as this type: exact, or an error.
            pub fn from_unit(value: i64, unit: TimeUnit) -> Result<Self> {
                unit.rescale(value, Self::UNIT).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.0, Self::UNIT.name())
            }
        }
    };
}

time_type!(/** Whole milliseconds. */ Millis, TimeUnit::Millis);
time_type!(/** Whole microseconds. */ Micros, TimeUnit::Micros);
time_type!(/** Whole nanoseconds. */ Nanos, TimeUnit::Nanos);

impl From<Millis> for Micros {
    /// Saturates at the ends of 64 bits: ±292,000 years.
    fn from(time: Millis) -> Self {
        Self(time.0.saturating_mul(1_000))
    }
}

impl From<Micros> for Nanos {
    /// Saturates at the ends of 64 bits: ±292 years.
    fn from(time: Micros) -> Self {
        Self(time.0.saturating_mul(1_000))
    }
}

impl From<Millis> for Nanos {
    /// Saturates at the ends of 64 bits: ±292 years.
    fn from(time: Millis) -> Self {
        Self(time.0.saturating_mul(1_000_000))
    }
}

/// Time literals: `50.ms()`, `10.us()`, `2.s()`.
///
/// ```
/// use parallax_events::{Micros, Millis, TimeLiteral};
///
/// assert_eq!(50.ms(), Millis(50));
/// assert_eq!(Micros::from(50.ms()), 50_000.us());
/// ```
pub trait TimeLiteral {
    /// So many seconds, as milliseconds.
    fn s(self) -> Millis;
    /// So many milliseconds.
    fn ms(self) -> Millis;
    /// So many microseconds.
    fn us(self) -> Micros;
    /// So many nanoseconds.
    fn ns(self) -> Nanos;
}

impl TimeLiteral for i64 {
    fn s(self) -> Millis {
        Millis(self.saturating_mul(1_000))
    }
    fn ms(self) -> Millis {
        Millis(self)
    }
    fn us(self) -> Micros {
        Micros(self)
    }
    fn ns(self) -> Nanos {
        Nanos(self)
    }
}
