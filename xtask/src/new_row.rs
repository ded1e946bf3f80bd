//! `cargo xtask new format|op|element ID`: adds a plug-in as one file and one line.

use crate::{Outcome, workspace::Workspace};

/// `cargo xtask new`.
pub(crate) fn run(_workspace: &Workspace, _arguments: &[String]) -> Outcome {
    anyhow::bail!("not written yet")
}
