//! What becomes of an output when its input is damaged: what was readable is written and the damage is told, unless the
//! user would rather have nothing.

use std::path::Path;

use parallax::{Error, ErrorKind};

use crate::figures;
use crate::reading::{ReadArguments, in_file};

/// How a read ended, once what was read is worth writing.
#[derive(Debug)]
pub(crate) struct Damage(Option<Error>);

impl Damage {
    /// Weighs the error that ended the reading of `input` after `events` events.
    ///
    /// # Errors
    /// That one, if nothing is to be written to `output`: there was nothing, somebody asked to stop, or a part is not
    /// wanted.
    pub(crate) fn weigh(
        error: Option<Error>,
        events: u64,
        arguments: &ReadArguments,
        input: &Path,
        output: &Path,
    ) -> anyhow::Result<Self> {
        let error = error.map(|error| in_file(error, input));
        match error {
            Some(error)
                if events == 0 || error.kind() == ErrorKind::Closed || arguments.wants_all_or_nothing() =>
            {
                let fate = format!("nothing was written to {}", output.display());
                Err(anyhow::Error::new(error).context(fate))
            }
            error => Ok(Self(error)),
        }
    }

    /// The error of the whole, once `output` holds what came of the first `events` events.
    ///
    /// # Errors
    /// If there was damage.
    pub(crate) fn told(self, events: u64, output: &Path) -> anyhow::Result<()> {
        let Some(error) = self.0 else { return Ok(()) };
        let fate = format!(
            "the {} events before the damage were written to {}",
            figures::count(events),
            output.display()
        );
        Err(anyhow::Error::new(error).context(fate))
    }
}
