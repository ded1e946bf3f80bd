//! `parallax cat`: held to the lines of the CSV that it prints.

use std::fs;
use std::process::Stdio;

use crate::program::{CSV, Folder, command, ran, rows, run, text};

#[test]
fn each_event_is_a_line() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    assert_eq!(
        run(["cat", text(&input)]).ok(),
        "100 1 2 1\n250 7 5 0\n250 7 5 1\n900 0 0 1\n"
    );
    let json = run(["cat", "--json", "--time", "200us..900us", text(&input)]).ok();
    let values: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        values,
        [
            serde_json::json!({"t": 250, "x": 7, "y": 5, "p": 0}),
            serde_json::json!({"t": 250, "x": 7, "y": 5, "p": 1})
        ]
    );
}

#[test]
fn head_and_tail_are_the_ends_for_every_chunk() {
    let folder = Folder::new();
    let input = folder.path("scene.csv");
    run(["synth", "--seconds", "1", "--geometry", "40x30", text(&input)]).ok();
    let all: Vec<String> = rows(&fs::read_to_string(&input).unwrap())
        .iter()
        .map(|row| row.map(|number| number.to_string()).join(" "))
        .collect();
    for chunk in ["1000", "7"] {
        let lines = |flags: &[&str]| -> Vec<String> {
            let printed = run([&["cat", "--chunk", chunk], flags, &[text(&input)]].concat()).ok();
            printed.lines().map(str::to_owned).collect()
        };
        assert_eq!(lines(&[]), all);
        for n in [0, 1, 10, all.len() - 1, all.len(), all.len() + 5] {
            let kept = n.min(all.len());
            assert_eq!(lines(&["--head", &n.to_string()]), all[..kept]);
            assert_eq!(lines(&["--tail", &n.to_string()]), all[all.len() - kept..]);
        }
    }
    run(["cat", "--head", "1", "--tail", "1", text(&input)]).fails(2);
}

#[test]
fn what_is_readable_is_printed_before_the_error() {
    let folder = Folder::new();
    let input = folder.file("in.csv", format!("{CSV}{}", "9".repeat(100_000)));
    let ran = run(["cat", text(&input)]);
    assert_eq!(ran.out.lines().count(), 4);
    assert!(ran.fails(6).contains("in.csv"));
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let folder = Folder::new();
    let input = folder.path("scene.csv");
    run(["synth", "--seconds", "2", text(&input)]).ok();
    for flags in [&[][..], &["--json"], &["--tail", "100000"]] {
        let mut child = command()
            .args([&["cat"], flags, &[text(&input)]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    }
}
