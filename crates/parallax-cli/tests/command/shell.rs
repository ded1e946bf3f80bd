//! Completions and manual pages: they know every command, and the shells take them.

use std::fs;
use std::process::Command;

use crate::program::{Folder, run, text};

#[test]
fn completions_know_the_commands_and_the_shells_take_them() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell]).ok();
        for word in ["convert", "render", "by-time", "colormap", "inferno"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let path = folder.file(shell, &script);
        // Where the shell is installed it reads the script without complaint.
        if let Ok(output) = Command::new(shell).arg("-n").arg(&path).output() {
            assert!(
                output.status.success(),
                "{shell}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    run(["completions", "cmd.exe"]).fails(2);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    run(["man", text(&folder.path("."))]).ok();
    let pages = folder.names();
    for name in ["parallax.1", "parallax-convert.1", "parallax-cat.1"] {
        assert!(pages.iter().any(|page| page == name), "{pages:?}");
    }
    let page = fs::read_to_string(folder.path("parallax-convert.1")).unwrap();
    assert!(
        page.starts_with(".ie") && page.contains(".TH parallax-convert 1"),
        "{page}"
    );
    assert!(run(["man", text(&folder.path("."))]).fails(2).contains("--force"));
}
