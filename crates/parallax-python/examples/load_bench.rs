//! How long it takes to load a whole recording on all cores: `cargo xtask bench load FILE [RUNS]`.
//!
//! In: a recording. Out: one line with the number of events and the seconds of every run, which the bench of the Python
//! package holds its own against. Each run lets go of the events of the one before, first and untimed.
#![forbid(unsafe_code)]

use std::time::Instant;

use parallax::events::SharedPool;
use parallax::{EventReader, ReadOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` and `cargo run` pass their own words along.
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let path = arguments.next().ok_or("usage: load_bench FILE [RUNS]")?;
    let runs: usize = arguments.next().map_or(Ok(5), |runs| runs.parse())?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = ReadOptions {
        pool: SharedPool::new(threads)?,
        ..ReadOptions::default()
    };
    let mut seconds = Vec::new();
    let mut events = 0;
    for _ in 0..runs {
        let start = Instant::now();
        let batch = EventReader::open(&path, &options)?.read_all()?;
        seconds.push(start.elapsed().as_secs_f64());
        events = batch.len();
    }
    let seconds: Vec<String> = seconds.iter().map(|time| format!("{time:.6}")).collect();
    println!("{events} events; seconds: {}", seconds.join(" "));
    Ok(())
}
