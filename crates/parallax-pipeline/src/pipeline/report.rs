//! What a pipeline looks like and what passed through it: text, Graphviz, figures.

use std::fmt::{self, Write as _};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use daggy::petgraph::visit::EdgeRef;
use parallax_memory::PoolStats;
use serde_json::json;

use super::{Member, Origin, Pipeline};
use crate::Caps;
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

/// A link and what was agreed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStats {
    /// The giving pad, as `name.src`.
    pub from: String,
    /// The taking pad, as `name.sink`.
    pub to: String,
    /// What may pass, once it was agreed.
    pub caps: Option<Caps>,
}

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// How long it has been playing, in seconds; pauses do not count.
    pub seconds: f64,
    /// Every element, in the order in which they were added.
    pub elements: Vec<ElementStats>,
    /// Every link, in the order in which they were made.
    pub links: Vec<LinkStats>,
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
        let playing = self.playing_since.map_or(Duration::ZERO, |since| since.elapsed());
        let links = self.dag.graph().edge_references().map(|edge| {
            let (from, to) = (&self.dag[edge.source()], &self.dag[edge.target()]);
            LinkStats {
                from: format!("{}.{}", from.name, from.ports.output_name(edge.weight().output)),
                to: format!("{}.{}", to.name, to.ports.input_name(edge.weight().input)),
                caps: edge.weight().caps.clone(),
            }
        });
        Stats {
            seconds: (self.played + playing).as_secs_f64(),
            links: links.collect(),
            elements: elements.collect(),
            pools: pools.collect(),
        }
    }

    /// How far each element is that says so: its name, so much done, of so much.
    pub fn progress(&self) -> Vec<(&str, u64, u64)> {
        let elements = self.shared.iter().flat_map(|shared| &shared.progress);
        let known = self.names().zip(elements).map(|(name, progress)| {
            let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
            (name, read(&progress.done), read(&progress.total))
        });
        known.filter(|(_, _, total)| *total > 0).collect()
    }

    /// The graph and its figures as one JSON object: elements as they are written, links with the caps agreed on them,
    /// queue levels, rates over the time played, pools.
    pub fn to_json(&self) -> String {
        let stats = self.stats();
        let per_second = |number: u64| {
            if stats.seconds > 0.0 {
                number as f64 / stats.seconds
            } else {
                0.0
            }
        };
        let members = self.dag.graph().node_weights();
        let elements = members.zip(&stats.elements).map(|(member, element)| {
            let mut row = json!({
                "name": element.name, "text": member.written(), "packets": element.packets, "bytes": element.bytes,
                "packets_per_second": per_second(element.packets), "bytes_per_second": per_second(element.bytes),
            });
            if let Some((waiting, waiting_bytes, dropped)) = element.queue {
                row["queue"] = json!({"waiting": waiting, "waiting_bytes": waiting_bytes, "dropped": dropped});
            }
            row
        });
        let links = stats.links.iter().map(|link| {
            json!({"from": link.from, "to": link.to, "caps": link.caps.as_ref().map(ToString::to_string)})
        });
        let pools = stats.pools.iter().map(|(element, pool)| {
            json!({
                "element": element, "slots": pool.slots, "slot_bytes": pool.slot_bytes, "in_use": pool.in_use,
                "high_water": pool.high_water, "loans": pool.loans, "exhausted": pool.exhausted,
            })
        });
        let latency = self.latency();
        let object = json!({
            "text": self.to_text(), "state": self.state.to_string(), "seconds": stats.seconds,
            "latency_ns": {"least": latency.least.0, "most": latency.most.map(|most| most.0)},
            "elements": elements.collect::<Vec<_>>(), "links": links.collect::<Vec<_>>(),
            "pools": pools.collect::<Vec<_>>(),
        });
        format!("{object:#}")
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
        self.bins_as_clusters(None, &mut dot);
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

    /// A frame around what stands in each bin.
    fn bins_as_clusters(&self, parent: Option<usize>, dot: &mut String) {
        for bin in self.bins_in(parent) {
            let name = self
                .bins
                .get(bin)
                .and_then(|bin| bin.name.as_deref())
                .unwrap_or_default();
            let _ = write!(dot, "  subgraph cluster_{bin} {{ label={};", quoted(name));
            for index in self
                .dag
                .graph()
                .node_indices()
                .filter(|&index| self.bin_of(index) == Some(bin))
            {
                let _ = write!(dot, " n{};", index.index());
            }
            dot.push('\n');
            self.bins_as_clusters(Some(bin), dot);
            dot.push_str("  }\n");
        }
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
