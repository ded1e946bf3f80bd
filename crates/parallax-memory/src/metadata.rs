//! [`Metadata`]: what is said about one buffer on its way through a pipeline.
//!
//! In: whoever makes a buffer says what it knows; elements pass it on or change it. The facts of the whole stream are
//! elsewhere. Cloning is cheap: what is rare is shared until somebody changes it.
#![forbid(unsafe_code)]

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is said about one buffer. Times are nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// Which buffer of its source it is, from 0.
    pub sequence: u64,
    flags: Flags,
    time: Time,
    duration: Time,
    /// What few buffers have, so that all are small to move.
    rare: Option<Arc<Rare>>,
}

/// A time that may be unknown, in eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time(i64);

impl Default for Time {
    fn default() -> Self {
        Time(i64::MIN)
    }
}

impl Time {
    fn get(self) -> Option<i64> {
        (self != Time::default()).then_some(self.0)
    }
}

/// Marks on a buffer, any number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// Something before this buffer is missing.
    pub const GAP: Flags = Flags(1);
    /// The buffer is one whole window, as an element that cuts windows made it.
    pub const WINDOW: Flags = Flags(1 << 1);
    /// The content is known to be damaged.
    pub const CORRUPT: Flags = Flags(1 << 2);

    /// Whether all marks of `other` are set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

#[derive(Clone, Debug, Default)]
struct Rare {
    captured: Time,
    texts: BTreeMap<String, String>,
    values: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Metadata {
    /// The time of the content, in the stream's own time, if known.
    pub fn time(&self) -> Option<i64> {
        self.time.get()
    }

    /// Says the time of the content, in nanoseconds.
    pub fn set_time(&mut self, time: Option<i64>) {
        self.time = time.map_or_else(Time::default, Time);
    }

    /// The time of the host's clock at which it was captured, if known.
    pub fn captured(&self) -> Option<i64> {
        self.rare.as_ref()?.captured.get()
    }

    /// Says the time of the host's clock at which it was captured, in nanoseconds.
    pub fn set_captured(&mut self, time: Option<i64>) {
        if time.is_some() || self.rare.is_some() {
            self.rare_mut().captured = time.map_or_else(Time::default, Time);
        }
    }

    /// The span of time that the content covers, if known.
    pub fn duration(&self) -> Option<i64> {
        self.duration.get()
    }

    /// Says the span of time that the content covers, in nanoseconds.
    pub fn set_duration(&mut self, duration: Option<i64>) {
        self.duration = duration.map_or_else(Time::default, Time);
    }

    /// Its marks.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Sets marks; those already set stay.
    pub fn mark(&mut self, flags: Flags) {
        self.flags = self.flags | flags;
    }

    /// The text property called `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.rare.as_ref()?.texts.get(name).map(String::as_str)
    }

    /// Sets a text property.
    pub fn set_text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.rare_mut().texts.insert(name.into(), text.into());
    }

    /// The text properties, by name.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.rare.iter().flat_map(|rare| &rare.texts);
        texts.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The property of type `T`; a type is its own name.
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.rare.as_ref()?.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Sets the property of type `T`. It stays inside the process.
    pub fn set_value<T: Any + Send + Sync>(&mut self, value: T) {
        self.rare_mut().values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    fn rare_mut(&mut self) -> &mut Rare {
        Arc::make_mut(self.rare.get_or_insert_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_until_it_is_changed() {
        let mut first = Metadata {
            sequence: 3,
            ..Metadata::default()
        };
        first.set_text("lens", "8mm");
        first.set_value(42_u16);
        first.set_time(Some(-1));
        first.mark(Flags::GAP);
        let mut second = first.clone();
        second.set_text("lens", "16mm");
        second.mark(Flags::WINDOW);
        second.set_captured(Some(7));
        assert_eq!(
            (first.text("lens"), second.text("lens")),
            (Some("8mm"), Some("16mm"))
        );
        assert_eq!((second.value::<u16>(), second.value::<u32>()), (Some(&42), None));
        assert_eq!(
            (second.time(), second.captured(), second.duration()),
            (Some(-1), Some(7), None)
        );
        assert_eq!(first.captured(), None);
        assert!(
            second.flags().contains(Flags::GAP | Flags::WINDOW) && !first.flags().contains(Flags::WINDOW)
        );
    }
}
