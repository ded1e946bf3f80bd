//! [`Pipeline`]: elements and links, built by a program or from a text, and run.
//!
//! In: elements under names, links between their pads. Out: a running graph, its messages and its figures.
//!
//! Contract: the graph has no cycle. What is wrong with it is found when it becomes ready, before any thread exists.
//! From Playing it can be stopped at any moment; that takes at most a second.

mod bins;
mod life;
mod negotiate;
mod place;
mod plan;
mod report;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use daggy::petgraph::Direction;
use daggy::petgraph::visit::EdgeRef;
use daggy::{Dag, EdgeIndex, NodeIndex};
use parallax_events::{Error, Params, Result, chain};
use parallax_memory::MemoryKind;

pub(crate) use self::bins::Bin;
pub use self::life::{Controller, State};
pub(crate) use self::place::Place;
pub use self::plan::Latency;
pub use self::report::{ElementStats, LinkStats, Stats};
use crate::bus::Bus;
use crate::queue::Border;
use crate::run::{Shared, Tally};
use crate::{Built, Caps, ElementRow, Ports, Registry};

/// The most elements of one pipeline: a fused chain calls from each into the next, and a stack is finite.
pub const MAX_ELEMENTS: usize = 1000;

/// What holds for a whole pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineConfig {
    /// What the pools of its elements are made of.
    pub memory: MemoryKind,
}

/// An element of one pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementId(usize);

/// A graph of elements that can be run.
///
/// ```
/// use parallax_events::Result;
/// use parallax_memory::Bytes;
/// use parallax_pipeline::{Built, Packet, Pipeline, Produced, Sink, Source};
///
/// #[derive(Debug)]
/// struct Count(u8);
/// impl Source for Count {
///     fn produce(&mut self) -> Result<Produced> {
///         self.0 += 1;
///         Ok((self.0 <= 3).then(|| Packet::from(Bytes::from(vec![self.0]))).into())
///     }
/// }
/// #[derive(Debug)]
/// struct Print;
/// impl Sink for Print {
///     fn consume(&mut self, packet: Packet) -> Result<()> {
///         println!("{:?}", packet.payload);
///         Ok(())
///     }
/// }
///
/// let mut pipeline = Pipeline::new();
/// let source = pipeline.add("src", Built::source(Count(0)))?;
/// let sink = pipeline.add("print", Built::sink(Print))?;
/// pipeline.link(source, sink)?;
/// # pollster::block_on(async {
/// pipeline.play().await?;
/// pipeline.wait_eos().await?;
/// # Ok::<(), parallax_events::Error>(()) })?;
/// pipeline.stop()?;
/// # Ok::<(), parallax_events::Error>(())
/// ```
pub struct Pipeline {
    pub(crate) dag: Dag<Member, Link>,
    names: HashMap<String, NodeIndex>,
    pub(crate) bins: Vec<Bin>,
    /// Where elements that are added stand, while a text is read.
    open_bin: Option<usize>,
    config: PipelineConfig,
    bus: Bus,
    state: State,
    /// Since when it plays, and how long it had played before, in this run or the last one.
    playing_since: Option<Instant>,
    played: Duration,
    /// As it was when everything had started: while it runs, threads have the elements.
    latency_then: Option<Latency>,
    /// Of this run, from Ready on; of the last one afterwards.
    shared: Option<Arc<Shared>>,
    /// Whether each packet goes into a histogram.
    #[cfg(feature = "metrics")]
    pub(crate) is_metered: bool,
    threads: Vec<JoinHandle<Vec<(usize, Built)>>>,
    /// Elements that an error about caps may propose.
    pub(crate) converters: Vec<&'static ElementRow>,
}

/// An element in its pipeline.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Whether the name was chosen for it and not made up.
    pub(crate) is_named: bool,
    /// Where it stands in parentheses.
    bin: Option<usize>,
    /// Not here while a thread has it.
    built: Option<Built>,
    pub(crate) ports: Ports,
    pub(crate) origin: Origin,
    tally: Arc<Tally>,
    /// Where its thread runs, if it begins one.
    pub(crate) place: Place,
    /// What its pools are made of, if not of what the pipeline's are.
    pub(crate) memory: Option<MemoryKind>,
    /// Of an element that begins a thread and takes in, in a run.
    border: Option<Border>,
}

/// How an element is written.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Made by a program.
    Program(&'static str),
    /// From a row and its parameters.
    Row(&'static ElementRow, Params),
    /// A caps filter.
    Caps(Caps),
}

impl Origin {
    /// The id that the element is written with.
    fn id(&self) -> &'static str {
        match self {
            Self::Program(id) => id,
            Self::Row(row, _) => row.id(),
            Self::Caps(_) => "capsfilter",
        }
    }
}

/// A link from an output pad to an input pad.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) output: usize,
    pub(crate) input: usize,
    /// What was agreed, once it was.
    caps: Option<Caps>,
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new() -> Self {
        Self::with_config(PipelineConfig::default())
    }

    /// An empty pipeline with other memory.
    pub fn with_config(config: PipelineConfig) -> Self {
        Self {
            dag: Dag::new(),
            names: HashMap::new(),
            bins: Vec::new(),
            open_bin: None,
            config,
            bus: Bus::default(),
            state: State::Null,
            playing_since: None,
            played: Duration::ZERO,
            latency_then: None,
            shared: None,
            #[cfg(feature = "metrics")]
            is_metered: false,
            threads: Vec::new(),
            converters: Vec::new(),
        }
    }

    /// Adds an element under a name of its own.
    ///
    /// # Errors
    /// If the name is taken or no name, if there are too many elements, or the pipeline is not in Null.
    pub fn add(&mut self, name: &str, element: impl Into<Built>) -> Result<ElementId> {
        let built = element.into();
        let ports = built.ports();
        self.insert(Some(name), built, ports, Origin::Program("element"))
    }

    /// As [`add`](Self::add), for an element of your own with other pads than one on each side: a tee, a splitter.
    ///
    /// # Errors
    /// As [`add`](Self::add), and if there are several inputs and it is no [`Aggregator`](crate::Aggregator).
    pub fn add_with_ports(
        &mut self,
        name: &str,
        element: impl Into<Built>,
        ports: Ports,
    ) -> Result<ElementId> {
        let built = element.into();
        if ports.inputs > 1 && !matches!(built, Built::Aggregator(_)) {
            return Err(Error::param("several inputs of an element that takes on one")
                .with_context("element", name)
                .with_hint("implement `Aggregator` for it"));
        }
        self.insert(Some(name), built, ports, Origin::Program("element"))
    }

    /// Adds the element that `text` names with its parameters: `filesrc location=a.raw`.
    ///
    /// # Errors
    /// As [`add`](Self::add), and what is wrong with the text.
    pub fn add_text(&mut self, name: &str, text: &str, registry: &Registry) -> Result<ElementId> {
        let chain = parallax_events::Chain::parse(text)?;
        let [link] = chain.links.as_slice() else {
            return Err(Error::param(format!("\"{text}\" is not one element")));
        };
        let (row, params) = registry.check(link)?;
        self.know_converters(registry);
        self.add_row(Some(name), row, params)
    }

    /// Links the next free pads of two elements.
    ///
    /// # Errors
    /// If there is no free pad, or the link would close a circle, which is shown.
    pub fn link(&mut self, from: ElementId, to: ElementId) -> Result<()> {
        self.link_pads(from, None, to, None)
    }

    /// As [`link`](Self::link), from a pad called by its name: `src_1`.
    ///
    /// # Errors
    /// As [`link`](Self::link), and if there is no such pad.
    pub fn link_from(&mut self, from: ElementId, pad: &str, to: ElementId) -> Result<()> {
        self.link_pads(from, Some(pad), to, None)
    }

    /// As [`link`](Self::link), to a pad called by its name: `sink_1`.
    ///
    /// # Errors
    /// As [`link`](Self::link), and if there is no such pad.
    pub fn link_to(&mut self, from: ElementId, to: ElementId, pad: &str) -> Result<()> {
        self.link_pads(from, None, to, Some(pad))
    }

    /// Says on which core, counted from 0, and with which real-time priority, 1 to 99, the thread of an element runs: a
    /// source, a queue or an element with several inputs. What is not given stays as it is. What the system refuses is
    /// a warning on the bus.
    ///
    /// # Errors
    /// If the element begins no thread, the priority is out of range, or the pipeline is not in Null.
    pub fn place(&mut self, element: ElementId, core: Option<usize>, priority: Option<u8>) -> Result<()> {
        self.require_null("threads are placed")?;
        let Some(member) = self.dag.node_weight_mut(NodeIndex::new(element.0)) else {
            return Err(Error::not_found("an element of another pipeline"));
        };
        let begins = matches!(
            member.built,
            Some(Built::Source(_) | Built::Queue(_) | Built::Aggregator(_) | Built::Typed(_))
        );
        if !begins {
            return Err(
                Error::param("it begins no thread, so it has no core and no priority")
                    .with_context("element", &member.name)
                    .with_hint("put `queue core=..` before it"),
            );
        }
        if let Some(priority) = priority.filter(|priority| !(1..=99).contains(priority)) {
            return Err(Error::param(format!("a priority of {priority}")).with_hint("1 to 99"));
        }
        member.place = Place { core, priority };
        Ok(())
    }

    /// Says what the pools of one element are made of, instead of what [`PipelineConfig`] says.
    ///
    /// # Errors
    /// If the pipeline is not in Null.
    pub fn set_memory(&mut self, element: ElementId, memory: MemoryKind) -> Result<()> {
        self.require_null("memory is chosen")?;
        let Some(member) = self.dag.node_weight_mut(NodeIndex::new(element.0)) else {
            return Err(Error::not_found("an element of another pipeline"));
        };
        member.memory = Some(memory);
        Ok(())
    }

    /// The element called `name`.
    pub fn element(&self, name: &str) -> Option<ElementId> {
        self.names.get(name).map(|index| ElementId(index.index()))
    }

    /// The names of all elements, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.dag.graph().node_weights().map(|member| member.name.as_str())
    }

    /// The names of all elements and the ids that they are written with, in the order in which they were added.
    pub fn elements(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dag
            .graph()
            .node_weights()
            .map(|member| (member.name.as_str(), member.origin.id()))
    }

    /// The links, as `from.pad ! to` or, if that has several inputs, `from.pad ! to.pad`, sorted: what the graph is, whatever the order in which it was built.
    pub fn links(&self) -> Vec<String> {
        let mut links: Vec<String> = self
            .dag
            .graph()
            .edge_references()
            .map(|edge| {
                let (from, to) = (&self.dag[edge.source()], &self.dag[edge.target()]);
                let Link { output, input, .. } = edge.weight();
                let output = from.ports.output_name(*output);
                let link = format!("{}.{output} ! {}", from.name, to.name);
                match to.ports.inputs {
                    0 | 1 => link,
                    _ => format!("{link}.{}", to.ports.input_name(*input)),
                }
            })
            .collect();
        links.sort_unstable();
        links
    }

    /// The messages.
    pub fn bus(&self) -> Bus {
        self.bus.clone()
    }

    pub(crate) fn know_converters(&mut self, registry: &Registry) {
        self.converters = registry
            .rows()
            .iter()
            .copied()
            .filter(|row| row.converts.is_some())
            .collect();
    }

    pub(crate) fn add_row(
        &mut self,
        name: Option<&str>,
        row: &'static ElementRow,
        params: Params,
    ) -> Result<ElementId> {
        let built = (row.build)(params.clone())?;
        self.insert(name, built, row.ports, Origin::Row(row, params))
    }

    /// Adds an element; without a name it is called by its id and the first number that is free.
    pub(crate) fn insert(
        &mut self,
        name: Option<&str>,
        built: Built,
        ports: Ports,
        origin: Origin,
    ) -> Result<ElementId> {
        self.require_null("elements are added")?;
        if self.dag.node_count() >= MAX_ELEMENTS {
            return Err(Error::limit(format!(
                "a pipeline of more than {MAX_ELEMENTS} elements"
            )));
        }
        let id = origin.id();
        let made_up;
        let full = match name {
            Some(name) => name,
            None => {
                let free = (0..).map(|number| format!("{id}{number}"));
                made_up = free
                    .into_iter()
                    .find(|name| self.check_free(name).is_ok())
                    .unwrap_or_default();
                &made_up
            }
        };
        check_name(full)?;
        self.check_free(full)?;
        let index = self.dag.add_node(Member {
            name: full.to_owned(),
            is_named: name.is_some(),
            bin: self.open_bin,
            built: Some(built),
            ports,
            origin,
            tally: Arc::default(),
            place: Place::default(),
            memory: None,
            border: None,
        });
        self.names.insert(full.to_owned(), index);
        Ok(ElementId(index.index()))
    }

    /// Links two pads, by name or the next that is free.
    ///
    /// # Errors
    /// As [`link`](Self::link), and if there is no such pad or it is linked.
    pub fn link_pads(
        &mut self,
        from: ElementId,
        output: Option<&str>,
        to: ElementId,
        input: Option<&str>,
    ) -> Result<()> {
        self.require_null("elements are linked")?;
        let (from, to) = (NodeIndex::new(from.0), NodeIndex::new(to.0));
        let (Some(source), Some(target)) = (self.dag.node_weight(from), self.dag.node_weight(to)) else {
            return Err(Error::not_found("an element of another pipeline"));
        };
        let taken: Vec<usize> = self.outputs(from).into_iter().map(|(output, _)| output).collect();
        let output = match output {
            Some(pad) => source.ports.output(pad),
            None => free(source.ports.outputs, &taken).ok_or_else(|| match source.ports.outputs {
                0 => Error::param(format!(
                    "`{}` ends the stream: nothing can follow it",
                    source.name
                )),
                1 => {
                    Error::param("its output is linked already").with_hint("put a `tee` behind it to branch")
                }
                most => Error::param(format!("its {most} outputs are linked already")),
            }),
        };
        let output = output.and_then(|pad| unless_linked(pad, &taken, || source.ports.output_name(pad)));
        let output = output.map_err(|error| error.with_context("element", &source.name))?;
        let taken: Vec<usize> = self.inputs(to).into_iter().map(|(input, _)| input).collect();
        let input = match input {
            Some(pad) => target.ports.input(pad),
            None => free(target.ports.inputs, &taken).ok_or_else(|| match target.ports.inputs {
                0 => Error::param(format!(
                    "`{}` begins a stream: nothing can stand before it",
                    target.name
                )),
                1 => Error::param("its input is linked already")
                    .with_hint("an element with several inputs joins streams"),
                most => Error::param(format!("its {most} inputs are linked already")),
            }),
        };
        let input = input.and_then(|pad| unless_linked(pad, &taken, || target.ports.input_name(pad)));
        let input = input.map_err(|error| error.with_context("element", &target.name))?;
        let link = Link {
            output,
            input,
            caps: None,
        };
        if self.dag.add_edge(from, to, link).is_err() {
            return Err(
                Error::param("the link would close a circle").with_context("circle", self.path(to, from))
            );
        }
        Ok(())
    }

    /// The way from one element to another and back, for a person.
    fn path(&self, from: NodeIndex, to: NodeIndex) -> String {
        let way = daggy::petgraph::algo::astar(self.dag.graph(), from, |index| index == to, |_| 1, |_| 0);
        let mut names: Vec<&str> = way
            .iter()
            .flat_map(|(_, way)| way)
            .map(|&index| self.dag[index].name.as_str())
            .collect();
        names.push(&self.dag[from].name);
        names.join(" ! ")
    }

    /// The links that leave an element, by output pad.
    pub(crate) fn outputs(&self, index: NodeIndex) -> Vec<(usize, EdgeIndex)> {
        let edges = self.dag.graph().edges_directed(index, Direction::Outgoing);
        let mut outputs: Vec<_> = edges.map(|edge| (edge.weight().output, edge.id())).collect();
        outputs.sort_unstable();
        outputs
    }

    /// The links that come to an element, by input pad.
    pub(crate) fn inputs(&self, index: NodeIndex) -> Vec<(usize, EdgeIndex)> {
        let edges = self.dag.graph().edges_directed(index, Direction::Incoming);
        let mut inputs: Vec<_> = edges.map(|edge| (edge.weight().input, edge.id())).collect();
        inputs.sort_unstable();
        inputs
    }

    /// Where a link comes to: the element and its pad.
    pub(crate) fn target(&self, link: EdgeIndex) -> Option<(NodeIndex, usize)> {
        let (_, target) = self.dag.edge_endpoints(link)?;
        Some((target, self.dag.edge_weight(link)?.input))
    }

    fn require_null(&self, what: &str) -> Result<()> {
        if self.state == State::Null {
            return Ok(());
        }
        Err(Error::param(format!("{what} in the state Null, not {}", self.state)).with_hint("stop it first"))
    }
}

/// The first of so many pads that is free.
fn free(pads: usize, taken: &[usize]) -> Option<usize> {
    (0..pads).find(|pad| !taken.contains(pad))
}

fn unless_linked(pad: usize, taken: &[usize], name: impl Fn() -> String) -> Result<usize> {
    if taken.contains(&pad) {
        return Err(Error::param(format!("the pad `{}` is linked already", name())));
    }
    Ok(pad)
}

fn check_name(name: &str) -> Result<()> {
    let word = |(index, c): (usize, char)| {
        c.is_ascii_alphabetic() || c == '_' || (index > 0 && (c.is_ascii_digit() || c == '-'))
    };
    if !name.is_empty() && name.len() <= 64 && name.chars().enumerate().all(word) {
        return Ok(());
    }
    let shown: String = name.chars().take(48).collect();
    Err(
        Error::param(format!("`{}` cannot be an element's name", chain::quote(&shown)))
            .with_hint("a letter or _, then letters, digits, _ and -, at most 64"),
    )
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // A thread that does not end is left behind; there is nobody to tell.
        let _ = self.stop();
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("state", &self.state)
            .field("links", &self.links())
            .finish_non_exhaustive()
    }
}
