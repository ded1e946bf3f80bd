//! Ctrl-C, a closed pipe: no half-written output, no noise.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::program::{CSV, Folder, command, ran, text};

/// Waits until the program has set its handler for SIGINT.
pub(crate) fn wait_for_handler(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    for _ in 0..1_000 {
        let text = fs::read_to_string(&status).unwrap();
        let caught = text
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .unwrap()
            .trim();
        if u64::from_str_radix(caught, 16).unwrap() >> 1 & 1 == 1 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("no handler for SIGINT after 10 s");
}

pub(crate) fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .arg(signal)
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
}

/// What each command does with a pipe that gives some events and then nothing more.
fn stops(name: &str, arguments: impl Fn(&str) -> Vec<String>) {
    for (signal, old) in [("-INT", Some("precious")), ("-TERM", None)] {
        let folder = Folder::new();
        if let Some(old) = old {
            folder.file(name, old);
        }
        let out = folder.path(name);
        let mut child = command()
            .args(arguments(text(&out)))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It reads some, then waits for more that never comes.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(CSV.as_bytes()).unwrap();
        wait_for_handler(&child);
        send(&child, signal);
        assert_eq!(
            ran(child.wait_with_output().unwrap()).code,
            Some(130),
            "{name} {signal}"
        );
        drop(stdin);
        assert_eq!(fs::read_to_string(&out).ok().as_deref(), old);
        assert_eq!(
            folder.names().len(),
            usize::from(old.is_some()),
            "nothing is left behind"
        );
    }
}

#[test]
fn a_signal_leaves_the_old_output_or_none() {
    let owned = |arguments: &[&str]| arguments.iter().map(ToString::to_string).collect::<Vec<_>>();
    stops("out.parquet", |out| owned(&["convert", "--force", "-", out]));
    stops("out.gif", |out| owned(&["render", "--force", "-", out]));
    stops("out.csv", |out| {
        owned(&["apply", "--force", "-", out, "polarity"])
    });
    stops("out.npy", |out| {
        owned(&["apply", "--force", "-", out, "frame window=1ms"])
    });
}

#[test]
fn work_in_hand_stops_at_its_next_step() {
    let folder = Folder::new();
    let out = folder.path("out.csv");
    let child = command()
        .args(["synth", "--seconds", "3600", "--geometry", "1280x720", text(&out)])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_handler(&child);
    send(&child, "-INT");
    assert!(
        ran(child.wait_with_output().unwrap())
            .fails(130)
            .contains("stopped on request")
    );
    assert!(folder.names().is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = Folder::new();
    let path = folder.path("in.csv");
    ran(command()
        .args(["synth", "--seconds", "1", text(&path)])
        .output()
        .unwrap())
    .ok();
    for arguments in [
        vec!["digest", text(&path)],
        vec!["convert", "--to", "csv", text(&path), "-"],
        vec!["apply", "--to", "csv", text(&path), "-", "polarity keep=both"],
        vec!["apply", "--to", "npy", text(&path), "-", "frame window=1ms"],
    ] {
        let mut child = command()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    }
}
