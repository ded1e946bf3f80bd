//! `cargo xtask bench throughput [FILTER]`: the engine alone, with elements that do nothing.
//!
//! Each figure is the median of five runs, with the smallest and the largest; every sink checks what arrived. What two
//! uncontended atomic exchanges cost stands beside: a loan and its return are two.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parallax_memory::{Bytes, LoanError, MemoryPool, PoolConfig};
use parallax_pipeline::{
    Built, Context, Element, Out, Packet, Pipeline, Ports, Produced, QueueConfig, Sink, Source, State,
    TypedPipeline,
};

const RUNS: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Gives so many loans.
#[derive(Debug)]
struct Loans {
    left: u64,
    slots: usize,
    size: usize,
    pool: Option<MemoryPool>,
}

impl Source for Loans {
    fn start(&mut self, context: &Context) -> parallax_events::Result<()> {
        self.pool = Some(context.pool(self.slots, self.size)?);
        Ok(())
    }

    fn produce(&mut self) -> parallax_events::Result<Produced> {
        let Some(pool) = &self.pool else {
            return Ok(Produced::End);
        };
        if self.left == 0 {
            return Ok(Produced::End);
        }
        let mut loan = match pool.loan() {
            Err(LoanError::Exhausted { .. }) => match pool.loan_timeout(Duration::from_millis(100)) {
                Ok(loan) => loan,
                Err(_) => return Ok(Produced::Nothing),
            },
            loan => loan?,
        };
        loan.set_len(self.size)?;
        self.left -= 1;
        Ok(Produced::Packet(loan.seal().into()))
    }
}

#[derive(Debug)]
struct Identity;

impl Element for Identity {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax_events::Result<()> {
        out.push(packet)
    }
}

#[derive(Debug)]
struct Tee;

impl Element for Tee {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax_events::Result<()> {
        let Some(last) = out.pads().checked_sub(1) else {
            return Ok(());
        };
        for pad in 0..last {
            out.push_to(pad, packet.clone())?;
        }
        out.push_to(last, packet)
    }
}

#[derive(Debug)]
struct Count(u64, Arc<AtomicU64>);

impl Sink for Count {
    fn consume(&mut self, packet: Packet) -> parallax_events::Result<()> {
        black_box(&packet);
        self.0 += 1;
        Ok(())
    }

    fn end(&mut self) -> parallax_events::Result<()> {
        self.1.fetch_add(self.0, Ordering::SeqCst);
        Ok(())
    }
}

fn main() -> ExitCode {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    match run(&filter.unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(filter: &str) -> Outcome<()> {
    let wanted = |name: &str| name.contains(filter);
    println!("{:<58} {:>10} [smallest, largest]", "what", "median");
    if wanted("exchange") {
        exchanges()?;
    }
    if wanted("chain") {
        let one = chain("chain: source ! identity ! sink, 64 B, a loan each", 1)?;
        let nine = chain("chain: source ! 9 x identity ! sink", 9)?;
        println!(
            "{:<58} {:>7.1} ns",
            "chain: one more element",
            (1e9 / nine - 1e9 / one) / 8.0
        );
    }
    if wanted("queue") {
        for (buffers, slots) in [(16, 64), (256, 600)] {
            queue(buffers, slots)?;
        }
    }
    if wanted("tee") {
        tee()?;
    }
    if wanted("typed") {
        typed()?;
    }
    Ok(())
}

/// The roofline: two read-modify-writes of an atomic that nobody else has.
fn exchanges() -> Outcome<()> {
    let steps = 10_000_000_u64;
    let atomic = AtomicU64::new(0);
    figure("exchange: two uncontended atomic exchanges", "ns", || {
        let start = Instant::now();
        for _ in 0..steps {
            black_box(&atomic).fetch_add(1, Ordering::AcqRel);
            black_box(&atomic).fetch_sub(1, Ordering::AcqRel);
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / steps as f64)
    })?;
    Ok(())
}

fn chain(name: &str, identities: usize) -> Outcome<f64> {
    let count = 2_000_000;
    figure(name, "buffers/s", || {
        let elements = (0..identities).map(|_| Built::element(Identity));
        measured(count, 64, 64, elements.collect())
    })
}

fn queue(buffers: usize, slots: usize) -> Outcome<()> {
    let count = 1_000_000;
    figure(
        &format!("queue: source ! queue of {buffers} ! sink, 64 B"),
        "buffers/s",
        || {
            let queue = QueueConfig {
                buffers,
                ..QueueConfig::default()
            };
            measured(count, 64, slots, vec![Built::Queue(queue)])
        },
    )?;
    Ok(())
}

/// Buffers a second through a chain.
fn measured(count: u64, size: usize, slots: usize, middle: Vec<Built>) -> Outcome<f64> {
    let seen = Arc::new(AtomicU64::new(0));
    let mut pipeline = Pipeline::new();
    let mut last = pipeline.add("source", source(count, size, slots))?;
    for (index, built) in middle.into_iter().enumerate() {
        let next = pipeline.add(&format!("m{index}"), built)?;
        pipeline.link(last, next)?;
        last = next;
    }
    let sink = pipeline.add("sink", Built::sink(Count(0, Arc::clone(&seen))))?;
    pipeline.link(last, sink)?;
    let seconds = timed(&mut pipeline)?;
    arrived(&seen, count)?;
    Ok(count as f64 / seconds)
}

fn tee() -> Outcome<()> {
    let count = 200_000;
    figure("tee: source ! tee ! four queues ! sinks, 64 KiB", "in/s", || {
        let seen = Arc::new(AtomicU64::new(0));
        let mut pipeline = Pipeline::new();
        let source = pipeline.add("source", source(count, 65_536, 62))?;
        let tee = pipeline.add_with_ports("tee", Built::element(Tee), Ports::BRANCHES)?;
        pipeline.link(source, tee)?;
        for branch in 0..4 {
            let queue = pipeline.add(&format!("q{branch}"), Built::Queue(QueueConfig::default()))?;
            let sink = pipeline.add(&format!("s{branch}"), Built::sink(Count(0, Arc::clone(&seen))))?;
            pipeline.link(tee, queue)?;
            pipeline.link(queue, sink)?;
        }
        let seconds = timed(&mut pipeline)?;
        arrived(&seen, 4 * count)?;
        Ok(count as f64 / seconds)
    })?;
    Ok(())
}

fn typed() -> Outcome<()> {
    let count = 5_000_000;
    figure(
        "typed: source ! identity ! sink, 64 B, a loan each",
        "buffers/s",
        || {
            let pool = MemoryPool::new(&PoolConfig::new(62, 64))?;
            let seen = Arc::new(AtomicU64::new(0));
            let (mut left, total) = (count, Arc::clone(&seen));
            let mut pipeline = TypedPipeline::from_source(move || {
                if left == 0 {
                    return Ok(None);
                }
                left -= 1;
                let mut loan = pool.loan()?;
                loan.set_len(64)?;
                Ok(Some(loan.seal()))
            })
            .then(|bytes: Bytes| Ok(Some(black_box(bytes))))
            .sink(move |bytes: Bytes| {
                let seen = total.load(Ordering::Relaxed) + (bytes.len() / 64) as u64;
                total.store(seen, Ordering::Relaxed);
                Ok(())
            })
            .into_pipeline()?;
            let seconds = timed(&mut pipeline)?;
            arrived(&seen, count)?;
            Ok(count as f64 / seconds)
        },
    )?;
    let count = 100_000_000_u64;
    figure(
        "typed: source ! identity ! sink, 64 B by move",
        "values/s",
        || {
            let seen = Arc::new(AtomicU64::new(0));
            let total = Arc::clone(&seen);
            let (mut number, mut sum) = (0_u64, 0_u64);
            let mut pipeline = TypedPipeline::from_source(move || {
                number += 1;
                Ok((number <= count).then_some([number; 8]))
            })
            .then(|value: [u64; 8]| Ok(Some(black_box(value))))
            .sink(move |value: [u64; 8]| {
                sum = sum.wrapping_add(value[7]);
                if value[0] == count {
                    total.store(sum, Ordering::Relaxed);
                }
                Ok(())
            })
            .into_pipeline()?;
            let seconds = timed(&mut pipeline)?;
            arrived(&seen, count * (count + 1) / 2)?;
            Ok(count as f64 / seconds)
        },
    )?;
    Ok(())
}

fn source(left: u64, size: usize, slots: usize) -> Built {
    Built::source(Loans {
        left,
        slots,
        size,
        pool: None,
    })
}

/// Seconds from Playing to the end of the stream.
fn timed(pipeline: &mut Pipeline) -> Outcome<f64> {
    pipeline.set_state(State::Paused)?;
    let start = Instant::now();
    pipeline.set_state(State::Playing)?;
    pipeline.wait_eos_timeout(Duration::MAX)?;
    let seconds = start.elapsed().as_secs_f64();
    pipeline.stop()?;
    Ok(seconds)
}

fn arrived(seen: &AtomicU64, count: u64) -> Outcome<()> {
    match seen.load(Ordering::SeqCst) {
        seen if seen == count => Ok(()),
        seen => Err(format!("{seen} of {count} arrived").into()),
    }
}

/// The median of some runs, printed.
fn figure(name: &str, unit: &str, mut run: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        runs.push(run()?);
    }
    runs.sort_by(f64::total_cmp);
    let [smallest, median, largest] = [runs[0], runs[RUNS / 2], runs[RUNS - 1]].map(short);
    println!("{name:<58} {median} {unit} [{smallest}, {largest}]");
    Ok(runs[RUNS / 2])
}

fn short(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.2}"),
    }
}
