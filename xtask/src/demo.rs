//! `cargo xtask demo [FILE]`: the main job from nothing, on a fresh machine.
//!
//! In: a recording, by default a fetched one; without a network a synthetic scene. Out: `demo-out/` with the
//! recording's table and its picture, and on the terminal what is in it, that the table holds the same events, and
//! how long each step took.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, run as run_command, shown};
use crate::{Outcome, recordings};

/// `cargo xtask demo`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let given = match arguments {
        [] => None,
        [file] => Some(file),
        _ => bail!("usage: cargo xtask demo [FILE]"),
    };
    println!("== building parallax, optimised; the first time takes some minutes");
    let parallax = workspace.parallax(true)?;
    let out = workspace.root.join("demo-out");
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let recording = match given {
        Some(file) => existing(file)?,
        None => obtained(workspace, &parallax, &out)?,
    };
    let stem = recording
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let table = out.join(format!("{stem}.parquet"));
    let picture = out.join(format!("{stem}.png"));

    step(workspace, "what is in it", &parallax, &["info"], &[&recording])?;
    step(
        workspace,
        "to Parquet",
        &parallax,
        &["convert", "--force"],
        &[&recording, &table],
    )?;
    step(
        workspace,
        "a picture",
        &parallax,
        &["render", "--force"],
        &[&recording, &picture],
    )?;
    let same = same_events(workspace, &parallax, &recording, &table)?;

    println!("\n== made");
    for path in [&table, &picture] {
        let bytes = path
            .metadata()
            .with_context(|| format!("{} is not there", path.display()))?
            .len();
        println!("  {} ({:.2} MB)", path.display(), bytes as f64 / 1e6);
    }
    println!(
        "\nThe program is {}; `parallax --help` says what else it does.",
        parallax.display()
    );
    Ok(same)
}

/// The file that the user named, by its full path: the commands run in the root.
fn existing(file: &str) -> Result<PathBuf> {
    let path = std::path::absolute(file).with_context(|| format!("`{file}` is no path"))?;
    if !path.is_file() {
        bail!("{} is not a file", path.display());
    }
    Ok(path)
}

/// A real recording, or a synthetic scene where there is no way to one.
fn obtained(workspace: &Workspace, parallax: &Path, out: &Path) -> Result<PathBuf> {
    println!("\n== a real recording: 10.8 s from a 1280x720 sensor (faery 0.7.1, tests/data/evt3.raw)");
    match recordings::fetch(workspace, Some("faery")) {
        Ok(folder) => Ok(folder.join("faery/evt3.raw")),
        Err(error) => {
            println!("no recording: {error:#}");
            println!("\n== making a synthetic scene instead: what follows is NOT a real recording");
            let scene = out.join("synthetic.csv");
            run_command(workspace.command(parallax).args(["synth", "--force"]).arg(&scene))?;
            Ok(scene)
        }
    }
}

/// Runs one step and says how long it took.
fn step(workspace: &Workspace, title: &str, parallax: &Path, verb: &[&str], paths: &[&Path]) -> Result<()> {
    println!("\n== {title}");
    let mut command = workspace.command(parallax);
    command.args(verb).args(paths);
    let start = Instant::now();
    run_command(&mut command)?;
    println!("   {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Whether both files hold the same events: `parallax digest` gives them the same SHA-256.
fn same_events(workspace: &Workspace, parallax: &Path, recording: &Path, table: &Path) -> Result<bool> {
    println!("\n== the same events in both: digests over t, x, y, p");
    let mut command = workspace.command(parallax);
    command
        .arg("digest")
        .arg(recording)
        .arg(table)
        .stderr(std::process::Stdio::inherit());
    println!("$ {}", shown(&command));
    let start = Instant::now();
    let output = command.output().context("cannot run parallax")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    if !output.status.success() {
        bail!("`{}` failed with {}", shown(&command), output.status);
    }
    println!("   {:.2} s", start.elapsed().as_secs_f64());
    let digests: Vec<&str> = text.lines().filter_map(digest).collect();
    let [first, second] = digests.as_slice() else {
        bail!(
            "expected two digests from `parallax digest`, got {}",
            digests.len()
        );
    };
    println!(
        "   {}",
        if first == second {
            "the digests are equal"
        } else {
            "THE DIGESTS DIFFER"
        }
    );
    Ok(first == second)
}

/// The SHA-256 in a line.
fn digest(line: &str) -> Option<&str> {
    line.split_whitespace()
        .find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_digest_is_found_in_its_line() {
        let sha256 = "d200a017c73b3e10b83071abcfec98bf0154d6ad2d8241f99f9900e4ccbe262c";
        assert_eq!(
            super::digest(&format!("1218618  {sha256}  evt3.raw")),
            Some(sha256)
        );
        assert_eq!(super::digest("evt3.raw: no such file"), None);
    }
}
