//! [`Node`]: an element and all that stands behind it on the same thread; [`Out`]: how an element pushes into that.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use parallax_events::{Error, ErrorKind, Result};
use parallax_memory::MemoryKind;

use super::{Phase, Shared, Tally};
use crate::bus::Bus;
use crate::queue::{Closed, Inbox, Refused, Sender};
use crate::{Element, Packet, Sink};

/// Where an element's packets go: one pad behind another.
#[derive(Debug)]
pub struct Out<'a> {
    pub(super) edges: &'a mut [Edge],
    pub(super) run: &'a Run,
}

impl Out<'_> {
    /// How many pads are linked.
    pub fn pads(&self) -> usize {
        self.edges.len()
    }

    /// Hands a packet to the first pad. It has been worked through, or waits in a queue, when this returns.
    ///
    /// # Errors
    /// If the pipeline stops. What failed has been reported; pass the error on as it is.
    #[inline]
    pub fn push(&mut self, packet: impl Into<Packet>) -> Result<()> {
        self.push_to(0, packet)
    }

    /// Hands a packet to the pad `pad`; one that is not linked drops it.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    #[inline]
    pub fn push_to(&mut self, pad: usize, packet: impl Into<Packet>) -> Result<()> {
        // An element that makes much of little would not come back for a stop otherwise.
        if self.run.shared.phase() == Phase::Stopping {
            return Err(self.run.closed(Closed));
        }
        match self.edges.get_mut(pad) {
            Some(edge) => edge.push(packet.into(), self.run),
            None => Ok(()),
        }
    }
}

/// A place to drive one element from outside a pipeline: it keeps what the element pushes.
///
/// ```
/// use parallax_pipeline::{Collector, Element, Out, Packet};
///
/// #[derive(Debug)]
/// struct Twice;
/// impl Element for Twice {
///     fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax_events::Result<()> {
///         out.push(packet.clone())?;
///         out.push(packet)
///     }
/// }
/// let mut collector = Collector::new(1);
/// Twice.process(parallax_memory::Bytes::from(vec![1]).into(), &mut collector.out())?;
/// assert_eq!(collector.take(0).len(), 2);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct Collector {
    edges: Vec<Edge>,
    run: Run,
}

impl Collector {
    /// A collector with so many pads.
    pub fn new(pads: usize) -> Self {
        Self::with_limit(pads, usize::MAX)
    }

    /// A collector that refuses a push when a pad holds `most` packets already.
    pub fn with_limit(pads: usize, most: usize) -> Self {
        let shared = Arc::new(Shared::new(Bus::default(), MemoryKind::Heap, 1));
        Self {
            edges: (0..pads).map(|_| Edge::Keep(Vec::new(), most)).collect(),
            run: Run::new(shared),
        }
    }

    /// What to give to the element.
    pub fn out(&mut self) -> Out<'_> {
        Out {
            edges: &mut self.edges,
            run: &self.run,
        }
    }

    /// What was pushed into a pad since the last look.
    pub fn take(&mut self, pad: usize) -> Vec<Packet> {
        match self.edges.get_mut(pad) {
            Some(Edge::Keep(kept, _)) => std::mem::take(kept),
            _ => Vec::new(),
        }
    }
}

/// What one thread of a run knows.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    /// Whether something failed or the pipeline stops: errors that come up are those of somebody below.
    failed: Cell<bool>,
    /// Who was working when a panic began.
    blamed: Cell<Option<usize>>,
}

impl Run {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            failed: Cell::new(false),
            blamed: Cell::new(None),
        }
    }

    pub(crate) fn blamed(&self) -> Option<usize> {
        self.blamed.get()
    }

    /// Reports the error of an element, unless it is one that was reported below it.
    #[cold]
    pub(crate) fn fail(&self, element: usize, error: Error) -> Error {
        if !self.failed.replace(true) {
            self.shared.fail(element, &error);
        }
        stopped()
    }

    #[cold]
    fn closed(&self, _: Closed) -> Error {
        self.failed.set(true);
        stopped()
    }

    /// Calls into an element; an error or a panic in it is laid at its door.
    #[inline]
    pub(crate) fn blame<T>(&self, element: usize, call: impl FnOnce() -> Result<T>) -> Result<T> {
        #[cfg(feature = "tracing")]
        let _span = self.span(element).entered();
        let guard = self.enter(element);
        let result = call();
        guard.left();
        result.map_err(|error| self.fail(element, error))
    }

    /// From now on a panic is the element's, until [`Blame::left`].
    #[inline(always)]
    fn enter(&self, element: usize) -> Blame<'_> {
        Blame { run: self, element }
    }

    #[cfg(feature = "tracing")]
    fn span(&self, element: usize) -> tracing::Span {
        let name = self.shared.names.get().and_then(|names| names.get(element));
        tracing::trace_span!("element", name)
    }
}

/// The error that only says that somebody else has failed or that the pipeline stops.
fn stopped() -> Error {
    Error::new(ErrorKind::Closed, "the pipeline stops")
}

/// Dropped only while a panic unwinds: the innermost is the first.
struct Blame<'a> {
    run: &'a Run,
    element: usize,
}

impl Blame<'_> {
    /// The call has come back.
    #[inline(always)]
    fn left(self) {
        std::mem::forget(self);
    }
}

impl Drop for Blame<'_> {
    #[cold]
    fn drop(&mut self) {
        if self.run.blamed.get().is_none() {
            self.run.blamed.set(Some(self.element));
        }
    }
}

/// What is linked to a pad.
pub(crate) enum Edge {
    /// The next element on the same thread.
    Node(Box<Node>),
    /// The border to another thread; the index is that of the queue as an element.
    Queue(Sender, usize, Arc<Tally>),
    /// A pad of an element with several inputs, on another thread; the index is that of the element.
    Inbox(Arc<Inbox>, usize, usize),
    /// What a test wants to see, up to so many.
    Keep(Vec<Packet>, usize),
    /// Nothing: packets are dropped.
    Open,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "Node({})", node.index),
            Self::Queue(_, index, _) => write!(f, "Queue({index})"),
            Self::Inbox(_, index, pad) => write!(f, "Inbox({index}, {pad})"),
            Self::Keep(kept, _) => write!(f, "Keep({})", kept.len()),
            Self::Open => f.write_str("Open"),
        }
    }
}

impl Edge {
    #[inline(always)]
    pub(crate) fn push(&mut self, packet: Packet, run: &Run) -> Result<()> {
        match self {
            Self::Node(node) => node.process(packet, run),
            Self::Queue(queue, _, tally) => {
                tally.count(packet.payload.bytes());
                queue.send(packet).map_err(|closed| run.closed(closed))
            }
            Self::Inbox(inbox, index, pad) => inbox.send(*pad, packet).map_err(|refused| match refused {
                Refused::Closed => run.closed(Closed),
                Refused::Limit(error) => run.fail(*index, error),
            }),
            Self::Keep(kept, most) if kept.len() < *most => {
                kept.push(packet);
                Ok(())
            }
            Self::Keep(_, most) => Err(Error::limit(format!("more than {most} packets"))),
            Self::Open => Ok(()),
        }
    }

    /// Has everything behind it forget the stream so far.
    pub(crate) fn flush(&mut self, run: &Run) -> Result<()> {
        match self {
            Self::Node(node) => {
                run.blame(node.index, || {
                    match &mut node.stage {
                        Stage::Element(element) => element.flush(),
                        Stage::Sink(sink) => sink.flush(),
                    }
                    Ok(())
                })?;
                node.edges.iter_mut().try_for_each(|edge| edge.flush(run))
            }
            Self::Queue(queue, ..) => queue.flush().map_err(|closed| run.closed(closed)),
            // A seek does not come here.
            Self::Inbox(..) | Self::Keep(..) | Self::Open => Ok(()),
        }
    }

    pub(crate) fn end(&mut self, run: &Run) -> Result<()> {
        match self {
            Self::Node(node) => node.end(run),
            Self::Queue(queue, ..) => queue.end().map_err(|closed| run.closed(closed)),
            Self::Inbox(inbox, _, pad) => inbox.end(*pad).map_err(|closed| run.closed(closed)),
            Self::Keep(..) | Self::Open => Ok(()),
        }
    }
}

/// An element with what is behind it.
pub(crate) struct Node {
    /// Which element of the pipeline it is.
    pub(crate) index: usize,
    pub(crate) stage: Stage,
    pub(crate) edges: Vec<Edge>,
    pub(crate) tally: Arc<Tally>,
    #[cfg(feature = "metrics")]
    pub(crate) meter: Option<crate::metered::Meter>,
}

pub(crate) enum Stage {
    Element(Box<dyn Element>),
    Sink(Box<dyn Sink>),
}

impl Node {
    // A packet is large to move: no closure around it, and no call between a push and the element.
    #[inline(always)]
    fn process(&mut self, packet: Packet, run: &Run) -> Result<()> {
        self.tally.count(packet.payload.bytes());
        #[cfg(feature = "tracing")]
        let _span = run.span(self.index).entered();
        #[cfg(feature = "metrics")]
        let began = self
            .meter
            .as_ref()
            .map(|meter| meter.begin(packet.payload.bytes()));
        let guard = run.enter(self.index);
        let result = match &mut self.stage {
            Stage::Element(element) => {
                let edges = &mut self.edges;
                element.process(packet, &mut Out { edges, run })
            }
            Stage::Sink(sink) => sink.consume(packet),
        };
        guard.left();
        #[cfg(feature = "metrics")]
        if let (Some(meter), Some(began)) = (&self.meter, began) {
            meter.end(began);
        }
        result.map_err(|error| run.fail(self.index, error))
    }

    fn end(&mut self, run: &Run) -> Result<()> {
        let Self {
            index, stage, edges, ..
        } = self;
        run.blame(*index, || match stage {
            Stage::Element(element) => element.drain(&mut Out { edges, run }),
            Stage::Sink(sink) => sink.end(),
        })?;
        if matches!(self.stage, Stage::Sink(_)) {
            run.shared.sink_completed();
        }
        self.edges.iter_mut().try_for_each(|edge| edge.end(run))
    }
}
