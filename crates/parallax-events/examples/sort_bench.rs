//! Times `ensure_strict_order` on 10 million events: in order, nearly in order, shuffled; checks every answer.
//!
//! `cargo run --release -p parallax-events --example sort_bench`; medians of five. With more than one
//! thread "on a core" is that of the calling thread alone.
#![allow(clippy::unwrap_used, reason = "a bench that cannot run says so by stopping")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use parallax_events::{Event, EventBatch, Meta, Pool, check_strict_order, ensure_strict_order};

const EVENTS: usize = 10_000_000;

/// SplitMix64: the bench needs no better randomness.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn shuffle(&mut self, events: &mut [Event]) {
        for i in (1..events.len()).rev() {
            events.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

fn batch(events: &[Event]) -> EventBatch {
    EventBatch::from_events(events, Arc::new(Meta::with_geometry(1280, 720).unwrap())).unwrap()
}

/// Wall time, and the time that this thread was on a core: on a shared machine the latter says more.
#[derive(Clone, Copy)]
struct Time {
    wall_ms: f64,
    core_ms: f64,
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>8.1} ms {:>8.1} ms on a core", self.wall_ms, self.core_ms)
    }
}

fn core_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|ns| ns.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
        / 1e6
}

fn median(mut run: impl FnMut()) -> Time {
    run();
    let times: Vec<Time> = (0..5)
        .map(|_| {
            let (start, core) = (Instant::now(), core_ms());
            run();
            Time {
                wall_ms: start.elapsed().as_secs_f64() * 1e3,
                core_ms: core_ms() - core,
            }
        })
        .collect();
    let middle = |of: fn(&Time) -> f64| {
        let mut times: Vec<f64> = times.iter().map(of).collect();
        times.sort_by(f64::total_cmp);
        times[2]
    };
    Time {
        wall_ms: middle(|time| time.wall_ms),
        core_ms: middle(|time| time.core_ms),
    }
}

fn main() {
    let mut random = Random(1);
    // Ten events a microsecond: a busy megapixel sensor.
    let mut strict: Vec<Event> = (0..EVENTS as i64)
        .map(|i| {
            Event::new(
                i / 10,
                random.below(1280) as u16,
                random.below(720) as u16,
                random.below(2) as u8,
            )
        })
        .collect();
    strict.sort_by_key(|e| (e.t, e.y, e.x, e.p));
    let expected = batch(&strict);

    let mut ties = strict.clone();
    ties.chunks_mut(10).for_each(|group| random.shuffle(group));

    // One event in a hundred, late by up to 100 us.
    let mut keyed: Vec<(i64, Event)> = strict
        .iter()
        .enumerate()
        .map(|(i, &e)| {
            (
                i as i64
                    + if random.below(100) == 0 {
                        random.below(1000) as i64
                    } else {
                        0
                    },
                e,
            )
        })
        .collect();
    keyed.sort_by_key(|(place, _)| *place);
    let late: Vec<Event> = keyed.into_iter().map(|(_, e)| e).collect();

    let mut halves = strict.clone();
    halves.rotate_left(EVENTS / 2);
    let mut shuffled = strict.clone();
    random.shuffle(&mut shuffled);

    let columns = expected.columns();
    let scan = median(|| {
        let sum: i64 = black_box(columns).t.iter().sum();
        let pixels: u64 = columns
            .x
            .iter()
            .zip(columns.y)
            .zip(columns.p)
            .map(|((x, y), p)| u64::from(*x) ^ u64::from(*y) ^ u64::from(*p))
            .sum();
        black_box((sum, pixels));
    });
    println!("{:<44} {scan}", "read every column once");
    let copy = median(|| {
        let c = black_box(columns);
        black_box((c.t.to_vec(), c.x.to_vec(), c.y.to_vec(), c.p.to_vec()));
    });
    println!("{:<44} {copy}", "copy every column");

    for (name, events) in [
        ("in canonical order", &strict),
        ("ties shuffled", &ties),
        ("1 % late by up to 100 us", &late),
        ("two halves swapped", &halves),
        ("shuffled", &shuffled),
    ] {
        let batch = batch(events);
        for threads in [1, 2] {
            let own = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let pool = Pool::from(&own);
            let time = median(|| {
                black_box(ensure_strict_order(black_box(&batch), pool).unwrap());
            });
            assert_eq!(ensure_strict_order(&batch, pool).unwrap(), expected, "{name}");
            println!("{name:<32} {threads} thread(s) {time}");
        }
        let time = median(|| {
            let _ = black_box(check_strict_order(black_box(&batch)));
        });
        println!("{name:<32} check       {time}");
    }
}
