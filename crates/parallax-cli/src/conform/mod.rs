//! `parallax conform FILE --chain '..'`: is the chain as deterministic and as fast as its profile asks?
//!
//! The recording passes through the chain several times, each time in a process of its own: again in the same way,
//! in other chunks, on other numbers of threads, at each SIMD level of this processor. The answers are compared record by
//! record. Then the latency of each 10 ms is measured. The rules are those of EventFlow 0.1.0; three files say what came
//! out: `run.json`, `equivalence.json` and `metrics.json`.

mod latency;
mod probe;
pub(crate) mod records;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use parallax::events::Chain;
use parallax::ops::{Compose, Mode};
use parallax::simd::Level;
use parallax::{Error, EventReader, Micros, Nanos, Result, TimeUnit};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::latency::Metrics;
use self::probe::{Probe, Trace, hex};
use self::records::{Divergence, Epsilon};
use crate::output::Output;
use crate::progress::Bar;
use crate::reading::{ReadArguments, in_file};
use crate::{exit, figures, stop, streams};

/// Check that a chain of operators is deterministic and fast enough on a recording.
///
/// The chain runs again and again: in the same way, in other chunks, on other numbers of threads, at each SIMD level of this
/// processor. The answers must agree as the profile asks (EventFlow 0.1.0), and the 99th percentile of the latency for
/// 10 ms of the recording must be within the budget. Exit code 1 says that they do not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax conform recording.raw --chain 'refractory period=1ms ! voxel bins=5 window=50ms'
  parallax conform recording.raw --chain 'polarity keep=on' --profile realtime --budget 2ms --out report")]
pub(crate) struct Arguments {
    /// The recording
    file: PathBuf,
    /// The operators, as `parallax apply` takes them
    #[arg(long)]
    chain: String,
    /// What is asked for
    #[arg(long, value_enum, ignore_case = true, default_value = "base")]
    profile: Profile,
    /// How time is treated: `exact`, or `fixed_step:1000ns`
    #[arg(long, default_value = "exact", value_parser = Mode::parse)]
    mode: Mode,
    /// The most that the 99th percentile of the latency may be
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = crate::quantity::time)]
    budget: Nanos,
    /// Where `run.json`, `metrics.json` and `equivalence.json` go; replaced if they are there
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadArguments,
    /// One pass, for the command itself
    #[arg(long, hide = true)]
    probe: Option<String>,
}

/// What EventFlow asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Profile {
    /// The same bytes when run again; other SIMD levels within 100 us and 1e-5
    Base,
    /// As base within 50 us, and the latency within the budget
    Realtime,
    /// The same answer whenever and however it is run
    Learning,
    /// As base; processor time an event is reported as a proxy for energy
    Lowpower,
}

impl Profile {
    /// How far the answers of two SIMD levels may be apart.
    fn across_backends(self, unit: TimeUnit) -> Epsilon {
        let micros = match self {
            Self::Base | Self::Lowpower => Micros(100),
            Self::Realtime => Micros(50),
            Self::Learning => Micros(0),
        };
        Epsilon {
            // Fewer than one of a coarser unit are none.
            time: micros.to_unit(unit).unwrap_or(0).unsigned_abs(),
            numeric: 1e-5,
        }
    }
}

/// `equivalence.json`.
#[derive(Debug, Serialize)]
struct Equivalence {
    profile: Profile,
    pass: bool,
    /// In the stream's unit, for the SIMD levels; everything else must be the same bytes.
    epsilon_time: u64,
    epsilon_numeric: f64,
    probes: Vec<Verdict>,
}

#[derive(Debug, Serialize)]
struct Verdict {
    probe: &'static str,
    variant: String,
    items: u64,
    sha256: String,
    identical: bool,
    pass: bool,
    first_divergence: Option<Divergence>,
}

/// `run.json`.
#[derive(Debug, Serialize)]
struct Run {
    parallax: &'static str,
    profile: Profile,
    mode: String,
    /// With every default spelled out.
    chain: String,
    /// The seeds that the chain names, in its order.
    seeds: Vec<String>,
    graph_sha256: String,
    inputs_sha256: String,
    plan_sha256: String,
    inputs: Vec<String>,
    environment: Environment,
}

#[derive(Debug, Serialize)]
struct Environment {
    os: &'static str,
    arch: &'static str,
    cores: usize,
    simd: &'static str,
    simd_levels: Vec<&'static str>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments.file.as_path();
    let chain = Compose::parse(&arguments.chain)?.with_mode(arguments.mode)?;
    if let Some(probe) = &arguments.probe {
        return one_pass(probe, arguments, &chain);
    }
    if !file.is_file() {
        return Err(match file.metadata() {
            Err(error) => in_file(error.into(), file),
            Ok(_) => Error::param("only a file can be read several times"),
        }
        .into());
    }
    let unit = EventReader::open(file, &arguments.reading.options(&Bar::new("conform")))?
        .meta()
        .time_unit;
    let budget = Duration::from_nanos(arguments.budget.0.unsigned_abs());
    let record = describe(arguments, &chain)?;
    let equivalence = equivalence(arguments, unit)?;
    let bar = Bar::new("latency");
    let metrics = latency::measure(file, &chain, &arguments.reading.options(&bar), budget)
        .map_err(|error| in_file(error, file))?;
    drop(bar);
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)?;
        write(&folder.join("run.json"), &record)?;
        write(&folder.join("equivalence.json"), &equivalence)?;
        write(&folder.join("metrics.json"), &metrics)?;
    }
    streams::print(&page(&record, &equivalence, &metrics))?;
    // Whoever names a budget wants it kept; a profile without one is judged by it as well.
    let conforms = equivalence.pass && metrics.within_budget;
    Ok(exit::of_check(conforms))
}

fn one_pass(probe: &str, arguments: &Arguments, chain: &Compose) -> anyhow::Result<ExitCode> {
    let probe: Probe = serde_json::from_str(probe)?;
    let options = parallax::ReadOptions {
        progress: None,
        ..arguments.reading.options(&Bar::new("pass"))
    };
    let trace = probe
        .run(&arguments.file, chain, options)
        .map_err(|error| in_file(error, &arguments.file))?;
    streams::print(&serde_json::to_string(&trace)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The ways in which the chain is run, and whether each must give the same bytes as the first.
fn variants() -> Vec<(String, Probe, bool)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plain = Probe {
        chunk: parallax::ReadOptions::CHUNK,
        threads: 1,
        simd: Level::detect().name().to_owned(),
        extract: None,
    };
    let mut all = vec![("reference".to_owned(), plain.clone(), true)];
    for again in 1..=2 {
        all.push((format!("again {again}"), plain.clone(), true));
    }
    // A prime, so that blocks, windows and chunks never end together.
    all.push((
        "chunks of 4099".to_owned(),
        Probe {
            chunk: 4099,
            ..plain.clone()
        },
        true,
    ));
    let threads = cores.max(2);
    all.push((
        format!("{threads} threads"),
        Probe {
            threads,
            ..plain.clone()
        },
        true,
    ));
    for level in Level::available() {
        if level != Level::detect() {
            let simd = level.name().to_owned();
            all.push((
                format!("simd {simd}"),
                Probe {
                    simd,
                    ..plain.clone()
                },
                false,
            ));
        }
    }
    all
}

fn equivalence(arguments: &Arguments, unit: TimeUnit) -> anyhow::Result<Equivalence> {
    let across = arguments.profile.across_backends(unit);
    let forwarded = arguments.forwarded();
    let mut reference: Option<(Probe, Trace)> = None;
    let mut probes = Vec::new();
    for (variant, probe, exact) in variants() {
        stop::check()?;
        let bar = Bar::new(format!("conform: {variant}"));
        let trace = probe.spawn(&arguments.file, &forwarded)?;
        drop(bar);
        let mut verdict = Verdict {
            probe: "output",
            variant,
            items: trace.items,
            sha256: trace.sha256.clone(),
            identical: true,
            pass: true,
            first_divergence: None,
        };
        match &reference {
            None => reference = Some((probe, trace)),
            Some((first, expected)) if *expected != trace => {
                let epsilon = if exact { Epsilon::NONE } else { across };
                verdict.identical = false;
                verdict.first_divergence =
                    divergence((first, expected), (&probe, &trace), epsilon, arguments)?;
                verdict.pass = verdict.first_divergence.is_none() && !exact;
            }
            Some(_) => {}
        }
        probes.push(verdict);
    }
    Ok(Equivalence {
        profile: arguments.profile,
        pass: probes.iter().all(|verdict| verdict.pass),
        epsilon_time: across.time,
        epsilon_numeric: across.numeric,
        probes,
    })
}

/// So many blocks that differ are looked into.
const LOOKED_INTO: usize = 64;

/// The first records that are too far apart, among the first blocks that differ.
fn divergence(
    (first, expected): (&Probe, &Trace),
    (probe, found): (&Probe, &Trace),
    epsilon: Epsilon,
    arguments: &Arguments,
) -> anyhow::Result<Option<Divergence>> {
    let forwarded = arguments.forwarded();
    for block in expected.differences(found).take(LOOKED_INTO) {
        let extract = |probe: &Probe| {
            Probe {
                extract: Some(block),
                ..probe.clone()
            }
            .spawn(&arguments.file, &forwarded)
        };
        let (one, other) = (extract(first)?, extract(probe)?);
        let place = if expected.tensors {
            0
        } else {
            probe::first_record(block)
        };
        if let Some(divergence) = records::compare(&one.records, &other.records, place, epsilon) {
            return Ok(Some(divergence));
        }
    }
    Ok(None)
}

impl Arguments {
    /// What a pass has to know beside the file.
    fn forwarded(&self) -> Vec<String> {
        let mut all = vec!["--chain".to_owned(), self.chain.clone()];
        all.extend(["--mode".to_owned(), self.mode.to_string()]);
        all.extend(self.reading.forwarded());
        all
    }
}

fn describe(arguments: &Arguments, chain: &Compose) -> anyhow::Result<Run> {
    let text = chain.to_string();
    let plan = format!("{text}\n{}\n{:?}", arguments.mode, variants());
    let parsed = Chain::parse(&arguments.chain)?;
    let seeds = parsed.links.iter().flat_map(|link| &link.args);
    Ok(Run {
        parallax: env!("CARGO_PKG_VERSION"),
        profile: arguments.profile,
        mode: arguments.mode.to_string(),
        seeds: seeds
            .filter(|argument| argument.key == "seed")
            .map(|argument| argument.value.text.clone())
            .collect(),
        graph_sha256: hex(&Sha256::digest(&text)),
        inputs_sha256: file_sha256(&arguments.file).map_err(|error| in_file(error, &arguments.file))?,
        plan_sha256: hex(&Sha256::digest(&plan)),
        inputs: vec![arguments.file.display().to_string()],
        chain: text,
        environment: Environment {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            simd: Level::detect().name(),
            simd_levels: Level::available().into_iter().map(Level::name).collect(),
        },
    })
}

fn file_sha256(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut input = std::fs::File::open(file)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        stop::check()?;
        match std::io::Read::read(&mut input, &mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn write(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let output = Output::create(path, true)?;
    let mut writer = output.writer();
    serde_json::to_writer_pretty(&mut writer, value)?;
    writer.write_all(b"\n")?;
    writer.flush()?;
    drop(writer);
    output.commit()?;
    Ok(())
}

fn page(run: &Run, equivalence: &Equivalence, metrics: &Metrics) -> String {
    let mut text = format!("{}\n  chain     {}\n", run.inputs.join(" "), run.chain);
    for verdict in &equivalence.probes {
        let says = match (&verdict.first_divergence, verdict.identical, verdict.pass) {
            (_, true, _) => "the same".to_owned(),
            (None, false, true) => "within the epsilons".to_owned(),
            (None, false, false) => "FAILED: other bytes".to_owned(),
            (Some(divergence), ..) => format!("FAILED at record {}", divergence.index),
        };
        text.push_str(&format!("  {:16} {says}\n", verdict.variant));
    }
    let latency = &metrics.latency_ms;
    text.push_str(&format!(
        "  latency   P50 {:.3} ms, P95 {:.3} ms, P99 {:.3} ms, most {:.3} ms, of {} chunks of {} ms; budget {} ms{}\n",
        latency.p50,
        latency.p95,
        latency.p99,
        latency.max,
        metrics.chunks,
        metrics.chunk_ms,
        metrics.budget_ms,
        if metrics.within_budget { "" } else { ": EXCEEDED" },
    ));
    if let Some(error) = &metrics.quantisation {
        text.push_str(&format!(
            "  step      times moved by at most {}, {:.3} on the mean\n",
            error.max, error.mean
        ));
    }
    let memory = metrics
        .peak_memory_bytes
        .map_or_else(|| "not known".to_owned(), figures::bytes);
    text.push_str(&format!(
        "  events    {} in, {} out, {} tensors; {}; memory {memory} at most\n",
        figures::count(metrics.events_in),
        figures::count(metrics.events_out),
        figures::count(metrics.tensors),
        figures::rate(metrics.throughput_events_per_second),
    ));
    for finding in &metrics.reports {
        text.push_str(&format!("  report    {finding}\n"));
    }
    if let Some(nanos) = metrics.cpu_ns_per_event {
        text.push_str(&format!("  energy    {nanos:.1} ns of processor time an event\n"));
    }
    text.push_str(if equivalence.pass && metrics.within_budget {
        "conforms\n"
    } else {
        "does not conform\n"
    });
    text
}
