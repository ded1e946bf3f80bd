//! The Python environment of the tests that ask other engines what they see (pyarrow, Polars, DuckDB, NumPy).
//!
//! In: `python/requirements.txt`, exact versions. Out: `<target>/venv`, and the path of its interpreter, which the
//! tests get as `PARALLAX_PYTHON`. Where `PARALLAX_PYTHON` is set already, that interpreter is taken as it is.
//! A stamp beside the packages holds the requirements that it was made from: a warm run costs one file read.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::workspace::{Workspace, run as run_command};

const REQUIREMENTS: &str = "xtask/python/requirements.txt";

/// `cargo xtask venv`.
pub(crate) fn run(workspace: &Workspace, _arguments: &[String]) -> Outcome {
    println!("{}", ready(workspace)?.display());
    Ok(true)
}

/// The interpreter of an environment that has what the tests need; makes it where it is missing or old.
///
/// # Errors
/// No Python, or no way to the packages: the caller decides whether that is a failure or a skip.
pub(crate) fn ready(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("PARALLAX_PYTHON") {
        let given = PathBuf::from(given);
        if !given.is_file() {
            bail!("PARALLAX_PYTHON names {}, which is not a file", given.display());
        }
        return Ok(given);
    }
    let wanted = fs::read_to_string(workspace.root.join(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let folder = workspace.target()?.join("venv");
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let stamp = folder.join("made-from.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    let folder_name = folder.as_os_str();
    run_command(
        workspace
            .python()
            .args(["-m", "venv", "--clear"])
            .arg(folder_name),
    )
    .context("cannot make a Python environment (Debian keeps that part in python3-venv)")?;
    let mut install = workspace.command(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--only-binary", ":all:", "--requirement", REQUIREMENTS]);
    run_command(&mut install)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}
