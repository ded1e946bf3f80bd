//! `parallax graph '..'`: draws a pipeline without running it, through `dot` where that is installed.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use clap::Args;
use parallax::elements;

use crate::{launch, streams};

/// Draw a pipeline written as text
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax graph 'fakesrc ! tee name=t ! queue ! fakesink t. ! nullsink'
  parallax graph 'filesrc location=a.raw ! decode ! fakesink' -o pipeline.svg")]
pub(crate) struct Arguments {
    /// The pipeline
    #[arg(value_name = "PIPELINE")]
    text: String,
    /// The picture (.svg, .png, .pdf; needs Graphviz) or the graph as text (.dot); stdout if absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let dot = elements::parse(&arguments.text)?.to_dot();
    let Some(path) = &arguments.output else {
        streams::print(&dot)?;
        return Ok(ExitCode::SUCCESS);
    };
    let kind = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or("dot");
    if kind == "dot" {
        launch::write(path, &dot)?;
        return Ok(ExitCode::SUCCESS);
    }
    let child = Command::new("dot")
        .arg(format!("-T{kind}"))
        .arg("-o")
        .arg(path)
        .stdin(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = path.with_extension("dot");
            launch::write(&text, &dot)?;
            streams::tell(&format!(
                "Graphviz is not installed; the graph as text is in {}",
                text.display()
            ));
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error).context("cannot run dot"),
    };
    if let Some(mut input) = child.stdin.take() {
        input.write_all(dot.as_bytes()).context("cannot write to dot")?;
    }
    if !child.wait().context("dot does not end")?.success() {
        bail!("dot cannot draw {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
