//! `parallax info FILE..`: what is in a recording, in one pass and constant memory.

mod chart;
mod page;
mod rate;
mod survey;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use parallax::{Error, EventReader, ReadOptions, Result};

use crate::inputs::InputArguments;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{files, streams};
use survey::Survey;

/// Show what is in a recording: format, sensor, events, span, rate over time, order, oddities.
///
/// Of a damaged file it shows what could be read, says what is wrong, and fails.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax info recording.raw
  parallax info --json *.raw | jq '{file, events, error}'
  parallax info --recursive recordings/
  parallax info --from 'csv unit=s' --geometry 240x180 events.txt")]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// One JSON object for each file, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

/// What one pass over a file gave.
#[derive(Debug)]
struct Findings {
    /// `None` if the file could not even be opened.
    opened: Option<(EventReader, Survey)>,
    error: Option<Error>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let style = chart::Style::of_terminal();
    let mut is_first = true;
    files::for_each(&arguments.inputs, |path| {
        let findings = look(path, &arguments.reading);
        let blank = if std::mem::replace(&mut is_first, false) {
            ""
        } else {
            "\n"
        };
        if arguments.json {
            streams::print(&format!(
                "{}\n",
                serde_json::to_string(&page::Facts::new(path, &findings))?
            ))?;
        } else if let Some((reader, survey)) = &findings.opened {
            streams::print(&format!(
                "{blank}{}",
                page::text(path, reader, survey, findings.error.is_some(), style)
            ))?;
        }
        findings.error.map_or(Ok(()), |error| Err(error.into()))
    })
}

fn look(path: &Path, arguments: &ReadArguments) -> Findings {
    let bar = Bar::new("info");
    let options = ReadOptions {
        triggers: true,
        ..arguments.options(&bar)
    };
    match reading::open(path, &options) {
        Err(error) => Findings {
            opened: None,
            error: Some(in_file(error, path)),
        },
        Ok(mut reader) => {
            let mut survey = Survey::default();
            let error = pass(&mut reader, &mut survey)
                .err()
                .map(|error| in_file(error, path));
            Findings {
                opened: Some((reader, survey)),
                error,
            }
        }
    }
}

fn pass(reader: &mut EventReader, survey: &mut Survey) -> Result<()> {
    loop {
        let next = reader
            .next_columns()
            .map(|events| events.map(|events| survey.add(events)));
        // Those that came with the last events, or with an error, count too.
        survey.add_triggers(&reader.take_triggers());
        if next?.is_none() {
            return Ok(());
        }
    }
}
