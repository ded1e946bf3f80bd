//! `cargo xtask bench [NAME] [ARGS..]`: runs one benchmark in release mode, or lists them.
//!
//! In: the benchmarks are the programs `examples/NAME_bench.rs` of the crates. Out: what they print. Figures that are kept go into BENCHMARKS.md by hand, with the command, the machine and the date.

use anyhow::Context;
use serde_json::Value;

use crate::Outcome;
use crate::workspace::{Workspace, run as run_command};

const SUFFIX: &str = "_bench";

/// `cargo xtask bench`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let known = benches(&workspace.metadata()?);
    let Some((name, rest)) = arguments.split_first() else {
        println!("usage: cargo xtask bench NAME [ARGS..]\n");
        if known.is_empty() {
            println!("There are no benchmarks yet: a crate's examples/NAME{SUFFIX}.rs becomes one.");
        }
        for (package, name) in &known {
            println!("  {name:<16} {package}/examples/{name}{SUFFIX}.rs");
        }
        return Ok(true);
    };
    let (package, name) = known
        .iter()
        .find(|(_, known)| known == name)
        .with_context(|| format!("no benchmark is called `{name}`; `cargo xtask bench` lists them"))?;
    let mut command = workspace.cargo();
    command.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        package,
        "--example",
        &format!("{name}{SUFFIX}"),
    ]);
    command.arg("--").args(rest);
    run_command(&mut command)?;
    Ok(true)
}

/// Package and name of every example that is a benchmark.
fn benches(metadata: &Value) -> Vec<(String, String)> {
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
            let is_example = list(&target, "kind").iter().any(|kind| kind == "example");
            let name = target
                .get("name")
                .and_then(Value::as_str)
                .and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(name) = name.filter(|_| is_example) {
                known.push((package_name.to_owned(), name.to_owned()));
            }
        }
    }
    known
}
