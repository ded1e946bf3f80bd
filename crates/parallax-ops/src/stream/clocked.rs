//! A stream on the host's clock.
//!
//! Each event's time is mapped by the line through the beacons that came before its chunk. A new beacon turns the
//! line a little, so a mapped time could fall behind the one before it, although the device's did not: such an event
//! takes the last time instead, which moves it by less than the jitter, and is counted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use parallax_events::{Error, EventChunk, Meta, Nanos, Result, SyncStatus, TimeOrigin, TimeUnit};

use super::EventStream;

impl EventStream {
    /// The same events on the host's clock; `origin` says what the beacons' host times count from.
    ///
    /// A chunk that comes before two beacons have determined the line is an error: a sender puts two beacons first.
    pub fn on_host_clock(self, origin: TimeOrigin) -> Rebased {
        let mut meta = (**self.meta()).clone();
        meta.time_origin = origin;
        Rebased {
            stream: self,
            meta: Arc::new(meta),
            last: None,
            held_back: 0,
            ended: false,
        }
    }
}

/// A stream on the host's clock. See [`EventStream::on_host_clock`].
#[derive(Debug)]
pub struct Rebased {
    stream: EventStream,
    meta: Arc<Meta>,
    /// Device and host time of the last event.
    last: Option<(i64, i64)>,
    held_back: u64,
    ended: bool,
}

impl Rebased {
    /// The facts of the stream.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// Drift and jitter. See [`EventStream::sync_status`].
    pub fn sync_status(&self) -> Option<SyncStatus> {
        self.stream.sync_status()
    }

    /// How many events a turn of the line would have moved behind the one before them.
    pub fn held_back(&self) -> u64 {
        self.held_back
    }

    fn rebase(&mut self, chunk: &EventChunk) -> Result<EventChunk> {
        let unit = self.meta.time_unit;
        let columns = chunk.columns();
        let mut times = Vec::with_capacity(columns.len());
        for &device in columns.t {
            let nanos = unit.rescale(device, TimeUnit::Nanos).ok();
            let mapped = nanos
                .and_then(|nanos| self.stream.clock().to_host(Nanos(nanos)))
                .and_then(|host| TimeUnit::Nanos.rescale_rounded(host.0, unit).ok());
            let Some(mut host) = mapped else {
                return Err(self.unmapped(device));
            };
            if let Some((last_device, last_host)) = self.last
                && device >= last_device
                && host < last_host
            {
                host = last_host;
                self.held_back += 1;
            }
            self.last = Some((device, host));
            times.push(host);
        }
        let [_, x, y, p] = chunk.buffers();
        EventChunk::try_new(times, x, y, p, Arc::clone(&self.meta))
    }

    fn unmapped(&self, device: i64) -> Error {
        if self.stream.clock().status().is_none() {
            Error::param("events came before the clocks were compared")
                .with_hint("send two beacons with different device times first")
        } else {
            Error::param(format!("the time {device} leaves 64 bits on the host's clock"))
        }
    }
}

impl Stream for Rebased {
    type Item = Result<EventChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.stream).poll_next(cx));
        let answer = next.map(|chunk| chunk.and_then(|chunk| self.rebase(&chunk)));
        self.ended = !matches!(answer, Some(Ok(_)));
        Poll::Ready(answer)
    }
}
