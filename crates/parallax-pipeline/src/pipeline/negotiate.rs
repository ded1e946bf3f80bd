//! Caps: what passes each link, agreed between both ends before anything runs.
//!
//! In: what each element takes and gives. Out: caps on every link, or an error that names both pads, the field that
//! differs and the elements that would convert.
//!
//! First upstream, from the sinks: what each element takes, given what those behind it take. Then downstream, from the
//! sources: what each gives, given what it gets; where the two meet is what is agreed.

use std::collections::BTreeMap;

use daggy::NodeIndex;
use daggy::petgraph::Direction;
use daggy::petgraph::algo::toposort;
use daggy::petgraph::visit::EdgeRef;
use parallax_events::{Error, Result};

use super::{Member, Pipeline};
use crate::{Built, Caps, ElementRow, Media};

impl Pipeline {
    /// Elements in an order in which each stands behind those that feed it.
    pub(super) fn in_order(&self) -> Vec<NodeIndex> {
        // A DAG always has one.
        toposort(self.dag.graph(), None).unwrap_or_default()
    }

    /// Agrees on every link.
    pub(super) fn negotiate(&mut self) -> Result<()> {
        let order = self.in_order();
        let mut wanted: BTreeMap<NodeIndex, Caps> = BTreeMap::new();
        for &index in order.iter().rev() {
            let behind = self.dag.graph().edges_directed(index, Direction::Outgoing);
            let asked = behind.map(|edge| wanted.get(&edge.target()).cloned().unwrap_or(Caps::ANY));
            let asked: Vec<Caps> = asked.collect();
            let all = asked.iter().fold(Caps::ANY, |met, caps| met.meet(caps));
            // Branches that want different things are told so on their own link, not all at once upstream.
            let all = if all.is_empty() { Caps::ANY } else { all };
            wanted.insert(index, takes(&self.dag[index], &all));
        }
        for &index in &order {
            let input = self.dag.graph().edges_directed(index, Direction::Incoming).next();
            let input = input
                .and_then(|edge| edge.weight().caps.clone())
                .unwrap_or(Caps::ANY);
            let offered = gives(&self.dag[index], &input);
            let links: Vec<_> = self
                .dag
                .graph()
                .edges_directed(index, Direction::Outgoing)
                .map(|e| (e.id(), e.target()))
                .collect();
            for (link, target) in links {
                let asked = wanted.get(&target).cloned().unwrap_or(Caps::ANY);
                let agreed = offered.meet(&asked);
                if agreed.is_empty() {
                    let output = self.dag.edge_weight(link).map_or(0, |link| link.output);
                    return Err(self.disagreement(index, output, target, &offered, &asked));
                }
                if let Some(link) = self.dag.edge_weight_mut(link) {
                    link.caps = Some(agreed);
                }
            }
        }
        Ok(())
    }

    fn disagreement(
        &self,
        from: NodeIndex,
        output: usize,
        to: NodeIndex,
        offered: &Caps,
        asked: &Caps,
    ) -> Error {
        let (source, target) = (&self.dag[from], &self.dag[to]);
        let (field, ours, theirs) = offered.difference(asked);
        let pad = source.ports.output_name(output);
        let message = format!(
            "`{}.{pad}` cannot be linked to `{}.sink`: `{field}` is {ours} there and {theirs} here",
            source.name, target.name
        );
        let helpers = if field == "media" {
            self.converters(offered, asked)
        } else {
            Vec::new()
        };
        let hint = if helpers.is_empty() {
            format!(
                "`{}` gives {offered}, `{}` takes {asked}",
                source.name, target.name
            )
        } else {
            format!("put one of these between them: {}", helpers.join(", "))
        };
        Error::param(message).with_hint(hint)
    }

    fn converters(&self, offered: &Caps, asked: &Caps) -> Vec<&'static str> {
        let media = |caps: &Caps| -> Vec<Media> {
            caps.alternatives()
                .unwrap_or_default()
                .iter()
                .map(|structure| structure.media)
                .collect()
        };
        let (from, to) = (media(offered), media(asked));
        let helps = |row: &&ElementRow| {
            row.converts
                .is_some_and(|(a, b)| from.contains(&a) && to.contains(&b))
        };
        self.converters
            .iter()
            .copied()
            .filter(helps)
            .map(ElementRow::id)
            .collect()
    }
}

/// What an element takes, if those behind it take `wanted`.
fn takes(member: &Member, wanted: &Caps) -> Caps {
    match &member.built {
        Some(Built::Element(element)) => element.accepts(wanted),
        Some(Built::Sink(sink)) => sink.accepts(),
        Some(Built::Queue(_)) => wanted.clone(),
        _ => Caps::ANY,
    }
}

/// What an element gives for such an input.
fn gives(member: &Member, input: &Caps) -> Caps {
    match &member.built {
        Some(Built::Source(source)) => source.offers(),
        Some(Built::Element(element)) => element.offers(input),
        _ => input.clone(),
    }
}
