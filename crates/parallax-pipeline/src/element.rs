//! Sources, elements and sinks: the contracts that the engine drives.
//!
//! The engine calls `start`, then `produce`, `process` or `consume` any number of times, then the end of the stream once
//! (`drain`, `end`), then `stop`; after a stop it may start again. A stop can come at any moment, without an end.

use std::fmt::Debug;

use parallax_events::{Error, Nanos, Result};

use crate::{Caps, Context, Out, Packet, Ports, QueueConfig};

/// What a source has next.
#[derive(Debug)]
pub enum Produced {
    /// A packet.
    Packet(Packet),
    /// Nothing yet: the engine looks whether it is to stop or pause, and asks again. A source waits inside
    /// [`Source::produce`] for at most a tenth of a second before it says so.
    Nothing,
    /// The end of the stream.
    End,
}

impl From<Option<Packet>> for Produced {
    fn from(packet: Option<Packet>) -> Self {
        packet.map_or(Self::End, Self::Packet)
    }
}

/// A place in a stream, to seek to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// So many bytes from the beginning.
    Byte(u64),
    /// A time of the stream.
    Time(Nanos),
}

/// Begins a stream.
pub trait Source: Send + Debug {
    /// What it can give.
    fn offers(&self) -> Caps {
        Caps::ANY
    }

    /// Opens what the stream comes from; the stream then begins at its beginning.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn start(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// The next packet. After the end it is not called again before the next start.
    ///
    /// # Errors
    /// If the stream cannot go on.
    fn produce(&mut self) -> Result<Produced>;

    /// Goes to a place in the stream: the next packet is from there. What stands behind is flushed by the engine.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](parallax_events::ErrorKind) as it stands; the stream then goes on as it was.
    fn seek(&mut self, position: Position) -> Result<()> {
        let _ = position;
        Err(Error::unsupported("the source cannot seek"))
    }

    /// How long it holds back what it has.
    fn latency(&self) -> Nanos {
        Nanos(0)
    }

    /// The run has failed, in this element or another: nothing more is taken. Called when it does, before the pipeline
    /// is stopped, so that whoever feeds the stream hears of it.
    fn abort(&mut self) {}

    /// Closes what `start` opened.
    fn stop(&mut self) {}
}

/// Stands inside a stream: takes packets and pushes what becomes of them.
pub trait Element: Send + Debug {
    /// What it takes, if `wanted` is what those behind it take. As it stands: what they take, because it hands on
    /// what it gets.
    fn accepts(&self, wanted: &Caps) -> Caps {
        wanted.clone()
    }

    /// What it gives for such an input. As it stands: the same.
    fn offers(&self, input: &Caps) -> Caps {
        input.clone()
    }

    /// Prepares for a new stream.
    ///
    /// # Errors
    /// If it cannot.
    fn start(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Takes one packet and pushes any number of packets into `out`.
    ///
    /// # Errors
    /// If the element cannot take such a packet, or fails. What a push returns is passed on as it is.
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()>;

    /// The stream has ended: pushes what is still held back. Called once.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// How long it holds back what it gets, at most, in the time of the stream; a window holds back its length.
    fn latency(&self) -> Nanos {
        Nanos(0)
    }

    /// Forgets the stream so far, as a seek or a stop asks; from any state.
    fn flush(&mut self) {}

    /// Closes what `start` opened.
    fn stop(&mut self) {}
}

/// Joins several streams into one: takes packets on several pads and pushes what becomes of them.
///
/// It runs on a thread of its own. Packets wait for it pad by pad, and it says from which pads it can take now.
pub trait Aggregator: Send + Debug {
    /// What it takes on the pad `pad`, if `wanted` is what those behind it take. As it stands: what they take.
    fn accepts(&self, pad: usize, wanted: &Caps) -> Caps {
        let _ = pad;
        wanted.clone()
    }

    /// What it gives, if these are what its linked pads get. As it stands: any of them.
    fn offers(&self, inputs: &[Caps]) -> Caps {
        let mut inputs = inputs.iter().cloned();
        let first = inputs.next().unwrap_or(Caps::ANY);
        inputs.fold(first, Caps::or)
    }

    /// Prepares for new streams on `pads` pads. One of them that is not linked ends at once.
    ///
    /// # Errors
    /// If it cannot.
    fn start(&mut self, context: &Context, pads: usize) -> Result<()> {
        let _ = (context, pads);
        Ok(())
    }

    /// Whether it can take a packet of the pad `pad` now. While it cannot, they wait, and so at last does their sender.
    /// When nothing comes on the pads that it can take from, it has to wait: a pad that cannot go on without another
    /// says so here. As it stands: always.
    fn wants(&self, pad: usize) -> bool {
        let _ = pad;
        true
    }

    /// Takes one packet of a pad that it wants, and pushes any number of packets into `out`.
    ///
    /// # Errors
    /// If it cannot take such a packet, or fails. What a push returns is passed on as it is.
    fn process(&mut self, pad: usize, packet: Packet, out: &mut Out<'_>) -> Result<()>;

    /// The stream of the pad `pad` has ended. Called once for each pad, behind its last packet.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    fn end(&mut self, pad: usize, out: &mut Out<'_>) -> Result<()> {
        let _ = (pad, out);
        Ok(())
    }

    /// All streams have ended: pushes what is still held back. Called once.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        let _ = out;
        Ok(())
    }

    /// How long it holds back what it gets, at most, in the time of the stream; a window holds back its length.
    fn latency(&self) -> Nanos {
        Nanos(0)
    }

    /// Forgets the streams so far and which of them have ended, as a stop asks; from any state.
    fn flush(&mut self) {}

    /// Closes what `start` opened.
    fn stop(&mut self) {}
}

/// Ends a stream.
pub trait Sink: Send + Debug {
    /// What it takes.
    fn accepts(&self) -> Caps {
        Caps::ANY
    }

    /// Opens what the stream goes to.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn start(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Takes one packet.
    ///
    /// # Errors
    /// If the sink cannot take such a packet, or fails.
    fn consume(&mut self, packet: Packet) -> Result<()>;

    /// The stream has ended: completes what was begun. Called once; not at all if the stream was stopped or failed.
    ///
    /// # Errors
    /// If what was begun cannot be completed.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    /// The run has failed, in this element or another: no more comes. Called when it does, before the pipeline is
    /// stopped, so that whoever waits for the stream hears of it.
    fn abort(&mut self) {}

    /// A seek: what comes next is from another place of the stream. As it stands it makes no difference.
    fn flush(&mut self) {}

    /// Closes what `start` opened; what was begun and not completed is left as if it had never been.
    fn stop(&mut self) {}
}

/// A made element, as a pipeline takes it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Built {
    /// Begins a stream.
    Source(Box<dyn Source>),
    /// Stands inside a stream.
    Element(Box<dyn Element>),
    /// Joins several streams into one.
    Aggregator(Box<dyn Aggregator>),
    /// Ends a stream.
    Sink(Box<dyn Sink>),
    /// The border between two threads.
    Queue(QueueConfig),
    /// Begins a stream, as a task.
    #[cfg(feature = "async")]
    AsyncSource(Box<dyn crate::asynchronous::SourceTask>),
    /// Ends a stream, as a task.
    #[cfg(feature = "async")]
    AsyncSink(Box<dyn crate::asynchronous::SinkTask>),
    /// A whole typed chain, from source to sink.
    Typed(Box<dyn crate::typed::TypedRun>),
}

impl Built {
    /// A source of your own.
    pub fn source(source: impl Source + 'static) -> Self {
        Self::Source(Box::new(source))
    }

    /// An element of your own.
    pub fn element(element: impl Element + 'static) -> Self {
        Self::Element(Box::new(element))
    }

    /// An element with several inputs of your own.
    pub fn aggregator(aggregator: impl Aggregator + 'static) -> Self {
        Self::Aggregator(Box::new(aggregator))
    }

    /// A sink of your own.
    pub fn sink(sink: impl Sink + 'static) -> Self {
        Self::Sink(Box::new(sink))
    }

    /// A source of your own that runs as a task.
    #[cfg(feature = "async")]
    pub fn async_source(source: impl crate::AsyncSource + 'static) -> Self {
        Self::AsyncSource(crate::asynchronous::source_task(source))
    }

    /// A sink of your own that runs as a task.
    #[cfg(feature = "async")]
    pub fn async_sink(sink: impl crate::AsyncSink + 'static) -> Self {
        Self::AsyncSink(crate::asynchronous::sink_task(sink))
    }

    /// How many pads it has where nothing else is said.
    pub fn ports(&self) -> Ports {
        match self {
            Self::Source(_) => Ports::SOURCE,
            Self::Element(_) | Self::Queue(_) => Ports::FILTER,
            Self::Aggregator(_) => Ports::AGGREGATOR,
            Self::Sink(_) => Ports::SINK,
            #[cfg(feature = "async")]
            Self::AsyncSource(_) => Ports::SOURCE,
            #[cfg(feature = "async")]
            Self::AsyncSink(_) => Ports::SINK,
            Self::Typed(_) => Ports {
                inputs: 0,
                outputs: 0,
            },
        }
    }

    /// Has it start; `inputs` is how many input pads it has in this graph.
    pub(crate) fn start(&mut self, context: &Context, inputs: usize) -> Result<()> {
        match self {
            Self::Source(source) => source.start(context),
            Self::Element(element) => element.start(context),
            Self::Aggregator(aggregator) => aggregator.start(context, inputs),
            Self::Sink(sink) => sink.start(context),
            #[cfg(feature = "async")]
            Self::AsyncSource(source) => source.start(context),
            #[cfg(feature = "async")]
            Self::AsyncSink(sink) => sink.start(context),
            Self::Queue(_) | Self::Typed(_) => Ok(()),
        }
    }

    pub(crate) fn stop(&mut self) {
        match self {
            Self::Source(source) => source.stop(),
            Self::Element(element) => {
                element.flush();
                element.stop();
            }
            Self::Aggregator(aggregator) => {
                aggregator.flush();
                aggregator.stop();
            }
            Self::Sink(sink) => sink.stop(),
            #[cfg(feature = "async")]
            Self::AsyncSource(source) => source.stop(),
            #[cfg(feature = "async")]
            Self::AsyncSink(sink) => sink.stop(),
            Self::Queue(_) | Self::Typed(_) => {}
        }
    }

    /// How long it holds back what it gets: at least, and at most if there is a limit.
    pub(crate) fn latency(&self) -> (Nanos, Option<Nanos>) {
        let held = match self {
            Self::Source(source) => source.latency(),
            Self::Element(element) => element.latency(),
            Self::Aggregator(aggregator) => aggregator.latency(),
            // What waits in a queue may wait for ever, if time is not what bounds it.
            Self::Queue(config) => return (Nanos(0), config.time),
            _ => Nanos(0),
        };
        (held, Some(held))
    }
}
