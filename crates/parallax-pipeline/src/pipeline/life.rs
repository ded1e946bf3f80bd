//! States: Null, Ready, Paused, Playing, and the way from each to each.
//!
//! In Null nothing is open. Ready: the graph is whole, caps are agreed, every element has started. Paused: threads
//! exist and sources wait. Playing: data flows. Down to Null everything is closed again, and the pipeline can be
//! played once more from its beginning.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use daggy::NodeIndex;
use daggy::petgraph::unionfind::UnionFind;
use daggy::petgraph::visit::EdgeRef;
use parallax_events::{Error, ErrorKind, Result};

use super::Pipeline;
#[cfg(feature = "async")]
use crate::QueueConfig;
use crate::bus::Message;
use crate::queue::{Border, Inbox, Queue, Receiver, Sender};
use crate::run::{Context, Edge, Head, Node, Outcome, PATIENCE, Phase, Run, Shared, Stage, Task};
use crate::{Built, Ports, Position};

/// How long a pause waits for sources that are held back.
const PAUSE_PATIENCE: Duration = Duration::from_millis(200);

/// Where a pipeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is open.
    Null,
    /// Every element has started.
    Ready,
    /// Threads exist, sources wait.
    Paused,
    /// Data flows.
    Playing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Ready => "Ready",
            Self::Paused => "Paused",
            Self::Playing => "Playing",
        })
    }
}

/// Ends or stops a run from another thread, such as a handler of Ctrl-C.
#[derive(Debug, Clone)]
pub struct Controller(Arc<Shared>);

impl Controller {
    /// Has every source end its stream now: what is under way is completed, then comes EOS.
    pub fn end(&self) {
        self.0.set_phase(Phase::Ending);
    }

    /// Has everything stop where it is, without an end.
    pub fn stop(&self) {
        self.0.decide(Outcome::Stopped);
        self.0.set_phase(Phase::Stopping);
    }
}

impl Pipeline {
    /// Where it is. A run that has ended stays Playing until it is stopped.
    pub fn state(&self) -> State {
        self.state
    }

    /// Goes to a state, through those between.
    ///
    /// # Errors
    /// What is wrong with the graph, what an element says when it starts, or, on the way down, that a thread does not
    /// end. After an error on the way up it is in Null.
    pub fn set_state(&mut self, target: State) -> Result<()> {
        if target < self.state && target < State::Paused {
            self.make_null()?;
        }
        while self.state != target {
            let from = self.state;
            let (to, moved) = match (from, target > from) {
                (State::Null, _) => (State::Ready, self.make_ready()),
                (State::Ready, _) => (State::Paused, self.make_paused()),
                (State::Paused, _) => (State::Playing, self.set_phase(Phase::Playing)),
                (State::Playing, _) => (State::Paused, self.hold_back()),
            };
            if let Err(error) = moved {
                self.make_null()?;
                return Err(error);
            }
            self.now_in(to);
        }
        Ok(())
    }

    /// Plays. Returns as soon as data flows.
    ///
    /// # Errors
    /// As [`set_state`](Self::set_state).
    pub async fn play(&mut self) -> Result<()> {
        self.set_state(State::Playing)
    }

    /// Holds the sources; what is under way goes on to the sinks.
    ///
    /// # Errors
    /// As [`set_state`](Self::set_state).
    pub async fn pause(&mut self) -> Result<()> {
        self.set_state(State::Paused)
    }

    /// Until every sink has completed, on any runtime.
    ///
    /// # Errors
    /// That of the element that failed; [`ErrorKind::Closed`] if it was stopped or does not run.
    pub async fn wait_eos(&self) -> Result<()> {
        let shared = self.shared.as_ref().ok_or_else(not_running)?;
        shared.until_outcome().await;
        result_of(shared)
    }

    /// As [`wait_eos`](Self::wait_eos), on this thread and for at most so long; `false` if it was not long enough.
    ///
    /// # Errors
    /// As [`wait_eos`](Self::wait_eos).
    pub fn wait_eos_timeout(&self, timeout: Duration) -> Result<bool> {
        let shared = self.shared.as_ref().ok_or_else(not_running)?;
        match shared.wait_for(Instant::now().checked_add(timeout), |shared| {
            shared.outcome().is_some()
        }) {
            true => result_of(shared).map(|()| true),
            false => Ok(false),
        }
    }

    /// Plays to the end of the stream on this thread's time, and stops.
    ///
    /// # Errors
    /// As [`set_state`](Self::set_state) and [`wait_eos`](Self::wait_eos).
    pub fn run(&mut self) -> Result<()> {
        self.set_state(State::Playing)?;
        let outcome = self.wait_eos_timeout(Duration::MAX);
        let stopped = self.stop();
        outcome?;
        stopped
    }

    /// Stops from any state: every thread ends, every element closes.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if a thread does not end within a second; it is left behind with its elements.
    pub fn stop(&mut self) -> Result<()> {
        self.set_state(State::Null)
    }

    /// A handle to this run for other threads; `None` before it is ready.
    pub fn controller(&self) -> Option<Controller> {
        self.shared
            .clone()
            .filter(|_| self.state >= State::Ready)
            .map(Controller)
    }

    /// Has a source go to another place of its stream, playing or paused; everything behind it forgets the stream so far.
    /// A file that is being written goes on behind what is in it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such source, [`ErrorKind::Unsupported`] if it cannot seek, or if what is
    /// behind it is joined with other streams, which would then not fit, [`ErrorKind::Timeout`] if it does not answer
    /// within a second because it is held back or its stream has ended.
    pub fn seek(&self, source: &str, position: Position) -> Result<()> {
        let shared = self.shared.as_ref().ok_or_else(not_running)?;
        if self.state < State::Paused {
            return Err(not_running());
        }
        let index = self.element(source).map(|id| NodeIndex::new(id.0));
        let index = index
            .filter(|&index| self.dag[index].ports.inputs == 0)
            .ok_or_else(|| Error::not_found(format!("no source is called `{source}`")))?;
        let mut behind = daggy::petgraph::visit::Dfs::new(self.dag.graph(), index);
        while let Some(index) = behind.next(self.dag.graph()) {
            if let Some(Border::Inbox(_)) = self.dag[index].border {
                return Err(
                    Error::unsupported("a seek in a stream that is joined with others")
                        .with_context("element", &self.dag[index].name),
                );
            }
        }
        shared
            .seek(index.index(), position)
            .map_err(|error| error.with_context("element", source))
    }

    fn now_in(&mut self, to: State) {
        match (to, self.playing_since.take()) {
            (State::Playing, _) => self.playing_since = Some(Instant::now()),
            (_, Some(since)) => self.played += since.elapsed(),
            _ => {}
        }
        let from = std::mem::replace(&mut self.state, to);
        if from != to {
            self.bus.post(Message::State { from, to });
        }
    }

    fn set_phase(&mut self, phase: Phase) -> Result<()> {
        self.shared.as_ref().ok_or_else(not_running)?.set_phase(phase);
        Ok(())
    }

    /// Has the sources wait, and waits until they do, so that nothing more comes from them. One that is held back by a full
    /// queue, or by what it gives from, is not waited for beyond a moment; it gives no more than it has begun.
    fn hold_back(&mut self) -> Result<()> {
        self.set_phase(Phase::Paused)?;
        let shared = self.shared.as_ref().ok_or_else(not_running)?;
        let sources = self
            .dag
            .graph()
            .node_weights()
            .filter(|member| member.ports.inputs == 0 && member.border.is_none())
            .count();
        shared.wait_for(Instant::now().checked_add(PAUSE_PATIENCE), |shared| {
            shared.phases.are_held_back(sources) || shared.phases.all_ended() || shared.outcome().is_some()
        });
        Ok(())
    }

    fn make_ready(&mut self) -> Result<()> {
        self.check_links()?;
        self.negotiate()?;
        let count = self.dag.node_count();
        let shared = Arc::new(Shared::new(self.bus.clone(), self.config.memory.clone(), count));
        let names = self.names().map(str::to_owned).collect();
        // Nobody else has it yet.
        let _ = shared.names.set(names);
        self.shared = Some(Arc::clone(&shared));
        self.played = Duration::ZERO;
        // Sinks first: when a source starts, everything behind it is ready.
        for index in self.in_order().into_iter().rev() {
            let groups = self.groups(index);
            let Some(member) = self.dag.node_weight_mut(index) else {
                continue;
            };
            member.tally = Arc::default();
            let context = Context {
                element: member.name.clone(),
                index: index.index(),
                memory: member.memory.clone().unwrap_or_else(|| shared.memory.clone()),
                shared: Arc::clone(&shared),
            };
            let Some(built) = &mut member.built else {
                return Err(Error::new(
                    ErrorKind::Closed,
                    "it was lost in an earlier run that panicked or hung",
                )
                .with_context("element", &member.name));
            };
            member.border = match built {
                Built::Queue(config) => Some(Border::Queue(Queue::new(config, false))),
                Built::Aggregator(_) => Some(Border::Inbox(Inbox::new(&groups))),
                #[cfg(feature = "async")]
                Built::AsyncSource(_) | Built::AsyncSink(_) => {
                    Some(Border::Queue(Queue::new(&QueueConfig::default(), true)))
                }
                _ => None,
            };
            let mut borders = shared.borders.lock().unwrap_or_else(PoisonError::into_inner);
            borders.extend(member.border.clone());
            drop(borders);
            if let Err(error) = built.start(&context, groups.len()) {
                let error = error.with_context("element", &member.name);
                self.bus.post_error(context.element(), &error);
                return Err(error);
            }
        }
        let latency = self.latency();
        self.latency_then = Some(latency);
        self.bus.post(Message::Latency(latency));
        Ok(())
    }

    /// For each input pad of an element, up to the last that is linked: which of them hang together elsewhere in the
    /// graph, so that what one of them holds back may be what another waits for.
    fn groups(&self, index: NodeIndex) -> Vec<Option<usize>> {
        let inputs = self.inputs(index);
        let mut groups = vec![None; inputs.last().map_or(0, |(input, _)| input + 1)];
        let mut elsewhere = UnionFind::new(self.dag.node_count());
        for edge in self.dag.graph().edge_references() {
            if edge.source() != index && edge.target() != index {
                elsewhere.union(edge.source().index(), edge.target().index());
            }
        }
        for (input, link) in inputs {
            if let (Some((source, _)), Some(group)) = (self.dag.edge_endpoints(link), groups.get_mut(input)) {
                *group = Some(elsewhere.find(source.index()));
            }
        }
        groups
    }

    fn check_links(&self) -> Result<()> {
        if self.dag.node_count() == 0 {
            return Err(Error::param("the pipeline has no elements"));
        }
        for index in self.dag.graph().node_indices() {
            let member = &self.dag[index];
            let Ports { inputs, outputs } = member.ports;
            let fault = if inputs > 0 && self.inputs(index).is_empty() {
                ("its input is not linked", "put a source before it")
            } else if outputs > 0 && self.outputs(index).is_empty() {
                (
                    "its output is not linked",
                    "put a sink behind it, such as `fakesink`",
                )
            } else {
                continue;
            };
            return Err(Error::param(fault.0)
                .with_context("element", &member.name)
                .with_hint(fault.1));
        }
        Ok(())
    }

    fn make_paused(&mut self) -> Result<()> {
        let shared = Arc::clone(self.shared.as_ref().ok_or_else(not_running)?);
        let mut tasks = Vec::new();
        let mut sinks = 0;
        #[cfg(feature = "async")]
        let mut async_tasks = Vec::new();
        for index in self.in_order() {
            let Some(member) = self.dag.node_weight_mut(index) else {
                continue;
            };
            let number = index.index();
            let head = match (&member.border, member.built.take()) {
                (_, Some(Built::Source(source))) => Head::Source(number, source, Arc::clone(&member.tally)),
                (_, Some(Built::Typed(chain))) => {
                    sinks += 1;
                    Head::Typed(number, chain)
                }
                (Some(Border::Inbox(inbox)), Some(Built::Aggregator(aggregator))) => {
                    Head::Aggregator(number, aggregator, Arc::clone(inbox), Arc::clone(&member.tally))
                }
                #[cfg(feature = "async")]
                (Some(Border::Queue(queue)), Some(Built::AsyncSink(sink))) => {
                    sinks += 1;
                    async_tasks.push((
                        number,
                        Built::AsyncSink(sink),
                        Arc::clone(queue),
                        Arc::clone(&member.tally),
                    ));
                    continue;
                }
                #[cfg(feature = "async")]
                (Some(Border::Queue(queue)), Some(Built::AsyncSource(source))) => {
                    async_tasks.push((
                        number,
                        Built::AsyncSource(source),
                        Arc::clone(queue),
                        Arc::clone(&member.tally),
                    ));
                    Head::Queue(number, Receiver::new(Arc::clone(queue)))
                }
                (Some(Border::Queue(queue)), built) => {
                    member.built = built;
                    Head::Queue(number, Receiver::new(Arc::clone(queue)))
                }
                (_, built) => {
                    sinks += usize::from(matches!(built, Some(Built::Sink(_))));
                    member.built = built;
                    continue;
                }
            };
            tasks.push((index, head));
        }
        shared.phases.expect_sinks(sinks);
        shared.phases.begin(tasks.len());
        #[cfg(feature = "async")]
        for task in async_tasks {
            spawn_task(&shared, task)?;
        }
        let mut left = tasks.len();
        for (index, head) in tasks {
            let task = Task {
                head,
                edges: self.edges(index),
                run: Run::new(Arc::clone(&shared)),
            };
            let member = &self.dag[index];
            let name = member.name.chars().take(15).collect();
            let (place, context) = (member.place, (member.name.clone(), self.bus.clone()));
            // A fused chain calls from each element into the next.
            let builder = thread::Builder::new().name(name).stack_size(16 << 20);
            let work = move || {
                place.take(&context.0, &context.1);
                task.run()
            };
            match builder.spawn(work) {
                Ok(thread) => self.threads.push(thread),
                Err(error) => {
                    shared.phases.end(left);
                    return Err(error.into());
                }
            }
            left -= 1;
        }
        Ok(())
    }

    /// What stands behind an element up to the next threads, taken out of the graph.
    fn edges(&mut self, index: NodeIndex) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (output, link) in self.outputs(index) {
            while edges.len() < output {
                edges.push(Edge::Open);
            }
            let Some((target, input)) = self.target(link) else {
                continue;
            };
            let Some(member) = self.dag.node_weight_mut(target) else {
                continue;
            };
            let tally = Arc::clone(&member.tally);
            #[cfg(feature = "metrics")]
            let meter = self
                .is_metered
                .then(|| crate::metered::Meter::new(&member.name, member.ports.input_name(input)));
            let number = target.index();
            let stage = match (&member.border, member.built.take()) {
                (Some(border), built) => {
                    member.built = built;
                    edges.push(match border {
                        Border::Queue(queue) => Edge::Queue(Sender::new(Arc::clone(queue)), number, tally),
                        Border::Inbox(inbox) => Edge::Inbox(Arc::clone(inbox), number, input),
                    });
                    continue;
                }
                (None, Some(Built::Element(element))) => Stage::Element(element),
                (None, Some(Built::Sink(sink))) => Stage::Sink(sink),
                // Neither has an input.
                (None, _) => continue,
            };
            let behind = self.edges(target);
            edges.push(Edge::Node(Box::new(Node {
                index: number,
                stage,
                edges: behind,
                tally,
                #[cfg(feature = "metrics")]
                meter,
            })));
        }
        edges
    }

    /// Ends every thread, takes the elements back and closes them.
    fn make_null(&mut self) -> Result<()> {
        let Some(shared) = self.shared.clone() else {
            return Ok(());
        };
        if self.state == State::Null && self.threads.is_empty() {
            self.close_all();
            return Ok(());
        }
        shared.decide(Outcome::Stopped);
        shared.set_phase(Phase::Stopping);
        let deadline = Instant::now() + PATIENCE;
        let ended = shared.wait_for(Some(deadline), |shared| shared.phases.all_ended());
        let mut stuck = Vec::new();
        for thread in std::mem::take(&mut self.threads) {
            // The last a thread does after it counts itself out is to return.
            if !ended && !thread.is_finished() {
                stuck.push(thread.thread().name().unwrap_or("a thread").to_owned());
                continue;
            }
            for (index, built) in thread.join().unwrap_or_default() {
                if let Some(member) = self.dag.node_weight_mut(NodeIndex::new(index)) {
                    member.built = Some(built);
                }
            }
        }
        #[cfg(feature = "async")]
        for (index, built) in shared
            .given_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            if let Some(member) = self.dag.node_weight_mut(NodeIndex::new(index)) {
                member.built = Some(built);
            }
        }
        self.close_all();
        self.now_in(State::Null);
        if stuck.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            "an element did not come back within a second; it is left behind",
        )
        .with_context("threads", stuck.join(", ")))
    }

    fn close_all(&mut self) {
        let indices: Vec<NodeIndex> = self.dag.graph().node_indices().collect();
        for index in indices {
            if let Some(built) = self
                .dag
                .node_weight_mut(index)
                .and_then(|member| member.built.as_mut())
            {
                built.stop();
            }
        }
    }
}

/// Starts a source or sink that is a task.
#[cfg(feature = "async")]
fn spawn_task(
    shared: &Arc<Shared>,
    (index, built, queue, tally): (usize, Built, Arc<Queue>, Arc<crate::run::Tally>),
) -> Result<()> {
    use crate::asynchronous::{Place, spawn};

    let place = Place {
        index,
        queue,
        shared: Arc::clone(shared),
        tally,
    };
    shared.phases.begin(1);
    let spawned = match built {
        Built::AsyncSource(source) => {
            spawn(source, place, |task, place| task.work(place), Built::AsyncSource)
        }
        Built::AsyncSink(sink) => spawn(sink, place, |task, place| task.work(place), Built::AsyncSink),
        _ => Ok(()),
    };
    if spawned.is_err() {
        shared.phases.end(1);
    }
    Ok(spawned?)
}

fn not_running() -> Error {
    Error::new(ErrorKind::Closed, "the pipeline does not run").with_hint("play it first")
}

fn result_of(shared: &Shared) -> Result<()> {
    match shared.outcome() {
        Some(Outcome::Eos) => Ok(()),
        Some(Outcome::Failed { element, kind, text }) => {
            Err(Error::new(*kind, text.clone()).with_context("element", element))
        }
        Some(Outcome::Stopped) | None => Err(Error::new(
            ErrorKind::Closed,
            "the pipeline was stopped before its end",
        )),
    }
}
