//! Representations on ten million real events: `cargo bench -p parallax-ops --bench represent`.
//!
//! In goes the recording `faery/evt3.raw` from the folder that `PARALLAX_RECORDINGS` names (else a scene), repeated with
//! later times until it has ten million events, and folded onto 640 x 480 pixels (`x % 640`, `y % 480`). Out come
//! milliseconds, the best of some runs, for each SIMD level on one thread and on two. A level is a process of its own,
//! since the level of a process never changes. The answers of one and two threads are compared; those of the naive
//! versions are compared in `tests/represent`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use parallax_events::{EventBatch, Meta, Order, Pool, TensorView};
use parallax_formats::{EventReader, ReadOptions};
use parallax_ops::{Tensors, represent, tensor_of};
use parallax_simd::Level;
use parallax_testkit::Scene;

/// A row: what it is called, the operator, how many events it gets, and what is done with each tensor.
struct Row {
    name: &'static str,
    text: &'static str,
    events: usize,
    each: fn(TensorView<'_>) -> f64,
}

const MILLION: usize = 1_000_000;

const ROWS: &[Row] = &[
    Row {
        name: "voxel, 10 bins",
        text: "voxel bins=10 grid=tonic",
        events: 10 * MILLION,
        each: nothing,
    },
    Row {
        name: "voxel, 10 bins, 1 M",
        text: "voxel bins=10 grid=tonic",
        events: MILLION,
        each: nothing,
    },
    Row {
        name: "frames, 20 bins",
        text: "frame bins=20 edges=floor dtype=i16",
        events: 10 * MILLION,
        each: nothing,
    },
    Row {
        name: "frames, 20 bins, 1 M",
        text: "frame bins=20 edges=floor dtype=i16",
        events: MILLION,
        each: nothing,
    },
    Row {
        name: "frames of 10 ms, 16 pixels read",
        text: "frame window=10ms dtype=i16",
        events: 10 * MILLION,
        each: sixteen,
    },
    Row {
        name: "frames of 10 ms, all summed",
        text: "frame window=10ms dtype=i16",
        events: 10 * MILLION,
        each: all,
    },
    Row {
        name: "time surface every 100 ms",
        text: "time_surface window=100ms tau=5ms",
        events: 10 * MILLION,
        each: nothing,
    },
    Row {
        name: "averaged time surface, 1 M",
        text: "averaged_time_surface size=7 cell=10 past=1s tau=5ms",
        events: MILLION,
        each: nothing,
    },
];

fn nothing(view: TensorView<'_>) -> f64 {
    view.len() as f64
}

fn sixteen(view: TensorView<'_>) -> f64 {
    let cells = view.as_slice::<i16>().unwrap();
    cells
        .iter()
        .step_by(cells.len() / 16)
        .map(|cell| f64::from(*cell))
        .sum()
}

fn all(view: TensorView<'_>) -> f64 {
    let cells = view.as_slice::<i16>().unwrap();
    // Sixteen bits would do for the few events of a window; this is the sum of any frame.
    cells
        .chunks(1024)
        .map(|cells| cells.iter().map(|cell| i32::from(*cell)).sum::<i32>())
        .map(f64::from)
        .sum()
}

/// Asks a child process for the figures of its level.
const CHILD: &str = "PARALLAX_BENCH_CHILD";

fn main() {
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .unwrap_or_default();
    let rows = || {
        ROWS.iter()
            .filter(|row| row.name.contains(&wanted) && represent(row.text).is_ok())
    };
    let batch = events(10 * MILLION);
    if std::env::var_os(CHILD).is_some() {
        for row in rows() {
            println!(
                "figures {}",
                figures(row, &batch)
                    .map(|seconds| format!("{:.2}", seconds * 1e3))
                    .join(" ")
            );
        }
        return;
    }
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    for level in Level::available() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child
            .args(std::env::args().skip(1))
            .env(CHILD, "1")
            .env("PARALLAX_SIMD", level.name())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let figures: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("figures "))
            .collect();
        let one = |place: usize| {
            figures
                .iter()
                .map(|line| line.split(' ').nth(place).unwrap_or("-").to_owned())
                .collect()
        };
        columns.push((format!("{}, 1 thread", level.name()), one(0)));
        columns.push((format!("{}, 2 threads", level.name()), one(1)));
    }
    println!("ms, best of some runs; {} events on 640 x 480", batch.len());
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    println!(
        "| representation | {} |\n| --- | {}",
        names.join(" | "),
        "--- | ".repeat(names.len())
    );
    for (index, row) in rows().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|(_, cells)| cells[index].as_str()).collect();
        println!("| {} | {} |", row.name, cells.join(" | "));
    }
}

/// Seconds on one thread and on two.
fn figures(row: &Row, batch: &EventBatch) -> [f64; 2] {
    let batch = batch.slice(..row.events);
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let one = best(|| run(row, &batch, Pool::serial()));
    let both = best(|| run(row, &batch, Pool::from(&two)));
    assert_eq!(one.1, both.1, "{}", row.name);
    [one.0, both.0]
}

fn run(row: &Row, batch: &EventBatch, pool: Pool<'_>) -> f64 {
    let op = represent(row.text).unwrap();
    if op.windows(batch.meta()).unwrap().is_none() {
        return tensor_of(op.as_ref(), batch, pool).unwrap().len() as f64;
    }
    let mut tensors = Tensors::new(op, batch.meta()).unwrap();
    let mut total = 0.0;
    let mut each = |_: u64, view: TensorView<'_>| {
        total += (row.each)(view);
        Ok(())
    };
    tensors.push(batch, pool, &mut each).unwrap();
    tensors.finish(pool, &mut each).unwrap();
    total
}

fn best(mut run: impl FnMut() -> f64) -> (f64, f64) {
    let (mut best, mut answer, start) = (f64::INFINITY, 0.0, Instant::now());
    for _ in 0..5 {
        let begin = Instant::now();
        answer = run();
        best = best.min(begin.elapsed().as_secs_f64());
        if start.elapsed().as_secs_f64() > 1.5 {
            break;
        }
    }
    (best, answer)
}

/// So many real events on 640 x 480 pixels.
fn events(count: usize) -> EventBatch {
    let path = parallax_testkit::recordings::folder().join("faery/evt3.raw");
    let recorded =
        match EventReader::open(&path, &ReadOptions::default()).and_then(|mut reader| reader.read_all()) {
            Ok(recorded) => recorded,
            Err(_) => {
                eprintln!("{} is not here: a scene instead", path.display());
                Scene::builder()
                    .geometry(640, 480)
                    .edges(8)
                    .noise_rate(2.0)
                    .build()
                    .unwrap()
                    .batch()
                    .clone()
            }
        };
    let columns = recorded.columns();
    let (first, last) = recorded.span().unwrap();
    let (mut t, mut x, mut y, mut p) = (vec![], vec![], vec![], vec![]);
    for index in 0..count {
        let (round, at) = ((index / columns.len()) as i64, index % columns.len());
        t.push(columns.t[at] + round * (last - first + 1000));
        x.push(columns.x[at] % 640);
        y.push(columns.y[at] % 480);
        p.push(columns.p[at]);
    }
    let batch = EventBatch::try_new(t, x, y, p, Arc::new(Meta::with_geometry(640, 480).unwrap())).unwrap();
    assert!(batch.order() >= Order::Time);
    batch
}
