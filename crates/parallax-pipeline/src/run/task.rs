//! [`Task`]: what one thread does from start to end: a source, an element with several inputs or the far end of a
//! queue, and the tree behind it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parallax_events::{Error, Result};

use super::{Edge, Out, Outcome, Phase, Run, Shared, Stage, Tally};
use crate::queue::{Arrival, Inbox, Passing, Receiver};
use crate::typed::TypedRun;
use crate::{Aggregator, Built, Produced, Source};

pub(crate) struct Task {
    pub(crate) head: Head,
    pub(crate) edges: Vec<Edge>,
    pub(crate) run: Run,
}

/// Where a thread's packets come from.
pub(crate) enum Head {
    Source(usize, Box<dyn Source>, Arc<Tally>),
    Queue(usize, Receiver),
    Aggregator(usize, Box<dyn Aggregator>, Arc<Inbox>, Arc<Tally>),
    Typed(usize, Box<dyn TypedRun>),
}

impl Task {
    /// Runs to the end of the stream, an error or a stop; then gives the elements back. After a panic there are none:
    /// nobody knows what state they are in.
    pub(crate) fn run(mut self) -> Vec<(usize, Built)> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.work()));
        let shared = Arc::clone(&self.run.shared);
        let elements = match outcome {
            // An error has been reported where it happened.
            Ok(Ok(()) | Err(_)) => {
                let mut elements = self.take_apart();
                if matches!(shared.outcome(), Some(Outcome::Failed { .. })) {
                    abort(&shared, &mut elements);
                }
                elements
            }
            Err(panic) => {
                let culprit = self.run.blamed().unwrap_or_else(|| self.head_index());
                shared.fail(
                    culprit,
                    &Error::internal(format!("the element panicked: {}", said(panic.as_ref()))),
                );
                // What their `drop` does is no longer ours to trust.
                drop(catch_unwind(AssertUnwindSafe(|| drop(self))));
                Vec::new()
            }
        };
        shared.task_ended();
        elements
    }

    fn work(&mut self) -> Result<()> {
        let Self { head, edges, run } = self;
        match head {
            Head::Source(index, source, tally) => {
                let mut sequence = 0;
                // What came out of the source while a pause began.
                let mut held = None;
                let shared = Arc::clone(&run.shared);
                let desk = shared.seeks.get(*index);
                loop {
                    if let Some(desk) = desk.filter(|desk| desk.is_asked())
                        && let Some(position) = desk.take()
                    {
                        let sought = source.seek(position);
                        let is_there = sought.is_ok();
                        desk.answer(sought);
                        shared.progressed.notify(usize::MAX);
                        if is_there {
                            held = None;
                            edges.iter_mut().try_for_each(|edge| edge.flush(run))?;
                        }
                    }
                    match shared.phase() {
                        Phase::Playing => {}
                        Phase::Paused => {
                            shared.wait_unpaused(*index);
                            continue;
                        }
                        Phase::Ending if held.is_none() => break,
                        Phase::Ending => {}
                        Phase::Stopping => return Ok(()),
                    }
                    let produced = match held.take() {
                        Some(packet) => Produced::Packet(packet),
                        None => run.blame(*index, || source.produce())?,
                    };
                    match produced {
                        Produced::Packet(packet) if shared.phase() == Phase::Paused => held = Some(packet),
                        Produced::Packet(mut packet) => {
                            packet.metadata.sequence = sequence;
                            sequence += 1;
                            tally.count(packet.payload.bytes());
                            if let [edge, ..] = edges.as_mut_slice() {
                                edge.push(packet, run)?;
                            }
                        }
                        Produced::Nothing => {}
                        Produced::End => break,
                    }
                }
            }
            Head::Typed(index, chain) => {
                loop {
                    match run.shared.phase() {
                        Phase::Playing => {}
                        Phase::Paused => {
                            run.shared.wait_unpaused(usize::MAX);
                            continue;
                        }
                        Phase::Ending => break,
                        Phase::Stopping => return Ok(()),
                    }
                    if !run.blame(*index, || chain.burst())? {
                        break;
                    }
                }
                run.blame(*index, || chain.end())?;
                run.shared.sink_completed();
            }
            Head::Aggregator(index, aggregator, inbox, tally) => {
                // Closed: the pipeline stops.
                while let Ok(arrival) = inbox.receive(|pad| aggregator.wants(pad)) {
                    let mut out = Out { edges, run };
                    match arrival {
                        Arrival::Packet(pad, packet) => {
                            tally.count(packet.payload.bytes());
                            run.blame(*index, || aggregator.process(pad, packet, &mut out))?;
                        }
                        Arrival::End(pad) => run.blame(*index, || aggregator.end(pad, &mut out))?,
                        Arrival::AllEnded => {
                            run.blame(*index, || aggregator.drain(&mut out))?;
                            return edges.iter_mut().try_for_each(|edge| edge.end(run));
                        }
                    }
                }
                return Ok(());
            }
            Head::Queue(_, queue) => {
                // Closed: the pipeline stops.
                while let Ok(passing) = queue.receive() {
                    match (passing, edges.as_mut_slice()) {
                        (Passing::Packet(packet), [edge, ..]) => edge.push(packet, run)?,
                        (Passing::Packet(_), []) => {}
                        (Passing::Flush, edges) => edges.iter_mut().try_for_each(|edge| edge.flush(run))?,
                        (Passing::End, edges) => return edges.iter_mut().try_for_each(|edge| edge.end(run)),
                    }
                }
                return Ok(());
            }
        }
        edges.iter_mut().try_for_each(|edge| edge.end(run))
    }

    fn head_index(&self) -> usize {
        match &self.head {
            Head::Source(index, ..)
            | Head::Queue(index, _)
            | Head::Aggregator(index, ..)
            | Head::Typed(index, _) => *index,
        }
    }

    fn take_apart(self) -> Vec<(usize, Built)> {
        let mut elements = Vec::new();
        match self.head {
            Head::Source(index, source, _) => elements.push((index, Built::Source(source))),
            Head::Typed(index, chain) => elements.push((index, Built::Typed(chain))),
            Head::Aggregator(index, aggregator, ..) => elements.push((index, Built::Aggregator(aggregator))),
            Head::Queue(..) => {}
        }
        let mut edges = self.edges;
        while let Some(edge) = edges.pop() {
            if let Edge::Node(node) = edge {
                let built = match node.stage {
                    Stage::Element(element) => Built::Element(element),
                    Stage::Sink(sink) => Built::Sink(sink),
                };
                elements.push((node.index, built));
                edges.extend(node.edges);
            }
        }
        elements
    }
}

/// Tells sources and sinks that the run has failed.
fn abort(shared: &Shared, elements: &mut [(usize, Built)]) {
    for (index, built) in elements {
        let told = catch_unwind(AssertUnwindSafe(|| match built {
            Built::Source(source) => source.abort(),
            Built::Sink(sink) => sink.abort(),
            _ => {}
        }));
        if let Err(panic) = told {
            let text = format!("the element panicked: {}", said(panic.as_ref()));
            shared.fail(*index, &Error::internal(text));
        }
    }
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
