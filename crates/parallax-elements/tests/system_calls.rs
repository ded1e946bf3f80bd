//! In the steady state a fused chain makes no system call: `strace` sees none between packet 1,000 and packet 1,000,000.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::process::Command;

use parallax_elements::FakeSource;
use parallax_events::Result;
use parallax_pipeline::{Built, Packet, Pipeline, Sink};
use parallax_testkit::recordings::skip_here;

const NAME: &str = "a_fused_chain_makes_no_system_call";
/// Set in the process that is watched.
const WATCHED: &str = "PARALLAX_WATCHED";
/// Files that are not there; a look at them shows in the trace where a part of the run begins and ends.
const MARKS: [(u64, &str); 2] = [(1_000, "/parallax-mark-begin"), (1_000_000, "/parallax-mark-end")];

#[derive(Debug, Default)]
struct Marking(u64);

impl Sink for Marking {
    fn consume(&mut self, _: Packet) -> Result<()> {
        self.0 += 1;
        if let Some((_, path)) = MARKS.iter().find(|(number, _)| *number == self.0) {
            assert!(std::fs::metadata(path).is_err());
        }
        Ok(())
    }
}

#[test]
fn a_fused_chain_makes_no_system_call() {
    if std::env::var_os(WATCHED).is_some() {
        chain().run().unwrap();
        return;
    }
    if Command::new("strace").arg("--version").output().is_err() {
        return skip_here(NAME, "strace is not installed");
    }
    let trace = tempfile::NamedTempFile::new().unwrap();
    let watched = Command::new("strace")
        .args(["-f", "-o"])
        .arg(trace.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(WATCHED, "1")
        .output()
        .unwrap();
    let trace = std::fs::read_to_string(trace.path()).unwrap();
    if !trace.contains(MARKS[0].1) {
        let why = String::from_utf8_lossy(&watched.stderr);
        return skip_here(
            NAME,
            &format!(
                "strace may not trace here: {}",
                why.lines().next().unwrap_or_default()
            ),
        );
    }
    assert!(
        watched.status.success(),
        "{}",
        String::from_utf8_lossy(&watched.stdout)
    );
    let begin = trace.lines().position(|line| line.contains(MARKS[0].1)).unwrap();
    let end = trace.lines().position(|line| line.contains(MARKS[1].1)).unwrap();
    let thread = trace
        .lines()
        .nth(begin)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let between: Vec<&str> = trace
        .lines()
        .take(end)
        .skip(begin + 1)
        // Other threads wait, and the kernel interrupts whom it likes.
        .filter(|line| line.starts_with(&thread) && !line.contains("resumed>") && !line.contains("---"))
        .collect();
    assert!(
        between.is_empty(),
        "{} system calls: {:?}",
        between.len(),
        &between[..between.len().min(5)]
    );
}

/// Source, tee with a valve beside, two elements, sink; a loan for each packet.
fn chain() -> Pipeline {
    let mut pipeline = Pipeline::new();
    let registry = parallax_elements::registry();
    let source = pipeline
        .add("source", FakeSource::new(64).with_limit(1_000_100))
        .unwrap();
    let mut last = source;
    for (name, text) in [
        ("tee", "tee"),
        ("identity", "identity"),
        ("bytes", "capsfilter caps=bytes"),
    ] {
        let next = pipeline.add_text(name, text, registry).unwrap();
        pipeline.link(last, next).unwrap();
        last = next;
    }
    let sink = pipeline.add("sink", Built::sink(Marking::default())).unwrap();
    pipeline.link(last, sink).unwrap();
    let tee = pipeline.element("tee").unwrap();
    let beside = pipeline.add_text("beside", "fakesink", registry).unwrap();
    pipeline.link(tee, beside).unwrap();
    pipeline
}
