//! The ends of a pipeline that a program holds itself: [`app_source`] and [`app_sink`].
//!
//! In: packets that a program sends. Out: packets that it receives, on any runtime or none. Both are bounded: a program
//! that is faster than the pipeline waits, and so does a pipeline that is faster than its program.
//!
//! ```
//! use parallax_elements::{app_sink, app_source};
//! use parallax_memory::Bytes;
//! use parallax_pipeline::{Payload, Pipeline, State};
//!
//! let (source, sender) = app_source(4);
//! let (sink, receiver) = app_sink(4);
//! let mut pipeline = Pipeline::new();
//! let (source, sink) = (pipeline.add("source", source)?, pipeline.add("sink", sink)?);
//! pipeline.link(source, sink)?;
//! pipeline.set_state(State::Playing)?;
//! sender.send(Bytes::from(vec![1, 2, 3]))?;
//! drop(sender);
//! let packet = receiver.receive().ok_or(parallax_events::Error::internal("nothing came"))?;
//! assert!(matches!(packet.payload, Payload::Bytes(bytes) if *bytes == [1, 2, 3]));
//! assert!(receiver.receive().is_none(), "the end");
//! # Ok::<(), parallax_events::Error>(())
//! ```

use std::time::Duration;

use parallax_events::{Error, ErrorKind, Result};
use parallax_pipeline::{Built, Context, Packet, Produced, Sink, Source};

use crate::mailbox::{Attempt, Poster, Reader, mailbox};

/// How long an end waits between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// A source, and the program's end of it: at most `capacity` packets wait between them. The stream ends when every clone
/// of the sender is gone.
pub fn app_source(capacity: usize) -> (AppSource, Sender) {
    let (poster, reader) = mailbox(capacity);
    (AppSource { reader: Some(reader) }, Sender { poster })
}

/// A sink, and the program's end of it: at most `capacity` packets wait between them.
pub fn app_sink(capacity: usize) -> (AppSink, Receiver) {
    let (poster, reader) = mailbox(capacity);
    let sink = AppSink {
        poster: Some(poster),
        context: None,
    };
    (sink, Receiver { reader })
}

/// Gives what a program sends.
#[derive(Debug)]
pub struct AppSource {
    /// Until a run has failed.
    reader: Option<Reader>,
}

impl Source for AppSource {
    fn produce(&mut self) -> Result<Produced> {
        let Some(reader) = &self.reader else {
            return Ok(Produced::End);
        };
        Ok(match reader.take(Some(LOOK)) {
            Attempt::Done(packet) => Produced::Packet(packet),
            Attempt::Late => Produced::Nothing,
            Attempt::Gone => Produced::End,
        })
    }

    fn abort(&mut self) {
        self.reader = None;
    }
}

impl From<AppSource> for Built {
    fn from(source: AppSource) -> Self {
        Self::source(source)
    }
}

/// The program's end of an [`AppSource`].
#[derive(Debug, Clone)]
pub struct Sender {
    poster: Poster,
}

impl Sender {
    /// Sends a packet, waiting for room.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the pipeline is gone.
    pub fn send(&self, packet: impl Into<Packet>) -> Result<()> {
        match self.poster.post(&mut Some(packet.into()), None) {
            Attempt::Done(()) => Ok(()),
            _ => Err(gone()),
        }
    }

    /// As [`send`](Self::send), on any runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the pipeline is gone.
    pub async fn send_async(&self, packet: impl Into<Packet>) -> Result<()> {
        self.poster.post_async(packet.into()).await.ok_or_else(gone)
    }
}

/// Hands what comes to a program.
#[derive(Debug)]
pub struct AppSink {
    /// Until the end of the stream, or a failure.
    poster: Option<Poster>,
    context: Option<Context>,
}

impl Sink for AppSink {
    fn start(&mut self, context: &Context) -> Result<()> {
        if self.poster.is_none() {
            let text = "its stream has ended, and the program knows that";
            return Err(Error::new(ErrorKind::Closed, text));
        }
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let Some(poster) = &self.poster else {
            return Err(gone());
        };
        let mut waiting = Some(packet);
        loop {
            match poster.post(&mut waiting, Some(LOOK)) {
                Attempt::Done(()) => return Ok(()),
                Attempt::Late if self.context.as_ref().is_some_and(Context::is_stopping) => {
                    let text = "stopped while the program did not receive";
                    return Err(Error::new(ErrorKind::Closed, text));
                }
                Attempt::Late => {}
                Attempt::Gone => {
                    let text = "the program has dropped its end of the sink";
                    return Err(Error::new(ErrorKind::Closed, text));
                }
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.poster = None;
        Ok(())
    }

    fn abort(&mut self) {
        self.poster = None;
    }
}

impl From<AppSink> for Built {
    fn from(sink: AppSink) -> Self {
        Self::sink(sink)
    }
}

/// The program's end of an [`AppSink`].
#[derive(Debug, Clone)]
pub struct Receiver {
    reader: Reader,
}

impl Receiver {
    /// The next packet, waiting for it; `None` when the stream has ended or failed or the pipeline is gone, which
    /// [`Pipeline::wait_eos`](parallax_pipeline::Pipeline::wait_eos) tells apart.
    pub fn receive(&self) -> Option<Packet> {
        match self.reader.take(None) {
            Attempt::Done(packet) => Some(packet),
            _ => None,
        }
    }

    /// As [`receive`](Self::receive), on any runtime.
    pub async fn receive_async(&self) -> Option<Packet> {
        self.reader.take_async().await
    }

    /// The next packet if it comes in time; `None` as for [`receive`](Self::receive).
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if nothing came in time.
    pub fn receive_timeout(&self, timeout: Duration) -> Result<Option<Packet>> {
        match self.reader.take(Some(timeout)) {
            Attempt::Done(packet) => Ok(Some(packet)),
            Attempt::Gone => Ok(None),
            Attempt::Late => Err(Error::new(ErrorKind::Timeout, "no packet came in time")),
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Closed, "the pipeline is gone")
}
