//! The `parallax` command: what is in a recording, conversion, digests, pictures.
//!
//! In: arguments. Out: results on stdout, errors and progress on stderr, and an exit code by the kind of error
//! ([`exit`]). Everything that decodes or encodes is in the library; here are only arguments and pages.
#![forbid(unsafe_code)]

mod apply;
mod bench;
mod cat;
mod conform;
mod convert;
mod damage;
mod digest;
mod exit;
mod figures;
mod files;
mod formats;
mod golden;
mod graph;
mod info;
mod inputs;
mod inspect;
mod launch;
mod listing;
mod ops;
mod output;
mod progress;
mod quantity;
mod reading;
mod render;
mod shell;
mod stop;
mod streams;
mod synth;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Reads what event cameras record: what is in it, conversion, digests, pictures.
#[derive(Debug, Parser)]
#[command(name = "parallax", version, max_term_width = 110, after_help = EXAMPLES, after_long_help = exit::long_help(EXAMPLES))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  parallax info recording.raw
  parallax convert recording.raw recording.parquet
  parallax render recording.raw picture.png
  parallax apply recording.raw frames.npy 'frame window=50ms'
  parallax formats

A file called - is standard input; `parallax COMMAND --help` has examples for each command.";

#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Arguments),
    Convert(convert::Arguments),
    Apply(apply::Arguments),
    Render(render::Arguments),
    Cat(cat::Arguments),
    Digest(digest::Arguments),
    Bench(bench::Arguments),
    Conform(conform::Arguments),
    Golden(golden::Arguments),
    Formats(formats::Arguments),
    Ops(ops::Arguments),
    Launch(launch::Arguments),
    Inspect(inspect::Arguments),
    Graph(graph::Arguments),
    Synth(synth::Arguments),
    Completions(shell::CompletionArguments),
    Man(shell::ManArguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    stop::listen();
    let outcome = match &cli.command {
        Command::Info(arguments) => info::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
        Command::Apply(arguments) => apply::run(arguments),
        Command::Render(arguments) => render::run(arguments),
        Command::Cat(arguments) => cat::run(arguments),
        Command::Digest(arguments) => digest::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Conform(arguments) => conform::run(arguments),
        Command::Golden(arguments) => golden::run(arguments),
        Command::Formats(arguments) => formats::run(arguments),
        Command::Ops(arguments) => ops::run(arguments),
        Command::Launch(arguments) => launch::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Graph(arguments) => graph::run(arguments),
        Command::Synth(arguments) => synth::run(arguments),
        Command::Completions(arguments) => shell::completions(arguments, Cli::command()),
        Command::Man(arguments) => shell::man(arguments, Cli::command()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
