//! `parallax digest FILE..`: a fingerprint of the events, whatever format they are stored in.
//!
//! The SHA-256 is over the N x 4 matrix [t, x, y, p] of little-endian signed 64-bit integers in stream order, t in
//! microseconds, p 0 or 1. Two files with the same line hold the same events.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use parallax::{DvsColumns, Result, TimeUnit};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::inputs::InputArguments;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{files, streams};

/// Print count and SHA-256 of the events in each file.
///
/// The SHA-256 is over t (in us), x, y, p (0 or 1) of every event in stream order, each as a little-endian 64-bit
/// integer. It does not depend on the format: equal lines mean equal events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax digest recording.raw recording.parquet
  parallax digest --time +0..+1s recording.raw
  zcat events.csv.gz | parallax digest --from csv -")]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

#[derive(Debug, Serialize)]
struct Line {
    file: String,
    events: u64,
    sha256: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    files::for_each(&arguments.inputs, |path| {
        let line = digest(path, &arguments.reading).map_err(|error| in_file(error, path))?;
        if arguments.json {
            streams::print(&format!("{}\n", serde_json::to_string(&line)?))
        } else {
            streams::print(&format!("{}  {}  {}\n", line.sha256, line.events, line.file))
        }
    })
}

fn digest(path: &Path, arguments: &ReadArguments) -> Result<Line> {
    let bar = Bar::new("digest");
    let mut reader = reading::open(path, &arguments.options(&bar))?;
    let unit = reader.meta().time_unit;
    let mut hasher = EventHasher::default();
    while let Some(events) = reader.next_columns()? {
        hasher.update(events, unit)?;
    }
    Ok(Line {
        file: path.display().to_string(),
        events: hasher.events,
        sha256: hasher.finish(),
    })
}

/// Hashes events as they come.
#[derive(Debug, Default)]
pub(crate) struct EventHasher {
    sha256: Sha256,
    events: u64,
    rows: Vec<u8>,
}

impl EventHasher {
    /// So many events become bytes at a time.
    const BLOCK: usize = 4096;

    /// # Errors
    /// If a time is no whole number of microseconds.
    pub(crate) fn update(&mut self, events: DvsColumns<'_>, unit: TimeUnit) -> Result<()> {
        let mut start = 0;
        while start < events.len() {
            let block = events.slice(start..start + Self::BLOCK);
            self.rows.clear();
            for event in block.iter() {
                let t = if unit == TimeUnit::Micros {
                    event.t
                } else {
                    unit.rescale(event.t, TimeUnit::Micros)?
                };
                self.rows.extend_from_slice(&t.to_le_bytes());
                self.rows.extend_from_slice(&i64::from(event.x).to_le_bytes());
                self.rows.extend_from_slice(&i64::from(event.y).to_le_bytes());
                self.rows.extend_from_slice(&i64::from(event.p).to_le_bytes());
            }
            self.sha256.update(&self.rows);
            start += block.len();
        }
        self.events += events.len() as u64;
        Ok(())
    }

    /// The SHA-256 as text.
    pub(crate) fn finish(self) -> String {
        self.sha256
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed with Python: hashlib.sha256(struct.pack('<8q', 17, 3, 4, 1, -5, 1279, 719, 0)).hexdigest().
    const TWO_EVENTS: &str = "b5884886015bdd677fda6d9e428080af26dc99f60ce3b17ebdfc4f87cf748a83";
    const NONE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn hash(t: &[i64], unit: TimeUnit) -> Result<String> {
        let mut hasher = EventHasher::default();
        for (index, t) in t.iter().enumerate() {
            let columns = DvsColumns {
                t: &[*t],
                x: &[[3, 1279][index]],
                y: &[[4, 719][index]],
                p: &[[1, 0][index]],
            };
            hasher.update(columns, unit)?;
        }
        Ok(hasher.finish())
    }

    #[test]
    fn the_digest_is_that_of_the_documented_matrix() {
        assert_eq!(hash(&[], TimeUnit::Micros).unwrap(), NONE);
        assert_eq!(hash(&[17, -5], TimeUnit::Micros).unwrap(), TWO_EVENTS);
        assert_eq!(hash(&[17_000, -5_000], TimeUnit::Nanos).unwrap(), TWO_EVENTS);
    }

    #[test]
    fn a_fraction_of_a_microsecond_is_an_error() {
        assert!(hash(&[17_001], TimeUnit::Nanos).is_err());
    }
}
