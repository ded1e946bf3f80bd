//! `cargo xtask python`, and the checks of the Python package: its wheel, its tests, its stubs.
//!
//! In: the sources of `parallax-python` and `python/package.txt`, exact versions. Out: a wheel of the dev profile, which
//! shares its compiled crates with nothing but itself and is quick to build again, with its types in it; an environment in
//! `<target>/python` with the wheel in it; a tally of what pytest ran.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::tally::Tally;
use crate::workspace::{Workspace, run as run_command, shown};

const TOOLS: &str = "xtask/python/package.txt";
const STUBS: &str = "xtask/python/stubs.py";
const PACKAGE: &str = "crates/parallax-python/python/parallax";
const BENCH: &str = "crates/parallax-python/benches/package.py";
const EVLIB_BENCH: &str = "crates/parallax-python/benches/beside_evlib.py";
/// What `parallax.evlib` is held against.
const EVLIB: &[&str] = &["evlib==0.13.2", "numpy==2.4.6", "polars==2.1.0"];
/// What builds the documentation's site, which looks into the installed package.
const SITE: &[&str] = &[
    "mkdocs==1.6.1",
    "mkdocstrings-python==2.0.11",
    "numpy==2.4.6",
    "polars==2.1.0",
];
/// Who else loads recordings in Python.
const PEERS: &[&str] = &["numpy", "expelliarmus==1.1.12", "faery==0.7.1"];
const TESTS: &str = "crates/parallax-python/tests";
const TORCH_TESTS: &str = "crates/parallax-python/torch-tests";

/// PyTorch for the CPU where its own index is reachable; else whatever the package index has, companions included.
const TORCH_INDEX: &str = "https://download.pytorch.org/whl/cpu";

/// `cargo xtask python`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["wheel"] => {
            let folder = Folder::ready(workspace)?;
            println!("{}", folder.wheel(workspace, true)?.display());
            Ok(true)
        }
        ["stubs"] => Folder::installed(workspace)?.stubs(workspace, false),
        ["matrix"] => Folder::installed(workspace)?.matrix(workspace),
        ["site"] => Folder::installed(workspace)?.site(workspace),
        ["evlib"] => {
            let recordings = crate::checks::recordings_folder(workspace)?;
            Folder::installed(workspace)?.beside_evlib(workspace, &recordings)
        }
        _ => bail!("usage: cargo xtask python wheel|stubs|matrix|evlib|site"),
    }
}

/// The check `python`: builds, installs and tests the package. What cannot be had here is skipped by name.
pub(crate) fn check(workspace: &Workspace, environment: &[(&str, &PathBuf)]) -> Result<(bool, Tally)> {
    let mut tally = Tally::default();
    let folder = match Folder::ready(workspace) {
        Ok(folder) => folder,
        Err(error) => {
            tally.skip("python", &format!("{error:#}"));
            return Ok((!crate::checks::in_ci(), tally));
        }
    };
    folder.install(workspace)?;
    let mut held = folder.pytest(workspace, environment, &[], &mut tally)?;
    for (name, outcome) in [
        ("python stubs are fresh", folder.stubs(workspace, true)),
        ("python types", folder.types(workspace)),
        ("python with NumPy alone", folder.numpy_alone(workspace)),
    ] {
        let ok = outcome.unwrap_or_else(|error| {
            println!("error: {error:#}");
            false
        });
        tally.count(name, ok);
        held &= ok;
    }
    // evlib has no wheel for some machines: then it is skipped by name.
    let recordings = environment
        .iter()
        .find(|(name, _)| *name == "PARALLAX_RECORDINGS");
    let evlib = folder.environment(workspace, "evlib", EVLIB);
    match (recordings, evlib) {
        (Some((_, recordings)), Ok(_)) => {
            let ok = folder.beside_evlib(workspace, recordings)?;
            tally.count("python beside evlib", ok);
            held &= ok;
        }
        (None, _) => tally.skip("python beside evlib", "no recordings"),
        (_, Err(error)) => tally.skip("python beside evlib", &format!("{error:#}")),
    }
    Ok((held, tally))
}

/// The check `torch`: the tests that need PyTorch, in an environment of their own.
pub(crate) fn torch(workspace: &Workspace) -> Result<(bool, Tally)> {
    let folder = Folder::installed(workspace)?;
    let python = folder.environment(workspace, "torch", &["numpy", "pytest", "hypothesis"])?;
    if !succeeds(workspace.command(&python).args(["-c", "import torch"])) {
        let mut install = pip(workspace, &python);
        install.args(["torch", "--index-url", TORCH_INDEX]);
        if !succeeds(&mut install) {
            run_command(pip(workspace, &python).arg("torch"))?;
        }
    }
    folder.put_wheel(workspace, &python)?;
    let mut tally = Tally::default();
    let held = pytest(workspace, &python, &[], &[TORCH_TESTS], &mut tally)?;
    Ok((held, tally))
}

/// `cargo xtask bench python [RECORDING]`: the release wheel, and the same load in Rust.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let recording = match arguments {
        [] => crate::checks::recordings_folder(workspace)?.join("faery/evt3.raw"),
        [path] => PathBuf::from(path),
        _ => bail!("usage: cargo xtask bench python [RECORDING]"),
    };
    // Of the package's own crate, so that nothing is built twice with other features.
    let mut load = workspace.cargo();
    load.args([
        "build",
        "--release",
        "--package",
        "parallax-python",
        "--example",
        "load_bench",
    ]);
    run_command(&mut load)?;
    let python = Folder::ready(workspace)?.released(workspace, "bench", PEERS)?;
    let mut command = workspace.command(&python);
    command.arg(BENCH);
    command.arg(workspace.target()?.join("release/examples/load_bench"));
    run_command(command.arg(recording))?;
    Ok(true)
}

/// `cargo xtask bench evlib [EVENTS]`: evlib's functions and ours, each in a process of its own.
pub(crate) fn bench_evlib(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let recording = crate::checks::recordings_folder(workspace)?.join("faery/evt3.raw");
    let python = Folder::ready(workspace)?.released(workspace, "evlib", EVLIB)?;
    let mut command = workspace.command(&python);
    run_command(command.arg(EVLIB_BENCH).arg(recording).args(arguments))?;
    Ok(true)
}

/// `<target>/python`: the environments, and the wheel.
struct Folder {
    path: PathBuf,
    python: PathBuf,
}

impl Folder {
    /// The folder, with the environment that builds and tests.
    fn ready(workspace: &Workspace) -> Result<Self> {
        let path = workspace.target()?.join("python");
        let tools =
            fs::read_to_string(workspace.root.join(TOOLS)).with_context(|| format!("cannot read {TOOLS}"))?;
        let tools: Vec<&str> = tools
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let mut folder = Self {
            path,
            python: PathBuf::new(),
        };
        folder.python = folder.environment(workspace, "tests", &tools)?;
        Ok(folder)
    }

    /// The same, with the package in it.
    fn installed(workspace: &Workspace) -> Result<Self> {
        let folder = Self::ready(workspace)?;
        folder.install(workspace)?;
        Ok(folder)
    }

    /// The interpreter of an environment with these packages; made where it is missing or has others.
    fn environment(&self, workspace: &Workspace, name: &str, packages: &[&str]) -> Result<PathBuf> {
        let folder = self.path.join(name);
        let python = folder.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });
        let (stamp, wanted) = (folder.join("made-from.txt"), packages.join("\n"));
        if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(python);
        }
        run_command(workspace.python().args(["-m", "venv", "--clear"]).arg(&folder))
            .context("cannot make a Python environment (Debian keeps that part in python3-venv)")?;
        run_command(pip(workspace, &python).args(packages))?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok(python)
    }

    /// Builds the wheel.
    fn wheel(&self, workspace: &Workspace, release: bool) -> Result<PathBuf> {
        let out = self.path.join("wheels");
        // What an earlier version built would be found first.
        let _ = fs::remove_dir_all(&out);
        let mut build = workspace.command(&self.python);
        build.args(["-m", "maturin", "build", "--quiet", "--interpreter"]);
        build.arg(&self.python);
        if release {
            build.args(["--profile", "release"]);
        } else {
            // The types of the module are in its symbols.
            build.args(["--profile", "dev", "--features", "stubs", "--strip=false"]);
        }
        build.arg("--out");
        run_command(build.arg(&out))?;
        let mut wheels = fs::read_dir(&out)
            .with_context(|| format!("cannot list {}", out.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
        wheels.next().context("maturin built no wheel")
    }

    /// The interpreter of an environment with these packages and the release wheel.
    fn released(&self, workspace: &Workspace, name: &str, packages: &[&str]) -> Result<PathBuf> {
        self.wheel(workspace, true)?;
        let python = self.environment(workspace, name, packages)?;
        self.put_wheel(workspace, &python)?;
        Ok(python)
    }

    fn install(&self, workspace: &Workspace) -> Result<()> {
        self.wheel(workspace, false)?;
        self.put_wheel(workspace, &self.python)
    }

    /// Puts the wheel that was built last into an environment.
    fn put_wheel(&self, workspace: &Workspace, python: &Path) -> Result<()> {
        let mut install = pip(workspace, python);
        install.args(["--no-deps", "--no-index", "--force-reinstall", "--find-links"]);
        run_command(install.arg(self.path.join("wheels")).arg("parallax-events"))
    }

    fn pytest(
        &self,
        workspace: &Workspace,
        environment: &[(&str, &PathBuf)],
        arguments: &[&str],
        tally: &mut Tally,
    ) -> Result<bool> {
        pytest(workspace, &self.python, environment, arguments, tally)
    }

    /// Writes the generated stubs, or says whether they are fresh.
    fn stubs(&self, workspace: &Workspace, check: bool) -> Outcome {
        let mut command = workspace.command(&self.python);
        command.args([STUBS, PACKAGE]);
        if check {
            command.arg("--check");
        }
        println!("$ {}", shown(&command));
        Ok(command.status().context("cannot run Python")?.success())
    }

    /// The types as mypy sees them, and the stubs against what is there.
    fn types(&self, workspace: &Workspace) -> Outcome {
        let mut mypy = workspace.command(&self.python);
        mypy.args(["-m", "mypy", "--no-incremental", "-p", "parallax"]);
        let mut stubtest = workspace.command(&self.python);
        stubtest.args(["-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml"]);
        stubtest.args(["parallax._operators", "parallax._native"]);
        let mut held = true;
        for command in [&mut mypy, &mut stubtest] {
            println!("$ {}", shown(command));
            held &= command.status().context("cannot run mypy")?.success();
        }
        Ok(held)
    }

    /// The package in an environment that has NumPy and nothing else.
    fn numpy_alone(&self, workspace: &Workspace) -> Outcome {
        let python = self.environment(workspace, "numpy", &["numpy"])?;
        self.put_wheel(workspace, &python)?;
        let mut command = workspace.command(&python);
        command.args(["-W", "error", &format!("{TESTS}/numpy_alone.py")]);
        println!("$ {}", shown(&command));
        Ok(command.status().context("cannot run Python")?.success())
    }

    /// evlib's functions and ours on the same recordings.
    fn beside_evlib(&self, workspace: &Workspace, recordings: &Path) -> Outcome {
        let python = self.environment(workspace, "evlib", EVLIB)?;
        self.put_wheel(workspace, &python)?;
        let mut command = workspace.command(&python);
        command.arg(format!("{TESTS}/beside_evlib.py")).arg(recordings);
        println!("$ {}", shown(&command));
        Ok(command.status().context("cannot run Python")?.success())
    }

    /// The oldest and the newest NumPy and Polars that install here; and each extra without the others. PyTorch has
    /// [`torch`].
    fn matrix(&self, workspace: &Workspace) -> Outcome {
        let mut held = true;
        for (name, packages) in [
            ("oldest", ["numpy==1.23.2", "polars==1.0.0", "pyarrow==14.0.1"]),
            ("newest", ["numpy", "polars", "pyarrow"]),
        ] {
            let python = self.environment(workspace, name, &packages)?;
            self.put_wheel(workspace, &python)?;
            let mut command = workspace.command(&python);
            command.arg(format!("{TESTS}/versions.py"));
            println!("$ {}", shown(&command));
            held &= command.status().context("cannot run Python")?.success();
        }
        for (extra, package) in [
            ("arrow", "pyarrow"),
            ("pandas", "pandas"),
            ("polars", "polars"),
            ("progress", "tqdm"),
        ] {
            let python = self.environment(workspace, &format!("extra-{extra}"), &["numpy", package])?;
            held &= self.extra(workspace, &python, extra)?;
        }
        Ok(held)
    }

    /// The documentation's site: `mkdocs.yml` and `docs/`, and the reference from the docstrings of the installed package.
    fn site(&self, workspace: &Workspace) -> Outcome {
        let python = self.environment(workspace, "site", SITE)?;
        self.put_wheel(workspace, &python)?;
        let out = workspace.target()?.join("site");
        let mut command = workspace.command(&python);
        command.args(["-m", "mkdocs", "build", "--quiet", "--clean", "--site-dir"]);
        command.arg(&out);
        println!("$ {}", shown(&command));
        let is_built = command.status().context("cannot run Python")?.success();
        println!("{}", out.join("index.html").display());
        Ok(is_built)
    }

    /// An extra in an environment that has its package.
    fn extra(&self, workspace: &Workspace, python: &Path, extra: &str) -> Outcome {
        self.put_wheel(workspace, python)?;
        let mut command = workspace.command(python);
        command.arg(format!("{TESTS}/extras.py")).arg(extra);
        println!("$ {}", shown(&command));
        Ok(command.status().context("cannot run Python")?.success())
    }
}

/// Runs pytest, passes its output on, and counts.
fn pytest(
    workspace: &Workspace,
    python: &Path,
    environment: &[(&str, &PathBuf)],
    arguments: &[&str],
    tally: &mut Tally,
) -> Result<bool> {
    let mut command = workspace.command(python);
    command.args(["-m", "pytest", "-p", "no:cacheprovider", "-rfEs", "--color=no"]);
    command.args(arguments);
    command.envs(environment.iter().copied());
    println!("$ {}", shown(&command));
    crate::checks::streamed(command, |line| tally.pytest_line(line))
}

fn pip(workspace: &Workspace, python: &Path) -> Command {
    let mut command = workspace.command(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command.args(["--only-binary", ":all:"]);
    command
}

fn succeeds(command: &mut Command) -> bool {
    println!("$ {}", shown(command));
    command.status().is_ok_and(|status| status.success())
}
