//! `cargo xtask bench pipeline [FILTER]`: what passes through pipelines in a second, ours and, where it is installed,
//! GStreamer's. The engine alone is measured by `cargo xtask bench throughput`.
//!
//! Each figure is the median of five runs, with the smallest and the largest; what arrived is checked in the same run.
//! `PARALLAX_RECORDINGS` names the recordings; without them the last row is left out.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use parallax_elements::{parse, registry};
use parallax_events::{EventBlock, Pool, Span};
use parallax_formats::PushReader;
use parallax_memory::{Bytes, MappedFile};
use parallax_pipeline::Pipeline;

const RUNS: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .unwrap_or_default();
    let wanted = |name: &str| name.contains(&filter);
    println!("{:<58} {:>10} [smallest, largest]", "what", "median");
    if wanted("chain") {
        let one = packets("chain: source ! identity ! sink, 64 B", "", "identity", 2_000_000)?;
        let nine = packets(
            "chain: source ! 9 x identity ! sink",
            "",
            &["identity"; 9].join(" ! "),
            2_000_000,
        )?;
        println!(
            "{:<58} {:>7.1} ns",
            "chain: one more element",
            (1e9 / nine - 1e9 / one) / 8.0
        );
        let source = "fakesrc num-buffers=500000 sizetype=2 sizemax=64";
        gstreamer(
            "source ! identity ! sink, 64 B",
            500_000.0,
            "buffers/s",
            &format!("{source} ! identity silent=true ! fakesink silent=true"),
        )?;
    }
    if wanted("queue") {
        packets("queue: source ! queue ! sink, 64 B", "", "queue", 1_000_000)?;
        packets(
            "queue: source ! queue max_buffers=256 ! sink, 64 B",
            "slots=600",
            "queue max_buffers=256",
            1_000_000,
        )?;
        gstreamer(
            "source ! queue ! sink, 64 B",
            500_000.0,
            "buffers/s",
            "fakesrc num-buffers=500000 sizetype=2 sizemax=64 ! queue ! fakesink silent=true",
        )?;
    }
    if wanted("tee") {
        tee()?;
    }
    if wanted("file") {
        file()?;
    }
    if wanted("launch") {
        launches()?;
    }
    if wanted("once") {
        figure("once: parse, play, one buffer, stop", "s", || {
            let start = Instant::now();
            parse("fakesrc num_buffers=1 ! fakesink")?.run()?;
            Ok(start.elapsed().as_secs_f64())
        })?;
    }
    if wanted("recorded") {
        recorded()?;
    }
    Ok(())
}

/// Buffers a second through `fakesrc ! MIDDLE ! fakesink`.
fn packets(name: &str, source: &str, middle: &str, count: u64) -> Outcome<f64> {
    figure(name, "buffers/s", || {
        let mut pipeline = parse(&format!(
            "fakesrc {source} num_buffers={count} ! {middle} ! fakesink name=out"
        ))?;
        let seconds = timed(&mut pipeline)?;
        arrived(&pipeline, &["out"], count)?;
        Ok(count as f64 / seconds)
    })
}

fn tee() -> Outcome<()> {
    let count = 200_000;
    figure("tee: source ! tee ! four queues ! sinks, 64 KiB", "in/s", || {
        let branches: String = (0..4)
            .map(|branch| format!(" t. ! queue ! fakesink name=out{branch}"))
            .collect();
        let source = format!("fakesrc size=64KiB slots=128 num_buffers={count}");
        let mut pipeline = parse(&format!("{source} ! tee name=t{branches}"))?;
        let seconds = timed(&mut pipeline)?;
        arrived(&pipeline, &["out0", "out1", "out2", "out3"], count)?;
        Ok(count as f64 / seconds)
    })?;
    let branches = " t. ! queue ! fakesink silent=true async=false".repeat(4);
    let source = "fakesrc num-buffers=50000 sizetype=2 sizemax=65536";
    let text = format!("{source} ! tee name=t{branches}");
    gstreamer("tee to four queues, 64 KiB", 50_000.0, "in/s", &text)
}

/// A file in the page cache, summed: mapped and summed by hand, and as a pipeline.
fn file() -> Outcome<()> {
    const SIZE: usize = 1 << 30;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("one.gib");
    let block: Vec<u8> = (0..1_u32 << 20)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut out = File::create(&path)?;
    for _ in 0..SIZE >> 20 {
        out.write_all(&block)?;
    }
    drop(out);
    let wanted = 1024 * block.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    figure(
        "file: 1 GiB mapped and summed by hand, 1 MiB at a time",
        "GB/s",
        || {
            let start = Instant::now();
            let mapped = MappedFile::open(&File::open(&path)?)?;
            let mut sum = 0;
            for at in (0..SIZE).step_by(1 << 20) {
                sum += parallax_elements::sum(mapped.chunk(at..at + (1 << 20))?);
            }
            if sum != wanted {
                return Err("the sum is wrong".into());
            }
            Ok(SIZE as f64 / 1e9 / start.elapsed().as_secs_f64())
        },
    )?;
    figure("file: filesrc ! nullsink checksum=sum", "GB/s", || {
        let mut pipeline = parse(&format!(
            "filesrc location={} ! nullsink checksum=sum",
            path.display()
        ))?;
        let seconds = timed(&mut pipeline)?;
        let said = std::iter::from_fn(|| pipeline.bus().poll()).any(|message| {
            matches!(message, parallax_pipeline::Message::Info { text, .. } if text.contains(&format!("{wanted:016x}")))
        });
        if !said {
            return Err("the sum is wrong".into());
        }
        Ok(SIZE as f64 / 1e9 / seconds)
    })?;
    let text = format!(
        "filesrc location={} blocksize=1048576 ! fakesink silent=true",
        path.display()
    );
    gstreamer(
        "filesrc ! fakesink, nothing summed",
        SIZE as f64 / 1e9,
        "GB/s",
        &text,
    )
}

/// A recording through decoder, filters and a representation: as a pipeline, and the same functions called by hand. They run in
/// turn, by hand in a thread of its own as the pipeline does: memory that a thread begins with is as fresh on both sides.
fn recorded() -> Outcome<()> {
    const TURNS: usize = 4 * RUNS + 1;
    let Some(folder) = std::env::var_os("PARALLAX_RECORDINGS") else {
        println!("recorded: left out, PARALLAX_RECORDINGS is not set");
        return Ok(());
    };
    let path = std::path::Path::new(&folder).join("faery/evt3.raw");
    if !path.exists() {
        println!("recorded: left out, there is no {}", path.display());
        return Ok(());
    }
    let steps = ["region x=100 y=100 w=800 h=500", "refractory period=1ms"];
    let text = format!(
        "filesrc location={} ! decode ! {} ! {} ! voxel bins=5 ! nullsink checksum=sum",
        path.display(),
        steps[0],
        steps[1]
    );
    let (mut hand, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let by_hand = || by_hand(&path, steps).map_err(|error| error.to_string());
        let (seconds, by_hand) =
            std::thread::scope(|scope| scope.spawn(by_hand).join()).map_err(|_| "by hand it panicked")??;
        hand.push(seconds);
        let mut pipeline = Pipeline::parse(&text, registry())?;
        ours.push(timed(&mut pipeline)?);
        let said: String = std::iter::from_fn(|| pipeline.bus().poll())
            .map(|message| format!("{message:?}"))
            .collect();
        if !said.contains(&by_hand) {
            return Err(format!("by hand the sum is {by_hand}, and the pipeline said {said}").into());
        }
    }
    let hand = told("recorded: EVT3, region, refractory, voxel; by hand", "s", hand);
    let ours = told("recorded: the same as a pipeline", "s", ours);
    println!(
        "{:<58} {:>+9.1} %",
        "recorded: pipeline against hand",
        (ours / hand - 1.0) * 100.0
    );
    Ok(())
}

/// Seconds, and the sum of the tensor.
fn by_hand(path: &std::path::Path, steps: [&str; 2]) -> Outcome<(f64, String)> {
    let start = Instant::now();
    let mapped = Arc::new(MappedFile::open(&File::open(path)?)?);
    let options = parallax_formats::ReadOptions {
        chunk: 65_536,
        ..Default::default()
    };
    let mut reader = PushReader::new(None, &options);
    let operators = [
        parallax_ops::event_op(steps[0])?,
        parallax_ops::event_op(steps[1])?,
    ];
    let count = parallax_ops::represent("voxel bins=5")?;
    let mut states = None;
    let mut at = 0;
    let mut block = EventBlock::default();
    while at < mapped.len() {
        let end = (at + (1 << 20)).min(mapped.len());
        reader.push(&Bytes::from_mapped(Arc::clone(&mapped), at..end)?)?;
        at = end;
        if at == mapped.len() {
            reader.finish()?;
        }
        while let Some(batch) = reader.next_batch()? {
            if states.is_none() {
                let meta = batch.meta();
                states = Some((
                    [operators[0].state(meta)?, operators[1].state(meta)?],
                    count.state(meta, Span::Events)?,
                    Arc::clone(meta),
                ));
            }
            let Some((states, counts, _)) = &mut states else {
                continue;
            };
            block.load(&batch);
            for (operator, state) in operators.iter().zip(states.iter_mut()) {
                operator.run(state.as_mut(), &mut block, Pool::serial())?;
            }
            count.accumulate(counts.as_mut(), block.packed(), Pool::serial())?;
        }
    }
    let Some((_, mut counts, meta)) = states else {
        return Err("no events".into());
    };
    let tensor = count.tensor(counts.as_mut(), &meta, Pool::serial())?;
    let sum = parallax_elements::sum(tensor.buffer());
    Ok((start.elapsed().as_secs_f64(), format!("{sum:016x}")))
}

/// Seconds from Playing to the end of the stream.
fn timed(pipeline: &mut Pipeline) -> Outcome<f64> {
    pipeline.set_state(parallax_pipeline::State::Paused)?;
    let start = Instant::now();
    pipeline.set_state(parallax_pipeline::State::Playing)?;
    pipeline.wait_eos_timeout(std::time::Duration::MAX)?;
    let seconds = start.elapsed().as_secs_f64();
    pipeline.stop()?;
    Ok(seconds)
}

fn arrived(pipeline: &Pipeline, sinks: &[&str], count: u64) -> Outcome<()> {
    let stats = pipeline.stats();
    for element in stats
        .elements
        .iter()
        .filter(|element| sinks.contains(&element.name.as_str()))
    {
        if element.packets != count {
            return Err(format!("{} got {} of {count}", element.name, element.packets).into());
        }
    }
    Ok(())
}

/// GStreamer's pipeline, by its own clock; nothing where it is not installed.
fn gstreamer(name: &str, count: f64, unit: &str, pipeline: &str) -> Outcome<()> {
    let found = Command::new("gst-launch-1.0").arg("--version").output();
    if found.is_err() {
        println!("gstreamer: {name:<47} not installed");
        return Ok(());
    }
    figure(&format!("gstreamer: {name}"), unit, || {
        let output = Command::new("gst-launch-1.0")
            .args(pipeline.split_whitespace())
            .env("LC_ALL", "C")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let time = text
            .lines()
            .find_map(|line| line.split_once("Execution ended after "))
            .ok_or("no time")?
            .1;
        let seconds = time
            .trim()
            .split(':')
            .try_fold(0.0, |sum, part| part.parse::<f64>().map(|part| sum * 60.0 + part))?;
        Ok(count / seconds)
    })?;
    Ok(())
}

/// From the launch of the command to its exit, one buffer: ours, if `PARALLAX_PROGRAM` names it, and GStreamer's.
fn launches() -> Outcome<()> {
    let exits = |name: &str, program: &std::ffi::OsStr, arguments: &[&str]| {
        figure(name, "ms", || {
            let start = Instant::now();
            let output = Command::new(program).args(arguments).output()?;
            if !output.status.success() {
                return Err("it failed".into());
            }
            Ok(start.elapsed().as_secs_f64() * 1e3)
        })
    };
    if let Some(program) = std::env::var_os("PARALLAX_PROGRAM") {
        let text = "fakesrc num_buffers=1 ! fakesink";
        exits(
            "launch: parallax, one buffer, to exit",
            &program,
            &["launch", text],
        )?;
    }
    if Command::new("gst-launch-1.0").arg("--version").output().is_ok() {
        exits(
            "launch: gst-launch-1.0, one buffer, to exit",
            "gst-launch-1.0".as_ref(),
            &["fakesrc", "num-buffers=1", "!", "fakesink"],
        )?;
    }
    Ok(())
}

/// The median of some runs, printed.
fn figure(name: &str, unit: &str, mut run: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        runs.push(run()?);
    }
    Ok(told(name, unit, runs))
}

/// Prints the median of `runs` with the smallest and the largest, and returns it.
fn told(name: &str, unit: &str, mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    let [first, .., last] = runs.as_slice() else {
        return f64::NAN;
    };
    let median = runs[runs.len() / 2];
    let (scale, unit) = scaled(median, unit);
    println!(
        "{name:<58} {:.2} {unit} [{:.2}, {:.2}]",
        median / scale,
        first / scale,
        last / scale
    );
    median
}

/// What a figure is divided by, and the unit that it then has.
fn scaled(figure: f64, unit: &str) -> (f64, String) {
    match figure {
        n if n >= 1e6 => (1e6, format!("M {unit}")),
        n if n >= 1e3 => (1e3, format!("k {unit}")),
        n if n >= 0.1 => (1.0, unit.to_owned()),
        _ => (1e-3, format!("m{unit}")),
    }
}
