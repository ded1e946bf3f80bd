//! The stream itself and the hand that feeds it: one bounded channel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use parallax_events::{ClockEstimator, Error, ErrorKind, EventChunk, Meta, Result, SyncStatus, TimeBeacon};
use tokio::sync::mpsc;

use super::stage;

/// What passes through a channel, in order.
#[derive(Debug)]
pub(super) enum Item {
    Chunk(EventChunk),
    Beacon(TimeBeacon),
    /// The stream ends with it.
    Error(Error),
}

/// Chunks of events as they come, in their recorded order.
#[derive(Debug)]
pub struct EventStream {
    meta: Arc<Meta>,
    pub(super) items: mpsc::Receiver<Item>,
    clock: ClockEstimator,
    ended: bool,
}

/// Feeds an [`EventStream`]. The stream ends when the sender (and every clone of it) is dropped.
#[derive(Debug, Clone)]
pub struct EventSender {
    meta: Arc<Meta>,
    items: mpsc::Sender<Item>,
}

impl EventStream {
    /// A stream with these facts and the hand that feeds it; at most `capacity` chunks wait in between, at least 1.
    pub fn channel(meta: Arc<Meta>, capacity: usize) -> (EventSender, EventStream) {
        let (sender, items) = mpsc::channel(capacity.max(1));
        let sender = EventSender {
            meta: Arc::clone(&meta),
            items: sender,
        };
        (sender, EventStream::over(meta, items))
    }

    pub(super) fn over(meta: Arc<Meta>, items: mpsc::Receiver<Item>) -> EventStream {
        EventStream {
            meta,
            items,
            clock: ClockEstimator::default(),
            ended: false,
        }
    }

    /// The chunks of a recording, decoded on a thread of their own while up to `capacity` of them wait. An
    /// `EventReader` is such an iterator.
    ///
    /// # Errors
    /// [`ErrorKind::Param`] outside a Tokio runtime.
    pub fn from_chunks<I>(meta: Arc<Meta>, chunks: I, capacity: usize) -> Result<EventStream>
    where
        I: Iterator<Item = Result<EventChunk>> + Send + 'static,
    {
        let (sender, stream) = EventStream::channel(meta, capacity);
        stage::spawn(move || {
            for chunk in chunks {
                let last = chunk.is_err();
                let sent = chunk.and_then(|chunk| sender.checked(chunk)).map(Item::Chunk);
                let stopped = sent.is_err() || last;
                let item = sent.unwrap_or_else(Item::Error);
                if sender.items.blocking_send(item).is_err() || stopped {
                    return;
                }
            }
        })?;
        Ok(stream)
    }

    /// The facts of the stream.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// Drift in parts per million and jitter in nanoseconds of the device's clock against the host's, from the
    /// beacons that came so far; `None` until two of them determine a line.
    pub fn sync_status(&self) -> Option<SyncStatus> {
        self.clock.status()
    }

    pub(super) fn clock(&self) -> &ClockEstimator {
        &self.clock
    }
}

impl Stream for EventStream {
    type Item = Result<EventChunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            // Tokio's budget ends this loop, however many beacons there are.
            match ready!(self.items.poll_recv(cx)) {
                Some(Item::Chunk(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Some(Item::Beacon(beacon)) => self.clock.push(beacon),
                Some(Item::Error(error)) => {
                    self.ended = true;
                    self.items.close();
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.ended = true,
            }
        }
    }
}

impl EventSender {
    /// The facts of the stream.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// Hands over a chunk, waiting while the channel is full.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the stream is gone; [`ErrorKind::Param`] if the chunk counts time in another unit.
    pub async fn send(&self, chunk: EventChunk) -> Result<()> {
        let item = Item::Chunk(self.checked(chunk)?);
        self.items.send(item).await.map_err(|_| closed())
    }

    /// Hands over a chunk from a thread that is not of the runtime, waiting while the channel is full.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Panics
    /// If called on an async worker, which would stand still.
    pub fn blocking_send(&self, chunk: EventChunk) -> Result<()> {
        let item = Item::Chunk(self.checked(chunk)?);
        self.items.blocking_send(item).map_err(|_| closed())
    }

    /// Puts a beacon between the chunks: what comes after it is mapped with it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the stream is gone.
    pub async fn beacon(&self, beacon: TimeBeacon) -> Result<()> {
        let item = Item::Beacon(beacon);
        self.items.send(item).await.map_err(|_| closed())
    }

    /// Ends the stream with an error, behind what was sent before.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the stream is gone.
    pub async fn fail(self, error: Error) -> Result<()> {
        self.items.send(Item::Error(error)).await.map_err(|_| closed())
    }

    fn checked(&self, chunk: EventChunk) -> Result<EventChunk> {
        let (unit, expected) = (chunk.meta().time_unit, self.meta.time_unit);
        if unit == expected {
            Ok(chunk)
        } else {
            Err(
                Error::param(format!("a chunk in {unit} in a stream in {expected}"))
                    .with_hint("convert the chunk's time first"),
            )
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the stream is gone").with_hint("nobody reads it any more: stop sending")
}
