//! The same operations by the libraries of others, in a Python process of their own; what they answer is kept.

use std::path::Path;
use std::process::{Command, Stdio};

use parallax_events::EventBatch;

use crate::answers::Facts;
use crate::recording::{Recordings, Sensor};
use crate::rows::Row;

/// What a peer says.
pub(crate) struct Answer {
    pub(crate) case: String,
    pub(crate) ms: f64,
    /// How many runs that is the best of.
    pub(crate) runs: usize,
    /// How many events it got.
    pub(crate) events: usize,
    pub(crate) facts: Facts,
}

/// The answers of the peers of these rows: of a new run, or as they were kept.
pub(crate) fn answers(
    folder: &Path,
    recordings: &Recordings,
    rows: &[&Row],
    is_recorded: bool,
) -> Vec<Answer> {
    let kept = folder.join("answers");
    std::fs::create_dir_all(&kept).unwrap();
    if !is_recorded {
        run(folder, &kept, recordings, rows);
    }
    let mut cases: Vec<&str> = rows
        .iter()
        .map(|row| row.peer)
        .filter(|case| !case.is_empty())
        .collect();
    cases.sort_unstable();
    cases.dedup();
    cases.into_iter().filter_map(|case| answer(&kept, case)).collect()
}

fn run(folder: &Path, kept: &Path, recordings: &Recordings, rows: &[&Row]) {
    let Some(python) = std::env::var_os("PARALLAX_PEERS") else {
        println!("PARALLAX_PEERS names no Python with evlib, tonic and polars: no peers");
        return;
    };
    write(&folder.join("full"), recordings.of(Sensor::Full));
    write(&folder.join("folded"), recordings.of(Sensor::Folded));
    let mut cases: Vec<&str> = Vec::new();
    for row in rows {
        if !row.peer.is_empty() && !cases.contains(&row.peer) {
            cases.push(row.peer);
            let _ = std::fs::remove_file(kept.join(file_name(row.peer)));
        }
    }
    if cases.is_empty() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ops/peers.py");
    let status = Command::new(python)
        .arg(script)
        .arg(folder)
        .args(cases)
        .stdout(Stdio::inherit())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("some peers failed; they are left out");
    }
}

/// The columns as raw little-endian numbers.
fn write(folder: &Path, batch: &EventBatch) {
    std::fs::create_dir_all(folder).unwrap();
    let columns = batch.columns();
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    put("t", columns.t.iter().flat_map(|t| t.to_le_bytes()).collect());
    put("x", columns.x.iter().flat_map(|x| x.to_le_bytes()).collect());
    put("y", columns.y.iter().flat_map(|y| y.to_le_bytes()).collect());
    put("p", columns.p.to_vec());
}

fn file_name(case: &str) -> String {
    case.replace(':', "-")
}

/// A line `ms runs events`, then `events KEPT DIGEST`, or `tensors` and two sums a line.
fn answer(kept: &Path, case: &str) -> Option<Answer> {
    let text = std::fs::read_to_string(kept.join(file_name(case))).ok()?;
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (ms, runs, events) = (first.next()?, first.next()?, first.next()?);
    let mut second = lines.next()?.split(' ');
    let facts = match second.next()? {
        "events" => Facts::Events {
            kept: second.next()?.parse().ok()?,
            digest: second.next()?.parse().ok()?,
        },
        _ => {
            let pair = |line: &str| {
                let (sum, weighted) = line.split_once(' ')?;
                Some([sum.parse().ok()?, weighted.parse().ok()?])
            };
            Facts::Tensors(lines.map(pair).collect::<Option<_>>()?)
        }
    };
    Some(Answer {
        case: case.to_owned(),
        ms: ms.parse().ok()?,
        runs: runs.parse().ok()?,
        events: events.parse().ok()?,
        facts,
    })
}
