//! The clock, the roofline, and the memory of a piece of work.

use std::hint::black_box;
use std::time::Instant;

use parallax_events::{BatchBuilder, DvsColumns, EventBatch, Pool};

/// Milliseconds: the median of five runs, after one that warms up.
pub(crate) fn median(mut work: impl FnMut()) -> f64 {
    let [ms] = medians(|_| work());
    ms
}

/// The same of several pieces of work in turn, told apart by their number, so that all see the same machine.
pub(crate) fn medians<const N: usize>(mut work: impl FnMut(usize)) -> [f64; N] {
    let mut times = [[0.0; RUNS]; N];
    for round in 0..=RUNS {
        for (number, times) in times.iter_mut().enumerate() {
            let start = Instant::now();
            work(number);
            // The first round warms up.
            if let Some(round) = round.checked_sub(1) {
                times[round] = start.elapsed().as_secs_f64() * 1e3;
            }
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    })
}

const RUNS: usize = 5;

/// What nobody can beat: every column read once, what is kept written once into memory that is there.
pub(crate) fn roofline(batch: &EventBatch, kept: usize, out: &mut BatchBuilder) {
    let DvsColumns { t, x, y, p } = batch.columns();
    out.clear();
    let spare = out.spare();
    spare.t[..kept].copy_from_slice(&t[..kept]);
    spare.x[..kept].copy_from_slice(&x[..kept]);
    spare.y[..kept].copy_from_slice(&y[..kept]);
    spare.p[..kept].copy_from_slice(&p[..kept]);
    black_box(t[kept..].iter().fold(0, |sum: i64, &t| sum.wrapping_add(t)));
    black_box(x[kept..].iter().fold(0, |sum: u16, &x| sum.wrapping_add(x)));
    black_box(y[kept..].iter().fold(0, |sum: u16, &y| sum.wrapping_add(y)));
    black_box(p[kept..].iter().fold(0, |sum: u8, &p| sum.wrapping_add(p)));
}

/// Copying every column into memory that is there, in as many pieces as there are threads.
pub(crate) fn copying(batch: &EventBatch, out: &mut BatchBuilder, pool: Pool<'_>) -> f64 {
    median(|| copy(batch, out, pool))
}

fn copy(batch: &EventBatch, out: &mut BatchBuilder, pool: Pool<'_>) {
    copy_in_pieces(batch, out, pool, batch.len().div_ceil(pool.threads()));
}

fn copy_in_pieces(batch: &EventBatch, out: &mut BatchBuilder, pool: Pool<'_>, part: usize) {
    out.clear();
    let spare = out.spare();
    let from = batch.columns();
    let from = (0..batch.len())
        .step_by(part)
        .map(|start| from.slice(start..batch.len().min(start + part)));
    let to = (spare.t.chunks_mut(part).zip(spare.x.chunks_mut(part)))
        .zip(spare.y.chunks_mut(part).zip(spare.p.chunks_mut(part)));
    pool.map(
        from.zip(to).collect(),
        |(from, ((t, x), (y, p))): (DvsColumns<'_>, _)| {
            t[..from.len()].copy_from_slice(from.t);
            x[..from.len()].copy_from_slice(from.x);
            y[..from.len()].copy_from_slice(from.y);
            p[..from.len()].copy_from_slice(from.p);
        },
    );
}

/// The same by way of the cache, as events that move together have to go: pieces too small for the C library
/// to go past it.
pub(crate) fn copying_by_the_cache(batch: &EventBatch, out: &mut BatchBuilder, pool: Pool<'_>) -> f64 {
    median(|| copy_in_pieces(batch, out, pool, 8 << 10))
}

/// The same into memory that the system has yet to give, as a new table has it.
pub(crate) fn copying_afresh(batch: &EventBatch, pool: Pool<'_>) -> f64 {
    median(|| {
        let mut out = BatchBuilder::growing().unwrap();
        out.reserve(batch.len()).unwrap();
        copy(batch, &mut out, pool);
    })
}

/// Whoever needs to know how often, or when, each pixel fired: a cell that `update` reads and writes for each event, in a table
/// of each thread that is there, and a copy of every column. Nothing is decided, and the tables are not put together.
pub(crate) fn updating_and_copying<C: Copy + Send + Sync>(
    batch: &EventBatch,
    width: usize,
    out: &mut BatchBuilder,
    pool: Pool<'_>,
    first: C,
    update: impl Fn(&mut C, i64) -> u32 + Sync,
) -> f64 {
    let part = batch.len().div_ceil(pool.threads());
    let columns = batch.columns();
    let pixels = batch.meta().geometry.unwrap().pixels();
    let mut tables = vec![vec![first; pixels]; pool.threads()];
    median(|| {
        let starts = (0..batch.len()).step_by(part);
        let parts = starts.map(|start| columns.slice(start..batch.len().min(start + part)));
        let parts = parts.zip(&mut tables).collect();
        let found = pool.map(parts, |(events, table): (DvsColumns<'_>, &mut Vec<C>)| {
            let (table, mut found) = (&mut table[..], 0);
            for ((&t, &x), &y) in events.t.iter().zip(events.x).zip(events.y) {
                if let Some(cell) = table.get_mut(usize::from(y) * width + usize::from(x)) {
                    found ^= update(cell, t);
                }
            }
            found
        });
        black_box((&tables, found));
        copy(batch, out, pool);
    })
}

/// Whoever sums every pixel of so many frames reads them all: one of so many cells again and again, each thread its part.
pub(crate) fn summing(frames: usize, cells: usize, pool: Pool<'_>) -> f64 {
    let part = cells.div_ceil(pool.threads());
    let parts = vec![vec![1_i16; part]; pool.threads()];
    median(|| {
        pool.map(parts.iter().collect(), |part: &Vec<i16>| {
            for _ in 0..frames {
                black_box(parallax_simd::sum::sum_i16(black_box(part)));
            }
        });
    })
}

/// By how many MB the resident memory grows at most while `work` runs, as Linux counts it; `None` elsewhere.
pub(crate) fn memory(work: impl FnOnce()) -> Option<f64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS:")?;
    work();
    Some((status("VmHWM:")? - before) / 1e3)
}

/// A line of the process's status, in kB.
fn status(key: &str) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
