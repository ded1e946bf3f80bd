//! `parallax convert IN OUT`: the same events in another format.
//!
//! The output appears under its name only when it is complete. Of a damaged input what was readable is written, the
//! damage is said, and the exit code tells; with `--strict` or `--order check` nothing is written then.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use parallax::formats::{EventWriter, create, writable};
use parallax::{Error, ErrorKind, EventReader, ReadOptions, Result, WriteOptions};

use crate::output::{self, Output};
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{figures, files, stop, streams};

/// Convert a recording to another format.
///
/// The format of the output follows from its extension, or is given with --to. The output appears only when it is
/// complete. Of a damaged input the readable part is written and the command fails, except with --strict and
/// --order check, which write nothing then. External triggers come along where both formats hold them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax convert recording.raw recording.parquet
  parallax convert --time +0..+1s recording.raw first-second.csv
  parallax convert --order strict --to parquet recording.raw sorted.pq
  parallax convert --from 'csv unit=s' --geometry 240x180 events.txt events.arrow
  parallax convert recording.raw - --to csv | head")]
pub(crate) struct Arguments {
    /// The recording; - is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to make; - is standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The output's format, as `id` or `id key=value ..`; by its extension if absent [see: parallax formats]
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Replace the output if it exists
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let Arguments {
        input, output: path, ..
    } = arguments;
    let in_output = |error| reading::in_output(error, path);
    output::refuse_same_file(input, path)?;
    let options = WriteOptions {
        format: arguments.to.clone(),
    };
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase);
    let (format, ..) = writable(extension.as_deref(), &options).map_err(in_output)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;

    let bar = Bar::new("convert");
    let reading = ReadOptions {
        triggers: true,
        ..arguments.reading.options(&bar)
    };
    let mut reader = reading::open(input, &reading)?;
    let mut writer =
        create(output.writer(), extension.as_deref(), &reader.meta(), &options).map_err(in_output)?;
    let holds_triggers = format.triggers.is_written();
    let Copied {
        events,
        triggers,
        damage,
    } = copy(&mut reader, writer.as_mut(), holds_triggers).map_err(in_output)?;
    let damage = match damage.map(|error| in_file(error, input)) {
        Some(error)
            if events == 0
                || error.kind() == ErrorKind::Closed
                || arguments.reading.wants_all_or_nothing() =>
        {
            return Err(
                anyhow::Error::new(error).context(format!("nothing was written to {}", path.display()))
            );
        }
        damage => damage,
    };
    writer.finish().map_err(in_output)?;
    stop::check()?;
    let written = output.commit().map_err(in_output)?;
    drop(bar);

    let seconds = started.elapsed().as_secs_f64();
    streams::tell(&format!(
        "{}: {} events, {} ({}) to {} ({}) in {seconds:.2} s, {}",
        path.display(),
        figures::count(events),
        figures::bytes(files::length(input, &reader).unwrap_or(0)),
        reader.format().id(),
        figures::bytes(written),
        format.id(),
        figures::rate(events as f64 / seconds)
    ));
    if triggers > 0 {
        let fate = if holds_triggers {
            "were written too".to_owned()
        } else {
            format!("were left out: {} holds none", format.id())
        };
        streams::tell(&format!(
            "  {} external triggers {fate}",
            figures::count(triggers)
        ));
    }
    for finding in reader.report().findings() {
        streams::tell(&format!("  {finding}"));
    }
    match damage {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => {
            let events = figures::count(events);
            let fate = format!(
                "the {events} events before the damage were written to {}",
                path.display()
            );
            Err(anyhow::Error::new(error).context(fate))
        }
    }
}

/// What was copied, and the error of the input that ended it.
struct Copied {
    events: u64,
    triggers: u64,
    damage: Option<Error>,
}

/// Writes everything that is readable; external triggers are only counted where the output holds none.
///
/// # Errors
/// If writing fails.
fn copy(reader: &mut EventReader, writer: &mut dyn EventWriter, holds_triggers: bool) -> Result<Copied> {
    let mut copied = Copied {
        events: 0,
        triggers: 0,
        damage: None,
    };
    loop {
        let next = reader.next_batch();
        let triggers = reader.take_triggers();
        copied.triggers += triggers.len() as u64;
        if holds_triggers {
            writer.write_triggers(&triggers)?;
        }
        match next {
            Ok(Some(batch)) => {
                writer.write(&batch)?;
                copied.events += batch.len() as u64;
            }
            Ok(None) => return Ok(copied),
            Err(error) => {
                copied.damage = Some(error);
                return Ok(copied);
            }
        }
    }
}
