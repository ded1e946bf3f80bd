//! `parallax bench FILE..`: how fast your own file is decoded here.
//!
//! Each run decodes the whole file, in batches into memory that is used again, and counts the events; the median of
//! the runs is printed. Beside it stands what copying as many bytes of columns (13 an event) takes in the same run,
//! batch by batch as the decoder writes them: no decoder can be faster. The first read, which may come from the disk,
//! is not timed.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use parallax::{Error, ReadOptions, Result};
use serde::Serialize;

use crate::inputs::InputArguments;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{figures, files, stop, streams};

/// The columns of an event: t, x, y, p.
const EVENT_BYTES: u64 = 13;

/// Measure how fast a recording is decoded.
///
/// The median of several runs, beside a copy of as many bytes of columns in memory, which is what the best decoder
/// could reach. The machine should have nothing else to do.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax bench recording.raw
  parallax bench --json --runs 9 recording.raw
  parallax bench --no-mmap recording.raw")]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// How often it is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// One JSON object for each file, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

#[derive(Debug, Serialize)]
struct Figures {
    file: String,
    format: &'static str,
    bytes: u64,
    events: u64,
    /// Seconds of each run, in the order in which they were made.
    runs: Vec<f64>,
    /// Their median.
    seconds: f64,
    events_per_second: f64,
    bytes_per_second: f64,
    /// The median of copying 13 bytes an event.
    copy_seconds: f64,
    /// The most memory that the process has held, in bytes, if the system tells.
    peak_memory: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    files::for_each(&arguments.inputs, |path| {
        let figures = measure(path, arguments).map_err(|error| in_file(error, path))?;
        if arguments.json {
            return streams::print(&format!("{}\n", serde_json::to_string(&figures)?));
        }
        streams::print(&page(&figures))
    })
}

fn measure(path: &Path, arguments: &Arguments) -> Result<Figures> {
    if !path.is_file() {
        return match path.symlink_metadata() {
            Err(error) if path != Path::new("-") => Err(error.into()),
            _ => Err(Error::param("only a file can be read several times")),
        };
    }
    let bar = Bar::new("bench");
    let options = arguments.reading.options(&bar);
    let (events, format) = decode(path, &options)?;
    let mut runs = Vec::new();
    let mut copies = Vec::new();
    for _ in 0..arguments.runs {
        let started = Instant::now();
        let (again, _) = decode(path, &options)?;
        runs.push(started.elapsed().as_secs_f64());
        if again != events {
            return Err(Error::internal(format!(
                "{again} events where there were {events}: the file has changed, or the decoder is wrong"
            )));
        }
        copies.push(copy(events, options.effective_chunk())?);
    }
    let bytes = path.metadata()?.len();
    let seconds = median(&runs);
    Ok(Figures {
        file: path.display().to_string(),
        format,
        bytes,
        events,
        seconds,
        events_per_second: events as f64 / seconds,
        bytes_per_second: bytes as f64 / seconds,
        copy_seconds: median(&copies),
        peak_memory: peak_memory(),
        runs,
    })
}

fn decode(path: &Path, options: &ReadOptions) -> Result<(u64, &'static str)> {
    let mut reader = reading::open(path, options)?;
    let mut events = 0;
    while let Some(columns) = reader.next_columns()? {
        events += black_box(columns).len() as u64;
    }
    Ok((events, reader.format().id()))
}

/// Seconds to copy the columns of so many events, `chunk` events at a time.
fn copy(events: u64, chunk: usize) -> Result<f64> {
    stop::check()?;
    let bytes = chunk as u64 * EVENT_BYTES;
    // Not zeros: pages that were never written are all one page, which copies faster.
    let from = vec![1_u8; bytes as usize];
    let mut to = vec![2_u8; bytes as usize];
    let started = Instant::now();
    let mut left = events * EVENT_BYTES;
    while left > 0 {
        let now = left.min(bytes) as usize;
        to[..now].copy_from_slice(black_box(&from[..now]));
        black_box(&mut to);
        left -= now as u64;
    }
    Ok(started.elapsed().as_secs_f64())
}

fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    (middle((sorted.len().max(1) - 1) / 2) + middle(sorted.len() / 2)) / 2.0
}

/// The high-water mark of resident memory, as Linux tells it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn page(figures: &Figures) -> String {
    let Figures {
        file,
        format,
        bytes,
        events,
        runs,
        seconds,
        copy_seconds,
        ..
    } = figures;
    let milliseconds = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
    let least = runs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = runs.iter().copied().fold(0.0, f64::max);
    let peak = figures
        .peak_memory
        .map_or_else(|| "not known".to_owned(), figures::bytes);
    format!(
        "{file}\n  \
         format    {format}, {}, {} events\n  \
         decode    {}, {}/s: median of {} runs, {} ({} to {})\n  \
         copy      {}: as many bytes of columns copied in memory, {:.1} times as fast\n  \
         memory    {peak} at most\n",
        figures::bytes(*bytes),
        figures::count(*events),
        figures::rate(figures.events_per_second),
        figures::bytes(figures.bytes_per_second as u64),
        runs.len(),
        milliseconds(*seconds),
        milliseconds(least),
        milliseconds(most),
        milliseconds(*copy_seconds),
        seconds / copy_seconds.max(1e-9),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }
}
