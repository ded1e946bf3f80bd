//! `cargo xtask test [CHECK..]`: every check, one after the other, with a table of what came out.
//!
//! In: names of checks, none for all. Out: what the checks print, a table, the failed and the skipped tests by name,
//! and as the last line `N passed, N failed, N skipped`. There, every test counts once, and so does every check that
//! runs no tests. A failed check does not stop the next.
//!
//! The tests get what they need by environment: `PARALLAX_RECORDINGS` (a folder), `PARALLAX_PYTHON` (an interpreter)
//! and `PARALLAX_SKIPS` (the file that a test that cannot run adds a line to, see [`crate::tally`]).
//! Without a network they are not there, and tests are skipped by name. With `CI` set that is a failure.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tally::Tally;
use crate::workspace::{Workspace, quoted, run as run_command, shown};
use crate::{Outcome, docs, floors, python, recordings, venv};

/// One check: `cargo xtask test NAME` runs it alone.
struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace, &Setup) -> Result<Verdict>,
}

/// Whether a check held; a tally where it ran tests.
enum Verdict {
    Held(bool),
    Ran(bool, Tally),
}

const CHECKS: &[Check] = &[
    Check {
        name: "format",
        about: "the code is as rustfmt writes it",
        run: format,
    },
    Check {
        name: "floors",
        about: "floors, unsafe code, file names",
        run: house,
    },
    Check {
        name: "clippy",
        about: "clippy over everything, warnings are errors",
        run: clippy,
    },
    Check {
        name: "tests",
        about: "every unit and integration test",
        run: tests,
    },
    Check {
        name: "features",
        about: "what is left out by default: spans, metrics and the page for Prometheus, linted and tested",
        run: features,
    },
    Check {
        name: "loom",
        about: "the lock-free parts of pools and the phases of a run, in every order of two threads that there is",
        run: loom,
    },
    Check {
        name: "miri",
        about: "the memory of pools and buffers under Miri, where a nightly toolchain has it",
        run: miri,
    },
    Check {
        name: "fuzz",
        about: "30 s of seeded damage to every format, the grammar and NumPy's arrays, and 30 s to texts of pipelines",
        run: fuzz,
    },
    Check {
        name: "doctests",
        about: "every example in the documentation",
        run: doctests,
    },
    Check {
        name: "python",
        about: "the Python package: its wheel, its tests, its types",
        run: python_package,
    },
    Check {
        name: "docs",
        about: "generated tables are fresh",
        run: generated,
    },
    Check {
        name: "rustdoc",
        about: "the documentation builds, no broken links",
        run: rustdoc,
    },
];

/// The check behind `--torch`: its packages are 3 GB where there is no build for the CPU alone.
const TORCH: Check = Check {
    name: "torch",
    about: "what needs PyTorch",
    run: torch,
};

/// `cargo xtask test`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut chosen: Vec<&Check> = Vec::new();
    for name in arguments.iter().filter(|name| *name != "--torch") {
        let check = CHECKS.iter().find(|check| check.name == name).with_context(|| {
            let known: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
            format!("no check is called `{name}`; known are {}", known.join(", "))
        })?;
        chosen.push(check);
    }
    if chosen.is_empty() {
        chosen.extend(CHECKS);
    }
    if arguments.iter().any(|name| name == "--torch") {
        chosen.push(&TORCH);
    }

    let mut total = Tally::default();
    let mut table: Vec<(&str, bool, Duration)> = Vec::new();
    let mut setup = Setup::default();
    if chosen
        .iter()
        .any(|check| ["tests", "features", "fuzz", "doctests", "python"].contains(&check.name))
    {
        println!("== setup: recordings and Python for the tests");
        let start = Instant::now();
        setup = Setup::make(workspace);
        if in_ci() && !setup.lacks.is_empty() {
            println!("FAILED setup: with CI set, everything has to be there");
            total.failed.push("setup".to_owned());
            table.push(("setup", false, start.elapsed()));
        } else {
            table.push(("setup", true, start.elapsed()));
        }
    }
    for check in chosen {
        println!("\n== {}: {}", check.name, check.about);
        let start = Instant::now();
        let verdict = (check.run)(workspace, &setup).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Verdict::Held(false)
        });
        let held = match verdict {
            Verdict::Held(held) => {
                total.count(check.name, held);
                held
            }
            Verdict::Ran(held, mut tally) => {
                if !held && tally.failed.is_empty() {
                    // It did not build, or a process died before it could name the test.
                    tally.failed.push(check.name.to_owned());
                }
                total.add(tally);
                held
            }
        };
        table.push((check.name, held, start.elapsed()));
        if !held {
            println!("FAILED {}; alone: cargo xtask test {}", check.name, check.name);
        }
    }
    report(&table, &setup, &total);
    Ok(table.iter().all(|(_, held, _)| *held))
}

/// Prints the table, the names, and the closing line.
fn report(table: &[(&str, bool, Duration)], setup: &Setup, total: &Tally) {
    println!("\n{:<10} {:<7} {:>9}", "check", "result", "time");
    for (name, held, time) in table {
        let result = if *held { "ok" } else { "FAILED" };
        println!("{name:<10} {result:<7} {:>7.1} s", time.as_secs_f64());
    }
    for lack in &setup.lacks {
        println!("not here: {lack}");
    }
    for (name, why) in &total.skipped {
        println!("skipped: {name}: {why}");
    }
    for name in &total.failed {
        println!("failed: {name}");
    }
    for program in &total.reruns {
        println!("alone: {}cargo test {program}", setup.typed());
    }
    println!("\n{}", total.closing_line());
}

/// The checks as a Markdown table, for CONTRIBUTING.md.
pub(crate) fn markdown() -> String {
    let mut text = String::from("| check | what it holds | alone |\n| --- | --- | --- |\n");
    for Check { name, about, .. } in CHECKS {
        text.push_str(&format!("| {name} | {about} | `cargo xtask test {name}` |\n"));
    }
    text
}

pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// What the tests use from outside, as far as it is to be had here.
#[derive(Default)]
struct Setup {
    recordings: Option<PathBuf>,
    python: Option<PathBuf>,
    /// What is missing, and why.
    lacks: Vec<String>,
}

impl Setup {
    fn make(workspace: &Workspace) -> Self {
        let mut setup = Self::default();
        match recordings_folder(workspace) {
            Ok(folder) => setup.recordings = Some(folder),
            Err(error) => {
                setup.lacks.push(format!("recordings: {error:#}"));
                // What was fetched before is as good as ever.
                setup.recordings = Some(workspace.root.join("recordings")).filter(|folder| folder.is_dir());
            }
        }
        match venv::ready(workspace) {
            Ok(python) => setup.python = Some(python),
            Err(error) => setup.lacks.push(format!("Python: {error:#}")),
        }
        for lack in &setup.lacks {
            println!("not here: {lack}");
        }
        setup
    }

    /// What a test gets by environment.
    fn environment(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let recordings = self
            .recordings
            .iter()
            .map(|folder| ("PARALLAX_RECORDINGS", folder));
        recordings.chain(self.python.iter().map(|python| ("PARALLAX_PYTHON", python)))
    }

    /// The same, to type before a command.
    fn typed(&self) -> String {
        self.environment()
            .map(|(name, value)| format!("{name}={} ", quoted(value.as_os_str())))
            .collect()
    }
}

/// The folder that `PARALLAX_RECORDINGS` names, else `recordings/`, fetched where it is not whole.
pub(crate) fn recordings_folder(workspace: &Workspace) -> Result<PathBuf> {
    let Some(given) = std::env::var_os("PARALLAX_RECORDINGS") else {
        return recordings::fetch(workspace, None);
    };
    let given = std::path::absolute(given).context("PARALLAX_RECORDINGS is no path")?;
    if !given.is_dir() {
        bail!(
            "PARALLAX_RECORDINGS names {}, which is not a folder",
            given.display()
        );
    }
    Ok(given)
}

fn format(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    run_command(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Verdict::Held(true))
}

fn house(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    floors::run(workspace, &[]).map(Verdict::Held)
}

fn clippy(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    run_command(
        workspace
            .cargo()
            .args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    )?;
    Ok(Verdict::Held(true))
}

fn tests(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    counted(
        workspace,
        setup,
        &["test", "--workspace", "--tests", "--no-fail-fast"],
    )
}

/// Features that nothing in the workspace asks for; only what they change is tested again.
fn features(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    let packages = ["--package", "parallax-pipeline", "--package", "parallax-cli"];
    let features = [
        "--features",
        "parallax-pipeline/tracing,parallax-pipeline/metrics,parallax-cli/prometheus",
    ];
    let mut clippy = workspace.cargo();
    clippy.arg("clippy").args(packages).args(features);
    clippy.args(["--all-targets", "--", "-D", "warnings"]);
    run_command(&mut clippy)?;
    let mut test = workspace.cargo();
    test.arg("test").args(packages).args(features);
    test.args(["--test", "observed", "--test", "command", "--no-fail-fast", "--"]);
    test.args(["each_call_into", "a_recorder_gets", "metrics_are_served"]);
    counted_command(setup, test, &[])
}

/// In a folder of its own: a flag for the compiler rebuilds everything.
fn loom(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    let folder = workspace.target()?.join("loom");
    counted_with(
        workspace,
        setup,
        &[
            "test",
            "--package",
            "parallax-memory",
            "--package",
            "parallax-pipeline",
            "--lib",
            "model",
        ],
        &[
            ("RUSTFLAGS", "--cfg parallax_loom".as_ref()),
            ("CARGO_TARGET_DIR", folder.as_os_str()),
        ],
    )
}

/// The tests that need no files and no other threads for long; the heap is the memory that Miri knows.
fn miri(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    let has = Command::new("rustup")
        .args(["+nightly", "component", "list"])
        .output()
        .is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .any(|line| line.starts_with("miri") && line.ends_with("(installed)"))
        });
    if !has {
        let mut tally = Tally::default();
        let why = "no Miri; `rustup toolchain install nightly --component miri,rust-src` installs it";
        tally.skip("miri", why);
        return Ok(Verdict::Ran(true, tally));
    }
    let folder = workspace.target()?.join("miri");
    let mut command = workspace.command("rustup");
    command.args([
        "run",
        "nightly",
        "cargo",
        "miri",
        "test",
        "--package",
        "parallax-memory",
    ]);
    command.args(["--test", "pool", "--test", "bytes", "--test", "column"]);
    let environment = [
        ("MIRIFLAGS", "-Zmiri-disable-isolation".as_ref()),
        ("CARGO_TARGET_DIR", folder.as_os_str()),
    ];
    counted_command(setup, command, &environment)
}

fn fuzz(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    let arguments = [
        "test",
        "--package",
        "parallax-formats",
        "--package",
        "parallax-elements",
        "--test",
        "fuzz",
        "--",
        "--nocapture",
    ];
    counted_with(
        workspace,
        setup,
        &arguments,
        &[("PARALLAX_FUZZ_SECONDS", "30".as_ref())],
    )
}

fn doctests(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    counted(
        workspace,
        setup,
        &["test", "--workspace", "--doc", "--no-fail-fast"],
    )
}

fn python_package(workspace: &Workspace, setup: &Setup) -> Result<Verdict> {
    let environment: Vec<_> = setup.environment().collect();
    let (held, tally) = python::check(workspace, &environment)?;
    Ok(Verdict::Ran(held, tally))
}

fn torch(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    let (held, tally) = python::torch(workspace)?;
    Ok(Verdict::Ran(held, tally))
}

fn generated(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    docs::run(workspace, &["--check".to_owned()]).map(Verdict::Held)
}

fn rustdoc(workspace: &Workspace, _: &Setup) -> Result<Verdict> {
    // The program `parallax` and the library `parallax` would write the same pages: libraries only.
    let mut doc = workspace.cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--no-deps", "--lib"]);
    run_command(&mut doc)?;
    Ok(Verdict::Held(true))
}

/// Runs `cargo test`, passes its output on as it comes, and counts.
fn counted(workspace: &Workspace, setup: &Setup, arguments: &[&str]) -> Result<Verdict> {
    counted_with(workspace, setup, arguments, &[])
}

/// The same with more in the environment.
fn counted_with(
    workspace: &Workspace,
    setup: &Setup,
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
) -> Result<Verdict> {
    let mut command = workspace.cargo();
    command.args(arguments);
    counted_command(setup, command, environment)
}

fn counted_command(setup: &Setup, mut command: Command, environment: &[(&str, &OsStr)]) -> Result<Verdict> {
    let skips = std::env::temp_dir().join(format!("parallax-skips-{}.txt", std::process::id()));
    fs::write(&skips, "").with_context(|| format!("cannot write {}", skips.display()))?;
    command.envs(setup.environment());
    command.envs(environment.iter().copied());
    println!("$ {}", shown(&command));
    command.env("PARALLAX_SKIPS", &skips);
    let mut tally = Tally::default();
    let outcome = streamed(command, |line| tally.line(line));
    let noted = fs::read_to_string(&skips);
    // A leftover in the temporary folder harms nobody.
    let _ = fs::remove_file(&skips);
    let held = outcome?;
    tally.skips(&noted.context("cannot read the list of skipped tests")?);
    Ok(Verdict::Ran(held, tally))
}

/// Runs the command with both outputs in one stream, so that their order stays; `each` gets its lines.
pub(crate) fn streamed(mut command: Command, mut each: impl FnMut(&str)) -> Result<bool> {
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    let second = writer.try_clone().context("cannot make a pipe")?;
    let mut child = command
        .stdout(writer)
        .stderr(second)
        .spawn()
        .context("cannot run cargo")?;
    // It holds the writing ends: without this the reading end never closes.
    drop(command);
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .context("cannot read what cargo prints")?
        > 0
    {
        let mut out = io::stdout().lock();
        out.write_all(&line)
            .and_then(|()| out.flush())
            .context("cannot print")?;
        each(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().context("cannot wait for cargo")?;
    Ok(status.success())
}
