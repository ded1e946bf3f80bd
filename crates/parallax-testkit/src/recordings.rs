//! Where the real recordings are, and what to do when one is not there.
//!
//! `PARALLAX_RECORDINGS` names a folder with the files and perhaps an `oracle.json`; without it, it is the folder
//! `recordings` of the workspace, which `cargo xtask recordings` fills. A test whose recording is missing says
//! so by name, adds a line to the file that `PARALLAX_SKIPS` names, and returns; with `CI` set it fails.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of the recordings, whether it is there or not.
pub fn folder() -> PathBuf {
    match std::env::var_os("PARALLAX_RECORDINGS") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recordings"),
    }
}

/// The recording called `id`, such as `faery/evt3.raw`, or `None` after having said that `test` is skipped.
///
/// # Panics
/// With `CI` set (and not `false`), if the recording is not there.
pub fn recording(id: &str, test: &str) -> Option<PathBuf> {
    let path = folder().join(id);
    if path.is_file() {
        return Some(path);
    }
    skip(
        test,
        &format!("the recording {id} is not here; `cargo xtask recordings` fetches the public ones"),
    );
    None
}

/// Says that `test` cannot run without what the project fetches by itself; the caller returns.
///
/// # Panics
/// With `CI` set (and not `false`).
#[expect(clippy::panic, reason = "in CI a test that cannot run is a failed test")]
pub fn skip(test: &str, why: &str) {
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false") {
        panic!("{test} cannot run: {why}. In CI nothing of the kind may be missing");
    }
    skip_here(test, why);
}

/// Says that `test` cannot run on this machine, which lacks a program or a permission; the caller returns. In CI, too,
/// this is no failure: the closing table names the test.
pub fn skip_here(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
    let Some(list) = std::env::var_os("PARALLAX_SKIPS") else {
        return;
    };
    let line = format!("{test}: {why}\n");
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&list)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        println!("cannot note that in {}: {error}", list.display());
    }
}
