//! Every operator against a naive function written from its formula, on random and on pathological streams.
//!
//! The naive ones look at every earlier event again and count in 128 bits; they share nothing with the operators but the
//! published functions of [`Philox`](parallax_events::Philox).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bursts;
mod geometry;
mod naive;
mod noise;
mod pooling;
mod random;
mod streams;
mod times;

use parallax_events::{BatchBuilder, Pool};
use parallax_events::{Event, EventBatch};
use parallax_ops::Compose;

/// What an operator makes of a stream, whole, in pieces, and on three threads; all the same, or it fails here.
fn ours(text: &str, batch: &EventBatch) -> Vec<Event> {
    let run = |batches: &[EventBatch], pool: Pool<'_>| {
        let mut run = Compose::parse(text).unwrap().start(batch.meta()).unwrap();
        let mut out = BatchBuilder::growing().unwrap();
        for batch in batches {
            run.push(batch, pool, &mut out).unwrap();
        }
        run.end(pool, &mut out).unwrap();
        out.columns().iter().collect::<Vec<Event>>()
    };
    let whole = run(std::slice::from_ref(batch), Pool::serial());
    let size = batch.len() / 7 + 1;
    let pieces: Vec<EventBatch> = (0..batch.len())
        .step_by(size)
        .map(|start| batch.slice(start..start + size))
        .collect();
    assert!(
        run(&pieces, Pool::serial()) == whole,
        "{text}: in pieces it is another answer"
    );
    let threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let batches = std::slice::from_ref(batch);
    assert!(
        run(batches, Pool::from(&threads)) == whole,
        "{text}: on three threads it is another answer"
    );
    whole
}

/// Holds an operator against what `naive` makes of each stream.
fn hold(text: &str, naive: impl Fn(&EventBatch) -> Vec<Event>) {
    hold_on(text, streams::all(), naive);
}

/// Holds an operator that moves times against what `naive` makes of each stream, all but the one at the ends of 64 bits,
/// which is refused.
fn hold_inside(text: &str, naive: impl Fn(&EventBatch) -> Vec<Event>) {
    hold_on(text, streams::ordinary(), naive);
    let at_the_ends = streams::all()
        .into_iter()
        .find(|(name, _)| *name == streams::AT_THE_ENDS);
    let error = tried(text, &at_the_ends.unwrap().1).unwrap_err();
    assert!(error.to_string().contains("64 bits"), "{text}: {error}");
}

/// What an operator makes of a stream, or why it does not.
fn tried(text: &str, batch: &EventBatch) -> parallax_events::Result<Vec<Event>> {
    let mut run = Compose::parse(text)?.start(batch.meta())?;
    let mut out = BatchBuilder::growing()?;
    run.push(batch, Pool::serial(), &mut out)?;
    run.end(Pool::serial(), &mut out)?;
    Ok(out.columns().iter().collect())
}

fn hold_on(text: &str, streams: Vec<(&str, EventBatch)>, naive: impl Fn(&EventBatch) -> Vec<Event>) {
    for (name, batch) in streams {
        let (found, wanted) = (ours(text, &batch), naive(&batch));
        let first = found
            .iter()
            .zip(&wanted)
            .position(|(found, wanted)| found != wanted);
        assert!(
            found == wanted,
            "{text} on {name}: {} events instead of {}, the first difference at {first:?}: {:?} instead of {:?}",
            found.len(),
            wanted.len(),
            first.map(|index| found[index]),
            first.map(|index| wanted[index]),
        );
    }
}

/// The events for which `keep` says so, given their place and all events.
fn kept(batch: &EventBatch, keep: impl Fn(usize, &[Event]) -> bool) -> Vec<Event> {
    let events = batch.to_events();
    (0..events.len())
        .filter(|&index| keep(index, &events))
        .map(|index| events[index])
        .collect()
}
