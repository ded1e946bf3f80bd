//! The state of operators that remember nothing of the stream but look something up in its facts once.

use std::any::Any;
use std::fmt::Debug;

use parallax_events::{OpState, Result, Stateless};

/// What follows from the facts of the stream: the same before, during and after it, so that nothing of it is saved.
#[derive(Debug)]
pub(crate) struct Fixed<T>(pub(crate) T);

impl<T: Any + Send + Debug> OpState for Fixed<T> {
    fn reset(&mut self) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        Stateless.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
