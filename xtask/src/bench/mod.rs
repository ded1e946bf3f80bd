//! `cargo xtask bench [NAME] [ARGS..]`: runs one benchmark in release mode, or lists them.
//!
//! Three are more than that: [`decode`] and [`ops`] beside other libraries, and [`compare`] beside another revision.
//!
//! In: the benchmarks are the crates' `benches/NAME.rs`, and their programs `examples/NAME_bench.rs`. Out: what they
//! print. Figures that are kept go into BENCHMARKS.md by hand, with the command, the machine and the date.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

mod compare;
mod decode;
mod environment;
mod ops;

use crate::Outcome;
use crate::workspace::{Workspace, run as run_command};

/// What an example's name ends with when it is a benchmark.
const SUFFIX: &str = "_bench";

/// One benchmark.
struct Bench {
    package: String,
    name: String,
    is_example: bool,
}

/// `cargo xtask bench`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let known = benches(&workspace.metadata()?);
    let Some((name, rest)) = arguments.split_first() else {
        println!("usage: cargo xtask bench NAME [ARGS..] | --quick\n");
        println!("  {:<16} decode --quick and tables: minutes", "--quick");
        println!(
            "  {:<16} whole recordings beside other libraries: [--quick] [FILE..]",
            "decode"
        );
        println!(
            "  {:<16} operators beside other libraries: [--quick] [--recorded] [WORD..]",
            "ops"
        );
        println!("  {:<16} this tree beside a revision: REV", "compare");
        println!("  {:<16} files that we write, read by other libraries", "written");
        println!("  {:<16} the decoders alone, on one core", "decoders");
        println!("  {:<16} the Python package against Rust and its peers", "python");
        println!("  {:<16} evlib's functions and ours", "evlib");
        for Bench { package, name, .. } in known
            .iter()
            .filter(|known| !["decode", "ops"].contains(&known.name.as_str()))
        {
            println!("  {name:<16} {package}");
        }
        println!(
            "\nWhat is worth keeping goes into BENCHMARKS.md: medians of five runs, the machine, the date."
        );
        return Ok(true);
    };
    match name.as_str() {
        "decode" => return decode::run_all(workspace, rest),
        "compare" => return compare::run_all(workspace, rest),
        "ops" => return ops::run_all(workspace, rest),
        "python" => return crate::python::bench(workspace, rest),
        "--quick" => return quick(workspace),
        "written" => return written(workspace),
        "evlib" => return crate::python::bench_evlib(workspace, rest),
        _ => {}
    }
    let name = if name == "decoders" { "decode" } else { name };
    let bench = known
        .iter()
        .find(|known| known.name == *name)
        .with_context(|| format!("no benchmark is called `{name}`; `cargo xtask bench` lists them"))?;
    let mut command = workspace.cargo();
    if bench.is_example {
        let example = format!("{name}{SUFFIX}");
        command.args([
            "run",
            "--release",
            "--package",
            &bench.package,
            "--example",
            &example,
        ]);
    } else {
        command.args(["bench", "--package", &bench.package, "--bench", name]);
    }
    if name == "pipeline" {
        // One row is the command itself, from its launch to its exit.
        command.env("PARALLAX_PROGRAM", workspace.parallax(true)?);
    }
    run_command(command.arg("--").args(rest))?;
    Ok(true)
}

/// What a change of the formats is judged by, both ways.
fn quick(workspace: &Workspace) -> Outcome {
    let is_right = decode::run_all(workspace, &["--quick".to_owned()])?;
    Ok(run(workspace, &["tables".to_owned()])? && is_right)
}

/// The libraries that read what we write.
const READERS: &str = "xtask/python/written_peers.txt";

/// Files that we write, as other libraries read them. No figures, but it needs the libraries as the benchmarks do.
fn written(workspace: &Workspace) -> Outcome {
    let python = environment::with(workspace, &workspace.target()?, READERS)?;
    let mut command = workspace.command(python);
    command.arg("xtask/python/written.py");
    command.args([
        workspace.parallax(true)?,
        crate::checks::recordings_folder(workspace)?,
    ]);
    run_command(&mut command)?;
    Ok(true)
}

/// Builds the program that measures decoding, and gives its path.
fn program(workspace: &Workspace, target: &Path) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.env("CARGO_TARGET_DIR", target);
    build.args([
        "bench",
        "--package",
        "parallax-formats",
        "--bench",
        "decode",
        "--no-run",
    ]);
    build.arg("--message-format=json");
    let output = build
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back();
    built.context("cargo built no benchmark")
}

/// Every benchmark of the workspace.
fn benches(metadata: &Value) -> Vec<Bench> {
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut known = Vec::new();
    for package in list(metadata, "packages") {
        let Some(package_name) = package.get("name").and_then(Value::as_str) else {
            continue;
        };
        for target in list(&package, "targets") {
            let is = |kind: &str| list(&target, "kind").iter().any(|known| known == kind);
            let Some(name) = target.get("name").and_then(Value::as_str) else {
                continue;
            };
            let (name, is_example) = match name.strip_suffix(SUFFIX) {
                Some(name) if is("example") => (name, true),
                _ if is("bench") => (name, false),
                _ => continue,
            };
            known.push(Bench {
                package: package_name.to_owned(),
                name: name.to_owned(),
                is_example,
            });
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_and_the_examples_that_are_benchmarks_are_known() {
        let metadata = serde_json::json!({"packages": [{"name": "p", "targets": [
            {"kind": ["bench"], "name": "kernels"},
            {"kind": ["example"], "name": "sort_bench"},
            {"kind": ["example"], "name": "tour"},
            {"kind": ["lib"], "name": "p_bench"}
        ]}]});
        let known: Vec<_> = benches(&metadata)
            .into_iter()
            .map(|bench| (bench.name, bench.is_example))
            .collect();
        assert_eq!(known, [("kernels".to_owned(), false), ("sort".to_owned(), true)]);
    }
}
