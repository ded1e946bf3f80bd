//! How long the chain takes for each 10 ms of the recording, and what it costs in memory and processor time.
//!
//! A chunk is the events of 10 ms of recorded time (empty ones are passed over). Its latency is from the moment when its
//! decoded columns are handed to the chain until the chain has answered: what a live pipeline adds to the 10 ms that the
//! chunk takes to come. Work runs on one thread. The first chunks, which also warm caches, count.

use std::path::Path;
use std::time::{Duration, Instant};

use parallax::events::{Finding, FindingKind, Pool, WindowCursor, WindowSpec};
use parallax::ops::{Compose, ComposeRun};
use parallax::{BatchBuilder, EventBatch, EventReader, Millis, ReadOptions, Result, Tensor};
use serde::Serialize;

use crate::bench::peak_memory;

/// How much recorded time makes a chunk.
pub(super) const CHUNK: Millis = Millis(10);

/// `metrics.json`.
#[derive(Debug, Serialize)]
pub(super) struct Metrics {
    pub(super) chunk_ms: i64,
    pub(super) chunks: u64,
    pub(super) latency_ms: Latency,
    pub(super) budget_ms: f64,
    pub(super) within_budget: bool,
    pub(super) events_in: u64,
    pub(super) events_out: u64,
    pub(super) tensors: u64,
    pub(super) throughput_events_per_second: f64,
    pub(super) overflow: Overflow,
    /// The high-water mark of resident memory in bytes, if the system tells.
    pub(super) peak_memory_bytes: Option<u64>,
    /// A proxy for energy: processor time an event, reading and decoding included, if the system tells.
    pub(super) cpu_ns_per_event: Option<f64>,
    /// How far a fixed step moved times, in the stream's unit.
    pub(super) quantisation: Option<Quantisation>,
    /// What the operators report of the stream.
    pub(super) reports: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// What was lost on the way. The source waits, so it drops nothing; what an operator drops for its number is counted by the
/// operator's policy.
#[derive(Debug, Serialize)]
pub(super) struct Overflow {
    policy: &'static str,
    produced: u64,
    dropped_head: u64,
    dropped_tail: u64,
    blocked_time_ms: u64,
    /// Events whose time is before that of the one before them.
    reordered: u64,
    /// Everything odd that the reader reported.
    anomalies_detected: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Quantisation {
    pub(super) max: u64,
    pub(super) mean: f64,
    pub(super) events: u64,
}

/// Runs the chain over the recording, chunk by chunk.
pub(super) fn measure(
    file: &Path,
    chain: &Compose,
    options: &ReadOptions,
    budget: Duration,
) -> Result<Metrics> {
    let processor = cpu_time();
    let mut reader = EventReader::open(file, options)?;
    let meta = reader.meta();
    let spec = WindowSpec::time(CHUNK, meta.time_unit)?
        .skip_empty(true)
        .include_incomplete(true);
    let mut cursor = WindowCursor::new(spec, &meta)?;
    let mut stage = Stage {
        run: chain.start(&meta)?,
        tensors: chain.yields_tensors().then_some(0),
        out: BatchBuilder::growing()?,
        times: Vec::new(),
    };
    while let Some(batch) = reader.next_batch()? {
        for window in cursor.push(&batch)? {
            stage.push(&window.to_batch()?)?;
        }
    }
    for window in cursor.finish() {
        stage.push(&window.to_batch()?)?;
    }
    stage.end()?;
    let (events_in, events_out) = stage.run.passed();
    let quantisation = stage.run.quantisation_error().map(|error| Quantisation {
        max: error.max,
        mean: error.mean,
        events: error.count,
    });
    let (report, of_chain) = (reader.report(), stage.run.report()?);
    let dropped = |policy: &str| {
        let findings = of_chain.findings().iter();
        findings
            .filter(|finding| finding.kind == FindingKind::RateLimited && finding.detail == policy)
            .map(|finding| finding.count)
            .sum()
    };
    let reordered = report
        .findings()
        .iter()
        .filter(|finding| finding.kind == FindingKind::TimeBack)
        .map(|finding| finding.count)
        .sum();
    let seconds: f64 = stage.times.iter().map(Duration::as_secs_f64).sum();
    let mut times = stage.times;
    times.sort_unstable();
    let at = |share: f64| percentile(&times, share).as_secs_f64() * 1e3;
    let latency_ms = Latency {
        p50: at(0.50),
        p95: at(0.95),
        p99: at(0.99),
        max: at(1.0),
    };
    Ok(Metrics {
        chunk_ms: CHUNK.0,
        chunks: times.len() as u64,
        within_budget: percentile(&times, 0.99) <= budget,
        latency_ms,
        budget_ms: budget.as_secs_f64() * 1e3,
        events_in,
        events_out,
        tensors: stage.tensors.unwrap_or(0),
        throughput_events_per_second: events_in as f64 / seconds.max(1e-9),
        overflow: Overflow {
            policy: "block",
            produced: events_in,
            dropped_head: dropped("drop_head"),
            dropped_tail: dropped("drop_tail"),
            blocked_time_ms: 0,
            reordered,
            anomalies_detected: report.findings().iter().map(|finding| finding.count).sum(),
        },
        peak_memory_bytes: peak_memory(),
        cpu_ns_per_event: processor
            .zip(cpu_time())
            .filter(|_| events_in > 0)
            .map(|(before, after)| after.saturating_sub(before).as_nanos() as f64 / events_in as f64),
        quantisation,
        reports: of_chain.findings().to_vec(),
    })
}

struct Stage {
    run: ComposeRun,
    /// How many came out, if the chain yields tensors.
    tensors: Option<u64>,
    out: BatchBuilder,
    times: Vec<Duration>,
}

impl Stage {
    fn push(&mut self, events: &EventBatch) -> Result<()> {
        let Self {
            run,
            tensors,
            out,
            times,
        } = self;
        out.clear();
        let started = Instant::now();
        match tensors {
            Some(count) => run.push_tensors(events, Pool::serial(), &mut |tensor| counted(count, &tensor))?,
            None => run.push(events, Pool::serial(), out)?,
        }
        times.push(started.elapsed());
        crate::stop::check()
    }

    fn end(&mut self) -> Result<()> {
        self.out.clear();
        match &mut self.tensors {
            Some(count) => self
                .run
                .end_tensors(Pool::serial(), &mut |tensor| counted(count, &tensor)),
            None => self.run.end(Pool::serial(), &mut self.out),
        }
    }
}

fn counted(count: &mut u64, tensor: &Tensor) -> Result<()> {
    std::hint::black_box(tensor);
    *count += 1;
    Ok(())
}

/// The smallest time that at least `share` of them do not exceed (nearest rank).
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.max(1) - 1)
        .or(sorted.last())
        .copied()
        .unwrap_or_default()
}

/// Processor time of this thread so far, which does all the work, as Linux tells it.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        for (share, expected) in [(0.5, 100), (0.95, 190), (0.99, 198), (1.0, 200), (0.0, 1)] {
            assert_eq!(percentile(&times, share), Duration::from_micros(expected));
        }
        assert_eq!(percentile(&times[..1], 0.99), Duration::from_micros(1));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
