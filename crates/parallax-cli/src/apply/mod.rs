//! `parallax apply IN OUT CHAIN`: operators over a recording, to another recording or to tensors.
//!
//! In: a recording and a chain such as `region x=0 y=0 w=640 h=480 ! refractory period=1ms ! voxel window=50ms`. Out:
//! events in any format that is written if the chain yields events; tensors as NPY, NPZ, Parquet, Arrow or PNG if it
//! ends in a representation. It is streamed; what the operators remember, one window and one row group is all that is
//! held, except with NPZ, which has all its arrays in memory. The output appears only when it is complete.

mod events;
mod target;
mod tensors;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use parallax::events::{Chain, SharedPool};
use parallax::formats::Format;
use parallax::ops::picture::Colormap;
use parallax::ops::{Compose, ComposeRun, Mode};
use parallax::{Error, EventBatch, EventReader, Nanos, ReadOptions, Result};

use crate::output;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::render::colormaps;
use crate::{figures, quantity, streams};
use target::Target;

/// Run a chain of operators over a recording.
///
/// A chain is written as `operator parameter=value .. ! operator ..`; `parallax ops` lists the operators. If it
/// yields events, OUT is a recording in any format that is written. If it ends in a representation, OUT is a file of
/// tensors, one for each window: .npy (stacked along a new first axis), .npz, .parquet, .arrow, or .png for a single
/// one. The output appears only when it is complete.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax apply recording.raw on.parquet 'polarity keep=on'
  parallax apply recording.raw clean.raw 'region x=0 y=0 w=640 h=480 ! refractory period=1ms' --to evt3
  parallax apply recording.raw frames.npy 'polarity keep=on ! frame window=50ms'
  parallax apply --time +1s..+1.1s recording.raw frame.png frame")]
pub(crate) struct Arguments {
    /// The recording; - is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to make; - is standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The operators, as `id key=value .. ! id ..`
    #[arg(value_name = "CHAIN")]
    chain: String,
    /// The output's format, by its extension if absent: that of a recording as `id` or `id key=value ..`; of tensors
    /// npy, npz, parquet, arrow or png
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Round times to multiples of this step before anything else, and say how far they were moved
    #[arg(long, value_name = "TIME", value_parser = quantity::time)]
    fixed_step: Option<Nanos>,
    /// How a PNG shows values: the default is redblue if some are negative, else inferno
    #[arg(long, value_parser = colormaps())]
    colormap: Option<Colormap>,
    /// On how many threads; does not change the result [default: as many as there are processors]
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Replace the output if it exists
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let chain = Chain::parse(&arguments.chain)?;
    let mut compose = Compose::from_chain(&chain)?;
    if let Some(step) = arguments.fixed_step {
        compose = compose.with_mode(Mode::FixedStep(step))?;
    }
    output::refuse_to_replace(std::slice::from_ref(&arguments.input), &arguments.output)?;
    let threads = match arguments.threads {
        Some(threads) => SharedPool::new(threads.into()),
        None => SharedPool::for_all_cores(),
    };
    let threads = threads?;
    let pool = threads.pool();
    if compose.yields_tensors() {
        let target = Target::wanted(arguments)?;
        tensors::run(arguments, &compose, target, is_windowed(&chain), pool)
    } else {
        events::run(arguments, &compose, pool)
    }
}

/// Whether the chain asks for windows: then there is any number of tensors, even if it happens to be one.
fn is_windowed(chain: &Chain) -> bool {
    let is_window = |key: &str| ["window", "window_events"].contains(&key);
    let last = chain.links.last();
    last.is_some_and(|link| link.args.iter().any(|argument| is_window(&argument.key)))
}

/// A recording on its way through the chain.
struct Source {
    reader: EventReader,
    run: ComposeRun,
    triggers: u64,
}

impl Source {
    fn open(arguments: &Arguments, compose: &Compose, bar: &Bar) -> Result<Self> {
        let options = ReadOptions {
            triggers: true,
            ..arguments.reading.options(bar)
        };
        let reader = reading::open(&arguments.input, &options)?;
        let run = compose
            .start(&reader.meta())
            .map_err(|error| in_file(error, &arguments.input))?;
        Ok(Self {
            reader,
            run,
            triggers: 0,
        })
    }

    /// Hands every batch that is readable to `each`; returns the error that ended the input.
    ///
    /// # Errors
    /// What `each` returns.
    fn drive(
        &mut self,
        mut each: impl FnMut(&mut ComposeRun, &EventBatch) -> Result<()>,
    ) -> Result<Option<Error>> {
        loop {
            let next = self.reader.next_batch();
            self.triggers += self.reader.take_triggers().len() as u64;
            match next {
                Ok(Some(batch)) => each(&mut self.run, &batch)?,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error)),
            }
        }
    }

    /// Says what there is to say about the data.
    ///
    /// # Errors
    /// If an operator cannot say it.
    fn tell(&mut self) -> Result<()> {
        if self.triggers > 0 {
            let triggers = figures::count(self.triggers);
            streams::tell(&format!("  {triggers} external triggers were left out"));
        }
        if let Some(error) = self.run.quantisation_error() {
            let unit = self.reader.meta().time_unit;
            streams::tell(&format!(
                "  the times of {} events were rounded, by {} on average and {} at most",
                figures::count(error.count),
                figures::duration(error.mean.round() as u128, unit),
                figures::duration(u128::from(error.max), unit)
            ));
        }
        let (chain, input) = (self.run.report()?, self.reader.report());
        for finding in input.findings().iter().chain(chain.findings()) {
            streams::tell(&format!("  {finding}"));
        }
        Ok(())
    }

    fn format(&self) -> &'static Format {
        self.reader.format()
    }
}

/// `343,474 of 1,218,618`, or the one number if they are the same.
fn part(out: u64, of: u64) -> String {
    if out == of {
        figures::count(of)
    } else {
        format!("{} of {}", figures::count(out), figures::count(of))
    }
}

/// The error of a chain or an output, with the output's name.
fn in_output(error: Error, path: &Path) -> Error {
    reading::in_output(error, path)
}
