//! `parallax golden verify`: every golden trace of the project agrees, and one that was tampered with does not.

use std::fs;
use std::path::PathBuf;

use crate::program::{Folder, run, text};

fn golden() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden"))
}

#[test]
fn every_golden_trace_agrees() {
    let ran = run(["golden", "verify", text(&golden())]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let traces = fs::read_dir(golden()).unwrap().count();
    assert!(traces >= 17);
    assert!(
        ran.out.ends_with(&format!("{traces} of {traces} traces agree\n")),
        "{}",
        ran.out
    );
}

#[test]
fn another_answer_is_found_and_shown() {
    let folder = Folder::new();
    let trace = fs::read_to_string(golden().join("refractory_kept.jsonl")).unwrap();
    let last = trace.lines().last().unwrap();
    let moved = folder.file("moved.jsonl", trace.replace(last, r#"{"out":[1,2,3,1]}"#));
    let ran = run(["golden", "verify", text(&moved)]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("DIFFERS") && ran.out.contains("\"reference\":{\"ts\":1,"),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("0 of 1 traces agree\n"));

    let shorter = folder.file("shorter.jsonl", trace.trim_end().strip_suffix(last).unwrap());
    assert_eq!(run(["golden", "verify", text(&shorter)]).code, Some(1));

    let frame = fs::read_to_string(golden().join("frame.jsonl")).unwrap();
    let other = folder.file("other.jsonl", frame.replace("\"values\":[", "\"values\":[9"));
    assert_eq!(run(["golden", "verify", text(&other)]).code, Some(1));
}

#[test]
fn a_trace_that_cannot_be_read_is_told() {
    let folder = Folder::new();
    let trace = fs::read_to_string(golden().join("polarity.jsonl")).unwrap();
    let fails = |name: &str, content: String, code| {
        run(["golden", "verify", text(&folder.file(name, content))]).fails(code)
    };
    let input = trace.lines().nth(1).unwrap();
    assert!(fails("edited.jsonl", trace.replacen(input, r#"{"in":[5,0,0,1]}"#, 1), 4).contains("names"));
    assert!(fails("cut.jsonl", trace[..trace.len() - 5].to_owned(), 4).contains("line"));
    assert!(
        fails(
            "later.jsonl",
            trace.replacen("\"version\":1", "\"version\":9", 1),
            5
        )
        .contains("version 9")
    );
    assert!(fails("empty.jsonl", String::new(), 4).contains("empty"));
    assert!(fails("headless.jsonl", input.to_owned(), 4).contains("no header"));
    assert!(
        run(["golden", "verify", text(&folder.path("none"))])
            .fails(7)
            .contains("none")
    );
}
