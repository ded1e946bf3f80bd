//! The documents: each example of the command is run as it stands there, and the table of exit codes is the program's.
#![cfg(unix)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Folder, run, text};

fn document(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).unwrap()
}

/// The commands `$ parallax ..` of the document's console blocks; indented lines belong to the one before.
fn examples(document: &str) -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    for block in document.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                examples.push(command.to_owned());
            } else if line.starts_with("    ")
                && let Some(command) = examples.last_mut()
            {
                command.push_str(&format!("\n{line}"));
            }
        }
    }
    examples.retain(|command| command.starts_with("parallax "));
    examples
}

/// A folder as the documents suppose it.
fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("night")).unwrap();
    for (seed, name) in [("1", "recording.raw"), ("2", "night/a.raw"), ("3", "night/b.raw")] {
        let path = folder.path(name);
        run([
            "synth",
            "--seconds",
            "1",
            "--seed",
            seed,
            "--to",
            "evt3",
            text(&path),
        ])
        .ok();
    }
    folder
}

fn path_with_program() -> std::ffi::OsString {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_parallax"));
    let mut folders = vec![program.parent().unwrap().to_owned()];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap()
}

#[test]
fn every_example_runs() {
    for (name, least) in [("docs/cli.md", 20), ("README.md", 4), ("docs/pipelines.md", 14)] {
        let folder = folder();
        let examples = examples(&document(name));
        assert!(examples.len() >= least, "{name} has {} examples", examples.len());
        for example in examples {
            let output = Command::new("sh")
                .args(["-c", &example])
                .current_dir(folder.path("."))
                .env("PATH", path_with_program())
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && !errors.contains("error:"),
                "{name}: {example}\n{errors}"
            );
        }
    }
}

#[test]
fn pipelines_that_need_a_network_are_pipelines() {
    let page = document("docs/pipelines.md");
    let (_, blocks) = page.split_once("```sh\n").unwrap();
    let commands = blocks.split("```").next().unwrap().lines();
    let texts: Vec<&str> = commands.map(|line| line.split('\'').nth(1).unwrap()).collect();
    assert_eq!(texts.len(), 4);
    for text in texts {
        parallax::elements::parse(text).unwrap();
    }
}

#[test]
fn the_exit_codes_are_the_programs() {
    let help = run(["--help"]).ok();
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    // Long lines of the help are wrapped, so white space does not count.
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let codes = squeezed(codes);
    let page = document("docs/cli.md");
    let (_, table) = page.split_once("| code | meaning |\n| --- | --- |\n").unwrap();
    let mut rows = Vec::new();
    for line in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        rows.push(format!("{} {}", cells[0], squeezed(cells[1])));
    }
    assert_eq!(rows.join(" "), codes);
}
