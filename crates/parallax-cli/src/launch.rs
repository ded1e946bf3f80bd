//! `parallax launch '..'`: runs the pipeline that a text writes, to its end.
//!
//! What elements find out goes to stdout, what was odd to stderr. Ctrl-C has every source end its stream, so that files
//! are completed; a second Ctrl-C ends the process at once, and then no file is there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use parallax::elements;
use parallax::pipeline::{Message, Pipeline, PipelineConfig, State};

use crate::progress::Bar;
use crate::{stop, streams};

/// Run a pipeline written as text
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax launch 'fakesrc num_buffers=1000 ! queue ! nullsink'
  parallax launch 'filesrc location=a.raw ! decode ! polarity keep=on ! filesink location=on.parquet'
  parallax launch 'filesrc location=a.raw ! decode ! window length=50ms ! frame ! filesink location=frames.npy'
  parallax launch --explain 'filesrc location=${HOME}/a.raw core=0 ! queue core=1 ! nullsink'
  parallax inspect               lists the elements")]
pub(crate) struct Arguments {
    /// The pipeline; several words are put together
    #[arg(value_name = "PIPELINE", required = true, trailing_var_arg = true)]
    text: Vec<String>,
    /// Write the graph for Graphviz, with what passed, when it has ended
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Print the graph and what passed each element as JSON on stdout: agreed caps, queue levels, rates, pools
    #[arg(long)]
    json: bool,
    /// Print what passed each element on stderr
    #[arg(long)]
    stats: bool,
    /// Print what would run where, and where bytes are copied, without running it
    #[arg(long)]
    explain: bool,
    /// Serve what passes to Prometheus at this address, such as 127.0.0.1:9000, while it runs (of a build with the
    /// feature `prometheus`)
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
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
    let variables = |name: &str| std::env::var(name).ok();
    let mut pipeline = Pipeline::parse_with_variables(&text, elements::registry(), config, &variables)?;
    if arguments.explain {
        streams::print(&pipeline.explain())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(address) = arguments.metrics {
        pipeline = metrics::serve(pipeline, address)?;
    }
    let outcome = play(&mut pipeline, arguments);
    hear(&pipeline)?;
    if let Some(path) = &arguments.dot {
        write(path, &pipeline.to_dot())?;
    }
    if arguments.stats {
        streams::tell(pipeline.stats().to_string().trim_end());
    }
    if arguments.json {
        streams::print(&format!("{}\n", pipeline.to_json()))?;
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
fn play(pipeline: &mut Pipeline, arguments: &Arguments) -> anyhow::Result<()> {
    pipeline.set_state(State::Playing)?;
    let mut asked = false;
    // What is printed would run into a bar.
    let quiet = arguments.json || arguments.stats;
    let bar = if quiet { Bar::hidden() } else { Bar::new("launch") };
    // A short run is over before the first look at anything else.
    let mut look = Duration::from_millis(20);
    while !pipeline.wait_eos_timeout(look)? {
        look = Duration::from_millis(100);
        hear(pipeline)?;
        if arguments.metrics.is_some() {
            metrics::publish(pipeline);
        }
        // The slowest source says how far it all is.
        let slowest = pipeline.progress().into_iter().min_by(|a, b| {
            let share = |&(_, done, total): &(&str, u64, u64)| done as f64 / total.max(1) as f64;
            share(a).total_cmp(&share(b))
        });
        if let Some((_, done, total)) = slowest {
            bar.tell_bytes(done, total);
        }
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

#[cfg(feature = "prometheus")]
mod metrics {
    use std::net::SocketAddr;

    use anyhow::Context;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use parallax::pipeline::Pipeline;

    /// Answers at `http://ADDRESS/metrics` from now on.
    pub(super) fn serve(pipeline: Pipeline, address: SocketAddr) -> anyhow::Result<Pipeline> {
        let builder = PrometheusBuilder::new().with_http_listener(address);
        builder
            .install()
            .with_context(|| format!("cannot serve metrics at {address}; is the port taken?"))?;
        Ok(pipeline.meter_packets())
    }

    pub(super) fn publish(pipeline: &Pipeline) {
        pipeline.publish_metrics();
    }
}

#[cfg(not(feature = "prometheus"))]
mod metrics {
    use std::net::SocketAddr;

    use parallax::pipeline::Pipeline;

    pub(super) fn serve(_: Pipeline, _: SocketAddr) -> anyhow::Result<Pipeline> {
        let error = parallax::Error::unsupported("this parallax was built without Prometheus");
        let hint = "build it with `cargo build --release --package parallax-cli --features prometheus`";
        Err(error.with_hint(hint).into())
    }

    pub(super) fn publish(_: &Pipeline) {}
}
