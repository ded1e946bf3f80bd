//! `parallax launch '..'`: runs the pipeline that a text writes, to its end.
//!
//! What elements find out goes to stdout, what was odd to stderr. Ctrl-C has every source end its stream, so that files
//! are completed; a second Ctrl-C ends the process at once, and then no file is there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use parallax::elements;
use parallax::pipeline::{Message, Pipeline, PipelineConfig, State};
use serde_json::json;

use crate::{stop, streams};

/// Run a pipeline written as text
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax launch 'fakesrc num_buffers=1000 ! queue ! nullsink'
  parallax launch 'filesrc location=a.raw ! decode ! polarity keep=on ! filesink location=on.parquet'
  parallax launch 'filesrc location=a.raw ! decode ! window length=50ms ! frame ! filesink location=frames.npy'
  parallax inspect               lists the elements")]
pub(crate) struct Arguments {
    /// The pipeline; several words are put together
    #[arg(value_name = "PIPELINE", required = true, trailing_var_arg = true)]
    text: Vec<String>,
    /// Write the graph for Graphviz, with what passed, when it has ended
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Print what passed each element as JSON on stdout
    #[arg(long)]
    json: bool,
    /// Print what passed each element on stderr
    #[arg(long)]
    stats: bool,
    /// What pools are made of
    #[arg(long, value_name = "KIND", value_parser = ["heap", "huge", "shared"], default_value = "heap")]
    memory: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    stop::wait_for_a_clean_end();
    let memory = match arguments.memory.as_str() {
        "huge" => parallax::memory::MemoryKind::Huge,
        "shared" => parallax::memory::MemoryKind::Shared,
        _ => parallax::memory::MemoryKind::Heap,
    };
    let config = PipelineConfig { memory };
    let text = joined(&arguments.text);
    let mut pipeline = Pipeline::parse_with(&text, elements::registry(), config)?;
    let outcome = play(&mut pipeline);
    hear(&pipeline)?;
    if let Some(path) = &arguments.dot {
        write(path, &pipeline.to_dot())?;
    }
    if arguments.stats {
        streams::tell(pipeline.stats().to_string().trim_end());
    }
    if arguments.json {
        streams::print(&format!("{:#}\n", stats_json(&pipeline)))?;
    }
    let stopped = pipeline.stop();
    outcome?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// The words of the shell as one text. A word with white space in it was quoted there, so it is quoted here too, unless
/// it is the whole pipeline.
fn joined(words: &[String]) -> String {
    let [only] = words else {
        let quoted = words.iter().map(|word| match word.split_once('=') {
            Some((key, value)) if word.contains(char::is_whitespace) => {
                format!("{key}={}", parallax::events::chain::quote(value))
            }
            _ => word.clone(),
        });
        return quoted.collect::<Vec<_>>().join(" ");
    };
    only.clone()
}

/// Until the end of the stream; with Ctrl-C, an earlier one.
fn play(pipeline: &mut Pipeline) -> anyhow::Result<()> {
    pipeline.set_state(State::Playing)?;
    let mut asked = false;
    // A short run is over before the first look at anything else.
    let mut look = Duration::from_millis(20);
    while !pipeline.wait_eos_timeout(look)? {
        look = Duration::from_millis(100);
        hear(pipeline)?;
        if stop::is_requested() && !asked {
            asked = true;
            streams::tell("ending; Ctrl-C again to stop at once");
            if let Some(controller) = pipeline.controller() {
                controller.end();
            }
        }
        if streams::is_closed()
            && let Some(controller) = pipeline.controller()
        {
            controller.end();
        }
    }
    Ok(())
}

fn hear(pipeline: &Pipeline) -> anyhow::Result<()> {
    let bus = pipeline.bus();
    while let Some(message) = bus.poll() {
        match message {
            Message::Info { element, text } => streams::print(&format!("{element}: {text}\n"))?,
            Message::Warning { element, text } => streams::tell(&format!("warning: {element}: {text}")),
            // An error is what the command fails with.
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn stats_json(pipeline: &Pipeline) -> serde_json::Value {
    let stats = pipeline.stats();
    let elements = stats.elements.iter().map(|element| {
        let mut row = json!({"name": element.name, "packets": element.packets, "bytes": element.bytes});
        if let Some((waiting, waiting_bytes, dropped)) = element.queue {
            row["queue"] = json!({"waiting": waiting, "waiting_bytes": waiting_bytes, "dropped": dropped});
        }
        row
    });
    let pools = stats.pools.iter().map(|(element, pool)| {
        json!({
            "element": element, "slots": pool.slots, "slot_bytes": pool.slot_bytes, "in_use": pool.in_use,
            "high_water": pool.high_water, "loans": pool.loans, "exhausted": pool.exhausted,
        })
    });
    json!({"elements": elements.collect::<Vec<_>>(), "pools": pools.collect::<Vec<_>>()})
}
