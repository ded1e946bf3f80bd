//! Operators on real events, beside the copy that they cannot beat and the libraries of others:
//! `cargo xtask bench ops [EVENTS] [--peers]`.
//!
//! In goes `faery/evt3.raw` of the folder that `PARALLAX_RECORDINGS` names, repeated one after another until there are
//! 10 M events (1280 x 720); out come milliseconds: the median of five runs, the smallest and the largest. With
//! `--peers` the same columns go to Polars, evlib and Tonic first (some minutes), and where both mean the same the kept
//! events must be the same ones. The peers need a Python that has them, which `PARALLAX_PEERS` names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]

mod peers;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parallax_events::{BatchBuilder, DvsColumns, EventBatch, Geometry, Meta, Pool, Tensor, TensorView};
use parallax_formats::{EventReader, ReadOptions};
use parallax_ops::{Compose, Tensors, represent};

/// What is measured: the chain, and the peer that means the same.
const CASES: &[(&str, &str)] = &[
    ("region x=320 y=180 w=640 h=360", "polars:region"),
    ("region x=0 y=0 w=1216 h=720", ""),
    ("polarity keep=on", "polars:polarity"),
    ("hot_pixels by=percentile", "evlib:hot_pixels"),
    ("hot_pixels", ""),
    ("refractory since=seen", "evlib:refractory"),
    ("refractory since=seen", "tonic:refractory"),
    ("refractory", ""),
    ("background_activity", "tonic:background_activity"),
    ("knoise", ""),
    ("decimate n=10", "tonic:decimate"),
    ("drop_event chance=0.2", "tonic:drop_event"),
    ("spatial_jitter", "tonic:spatial_jitter"),
    ("time_jitter std=10us", ""),
    ("flip_x", ""),
    ("crop x=320 y=180 w=640 h=360", ""),
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let events = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10_000_000);
    let Some(batch) = recording(events) else { return };
    let peers = if arguments.iter().any(|argument| argument == "--peers") {
        peers::run(&batch)
    } else {
        Vec::new()
    };
    println!(
        "{} events of faery/evt3.raw, repeated; ms: median [smallest, largest] of five\n",
        batch.len()
    );
    println!(
        "| operation | kept | 1 thread | 2 threads | copy | of the copy | peer | times faster | same events |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    time_slice(&batch, &peers);
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for (text, peer) in CASES {
        row(
            text,
            &batch,
            Pool::from(&two),
            peers.iter().find(|found| found.case == *peer),
        );
    }
    scaling(&batch);
    fused(&batch);
}

/// The recording, again and again, one after another in time.
fn recording(events: usize) -> Option<EventBatch> {
    let folder = std::env::var_os("PARALLAX_RECORDINGS");
    let path = folder.map(|folder| std::path::Path::new(&folder).join("faery/evt3.raw"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        println!("PARALLAX_RECORDINGS names no folder with faery/evt3.raw");
        return None;
    };
    let options = ReadOptions {
        order: parallax_events::OrderPolicy::Strict,
        ..ReadOptions::default()
    };
    let once = EventReader::open(&path, &options).unwrap().read_all().unwrap();
    let (columns, (first, last)) = (once.columns(), once.span().unwrap());
    let (mut t, mut x, mut y, mut p) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while t.len() < events {
        let shift = (last - first + 1) * (t.len() / columns.len()) as i64;
        t.extend(columns.t.iter().map(|t| t + shift));
        x.extend(columns.x);
        y.extend(columns.y);
        p.extend(columns.p);
    }
    let geometry = Some(Geometry {
        width: 1280,
        height: 720,
    });
    let meta = Arc::new(Meta {
        geometry,
        ..Meta::default()
    });
    Some(EventBatch::try_new(t, x, y, p, meta).unwrap().slice(..events))
}

/// Median, smallest and largest of five, after one run that warms up.
struct Times([Duration; 5]);

impl Times {
    fn of(mut work: impl FnMut()) -> Self {
        work();
        let mut times = [(); 5].map(|()| {
            let start = Instant::now();
            work();
            start.elapsed()
        });
        times.sort();
        Self(times)
    }

    fn median(&self) -> f64 {
        self.0[2].as_secs_f64() * 1e3
    }

    fn text(&self) -> String {
        let ms = |index: usize| self.0[index].as_secs_f64() * 1e3;
        format!("{:.2} [{:.2}, {:.2}]", ms(2), ms(0), ms(4))
    }
}

/// A chain over the whole batch into memory that is used again; returns the kept events.
fn run_into(text: &str, batch: &EventBatch, pool: Pool<'_>, out: &mut BatchBuilder) {
    let mut run = Compose::parse(text).unwrap().start(batch.meta()).unwrap();
    out.clear();
    run.push(batch, pool, out).unwrap();
    run.end(pool, out).unwrap();
}

fn row(text: &str, batch: &EventBatch, two: Pool<'_>, peer: Option<&peers::Answer>) {
    let mut out = BatchBuilder::growing().unwrap();
    out.reserve(2 * batch.len()).unwrap();
    let one = Times::of(|| run_into(text, batch, Pool::serial(), &mut out));
    let (kept, digest) = (out.len(), peers::digest(out.columns()));
    let both = Times::of(|| run_into(text, batch, two, &mut out));
    assert_eq!(
        peers::digest(out.columns()),
        digest,
        "{text}: two threads give another answer"
    );
    let copy = copy(batch, kept, &mut out);
    let (peer, faster, same) = match peer {
        None => (String::new(), String::new(), String::new()),
        Some(peer) => (
            format!("{} {:.0}", peer.case, peer.ms),
            format!("{:.1}", peer.ms / one.median()),
            if !peer.compares {
                "not compared".to_owned()
            } else if (peer.kept, peer.digest) == (kept, digest) {
                "yes".to_owned()
            } else {
                format!("NO: {} kept", peer.kept)
            },
        ),
    };
    println!(
        "| `{text}` | {kept} | {} | {} | {} | {:.2} | {peer} | {faster} | {same} |",
        one.text(),
        both.text(),
        copy.text(),
        one.median() / copy.median()
    );
}

/// The roofline: every column read once, what is kept written once.
fn copy(batch: &EventBatch, kept: usize, out: &mut BatchBuilder) -> Times {
    let DvsColumns { t, x, y, p } = batch.columns();
    Times::of(|| {
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
    })
}

fn time_slice(batch: &EventBatch, peers: &[peers::Answer]) {
    let (first, last) = batch.span().unwrap();
    let quarter = (last - first) / 4;
    let text = format!("time range=+{quarter}us..+{}us", 3 * quarter);
    let chain = Compose::parse(&text).unwrap();
    let mut kept = 0;
    let times = Times::of(|| {
        let mut run = chain.start(batch.meta()).unwrap();
        kept = run.apply(batch, Pool::serial()).unwrap().len();
    });
    let peer = peers.iter().find(|peer| peer.case == "polars:time");
    let peer = peer.map_or(String::new(), |peer| format!("{} {:.1}", peer.case, peer.ms));
    println!(
        "| `{text}`, no copy | {kept} | {:.1} us | | | | {peer} | | |",
        times.median() * 1e3
    );
}

/// Cost an event at a tenth of the events against that at all.
fn scaling(batch: &EventBatch) {
    println!("\n| operation | ns an event, a tenth | ns an event, all | ratio |\n| --- | --- | --- | --- |");
    for text in [
        "polarity keep=on",
        "refractory",
        "background_activity",
        "spatial_jitter",
    ] {
        let cost = |batch: &EventBatch| {
            let mut out = BatchBuilder::growing().unwrap();
            out.reserve(2 * batch.len()).unwrap();
            let times = Times::of(|| run_into(text, batch, Pool::serial(), &mut out));
            times.median() * 1e6 / batch.len() as f64
        };
        let (small, large) = (cost(&batch.slice(..batch.len() / 10)), cost(batch));
        println!("| `{text}` | {small:.2} | {large:.2} | {:.2} |", large / small);
    }
}

/// A chain in one pass, against one operator after another with all columns written in between.
fn fused(batch: &EventBatch) {
    let steps = ["region x=320 y=180 w=640 h=360", "polarity keep=on", "refractory"];
    let voxel = "voxel bins=10";
    let tensors = |events: &EventBatch| {
        let mut sum = 0.0;
        let mut each = |_: u64, tensor: TensorView<'_>| {
            sum = tensor
                .as_slice::<f32>()?
                .iter()
                .map(|&cell| f64::from(cell))
                .sum::<f64>();
            Ok(())
        };
        let mut tensors = Tensors::new(represent(voxel).unwrap(), events.meta()).unwrap();
        tensors.push(events, Pool::serial(), &mut each).unwrap();
        tensors.finish(Pool::serial(), &mut each).unwrap();
        sum
    };
    let mut apart_sum = 0.0;
    let apart = Times::of(|| {
        let mut events = batch.clone();
        for step in steps {
            let mut run = Compose::parse(step).unwrap().start(events.meta()).unwrap();
            events = run.apply(&events, Pool::serial()).unwrap();
        }
        apart_sum = tensors(&events);
    });
    let chain = Compose::parse(&format!("{} ! {voxel}", steps.join(" ! "))).unwrap();
    let mut fused_sum = 0.0;
    let fused = Times::of(|| {
        let mut run = chain.start(batch.meta()).unwrap();
        let mut each = |tensor: Tensor| {
            fused_sum = tensor
                .as_slice::<f32>()?
                .iter()
                .map(|&cell| f64::from(cell))
                .sum::<f64>();
            Ok(())
        };
        run.push_tensors(batch, Pool::serial(), &mut each).unwrap();
        run.end_tensors(Pool::serial(), &mut each).unwrap();
    });
    assert_eq!(
        apart_sum.to_bits(),
        fused_sum.to_bits(),
        "the fused chain gives another tensor"
    );
    println!(
        "\nregion, polarity, refractory, voxel: one after another {} ms, fused {} ms, {:.2} of it",
        apart.text(),
        fused.text(),
        fused.median() / apart.median()
    );
}
