//! The state of operators that draw a number for each event: how many events came so far.

use std::any::Any;

use parallax_events::{OpState, Result};

use crate::saved::{Loaded, Saved};

/// How many events of the stream came so far: the index of the next one.
#[derive(Debug, Default)]
pub(crate) struct Counted(pub(crate) u64);

impl OpState for Counted {
    fn reset(&mut self) {
        self.0 = 0;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().u64(self.0).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let count = loaded.u64()?;
        loaded.end()?;
        self.0 = count;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
