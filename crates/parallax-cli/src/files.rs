//! Several files in one call: a bad one is reported and the others are still looked at.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use parallax::{ErrorKind, EventReader};

use crate::{exit, streams};

/// Runs `each` on every file. The exit code is that of the first file that failed; a stop ends it at once.
pub(crate) fn for_each(
    files: &[PathBuf],
    mut each: impl FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let mut code = None;
    for file in files {
        match each(file) {
            Ok(()) => {}
            Err(error) if streams::is_closed() || exit::kind(&error) == ErrorKind::Closed => {
                return Err(error);
            }
            Err(error) => {
                let failed = exit::report(&error);
                code.get_or_insert(failed);
            }
        }
    }
    Ok(code.unwrap_or(ExitCode::SUCCESS))
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
