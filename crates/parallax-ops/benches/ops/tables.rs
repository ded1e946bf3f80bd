//! The tables.

use std::hint::black_box;

use parallax_events::{BatchBuilder, EventBatch, Pool, SharedPool};
use parallax_ops::Compose;

use crate::answers::{Facts, facts, run_into, run_tensors, yields_tensors};
use crate::measure::{
    copying, copying_afresh, copying_by_the_cache, median, medians, memory, roofline, summing,
    updating_and_copying,
};
use crate::peers::Answer;
use crate::recording::{Recordings, Sensor};
use crate::rows::{ROWS, Reach, Row, TIME_SLICE};

/// Every row, on one thread and on two.
pub(crate) fn beside_peers(rows: &[&Row], recordings: &Recordings, peers: &[Answer]) {
    println!(
        "| operation | peer | its ms | ours, 1 thread | 2 threads | two threads give | MB | times faster, 1 and 2 threads | reach | same answer |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |");
    let two = SharedPool::new(2).unwrap();
    for row in rows {
        let whole = recordings.of(row.sensor);
        let batch = whole.slice(..row.events.min(whole.len()));
        let peer = peers.iter().find(|peer| peer.case == row.peer);
        if row.chain == TIME_SLICE {
            time_slice(row, &batch, peer);
        } else {
            beside_peer(row, &batch, two.pool(), peer);
        }
    }
}

fn beside_peer(row: &Row, batch: &EventBatch, two: Pool<'_>, peer: Option<&Answer>) {
    let mut out = BatchBuilder::growing().unwrap();
    if !yields_tensors(row.chain) {
        out.reserve(2 * batch.len()).unwrap();
    }
    let ours = facts(row, row.chain, batch, Pool::serial(), &mut out);
    assert_eq!(
        facts(row, row.chain, batch, two, &mut out),
        ours,
        "{}: two threads give another answer",
        row.name
    );
    let kept = match &ours {
        Facts::Events { kept, .. } => Some(*kept),
        Facts::Tensors(_) => None,
    };
    let same = match (peer, row.tolerance) {
        (None, _) => String::new(),
        (Some(_), None) => "means something else".to_owned(),
        (Some(peer), Some(tolerance)) => {
            // A peer that takes long got fewer events.
            let few = batch.slice(..peer.events.min(batch.len()));
            let shorter;
            let found = if few.len() == batch.len() {
                &ours
            } else {
                shorter = facts(row, row.chain, &few, Pool::serial(), &mut out);
                &shorter
            };
            found
                .difference(&peer.facts, tolerance)
                .map_or("yes".to_owned(), |how| format!("NO: {how}"))
        }
    };
    let mut run = |pool: Pool<'_>| {
        if yields_tensors(row.chain) {
            run_tensors(row.chain, batch, pool, |view| {
                black_box((row.each)(view));
            });
        } else {
            run_into(row.chain, batch, pool, &mut out);
        }
    };
    let (one, both) = (median(|| run(Pool::serial())), median(|| run(two)));
    let grown = memory(|| run(Pool::serial())).map_or(String::new(), |mb| format!("{mb:.0}"));
    let (times, reach) = match row.reach {
        Reach::Roofline(most) => {
            let kept = kept.expect("a roofline is of events");
            // In turn, as what memory gives changes from second to second.
            let [one, roof] = medians(|number| match number {
                0 => run_into(row.chain, batch, Pool::serial(), &mut out),
                _ => roofline(batch, kept, &mut out),
            });
            let reach = format!(
                "{most} x roofline: {one:.1} beside {roof:.1} ms, {:.2}",
                one / roof
            );
            (faster(peer, batch, one, both), met(reach, one <= most * roof))
        }
        Reach::Times(least) => {
            let is_met = peer.is_none_or(|peer| scaled(peer, batch) >= least * one.min(both));
            (faster(peer, batch, one, both), met(format!("{least} x"), is_met))
        }
        Reach::Micros(_) | Reach::Open => (faster(peer, batch, one, both), String::new()),
    };
    println!(
        "| {} | {} | {one:.1} | {both:.1} | {:.2} | {grown} | {times} | {reach} | {same} |",
        row.name,
        named(peer),
        one / both
    );
}

/// Who it is, with the events it got and the runs it had, and its milliseconds.
fn named(peer: Option<&Answer>) -> String {
    peer.map_or_else(
        || " | ".to_owned(),
        |peer| {
            format!(
                "{}, {} M events, best of {} | {:.1}",
                peer.case,
                peer.events / 1_000_000,
                peer.runs,
                peer.ms
            )
        },
    )
}

/// The peer's time for as many events as we have.
fn scaled(peer: &Answer, batch: &EventBatch) -> f64 {
    peer.ms * batch.len() as f64 / peer.events.min(batch.len()) as f64
}

fn faster(peer: Option<&Answer>, batch: &EventBatch, one: f64, both: f64) -> String {
    peer.map_or(String::new(), |peer| {
        let ms = scaled(peer, batch);
        format!("{:.1}, {:.1}", ms / one, ms / both)
    })
}

fn met(reach: String, is_met: bool) -> String {
    if is_met { reach } else { format!("{reach} MISSED") }
}

fn time_slice(row: &Row, batch: &EventBatch, peer: Option<&Answer>) {
    let (first, last) = batch.span().unwrap();
    let quarter = (last - first) / 4;
    let text = format!("time range=+{quarter}us..+{}us", 3 * quarter);
    let mut out = BatchBuilder::growing().unwrap();
    let ours = facts(row, &text, batch, Pool::serial(), &mut out);
    let same = peer.and_then(|peer| ours.difference(&peer.facts, 0.0));
    let chain = Compose::parse(&text).unwrap();
    let ms = median(|| {
        let mut run = chain.start(batch.meta()).unwrap();
        black_box(run.apply(batch, Pool::serial()).unwrap());
    });
    let Reach::Micros(most) = row.reach else {
        panic!("a time slice takes microseconds")
    };
    println!(
        "| {} | {} | {ms:.4} | | | | {} | {} | {} |",
        row.name,
        named(peer),
        peer.map_or(String::new(), |peer| format!("{:.0}", peer.ms / ms)),
        met(format!("{most} us"), ms * 1e3 <= most),
        same.unwrap_or_else(|| "yes".to_owned())
    );
}

/// What two threads can give at most: work that nobody can leave out, on one thread and on two, five times in turn.
pub(crate) fn floors(recordings: &Recordings) {
    let batch = recordings.of(Sensor::Full);
    let width = usize::from(batch.meta().geometry.unwrap().width);
    let two = SharedPool::new(2).unwrap();
    let (first, last) = batch.span().unwrap();
    let frames = (last - first) as usize / 10_000;
    let mut out = BatchBuilder::growing().unwrap();
    out.reserve(batch.len()).unwrap();
    println!(
        "\n| what cannot be left out | ms, 1 thread | 2 threads | two threads give |\n| --- | ---: | ---: | ---: |"
    );
    for _ in 0..5 {
        let row = |name: &str, run: &mut dyn FnMut(Pool<'_>) -> f64| {
            let (one, both) = (run(Pool::serial()), run(two.pool()));
            println!("| {name} | {one:.1} | {both:.1} | {:.2} |", one / both);
        };
        row("copy every column", &mut |pool| copying(batch, &mut out, pool));
        row("copy every column by way of the cache", &mut |pool| {
            copying_by_the_cache(batch, &mut out, pool)
        });
        row("copy every column into fresh memory", &mut |pool| {
            copying_afresh(batch, pool)
        });
        row("count each pixel, copy every column", &mut |pool| {
            updating_and_copying(batch, width, &mut out, pool, 1_u8, |count, _| {
                *count = count.wrapping_add(1);
                0
            })
        });
        row("each pixel's last time, copy every column", &mut |pool| {
            let last = |last: &mut u32, t: i64| std::mem::replace(last, t as u32);
            updating_and_copying(batch, width, &mut out, pool, 1_u32, last)
        });
        row("sum every pixel of the frames of 10 ms", &mut |pool| {
            summing(frames, 2 * 640 * 480, pool)
        });
    }
}

/// What two threads give to the operators to which they should give 1.7 times, and beside it, a moment later, what two cores
/// give: to halves of the events that share nothing and wait for nobody, each from its own memory into its own, with half as
/// many bins each, so that the cells are as many; and to nothing but sums at random in 7 MB of each core's own, which lie in
/// the third-level cache as long as nobody else on the machine is after it. What these fall short of twice is the machine's.
pub(crate) fn halves(recordings: &Recordings) {
    println!(
        "\n| each time anew | ms, 1 thread | 2 threads | two threads give | two halves | two cores give | at random |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let mut cells = [0, 1].map(|_| vec![0_f32; 1_800_000]);
    let two = SharedPool::new(2).unwrap();
    for (name, of_half) in [
        ("background activity", None),
        ("voxel grid, 10 bins", Some("voxel bins=5 grid=tonic")),
        ("averaged time surface, 1 M events", None),
        ("spatial jitter", None),
    ] {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let whole = recordings.of(row.sensor);
        let batch = whole.slice(..row.events.min(whole.len()));
        let middle = batch.len() / 2;
        let run = |chain: &str, batch: &EventBatch, pool: Pool<'_>, out: &mut BatchBuilder| {
            if yields_tensors(chain) {
                run_tensors(chain, batch, pool, |view| {
                    black_box((row.each)(view));
                });
            } else {
                run_into(chain, batch, pool, out);
            }
        };
        let mut outs = [0; 2].map(|_| BatchBuilder::growing().unwrap());
        if !yields_tensors(row.chain) {
            for out in &mut outs {
                out.reserve(2 * batch.len()).unwrap();
            }
        }
        let halves = [batch.slice(..middle), batch.slice(middle..)];
        for _ in 0..5 {
            let one = median(|| run(row.chain, &batch, Pool::serial(), &mut outs[0]));
            let shared = median(|| run(row.chain, &batch, two.pool(), &mut outs[0]));
            let both = median(|| {
                let pieces = halves.iter().zip(&mut outs).collect();
                two.pool()
                    .map(pieces, |(half, out): (&EventBatch, &mut BatchBuilder)| {
                        run(of_half.unwrap_or(row.chain), half, Pool::serial(), out);
                    });
            });
            let alone = median(|| sums_at_random(&mut cells[0]));
            let together = median(|| {
                let cells = cells.iter_mut().collect();
                two.pool()
                    .map(cells, |cells: &mut Vec<f32>| sums_at_random(cells));
            });
            println!(
                "| {name} | {one:.1} | {shared:.1} | {:.2} | {both:.1} | {:.2} | {:.2} |",
                one / shared,
                one / both,
                2.0 * alone / together
            );
        }
    }
}

fn sums_at_random(cells: &mut [f32]) {
    let count = cells.len() as u64;
    let mut state = 1_u64;
    for _ in 0..2_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        cells[((state >> 33) % count) as usize] += 1.0;
    }
    black_box(cells);
}

/// Cost an event at a tenth of the events against that at all.
pub(crate) fn scaling(recordings: &Recordings) {
    println!(
        "\n| operation | ns an event, a tenth | ns an event, all | ratio, at most 1.3 | the roofline's |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for (chain, sensor) in [
        ("polarity keep=on", Sensor::Full),
        ("hot_pixels", Sensor::Full),
        ("refractory", Sensor::Full),
        ("background_activity", Sensor::Full),
        ("decimate n=10", Sensor::Full),
        ("spatial_jitter", Sensor::Full),
        ("voxel bins=10", Sensor::Folded),
        ("frame window=10ms dtype=i16", Sensor::Folded),
        ("averaged_time_surface size=7 cell=10", Sensor::Folded),
    ] {
        let whole = recordings.of(sensor);
        let cost = |batch: &EventBatch| {
            let mut out = BatchBuilder::growing().unwrap();
            out.reserve(2 * batch.len()).unwrap();
            let ms = median(|| {
                if yields_tensors(chain) {
                    run_tensors(chain, batch, Pool::serial(), |view| {
                        black_box(view.len());
                    });
                } else {
                    run_into(chain, batch, Pool::serial(), &mut out);
                }
            });
            // A tenth of the events may stay in a cache that all of them do not: then so it is for whoever copies them.
            let kept = out.len();
            let copied = (!yields_tensors(chain)).then(|| median(|| roofline(batch, kept, &mut out)));
            let an_event = |ms: f64| ms * 1e6 / batch.len() as f64;
            (an_event(ms), copied.map(an_event))
        };
        let ((small, small_copy), (large, large_copy)) =
            (cost(&whole.slice(..whole.len() / 10)), cost(whole));
        let copies = large_copy.zip(small_copy);
        let of_copy = copies.map_or(String::new(), |(large, small)| format!("{:.2}", large / small));
        println!(
            "| `{chain}` | {small:.2} | {large:.2} | {:.2} | {of_copy} |",
            large / small
        );
    }
}

/// A chain in one pass, against one operator after another with all columns written in between.
pub(crate) fn fused(recordings: &Recordings) {
    let batch = recordings.of(Sensor::Full);
    let steps = ["region x=320 y=180 w=640 h=360", "polarity keep=on", "refractory"];
    let voxel = "voxel bins=10";
    let sum = |cells: &[f32]| cells.iter().map(|&cell| f64::from(cell)).sum::<f64>();
    let mut apart_sum = 0.0;
    let apart = median(|| {
        let mut events = batch.clone();
        for step in steps {
            let mut run = Compose::parse(step).unwrap().start(events.meta()).unwrap();
            events = run.apply(&events, Pool::serial()).unwrap();
        }
        run_tensors(voxel, &events, Pool::serial(), |view| {
            apart_sum = sum(view.as_slice().unwrap());
        });
    });
    let chain = Compose::parse(&format!("{} ! {voxel}", steps.join(" ! "))).unwrap();
    let mut fused_sum = 0.0;
    let fused = median(|| {
        let mut run = chain.start(batch.meta()).unwrap();
        let mut each = |tensor: parallax_events::Tensor| {
            fused_sum = sum(tensor.as_slice()?);
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
        "\nregion, polarity, refractory, voxel: one after another {apart:.1} ms, fused {fused:.1} ms: {:.2} of it (at most 0.7)",
        fused / apart
    );
}
