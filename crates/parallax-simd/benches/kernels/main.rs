//! Each kernel at each level, beside the naive loop that one would write first: `cargo bench -p parallax-simd`.
//!
//! In goes a recording if `PARALLAX_RECORDINGS` names the folder that `cargo xtask recordings` fills (its text
//! recording, since that needs no decoder), else a scene made of the same kinds of data; out come nanoseconds per
//! element, the best of many runs, and how many times faster than `scalar` each level is. Each answer is checked
//! against the naive one. The word `decoding` leaves out all but the decoders. Two sizes: 64 Ki elements stay in the second-level cache, 1 Mi is the streaming chunk.
#![expect(clippy::disallowed_methods, reason = "the standard library is the rival here")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a wrong answer ends the bench")]

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use parallax_simd::accumulate::Planes;
use parallax_simd::{Level, accumulate, bounds, math, order, sum};

mod decoding;
mod operators;

/// How long each figure is measured for. `cargo test --benches` only wants the answers checked.
fn time() -> Duration {
    let measured = std::env::args().any(|argument| argument == "--bench");
    Duration::from_millis(if measured { 400 } else { 1 })
}

struct Events {
    t: Vec<i64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

fn main() {
    let (name, events) = recording().map_or_else(|| ("made up", scene()), |events| ("slider_depth", events));
    println!("events: {name}");
    for size in [64 << 10, 1 << 20] {
        println!(
            "\n| kernel, {} Ki elements, ns each | naive | {} |",
            size >> 10,
            heading()
        );
        println!("| --- | --- | {}", "--- | ".repeat(Level::available().len()));
        let events = events.repeated(size);
        if std::env::args().any(|argument| argument == "decoding") {
            decoding::rows(&events);
            continue;
        }
        orders(&events);
        limits(&events);
        frames(&events);
        functions(&events);
        sums(&events);
        operators::all(&events);
        decoding::rows(&events);
    }
}

fn heading() -> String {
    let names: Vec<&str> = Level::available().into_iter().map(Level::name).collect();
    names.join(" | ")
}

fn orders(events: &Events) {
    let naive = |t: &[i64]| {
        let mut scan = order::OrderScan::default();
        for (index, pair) in t.windows(2).enumerate() {
            if pair[1] < pair[0] {
                scan.steps_back += 1;
                scan.first_step_back.get_or_insert(index + 1);
                scan.max_step_back = scan.max_step_back.max(pair[0].saturating_sub(pair[1]));
            }
            scan.equal_neighbours |= pair[0] == pair[1];
        }
        scan
    };
    let mut reversed = events.t.clone();
    reversed.reverse();
    let mut jitter = events.t.clone();
    for index in (0..jitter.len()).step_by(1000) {
        jitter[index] -= 50;
    }
    for (name, t) in [
        ("recorded", &events.t),
        ("1 in 1000 late", &jitter),
        ("reversed", &reversed),
    ] {
        row(
            &format!("order::scan, {name}"),
            t.len(),
            || naive(black_box(t)),
            |level| order::scan_at(level, black_box(t), None),
        );
    }
}

fn limits(events: &Events) {
    let Events { t, x, p, .. } = events;
    let len = t.len();
    let naive = || black_box(x).iter().copied().max().unwrap_or(0);
    row("bounds::max_u16", len, naive, |level| {
        bounds::max_u16_at(level, black_box(x))
    });
    let naive = || black_box(p).iter().copied().max().unwrap_or(0);
    row("bounds::max_u8", len, naive, |level| {
        bounds::max_u8_at(level, black_box(p))
    });
    let naive = || black_box(x).iter().position(|&x| x > 1279);
    row("bounds::first_above_u16, none", len, naive, |level| {
        bounds::first_above_u16_at(level, black_box(x), 1279)
    });
    let naive = || black_box(p).iter().position(|&p| p > 1);
    row("bounds::first_above_u8, none", len, naive, |level| {
        bounds::first_above_u8_at(level, black_box(p), 1)
    });
    let naive = || {
        let t = black_box(t);
        t.iter().copied().min().zip(t.iter().copied().max())
    };
    row("bounds::min_max_i64", len, naive, |level| {
        bounds::min_max_i64_at(level, black_box(t))
    });
}

fn frames(events: &Events) {
    let Events { x, y, p, .. } = events;
    let (width, height) = (240, 180);
    let hot = vec![17; x.len()];
    for (name, x, y) in [("recorded", x, y), ("one hot pixel", &hot, &hot)] {
        let naive = || {
            let mut frame = vec![0_i32; 2 * width * height];
            for index in 0..x.len() {
                if usize::from(x[index]) < width && usize::from(y[index]) < height {
                    let plane = usize::from(p[index]) * width * height;
                    frame[plane + usize::from(y[index]) * width + usize::from(x[index])] += 1;
                }
            }
            frame
        };
        let planes = Planes {
            offset: [0, width * height],
            weight: [1, 1],
        };
        row(
            &format!("accumulate::add, separate, {name}"),
            x.len(),
            naive,
            |_| {
                let mut frame = vec![0; 2 * width * height];
                accumulate::add(black_box(x), y, p, (width, height), planes, &mut frame);
                frame
            },
        );
        let naive = || {
            let mut frame = vec![0_i32; width * height];
            for index in 0..x.len() {
                if usize::from(x[index]) < width && usize::from(y[index]) < height {
                    frame[usize::from(y[index]) * width + usize::from(x[index])] +=
                        if p[index] == 0 { -1 } else { 1 };
                }
            }
            frame
        };
        let planes = Planes {
            offset: [0, 0],
            weight: [-1, 1],
        };
        row(
            &format!("accumulate::add, signed, {name}"),
            x.len(),
            naive,
            |_| {
                let mut frame = vec![0; width * height];
                accumulate::add(black_box(x), y, p, (width, height), planes, &mut frame);
                frame
            },
        );
    }
}

/// The naive rival is the standard library, whose bits differ, so the answer is checked for nearness alone.
fn functions(events: &Events) {
    // What a time surface asks for: e to the minus age over a time constant.
    let last = events.t.last().copied().unwrap_or(0);
    let age = events.t.iter().map(|&t| (last - t) as f64 / 100_000.0);
    let x: Vec<f64> = age.map(|age| age.min(600.0)).collect();
    let mut out = vec![0.0; x.len()];
    let negative: Vec<f64> = x.iter().map(|x| -x).collect();
    let positive: Vec<f64> = x.iter().map(|x| x + 0.001).collect();
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
    let (negative_f32, positive_f32) = (narrow(&negative), narrow(&positive));
    let mut out_f32 = vec![0.0_f32; x.len()];
    let len = x.len();

    macro_rules! function {
        ($name:literal, $kernel:path, $rival:path, $input:expr, $out:expr) => {
            let naive = best(|| {
                for (&x, out) in black_box(&$input).iter().zip(&mut $out) {
                    *out = $rival(x);
                }
            });
            let expected = $out.clone();
            let levels = Level::available().into_iter().map(|level| {
                let time = best(|| $kernel(level, black_box(&$input), &mut $out));
                let near = |(a, b): (_, _)| {
                    let (a, b): (f64, f64) = (f64::from(a), f64::from(b));
                    (a - b).abs() <= 1e-6 * a.abs().max(1e-300) || (a - b).abs() < 1e-44
                };
                assert!(expected.iter().copied().zip($out.iter().copied()).all(near));
                time
            });
            print_row($name, len, naive, levels.collect());
        };
    }
    function!(
        "math::exp_slice_f32",
        math::exp_slice_f32_at,
        f32::exp,
        negative_f32,
        out_f32
    );
    function!(
        "math::exp_slice_f64",
        math::exp_slice_f64_at,
        f64::exp,
        negative,
        out
    );
    function!(
        "math::ln_slice_f32",
        math::ln_slice_f32_at,
        f32::ln,
        positive_f32,
        out_f32
    );
    function!(
        "math::ln_slice_f64",
        math::ln_slice_f64_at,
        f64::ln,
        positive,
        out
    );
}

fn sums(events: &Events) {
    let wide: Vec<f64> = events.x.iter().map(|&x| f64::from(x)).collect();
    let narrow: Vec<f32> = events.p.iter().map(|&p| f32::from(p)).collect();
    // Whole numbers below 2^24 and 2^53, so that any order of adding gives the same sum.
    let naive = || black_box(&narrow).iter().sum::<f32>();
    row("sum::sum_f32", narrow.len(), naive, |level| {
        sum::sum_f32_at(level, black_box(&narrow))
    });
    let naive = || black_box(&wide).iter().sum::<f64>();
    row("sum::sum_f64", wide.len(), naive, |level| {
        sum::sum_f64_at(level, black_box(&wide))
    });
    let p = &events.p;
    let naive = || black_box(p).iter().map(|&p| u64::from(p)).sum::<u64>();
    row("sum::sum_u8", p.len(), naive, |level| {
        sum::sum_u8_at(level, black_box(p))
    });
    let cells: Vec<i16> = p.iter().map(|&p| p.into()).collect();
    let naive = || black_box(&cells).iter().map(|&cell| i64::from(cell)).sum::<i64>();
    row("sum::sum_i16", cells.len(), naive, |level| {
        sum::sum_i16_at(level, black_box(&cells))
    });
}

/// One line of the table; ends the bench if a level's answer is not the naive one.
fn row<T: PartialEq + Debug>(name: &str, len: usize, naive: impl Fn() -> T, kernel: impl Fn(Level) -> T) {
    let expected = naive();
    let mut times = Vec::new();
    for level in Level::available() {
        assert!(kernel(level) == expected, "{name} at {level:?}");
        times.push(best(|| {
            black_box(kernel(level));
        }));
    }
    print_row(name, len, best(|| drop(black_box(naive()))), times);
}

fn print_row(name: &str, len: usize, naive: f64, levels: Vec<f64>) {
    let scalar = levels[0];
    print!(
        "| `{name}` | {:.3} | {:.3}",
        naive / len as f64,
        scalar / len as f64
    );
    for level in &levels[1..] {
        print!(" | {:.3} ({:.1}x)", level / len as f64, scalar / level);
    }
    println!(" |");
}

/// The nanoseconds of the quickest of many runs.
fn best(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let (start, time) = (Instant::now(), time());
    while start.elapsed() < time {
        let begin = Instant::now();
        run();
        best = best.min(begin.elapsed().as_secs_f64() * 1e9);
    }
    best
}

impl Events {
    /// As many events as asked for: these again and again, later each time.
    fn repeated(&self, size: usize) -> Events {
        let span = self
            .t
            .last()
            .zip(self.t.first())
            .map_or(0, |(last, first)| last - first + 1);
        let index = || (0..size).map(|index| (index % self.t.len(), (index / self.t.len()) as i64));
        Events {
            t: index().map(|(at, round)| self.t[at] + round * span).collect(),
            x: index().map(|(at, _)| self.x[at]).collect(),
            y: index().map(|(at, _)| self.y[at]).collect(),
            p: index().map(|(at, _)| self.p[at]).collect(),
        }
    }
}

/// The recording `rpg/slider_depth_events.txt`: `t x y p` in seconds and pixels.
fn recording() -> Option<Events> {
    let folder = std::env::var_os("PARALLAX_RECORDINGS")?;
    let path = std::path::Path::new(&folder).join("rpg/slider_depth_events.txt");
    let mut events = Events {
        t: vec![],
        x: vec![],
        y: vec![],
        p: vec![],
    };
    for line in std::fs::read_to_string(path).ok()?.lines() {
        let mut fields = line.split(' ');
        events
            .t
            .push((fields.next()?.parse::<f64>().ok()? * 1e6).round() as i64);
        events.x.push(fields.next()?.parse().ok()?);
        events.y.push(fields.next()?.parse().ok()?);
        events.p.push(fields.next()?.parse().ok()?);
    }
    (!events.t.is_empty()).then_some(events)
}

/// A scene: an edge that sweeps over 240 times 180 pixels in bursts, with noise.
fn scene() -> Events {
    let mut events = Events {
        t: vec![],
        x: vec![],
        y: vec![],
        p: vec![],
    };
    let mut seed = 1_u64;
    for index in 0..1_000_000_u64 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let noise = seed >> 60 == 0;
        let edge = index / 4000 % 240;
        events.t.push((index / 16 * 50 + (seed >> 50) % 3) as i64);
        events
            .x
            .push((if noise { (seed >> 32) % 240 } else { edge }) as u16);
        events.y.push(((seed >> 40) % 180) as u16);
        events.p.push((seed >> 33) as u8 & 1);
    }
    events.t.sort_unstable();
    events
}
