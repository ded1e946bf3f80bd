//! Caps: what passes each link, agreed between both ends before anything runs.
//!
//! In: what each element takes and gives. Out: caps on every link, or an error that names both pads, the field that
//! differs and the elements that would convert.
//!
//! First upstream, from the sinks: what each element takes, given what those behind it take. Then downstream, from the
//! sources: what each gives, given what it gets; where the two meet is what is agreed.

use std::collections::BTreeMap;

use daggy::petgraph::algo::toposort;
use daggy::{EdgeIndex, NodeIndex};
use parallax_events::{Error, Result};

use super::{Link, Member, Pipeline};
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
        // What those behind an element take, all of them.
        let mut behind: BTreeMap<NodeIndex, Caps> = BTreeMap::new();
        for &index in order.iter().rev() {
            let all = self
                .outputs(index)
                .into_iter()
                .fold(Caps::ANY, |met, (_, link)| met.meet(&self.asked(link, &behind)));
            // Branches that want different things are told so on their own link, not all at once upstream.
            behind.insert(index, if all.is_empty() { Caps::ANY } else { all });
        }
        for &index in &order {
            let inputs = self.inputs(index).into_iter();
            let inputs: Vec<Caps> = inputs
                .map(|(_, link)| self.dag.edge_weight(link).and_then(|link| link.caps.clone()))
                .map(|caps| caps.unwrap_or(Caps::ANY))
                .collect();
            let offered = gives(&self.dag[index], &inputs);
            for (_, link) in self.outputs(index) {
                let asked = self.asked(link, &behind);
                let agreed = offered.meet(&asked);
                if agreed.is_empty() {
                    return Err(self.disagreement(link, &offered, &asked));
                }
                if let Some(link) = self.dag.edge_weight_mut(link) {
                    link.caps = Some(agreed);
                }
            }
        }
        Ok(())
    }

    /// What the pad takes that a link comes to.
    fn asked(&self, link: EdgeIndex, behind: &BTreeMap<NodeIndex, Caps>) -> Caps {
        let Some((target, input)) = self.target(link) else {
            return Caps::ANY;
        };
        let wanted = behind.get(&target).unwrap_or(&Caps::ANY);
        takes(&self.dag[target], input, wanted)
    }

    fn disagreement(&self, link: EdgeIndex, offered: &Caps, asked: &Caps) -> Error {
        let (Some((from, to)), Some(&Link { output, input, .. })) =
            (self.dag.edge_endpoints(link), self.dag.edge_weight(link))
        else {
            return Error::internal("a link between no elements");
        };
        let (source, target) = (&self.dag[from], &self.dag[to]);
        let (field, ours, theirs) = offered.difference(asked);
        let (pad, theirs_pad) = (source.ports.output_name(output), target.ports.input_name(input));
        let message = format!(
            "`{}.{pad}` cannot be linked to `{}.{theirs_pad}`: `{field}` is {ours} there and {theirs} here",
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

/// What an element takes on a pad, if those behind it take `wanted`.
fn takes(member: &Member, input: usize, wanted: &Caps) -> Caps {
    match &member.built {
        Some(Built::Element(element)) => element.accepts(wanted),
        Some(Built::Aggregator(aggregator)) => aggregator.accepts(input, wanted),
        Some(Built::Sink(sink)) => sink.accepts(),
        #[cfg(feature = "async")]
        Some(Built::AsyncSink(sink)) => sink.accepts(),
        Some(Built::Queue(_)) => wanted.clone(),
        _ => Caps::ANY,
    }
}

/// What an element gives for what its linked pads get.
fn gives(member: &Member, inputs: &[Caps]) -> Caps {
    let input = inputs.first().unwrap_or(&Caps::ANY);
    match &member.built {
        Some(Built::Source(source)) => source.offers(),
        #[cfg(feature = "async")]
        Some(Built::AsyncSource(source)) => source.offers(),
        Some(Built::Element(element)) => element.offers(input),
        Some(Built::Aggregator(aggregator)) => aggregator.offers(inputs),
        _ => input.clone(),
    }
}
