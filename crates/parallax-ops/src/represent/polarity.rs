//! The parameter that says what becomes of the two polarities, for the representations that have it.

use parallax_events::{Geometry, ParamSpec};
use parallax_simd::accumulate::{Counter, Planes};

/// What becomes of the two polarities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polarity {
    /// A channel for OFF, then one for ON.
    Separate,
    /// One channel for both alike.
    Sum,
    /// One channel: ON adds, OFF takes away.
    Signed,
}

/// The parameter that chooses [`Polarity`].
pub(super) const POLARITY: ParamSpec = ParamSpec::choice("polarity", &["separate", "sum", "signed"])
    .default("separate")
    .doc("A channel for OFF and one for ON, one for both alike, or one to which ON adds and from which OFF takes away");

/// The parameter of those that have no use for a sum of the two.
pub(super) const MERGE: ParamSpec = ParamSpec::choice("polarity", &["separate", "merged"])
    .default("separate")
    .doc("A channel for OFF and one for ON, or one for both alike");

impl Polarity {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "sum" | "merged" => Self::Sum,
            "signed" => Self::Signed,
            _ => Self::Separate,
        }
    }

    pub(super) fn channels(self) -> usize {
        if self == Self::Separate { 2 } else { 1 }
    }

    /// Where in a frame OFF and ON events go, and what each adds.
    pub(super) fn planes<T: Counter>(self, geometry: Geometry) -> Planes<T> {
        Planes {
            offset: [
                0,
                if self == Self::Separate {
                    geometry.pixels()
                } else {
                    0
                },
            ],
            weight: [
                if self == Self::Signed {
                    T::MINUS_ONE
                } else {
                    T::ONE
                },
                T::ONE,
            ],
        }
    }
}
