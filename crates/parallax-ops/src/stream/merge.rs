//! Two streams as one, in the order of time.
//!
//! An event is handed on as soon as the other stream has reached its time, so a stream that stands still holds the
//! other back: that is what order costs. At equal times the first stream's events come first.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use parallax_events::{Error, EventChunk, Meta, Result};

/// Merges two streams in the order of time. Both must be in that order and count in the unit of `meta`, which are the
/// facts of the merged stream.
pub fn merge<A, B>(first: A, second: B, meta: Arc<Meta>) -> Merge<A, B>
where
    A: Stream<Item = Result<EventChunk>> + Unpin,
    B: Stream<Item = Result<EventChunk>> + Unpin,
{
    Merge {
        first: Side::new(first),
        second: Side::new(second),
        meta,
        error: None,
        ended: false,
    }
}

/// Two streams as one. See [`merge`].
#[derive(Debug)]
pub struct Merge<A, B> {
    first: Side<A>,
    second: Side<B>,
    meta: Arc<Meta>,
    /// Waits until what both sides hold is out.
    error: Option<Error>,
    ended: bool,
}

#[derive(Debug)]
struct Side<S> {
    stream: S,
    /// What is not handed on yet.
    held: Option<EventChunk>,
    /// The time that the stream has reached.
    reached: Option<i64>,
    ended: bool,
}

impl<S: Stream<Item = Result<EventChunk>> + Unpin> Side<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            held: None,
            reached: None,
            ended: false,
        }
    }

    /// Has a chunk or the end of the stream; `false` if neither is here yet.
    fn fill(&mut self, cx: &mut Context<'_>, meta: &Meta) -> Result<bool> {
        while self.held.is_none() && !self.ended {
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(None) => self.ended = true,
                Poll::Ready(Some(Err(error))) => {
                    self.ended = true;
                    return Err(error);
                }
                Poll::Ready(Some(Ok(chunk))) => self.take(chunk, meta)?,
            }
        }
        Ok(true)
    }

    fn take(&mut self, chunk: EventChunk, meta: &Meta) -> Result<()> {
        let (unit, expected) = (chunk.meta().time_unit, meta.time_unit);
        if unit != expected {
            return Err(Error::param(format!(
                "a stream in {unit} merged into one in {expected}"
            )));
        }
        chunk.require_time_order()?;
        let Some((start, end)) = chunk.span() else {
            return Ok(());
        };
        if let Some(reached) = self.reached.filter(|&reached| start < reached) {
            return Err(Error::param(format!(
                "a chunk starts at t = {start}, the one before ended at {reached}"
            ))
            .with_hint("read with order=strict"));
        }
        self.reached = Some(end);
        self.held = Some(chunk);
        Ok(())
    }

    fn times(&self) -> &[i64] {
        self.held.as_ref().map_or(&[], |chunk| chunk.columns().t)
    }

    /// Takes the first `count` events of what is held.
    fn split(&mut self, count: usize) -> Option<EventChunk> {
        let chunk = self.held.take()?;
        if count < chunk.len() {
            self.held = Some(chunk.slice(count..));
        }
        (count > 0).then(|| chunk.slice(..count))
    }
}

impl<A, B> Merge<A, B>
where
    A: Stream<Item = Result<EventChunk>> + Unpin,
    B: Stream<Item = Result<EventChunk>> + Unpin,
{
    /// The next events, from what both sides hold: all up to where the first of them runs out.
    fn step(&mut self) -> Result<Option<EventChunk>> {
        let (first, second) = (self.first.times(), self.second.times());
        let (first, second) = match (first.last(), second.last()) {
            (None, None) => return Ok(None),
            (Some(_), None) => (first.len(), 0),
            (None, Some(_)) => (0, second.len()),
            // More of the first stream may come at its last time, and belongs before the second's.
            (Some(&a), Some(&b)) if a <= b => (first.len(), second.partition_point(|&t| t < a)),
            (Some(_), Some(&b)) => (first.partition_point(|&t| t <= b), second.len()),
        };
        let parts = (self.first.split(first), self.second.split(second));
        match parts {
            (Some(one), None) | (None, Some(one)) => one.with_meta(Arc::clone(&self.meta)).map(Some),
            (Some(first), Some(second)) => interleave(&first, &second, &self.meta).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl<A, B> Stream for Merge<A, B>
where
    A: Stream<Item = Result<EventChunk>> + Unpin,
    B: Stream<Item = Result<EventChunk>> + Unpin,
{
    type Item = Result<EventChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if this.error.is_none() {
            // Both are asked, so that both are woken for.
            let first = this.first.fill(cx, &this.meta);
            let second = this.second.fill(cx, &this.meta);
            match (first, second) {
                (Ok(true), Ok(true)) => {}
                (Ok(_), Ok(_)) => return Poll::Pending,
                (Err(error), _) | (_, Err(error)) => this.error = Some(error),
            }
        }
        let answer = this.step();
        let answer = match answer {
            Ok(None) => this.error.take().map_or(Ok(None), Err),
            other => other,
        };
        this.ended = !matches!(answer, Ok(Some(_)));
        Poll::Ready(answer.transpose())
    }
}

fn interleave(first: &EventChunk, second: &EventChunk, meta: &Arc<Meta>) -> Result<EventChunk> {
    let (a, b) = (first.columns(), second.columns());
    let count = a.len() + b.len();
    let (mut t, mut x) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut y, mut p) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let from_first = j >= b.len() || (i < a.len() && a.t[i] <= b.t[j]);
        let (side, at) = if from_first { (&a, &mut i) } else { (&b, &mut j) };
        t.push(side.t[*at]);
        x.push(side.x[*at]);
        y.push(side.y[*at]);
        p.push(side.p[*at]);
        *at += 1;
    }
    EventChunk::try_new(t, x, y, p, Arc::clone(meta))
}
