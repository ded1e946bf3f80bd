//! `parallax golden verify PATH..`: replays small inputs through chains of operators and compares with what others say
//! comes out.
//!
//! A golden trace is a file of JSON lines:
//!
//! ```text
//! {"golden":{"version":1,"chain":"refractory period=1ms","maker":"..","unit":"us","width":8,"height":6, ..}}
//! {"in":[t,x,y,p]}                                          one line an event
//! {"out":[t,x,y,p]}                                         one line an event that comes out, or
//! {"tensor":{"dtype":"f32","shape":[2,6,8],"values":[..]}}  one line a tensor
//! ```
//!
//! The maker is somebody else: a formula written down in another language, another library. In the exact mode, which is
//! the default, the answers must be the same; `"mode":"fixed_step:1000ns"` and the epsilons `epsilon_time` (in the unit)
//! and `epsilon_numeric` (relative) loosen that. `inputs_sha256`, the digest of the input as `parallax digest` prints it,
//! guards against an edited file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use parallax::events::Pool;
use parallax::ops::{Compose, Mode};
use parallax::{BatchBuilder, Error, Event, EventBatch, Meta, Result, Tensor, TimeUnit};
use serde::Deserialize;

use crate::conform::records::{self, Divergence, Epsilon, Record};
use crate::digest::EventHasher;
use crate::{exit, reading, stop, streams};

/// Golden traces: small inputs, and what others say comes out.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Verify(VerifyArguments),
}

/// Replay golden traces and compare.
///
/// A trace names a chain of operators, its maker, an input and what comes out. Exit code 1 says that one differs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax golden verify golden
  parallax golden verify golden/refractory.jsonl")]
struct VerifyArguments {
    /// Traces, or folders of them (`*.jsonl`)
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// The longest line that is read, in bytes: a tensor is one line.
const LINE: u64 = 64 << 20;

/// The most events or tensors on either side.
const ITEMS: usize = 1 << 20;

/// The first line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    chain: String,
    maker: String,
    #[serde(default = "exact")]
    mode: String,
    unit: String,
    width: Option<u16>,
    height: Option<u16>,
    #[serde(default)]
    epsilon_time: u64,
    #[serde(default)]
    epsilon_numeric: f64,
    inputs_sha256: String,
}

fn exact() -> String {
    Mode::Exact.to_string()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Golden(Header),
    In((i64, u16, u16, u8)),
    Out((i64, u16, u16, u8)),
    Tensor(Cells),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cells {
    dtype: String,
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// A trace as read.
#[derive(Debug)]
struct Trace {
    header: Header,
    input: EventBatch,
    events: Vec<Event>,
    tensors: Vec<Cells>,
}

/// What comes of a trace.
enum Verdict {
    /// So many events or tensors agree.
    Agrees(usize),
    Differs(String, Option<Box<Divergence>>),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Action::Verify(VerifyArguments { paths }) = &arguments.action;
    let mut files = Vec::new();
    for path in paths {
        files.extend(traces(path).map_err(|error| reading::in_file(error, path))?);
    }
    let mut differ = 0;
    for path in &files {
        stop::check()?;
        let (maker, verdict) = verify(path).map_err(|error| reading::in_file(error, path))?;
        match verdict {
            Verdict::Agrees(items) => {
                streams::print(&format!("ok      {}: {items} as {maker}\n", path.display()))?;
            }
            Verdict::Differs(what, divergence) => {
                differ += 1;
                let detail = divergence
                    .map(|found| serde_json::to_string(&found))
                    .transpose()?;
                let detail = detail.map_or_else(String::new, |detail| format!("  {detail}\n"));
                streams::print(&format!(
                    "DIFFERS {}: {what}; made by {maker}\n{detail}",
                    path.display()
                ))?;
            }
        }
    }
    streams::print(&format!(
        "{} of {} traces agree\n",
        files.len() - differ,
        files.len()
    ))?;
    Ok(exit::of_check(differ == 0))
}

/// The traces that a path stands for, by name.
fn traces(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    for entry in path.read_dir()? {
        let path = entry?.path();
        if reading::extension(&path).as_deref() == Some("jsonl") {
            all.push(path);
        }
    }
    if all.is_empty() {
        return Err(Error::not_found("there is no trace (*.jsonl) in this folder"));
    }
    all.sort();
    Ok(all)
}

fn verify(path: &Path) -> Result<(String, Verdict)> {
    let trace = read(path)?;
    let header = &trace.header;
    let chain = Compose::parse(&header.chain)?.with_mode(Mode::parse(&header.mode)?)?;
    let epsilon = Epsilon {
        time: header.epsilon_time,
        numeric: header.epsilon_numeric,
    };
    let mut run = chain.start(trace.input.meta())?;
    let verdict = if chain.yields_tensors() {
        let mut found = Vec::new();
        let mut each = |tensor: Tensor| {
            found.push(tensor);
            Ok(())
        };
        run.push_tensors(&trace.input, Pool::serial(), &mut each)?;
        run.end_tensors(Pool::serial(), &mut each)?;
        compare_tensors(&trace, &found, epsilon)?
    } else {
        let mut out = BatchBuilder::growing()?;
        run.push(&trace.input, Pool::serial(), &mut out)?;
        run.end(Pool::serial(), &mut out)?;
        let expected = EventBatch::from_events(&trace.events, run.output_meta().clone())?;
        let expected = records::of_events(expected.columns());
        let found = records::of_events(out.columns());
        match records::compare(&expected, &found, 0, epsilon) {
            None if trace.tensors.is_empty() => Verdict::Agrees(found.len()),
            None => Verdict::Differs("it yields events, not tensors".to_owned(), None),
            Some(divergence) => Verdict::Differs("events differ".to_owned(), Some(Box::new(divergence))),
        }
    };
    Ok((trace.header.maker, verdict))
}

fn compare_tensors(trace: &Trace, found: &[Tensor], epsilon: Epsilon) -> Result<Verdict> {
    if !trace.events.is_empty() || trace.tensors.len() != found.len() {
        let what = format!(
            "{} tensors where {} are expected",
            found.len(),
            trace.tensors.len()
        );
        return Ok(Verdict::Differs(what, None));
    }
    for (index, (expected, found)) in trace.tensors.iter().zip(found).enumerate() {
        if (expected.dtype.as_str(), expected.shape.as_slice()) != (found.dtype().name(), found.shape()) {
            let what = format!(
                "tensor {index} is {} {:?}, expected {} {:?}",
                found.dtype().name(),
                found.shape(),
                expected.dtype,
                expected.shape
            );
            return Ok(Verdict::Differs(what, None));
        }
        let mut cells = records::of_tensor(found)?;
        cells.iter_mut().for_each(|cell| cell.ts = 0);
        let expected: Vec<Record> = expected
            .values
            .iter()
            .zip(&cells)
            .map(|(&val, cell)| Record { val, ..cell.clone() })
            .collect();
        if let Some(divergence) = records::compare(&expected, &cells, 0, epsilon) {
            return Ok(Verdict::Differs(
                format!("tensor {index} differs"),
                Some(Box::new(divergence)),
            ));
        }
    }
    Ok(Verdict::Agrees(found.len()))
}

fn read(path: &Path) -> Result<Trace> {
    let mut lines = BufReader::new(File::open(path)?);
    let (mut header, mut input, mut events, mut tensors) = (None, Vec::new(), Vec::new(), Vec::new());
    let mut text = String::new();
    for number in 1_usize.. {
        text.clear();
        if lines.by_ref().take(LINE).read_line(&mut text)? == 0 {
            break;
        }
        let event = |(t, x, y, p)| Event::new(t, x, y, p);
        let faulty = |what: String| Error::malformed(what).with_context("line", number);
        match (
            serde_json::from_str(&text).map_err(|error| faulty(error.to_string()))?,
            &header,
        ) {
            (Line::Golden(first), None) if number == 1 => header = Some(first),
            (Line::Golden(_), _) => return Err(faulty("a header behind the first line".to_owned())),
            (_, None) => return Err(faulty("the first line is no header".to_owned())),
            (Line::In(given), _) => input.push(event(given)),
            (Line::Out(given), _) => events.push(event(given)),
            (Line::Tensor(given), _) => tensors.push(given),
        }
        if input.len().max(events.len()).max(tensors.len()) > ITEMS {
            return Err(faulty(format!("more than {ITEMS} events or tensors")));
        }
    }
    let Some(header) = header else {
        return Err(Error::malformed("the file is empty"));
    };
    if header.version != 1 {
        return Err(Error::unsupported(format!(
            "version {} of golden traces",
            header.version
        )));
    }
    let meta = meta(&header)?;
    let input = EventBatch::from_events(&input, meta)?;
    let mut hasher = EventHasher::default();
    hasher.update(input.columns(), input.meta().time_unit)?;
    let found = hasher.finish();
    if found != header.inputs_sha256 {
        return Err(Error::malformed("the input is not the one that the header names")
            .with_context("expected", header.inputs_sha256)
            .with_context("found", found));
    }
    Ok(Trace {
        header,
        input,
        events,
        tensors,
    })
}

fn meta(header: &Header) -> Result<Arc<Meta>> {
    let mut meta = match (header.width, header.height) {
        (Some(width), Some(height)) => Meta::with_geometry(width, height)?,
        (None, None) => Meta::default(),
        _ => return Err(Error::malformed("a width without a height, or the reverse")),
    };
    meta.time_unit = TimeUnit::from_name(&header.unit)?;
    Ok(Arc::new(meta))
}
