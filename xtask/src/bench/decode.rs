//! `cargo xtask bench decode [--quick] [FILE..]`: loading whole recordings, beside other libraries.
//!
//! In: large files made of real recordings, kept in `<target>/bench-files`; the libraries of `python/peers.txt` in an
//! environment of their own. Out: tables in Markdown. Every load is a process of its own, ours and theirs in turn; before
//! any is timed, its events are compared with ours, and who differs is named and left out. `--quick` takes small files
//! and three runs. Without FILE words, every file; else those whose names begin with one of them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::environment;
use crate::Outcome;
use crate::workspace::{Workspace, run};

const PEERS: &str = "xtask/python/peers.txt";
const LOADER: &str = "xtask/python/decode_peer.py";

/// A file, the name of its format for the libraries, and who reads it.
const FILES: &[(&str, &str, &[&str])] = &[
    (
        "ordinary.evt3.raw",
        "evt3",
        &["evt3", "evutils", "aestream", "expelliarmus", "faery"],
    ),
    (
        "dense.evt3.raw",
        "evt3",
        &["evutils", "evt3", "expelliarmus", "aestream", "faery"],
    ),
    ("evt2.raw", "evt2", &["evutils", "expelliarmus", "faery"]),
    (
        "gen4.dat",
        "dat",
        &["evutils", "expelliarmus", "numpy", "aestream", "faery"],
    ),
    ("lz4.aedat4", "aedat4", &["aestream", "evutils", "faery"]),
    ("dvs.es", "es", &["event_stream", "faery"]),
    ("text.csv", "csv", &["faery", "polars"]),
    ("text.rpg.txt", "rpg", &["polars", "evutils"]),
];

/// `cargo xtask bench decode`.
pub(crate) fn run_all(workspace: &Workspace, words: &[String]) -> Outcome {
    let quick = words.iter().any(|word| word == "--quick");
    let chosen: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    let (tiles, runs) = if quick { (4, 3) } else { (41, 5) };
    let target = workspace.target()?;
    let program = super::program(workspace, &target)?;
    let folder = target.join("bench-files").join(format!("{tiles}-tiles"));
    let mut make = workspace.command(&program);
    run(make.arg("make").arg(&folder).arg(tiles.to_string()))?;
    let python = environment::with(workspace, &target, PEERS)?;
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .to_string();

    println!(
        "\nMillion events a second, medians of {runs} with the least and the most; memory in MiB above the start;"
    );
    println!("{threads} threads. Ratio: ours to the fastest other that gives the same events.\n");
    println!("A load may take {MEMORY}.\n");
    println!("| file | who | events | fresh memory | memory | ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut ours = Vec::new();
    for (name, format, peers) in FILES {
        let file = folder.join(name);
        if !file.is_file()
            || !(chosen.is_empty() || chosen.iter().any(|word| name.starts_with(word.as_str())))
        {
            continue;
        }
        compare(
            &Bench {
                workspace,
                program: &program,
                python: &python,
                threads: &threads,
                runs,
            },
            &file,
            format,
            peers,
        )?;
        ours.push(file);
    }
    println!(
        "\nOurs alone: into memory that is there, beside copying as many bytes on as many threads; as a stream on one core; and"
    );
    println!(
        "the first touch of as many fresh pages. What the loaded events take, in MiB: as our own count and as the system's have"
    );
    println!("it, without the pages of the file, which are the page cache's.\n");
    println!(
        "| file | memory that is there | copy | of the copy | stream, one core | first touch | counted | resident |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for file in &ours {
        alone(workspace, &program, file, &threads, runs)?;
    }
    for file in ours.iter().filter(|file| shown(file).starts_with("lz4")) {
        unpacked(workspace, &program, file, &threads, runs)?;
    }
    Ok(true)
}

/// What a load may take beyond what the process had before, in words and in bytes.
const MEMORY: &str = "13 bytes an event, a tenth more, and 64 MiB";

fn allowed(events: f64) -> f64 {
    events * 13.0 * 1.1 + f64::from(64 << 20)
}

struct Bench<'a> {
    workspace: &'a Workspace,
    program: &'a Path,
    python: &'a Path,
    threads: &'a str,
    runs: usize,
}

impl Bench<'_> {
    fn ours(&self, mode: &str, file: &Path) -> Result<Value> {
        answer(
            self.workspace
                .command(self.program)
                .args(["one", mode, self.threads])
                .arg(file),
        )
    }

    fn theirs(&self, peer: &str, format: &str, what: &str, file: &Path) -> Result<Value> {
        answer(
            self.workspace
                .command(self.python)
                .args([LOADER, peer, format])
                .arg(file)
                .arg(what),
        )
    }
}

/// The rows of one file.
fn compare(bench: &Bench<'_>, file: &Path, format: &str, peers: &[&str]) -> Result<()> {
    let name = shown(file);
    let wanted = bench.ours("facts", file)?;
    let mut right = Vec::new();
    let mut wrong = Vec::new();
    for peer in peers {
        match bench.theirs(peer, format, "facts", file) {
            Ok(found) if found == wanted => right.push(*peer),
            Ok(found) => wrong.push((*peer, format!("other events: {}", differs(&found, &wanted)))),
            Err(error) => wrong.push((*peer, format!("{error:#}"))),
        }
    }
    let mut results: Vec<(&str, Vec<Value>)> = vec![("parallax", Vec::new())];
    results.extend(right.iter().map(|peer| (*peer, Vec::new())));
    for _ in 0..bench.runs {
        for (who, values) in &mut results {
            bench.ours("warm", file)?;
            values.push(match *who {
                "parallax" => bench.ours("fresh", file)?,
                peer => bench.theirs(peer, format, "time", file)?,
            });
        }
    }
    let own = results.first().map_or(0.0, |(_, values)| rates(values).1);
    for (who, values) in &results {
        let (least, median, most) = rates(values);
        let events = number(values.first(), "events") as u64;
        let memory = values
            .iter()
            .map(|value| number(Some(value), "peak") - number(Some(value), "before"));
        let memory = memory.fold(0.0, f64::max);
        let over = if *who == "parallax" && memory > allowed(events as f64) {
            " (too much)"
        } else {
            ""
        };
        let memory = memory / f64::from(1 << 20);
        let ratio = if *who == "parallax" {
            String::new()
        } else {
            format!("{:.1}", own / median)
        };
        println!(
            "| {name} | {who} | {events} | {median:.0} [{least:.0}, {most:.0}] | {memory:.0}{over} | {ratio} |"
        );
    }
    for (who, why) in wrong {
        let why: String = why.replace(['|', '\n'], " ").chars().take(140).collect();
        println!("| {name} | {who} | left out | {why} | | |");
    }
    Ok(())
}

/// The row of one file.
fn alone(workspace: &Workspace, program: &Path, file: &Path, threads: &str, runs: usize) -> Result<()> {
    let one = |mode: &str, threads: &str| -> Result<Vec<Value>> {
        (0..runs)
            .map(|_| answer(workspace.command(program).args(["one", mode, threads]).arg(file)))
            .collect()
    };
    let there = one("there", threads)?;
    let stream = one("stream", "1")?;
    let fresh = one("fresh", threads)?;
    let (_, rate, _) = rates(&there);
    let copy = rates_by(&there, "copy").1;
    let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
    println!(
        "| {} | {rate:.0} | {copy:.0} | {:.2} | {:.0} | {:.0} | {:.0} | {:.0} |",
        shown(file),
        rate / copy,
        rates(&stream).1,
        rates_by(&fresh, "touch").1,
        mebibytes(number(fresh.first(), "counted")),
        mebibytes(number(fresh.first(), "resident")),
    );
    Ok(())
}

/// How long a load takes beside unpacking alone, in turn.
fn unpacked(workspace: &Workspace, program: &Path, file: &Path, threads: &str, runs: usize) -> Result<()> {
    let one = |mode: &str| answer(workspace.command(program).args(["one", mode, threads]).arg(file));
    let (mut loads, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        one("warm")?;
        loads.push(one("fresh")?);
        alone.push(one("lz4")?);
    }
    let (load, lz4) = (rates(&loads).1, rates(&alone).1);
    println!(
        "\n{}: loaded at {load:.0}, unpacked alone (the file in memory, the output's memory used again) at {lz4:.0}: a load \
         takes {:.2} times as long.",
        shown(file),
        lz4 / load
    );
    Ok(())
}

/// The least, the median and the most, in million events a second.
fn rates(values: &[Value]) -> (f64, f64, f64) {
    rates_by(values, "seconds")
}

/// The same of something else that was timed.
fn rates_by(values: &[Value], seconds: &str) -> (f64, f64, f64) {
    let mut rates: Vec<f64> = values
        .iter()
        .map(|value| number(Some(value), "events") / number(Some(value), seconds) / 1e6)
        .collect();
    rates.sort_by(f64::total_cmp);
    let at = |index: usize| rates.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(rates.len() / 2), at(rates.len().saturating_sub(1)))
}

fn number(value: Option<&Value>, key: &str) -> f64 {
    value
        .and_then(|value| value.get(key))
        .and_then(Value::as_f64)
        .unwrap_or(f64::NAN)
}

/// What two sets of facts differ in.
fn differs(found: &Value, wanted: &Value) -> String {
    let count = |value: &Value| value.get("n").and_then(Value::as_u64).unwrap_or(0);
    if count(found) != count(wanted) {
        return format!("{} of them instead of {}", count(found), count(wanted));
    }
    let fields = ["t", "x", "y", "p"].iter().enumerate();
    let of = |value: &Value, index: usize| value.get("sums").and_then(|sums| sums.get(index)).cloned();
    let differ: Vec<&str> = fields
        .filter(|(i, _)| of(found, *i) != of(wanted, *i))
        .map(|(_, name)| *name)
        .collect();
    format!("another {}", differ.join(", "))
}

fn shown(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The last line of what a process prints, as JSON.
fn answer(command: &mut Command) -> Result<Value> {
    let output = command.output().context("cannot start it")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}",
            errors
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or("it failed")
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).context("it printed no JSON")
}
