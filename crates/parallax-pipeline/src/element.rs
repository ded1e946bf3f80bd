//! Sources, elements and sinks: the contracts that the engine drives.
//!
//! The engine calls `start`, then `produce`, `process` or `consume` any number of times, then the end of the stream once
//! (`drain`, `end`), then `stop`; after a stop it may start again. A stop can come at any moment, without an end.

use std::fmt::Debug;

use parallax_events::{Error, Result};

use crate::{Caps, Context, Out, Packet, QueueConfig};

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

    /// Forgets the stream so far, as a seek or a stop asks; from any state.
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
    /// Ends a stream.
    Sink(Box<dyn Sink>),
    /// The border between two threads.
    Queue(QueueConfig),
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

    /// A sink of your own.
    pub fn sink(sink: impl Sink + 'static) -> Self {
        Self::Sink(Box::new(sink))
    }

    /// How many pads it has where nothing else is said.
    pub fn ports(&self) -> Ports {
        match self {
            Self::Source(_) => Ports::SOURCE,
            Self::Element(_) | Self::Queue(_) => Ports::FILTER,
            Self::Sink(_) => Ports::SINK,
            Self::Typed(_) => Ports {
                inputs: 0,
                outputs: 0,
            },
        }
    }

    pub(crate) fn start(&mut self, context: &Context) -> Result<()> {
        match self {
            Self::Source(source) => source.start(context),
            Self::Element(element) => element.start(context),
            Self::Sink(sink) => sink.start(context),
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
            Self::Sink(sink) => sink.stop(),
            Self::Queue(_) | Self::Typed(_) => {}
        }
    }
}

/// How many pads of each side an element has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Pads that take: none, or `sink`.
    pub inputs: usize,
    /// Pads that give: none, `src`, or as many `src_0`, `src_1`, .. as are asked for, up to this many.
    pub outputs: usize,
}

impl Ports {
    /// Gives on one pad.
    pub const SOURCE: Self = Self {
        inputs: 0,
        outputs: 1,
    };
    /// Takes on one pad and gives on one.
    pub const FILTER: Self = Self {
        inputs: 1,
        outputs: 1,
    };
    /// Takes on one pad.
    pub const SINK: Self = Self {
        inputs: 1,
        outputs: 0,
    };
    /// Takes on one pad and gives on as many as are asked for.
    pub const BRANCHES: Self = Self {
        inputs: 1,
        outputs: 256,
    };

    /// The name of an output pad.
    pub fn output_name(self, index: usize) -> String {
        if self.outputs == 1 {
            "src".to_owned()
        } else {
            format!("src_{index}")
        }
    }

    /// Which output pad is called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](parallax_events::ErrorKind) says which names there are.
    pub fn output(self, name: &str) -> Result<usize> {
        let index = match (name, self.outputs) {
            ("src", 1) => Some(0),
            (_, 1) => None,
            _ => name.strip_prefix("src_").and_then(|number| number.parse().ok()),
        };
        index
            .filter(|&index: &usize| index < self.outputs)
            .ok_or_else(|| {
                let known = match self.outputs {
                    0 => "it gives nothing".to_owned(),
                    1 => "known: src".to_owned(),
                    most => format!("known: src_0 to src_{}", most - 1),
                };
                Error::not_found("no such output pad").with_hint(known)
            })
    }
}
