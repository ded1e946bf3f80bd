//! `parallax convert IN.. OUT`: the same events in another format.
//!
//! An output appears under its name only when it is complete. Of a damaged input what was readable is written, the
//! damage is said, and the exit code tells; with `--strict` or `--order check` nothing is written then. Of several
//! inputs each is converted on its own, into a folder: one that fails does not stop the others.

mod edit;
mod folder;
mod job;
mod origin;
mod region;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::files::Failures;
use crate::inputs::InputArguments;
use crate::reading::ReadArguments;
use edit::EditArguments;
use folder::Folder;

/// Convert recordings to another format.
///
/// The format of an output follows from its extension, or is given with --to. Several inputs (or a pattern, or a folder
/// with --recursive) go into a folder, which is made if need be. An output appears only when it is complete, and an
/// input is never written to. Of a damaged input the readable part is written and the command fails, except with
/// --strict and --order check, which write nothing then. A file that fails does not stop the others. External triggers
/// come along where both formats hold them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax convert recording.raw recording.parquet
  parallax convert --time +0..+1s recording.raw first-second.csv
  parallax convert --roi 320,180,640,360 --crop --polarity on recording.raw part.parquet
  parallax convert --order strict --to parquet recording.raw sorted.pq
  parallax convert --from 'csv unit=s' --geometry 240x180 events.txt events.arrow
  parallax convert 'night/*.raw' tables/ --to parquet
  parallax convert --recursive recordings/ tables/ --to parquet
  parallax convert recording.raw - --to csv | head")]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// The file to make, or the folder to make files in; - is standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The output's format, as `id` or `id key=value ..`; by its extension if absent [see: parallax formats]
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Replace outputs that exist
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    edit: EditArguments,
    #[command(flatten)]
    reading: ReadArguments,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let inputs = arguments.inputs.expand(Some(&arguments.output));
    if let Some(folder) = Folder::wanted(arguments, inputs.is_set)? {
        return folder.fill(arguments, inputs);
    }
    let mut failures = Failures::default();
    for input in inputs.found {
        let outcome = input
            .map_err(anyhow::Error::from)
            .and_then(|input| job::convert(arguments, &input.path, &arguments.output, "convert".to_owned()));
        failures.note(outcome)?;
    }
    Ok(failures.code())
}
