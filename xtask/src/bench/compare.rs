//! `cargo xtask bench compare REV`: is this tree slower than that revision?
//!
//! In: a revision that git knows and that has this benchmark. It is checked out into `<target>/bench-REV` and built there.
//! Out: for each file of the quick set, the rates of a stream and of a load of both, one after the other in turn, medians
//! of seven; what is more than a tenth slower is flagged, and the command then fails.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Outcome;
use crate::workspace::{Workspace, run};

const RUNS: usize = 7;
const TILES: &str = "4";

/// What is called slower.
const TOLERATED: f64 = 0.9;

/// `cargo xtask bench compare`.
pub(crate) fn run_all(workspace: &Workspace, words: &[String]) -> Outcome {
    let [revision] = words else {
        bail!("name one revision: `cargo xtask bench compare HEAD~1`");
    };
    let target = workspace.target()?;
    let commit = {
        let output = workspace
            .command("git")
            .args(["rev-parse", "--verify", revision])
            .output()?;
        if !output.status.success() {
            bail!("git knows no revision `{revision}`");
        }
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let other_root = target.join(format!("bench-{commit:.12}"));
    if !other_root.is_dir() {
        run(workspace
            .command("git")
            .args(["worktree", "add", "--detach"])
            .arg(&other_root)
            .arg(&commit))?;
    }
    let other = Workspace { root: other_root };
    let before = super::program(&other, &target.join("bench-other"))?;
    let now = super::program(workspace, &target)?;
    let folder = target.join("bench-files").join(format!("{TILES}-tiles"));
    run(workspace.command(&now).arg("make").arg(&folder).arg(TILES))?;
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .to_string();

    println!("\nMillion events a second, medians of {RUNS}, in turn.\n");
    println!("| file | what | {revision} | this tree | ratio |");
    println!("| --- | --- | --- | --- | --- |");
    let mut slower = 0;
    let mut files: Vec<_> = std::fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for file in files {
        for (mode, threads) in [
            ("stream", "1"),
            ("there", threads.as_str()),
            ("fresh", threads.as_str()),
        ] {
            let (mut olds, mut news) = (Vec::new(), Vec::new());
            for _ in 0..RUNS {
                let old = rate(workspace, &before, mode, threads, &file);
                let new = rate(workspace, &now, mode, threads, &file);
                let (Ok(old), Ok(new)) = (old, new) else { continue };
                olds.push(old);
                news.push(new);
            }
            let (Some(old), Some(new)) = (median(olds), median(news)) else {
                continue;
            };
            let is_slower = new < old * TOLERATED;
            slower += usize::from(is_slower);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let flag = if is_slower { " SLOWER" } else { "" };
            println!(
                "| {name} | {mode} | {old:.0} | {new:.0} | {:.2}{flag} |",
                new / old
            );
        }
    }
    println!("\n{slower} more than a tenth slower");
    Ok(slower == 0)
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

fn rate(workspace: &Workspace, program: &Path, mode: &str, threads: &str, file: &Path) -> Result<f64> {
    let output = workspace
        .command(program)
        .args(["one", mode, threads])
        .arg(file)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).context("it printed no JSON")?;
    let number = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_f64)
            .context("a figure is missing")
    };
    Ok(number("events")? / number("seconds")? / 1e6)
}
