//! `cargo xtask bench soak [SECONDS]`: a pipeline with everything in it for ten minutes, or as long as is said; its
//! memory must stay flat and every slot come back.
//!
//! It fails if the resident memory of the last tenth is more than a mebibyte above that of the second.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use parallax_elements::parse;
use parallax_pipeline::State;

const TEXT: &str = "fakesrc size=4KiB slots=400 fill=pattern ! tee name=t ! queue ! nullsink \
    t. ! queue leaky=downstream max_buffers=4 ! passthrough ! nullsink \
    t. ! queue max_bytes=64KiB ! queue leaky=upstream ! fakesink \
    t. ! valve skip=100 ! queue max_buffers=1 ! nullsink checksum=sum";

fn main() -> ExitCode {
    let seconds = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    match soak(Duration::from_secs(seconds.unwrap_or(600))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(length: Duration) -> Result<(), Box<dyn Error>> {
    let mut pipeline = parse(TEXT)?;
    pipeline.set_state(State::Playing)?;
    let begun = Instant::now();
    let mut resident = Vec::new();
    for tenth in 1..=10_u32 {
        let due = length * tenth / 10;
        if pipeline.wait_eos_timeout(due.saturating_sub(begun.elapsed()))? {
            return Err("the stream ended".into());
        }
        resident.push(resident_kib()?);
        let stats = pipeline.stats();
        let passed = stats.elements.first().map_or(0, |source| source.packets);
        println!(
            "{:>6.0} s {passed:>14} packets {:>10} KiB resident",
            begun.elapsed().as_secs_f64(),
            resident.last().unwrap_or(&0)
        );
        // Elements that find something out say so at the end alone.
        while pipeline.bus().poll().is_some() {}
    }
    pipeline.stop()?;
    let in_use: usize = pipeline.stats().pools.iter().map(|(_, pool)| pool.in_use).sum();
    if in_use > 0 {
        return Err(format!("{in_use} slots did not come back").into());
    }
    match (resident.get(1), resident.last()) {
        (Some(early), Some(late)) if *late > early + 1024 => {
            Err(format!("{} KiB more than in the beginning", late - early).into())
        }
        _ => Ok(()),
    }
}

/// The resident memory of this process.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
