//! `cargo xtask bench ops [--quick] [--recorded] [WORD..]`: operators beside other libraries.
//!
//! In: a recording, and the libraries of `python/ops_peers.txt` in an environment of their own, with which the bench of
//! `parallax-ops` compares answers and times. Out: its tables. What the libraries answer is kept in `<target>/bench-files`;
//! `--recorded` takes it from there, since some of them take a minute for one run. `--quick` takes 1 M events, not 10 M.

use super::environment;
use crate::Outcome;
use crate::workspace::{Workspace, run};

const PEERS: &str = "xtask/python/ops_peers.txt";

/// `cargo xtask bench ops`.
pub(crate) fn run_all(workspace: &Workspace, words: &[String]) -> Outcome {
    let target = workspace.target()?;
    let mut command = workspace.cargo();
    command.args(["bench", "--package", "parallax-ops", "--bench", "ops", "--"]);
    command.args(words);
    command.env("PARALLAX_BENCH_FILES", target.join("bench-files"));
    command.env("PARALLAX_PEERS", environment::with(workspace, &target, PEERS)?);
    run(&mut command)?;
    Ok(true)
}
