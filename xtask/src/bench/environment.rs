//! The Python environments of the libraries that benchmarks compare with: one for each list of exact versions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, run};

/// The interpreter of an environment with every library of `list` that can be installed; the others are named.
/// `PARALLAX_PEERS` names another interpreter, which is taken as it is.
pub(super) fn with(workspace: &Workspace, target: &Path, list: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("PARALLAX_PEERS") {
        return Ok(PathBuf::from(given));
    }
    let wanted =
        std::fs::read_to_string(workspace.root.join(list)).with_context(|| format!("cannot read {list}"))?;
    let name = Path::new(list).file_stem().unwrap_or_default();
    let folder = target.join("bench-venv").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("made-from.txt");
    if python.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    run(workspace.python().args(["-m", "venv", "--clear"]).arg(&folder))
        .context("cannot make a Python environment")?;
    for package in wanted
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut install = workspace.command(&python);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]);
        if let Err(error) = run(install.arg(package)) {
            println!("left out: {package}: {error:#}");
        }
    }
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
