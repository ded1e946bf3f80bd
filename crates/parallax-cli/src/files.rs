//! Several files in one call: a bad one is reported and the others are still looked at.

use std::fs::Metadata;
use std::path::Path;
use std::process::ExitCode;

use parallax::{ErrorKind, EventReader};

use crate::inputs::InputArguments;
use crate::{exit, streams};

/// Runs `each` on every file. The exit code is that of the first file that failed; a stop ends it at once.
pub(crate) fn for_each(
    arguments: &InputArguments,
    mut each: impl FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let mut failures = Failures::default();
    for input in arguments.expand(None).found {
        failures.note(input.map_err(Into::into).and_then(|input| each(&input.path)))?;
    }
    Ok(failures.code())
}

/// What went wrong in a call about several files.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    first: Option<ExitCode>,
    pub(crate) count: u64,
}

impl Failures {
    /// Reports a failure and goes on. Whether it was none.
    ///
    /// # Errors
    /// If it is time to end: somebody asked to stop, or nobody reads what is printed.
    pub(crate) fn note(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<bool> {
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if streams::is_closed() || exit::kind(&error) == ErrorKind::Closed => Err(error),
            Err(error) => {
                let failed = exit::report(&error);
                self.first.get_or_insert(failed);
                self.count += 1;
                Ok(false)
            }
        }
    }

    /// The exit code of the first failure.
    pub(crate) fn code(&self) -> ExitCode {
        self.first.unwrap_or(ExitCode::SUCCESS)
    }
}

/// The path to open: `-` is standard input.
pub(crate) fn input(path: &Path) -> &Path {
    if path == Path::new("-") {
        Path::new("/dev/stdin")
    } else {
        path
    }
}

/// How many bytes the input has: a file's length, or what has been read of a pipe.
pub(crate) fn length(path: &Path, reader: &EventReader) -> Option<u64> {
    let metadata = path.metadata().ok().filter(Metadata::is_file);
    metadata
        .map(|metadata| metadata.len())
        .or_else(|| Some(reader.progress().bytes).filter(|bytes| *bytes > 0))
}
