//! A parameter's declaration while it is written: each kind offers only what it can have, and the compiler checks it.

use std::marker::PhantomData;

use super::spec::{Absent, Constant, ParamKind, ParamSpec};
use crate::Nanos;

/// A [`ParamSpec`] that still lacks its text; [`doc`](Self::doc) ends it.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Draft<K> {
    spec: ParamSpec,
    kind: PhantomData<K>,
}

impl<K> Draft<K> {
    pub(super) const fn new(name: &'static str, kind: ParamKind) -> Self {
        let spec = ParamSpec {
            name,
            kind,
            unit: "",
            absent: Absent::Required,
            min: None,
            max: None,
            doc: "",
        };
        Self {
            spec,
            kind: PhantomData,
        }
    }

    /// The value may be absent, and there is no default.
    pub const fn optional(mut self) -> Self {
        self.spec.absent = Absent::Optional;
        self
    }

    /// What it is for: a phrase without a full stop. Ends the declaration.
    pub const fn doc(mut self, doc: &'static str) -> ParamSpec {
        assert!(!doc.is_empty(), "a parameter needs a text");
        self.spec.doc = doc;
        self.spec
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $value:ty => $constant:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $kind(());

        impl Draft<$kind> {
            /// The value that holds if none is given.
            pub const fn default(mut self, value: $value) -> Self {
                self.spec.absent = Absent::Default(Constant::$constant(value));
                self.checked()
            }
        }
    )*};
}

kinds! {
    /// Marks the draft of a switch.
    BoolKind: bool => Bool,
    /// Marks the draft of a whole number.
    IntKind: i64 => Int,
    /// Marks the draft of a finite number.
    FloatKind: f64 => Float,
    /// Marks the draft of a text.
    TextKind: &'static str => Text,
    /// Marks the draft of a time.
    TimeKind: Nanos => Time,
    /// Marks the draft of a number of bytes.
    SizeKind: u64 => Size,
    /// Marks the draft of a rate.
    RateKind: f64 => Rate,
    /// Marks the draft of a choice.
    ChoiceKind: &'static str => Choice,
}

macro_rules! ranges {
    ($($kind:ident: $value:ty => $constant:ident),* $(,)?) => {$(
        impl Draft<$kind> {
            /// The smallest and the largest value that are allowed, both inclusive.
            pub const fn range(self, min: $value, max: $value) -> Self {
                self.min(min).max(max)
            }

            /// The smallest value that is allowed.
            pub const fn min(mut self, min: $value) -> Self {
                self.spec.min = Some(Constant::$constant(min));
                self.checked()
            }

            /// The largest value that is allowed.
            pub const fn max(mut self, max: $value) -> Self {
                self.spec.max = Some(Constant::$constant(max));
                self.checked()
            }
        }
    )*};
}

ranges! { IntKind: i64 => Int, FloatKind: f64 => Float, TimeKind: Nanos => Time, SizeKind: u64 => Size, RateKind: f64 => Rate }

impl Draft<IntKind> {
    /// The unit that the number counts in, for the docs; the grammar takes it behind the number: `640px`.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.spec.unit = unit;
        self
    }
}

impl Draft<FloatKind> {
    /// The unit that the number counts in, for the docs; the grammar takes it behind the number.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.spec.unit = unit;
        self
    }
}

impl<K> Draft<K> {
    /// Refuses a default outside the range, and a range that is empty: in a `static`, at compile time.
    const fn checked(self) -> Self {
        if let (Some(min), Some(max)) = (self.spec.min, self.spec.max) {
            assert!(in_order(min, max), "the range is empty");
        }
        if let Absent::Default(value) = self.spec.absent {
            if let Constant::Float(number) | Constant::Rate(number) = value {
                assert!(number.is_finite(), "the default is not finite");
            }
            if let Some(min) = self.spec.min {
                assert!(in_order(min, value), "the default lies below the range");
            }
            if let Some(max) = self.spec.max {
                assert!(in_order(value, max), "the default lies above the range");
            }
            if let (Constant::Choice(value), ParamKind::Choice(words)) = (value, self.spec.kind) {
                assert!(contains(words, value), "the default is none of the words");
            }
        }
        self
    }
}

const fn in_order(a: Constant, b: Constant) -> bool {
    match (a, b) {
        (Constant::Int(a), Constant::Int(b)) => a <= b,
        (Constant::Float(a), Constant::Float(b)) | (Constant::Rate(a), Constant::Rate(b)) => a <= b,
        (Constant::Time(a), Constant::Time(b)) => a.0 <= b.0,
        (Constant::Size(a), Constant::Size(b)) => a <= b,
        _ => true,
    }
}

const fn contains(words: &[&str], word: &str) -> bool {
    let mut index = 0;
    while index < words.len() {
        if same_text(words[index], word) {
            return true;
        }
        index += 1;
    }
    false
}

/// `==` for texts, in a constant.
pub(super) const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}
