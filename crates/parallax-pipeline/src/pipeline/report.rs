//! What a pipeline looks like and what passed through it: text, Graphviz, figures.

use std::fmt::{self, Write as _};
use std::sync::PoisonError;

use daggy::petgraph::visit::EdgeRef;
use parallax_memory::PoolStats;

use super::{Member, Origin, Pipeline};
use crate::queue::Border;

/// What passed an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementStats {
    /// Its name.
    pub name: String,
    /// Packets that it took in, or gave if it is a source.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Of a queue, and of an element with several inputs: packets that wait, bytes that wait, packets dropped.
    pub queue: Option<(usize, u64, u64)>,
}

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Every element, in the order in which they were added.
    pub elements: Vec<ElementStats>,
    /// Every pool, with the name of the element that made it.
    pub pools: Vec<(String, PoolStats)>,
}

impl Pipeline {
    /// What passed so far in this run, or in the last one.
    pub fn stats(&self) -> Stats {
        let elements = self.dag.graph().node_weights().map(|member| {
            let (packets, bytes) = member.tally.read();
            let queue = member.border.as_ref().map(Border::level);
            ElementStats {
                name: member.name.clone(),
                packets,
                bytes,
                queue,
            }
        });
        let pools = self.shared.iter().flat_map(|shared| {
            let pools = shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
            pools
                .iter()
                .map(|(name, pool)| (name.clone(), pool.stats()))
                .collect::<Vec<_>>()
        });
        Stats {
            elements: elements.collect(),
            pools: pools.collect(),
        }
    }

    /// The graph for Graphviz: elements by thread, agreed caps on the links, what passed.
    pub fn to_dot(&self) -> String {
        let mut dot =
            String::from("digraph pipeline {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        let graph = self.dag.graph();
        // Writing to a String cannot fail.
        for index in graph.node_indices() {
            let member = &self.dag[index];
            let (packets, _) = member.tally.read();
            let mut label = format!("{}\n{}", member.name, member.written());
            if packets > 0 {
                let _ = write!(label, "\n{packets} packets");
            }
            if let Some((level, _, dropped)) = member.border.as_ref().map(Border::level) {
                let _ = write!(label, "\n{level} waiting, {dropped} dropped");
            }
            let shape = if matches!(member.border, Some(Border::Queue(_))) {
                ", shape=cds"
            } else {
                ""
            };
            let _ = writeln!(dot, "  n{} [label={}{shape}];", index.index(), quoted(&label));
        }
        for edge in graph.edge_references() {
            let caps = edge
                .weight()
                .caps
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let (from, to) = (edge.source().index(), edge.target().index());
            let _ = writeln!(dot, "  n{from} -> n{to} [label={}];", quoted(&caps));
        }
        dot.push_str("}\n");
        dot
    }
}

impl Member {
    /// The element as it is written in a text, without its name.
    pub(crate) fn written(&self) -> String {
        match &self.origin {
            Origin::Program(id) => (*id).to_owned(),
            Origin::Row(_, params) => format!("{params:#}"),
            Origin::Caps(caps) => caps.to_string(),
        }
    }
}

/// A text as Graphviz quotes it, each line to the left.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\l");
    format!("\"{escaped}\"")
}

impl fmt::Display for Stats {
    /// One line for each element and each pool.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for element in &self.elements {
            write!(
                f,
                "{:<20} {:>12} packets {:>16} bytes",
                element.name, element.packets, element.bytes
            )?;
            match element.queue {
                Some((level, bytes, dropped)) => {
                    writeln!(f, "  {level} waiting ({bytes} bytes), {dropped} dropped")?;
                }
                None => writeln!(f)?,
            }
        }
        for (name, pool) in &self.pools {
            writeln!(
                f,
                "pool of {name}: {} of {} slots of {} bytes in use, {} at most, {} loans, {} refused",
                pool.in_use, pool.slots, pool.slot_bytes, pool.high_water, pool.loans, pool.exhausted
            )?;
        }
        Ok(())
    }
}
