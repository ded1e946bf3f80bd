//! Where the checkout is, where builds go, and how a command is run and shown.
//!
//! In: the current folder and `CARGO_TARGET_DIR`. Out: paths, and `Command`s that run in the root.
//! Every command that is run is printed first, as it can be typed again.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The checkout that the verbs work on.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder that holds the root `Cargo.toml`.
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// Walks up from the current folder to the checkout's root.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        let root = here
            .ancestors()
            .find(|folder| {
                folder.join("xtask/Cargo.toml").is_file() && folder.join("ARCHITECTURE.md").is_file()
            })
            .with_context(|| format!("{} is not inside a Parallax checkout", here.display()))?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// Cargo, in the root. The same cargo that runs us, where there is one.
    pub(crate) fn cargo(&self) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(program)
    }

    /// Any program, in the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Python 3: the program that `PYTHON` names, else `python3`.
    pub(crate) fn python(&self) -> Command {
        let fallback = if cfg!(windows) { "python" } else { "python3" };
        self.command(std::env::var_os("PYTHON").unwrap_or_else(|| fallback.into()))
    }

    /// What `cargo metadata` says about the workspace's own packages.
    pub(crate) fn metadata(&self) -> Result<serde_json::Value> {
        let output = self
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed");
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata gave something that is not JSON")
    }

    /// The folder that builds go to, `CARGO_TARGET_DIR` and configuration obeyed.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let folder = metadata
            .get("target_directory")
            .and_then(serde_json::Value::as_str);
        Ok(PathBuf::from(
            folder.context("cargo metadata names no target_directory")?,
        ))
    }

    /// Builds the `parallax` program and gives its path.
    ///
    /// `--workspace` in the dev profile keeps the features as the tests have them, so nothing is built twice.
    pub(crate) fn parallax(&self, release: bool) -> Result<PathBuf> {
        let mut build = self.cargo();
        if release {
            build.args([
                "build",
                "--release",
                "--package",
                "parallax-cli",
                "--bin",
                "parallax",
            ]);
        } else {
            build.args(["build", "--workspace", "--bin", "parallax"]);
        }
        run(&mut build)?;
        let profile = if release { "release" } else { "debug" };
        let program = self
            .target()?
            .join(profile)
            .join(format!("parallax{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            bail!("cargo built no {}", program.display());
        }
        Ok(program)
    }
}

/// Prints the command, runs it, and fails with the command to run again when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = shown(command);
    println!("$ {text}");
    let status = command.status().with_context(|| format!("cannot run `{text}`"))?;
    if !status.success() {
        bail!("`{text}` failed with {status}");
    }
    Ok(())
}

/// The command as one would type it in the root; settings that differ from ours come first.
pub(crate) fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))))
        .collect();
    let program = Path::new(command.get_program());
    // Cargo names itself by its full path: nobody types that.
    match program.file_stem() {
        Some(stem) if stem == "cargo" => words.push("cargo".to_owned()),
        _ => words.push(quoted(program.as_os_str())),
    }
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &std::ffi::OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_typed() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "it's"]);
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'");
    }
}
