//! From graph to text.
//!
//! Chains are printed from each element that nothing feeds, then from each further branch. A name is printed where it
//! was chosen, where the text refers to it, and where reading the text would make up another one.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use daggy::NodeIndex;
use parallax_events::chain::quote;

use crate::pipeline::{Origin, Pipeline};

impl Pipeline {
    /// The text of the pipeline; [`parse`](Self::parse) makes the same one of it. Elements that a program made are
    /// written as `element`, which no registry knows.
    pub fn to_text(&self) -> String {
        let graph = self.dag.graph();
        let mut chains: Vec<Vec<Part>> = Vec::new();
        // An element stands where its first input is linked, or at the beginning of a chain.
        let begins = |index: &NodeIndex| self.inputs(*index).first().is_none_or(|(input, _)| *input != 0);
        let mut begun: Vec<(NodeIndex, Option<usize>)> = graph
            .node_indices()
            .filter(begins)
            .map(|index| (index, None))
            .collect();
        begun.reverse();
        let mut referred = BTreeSet::new();
        while let Some((start, output)) = begun.pop() {
            let mut chain = Vec::new();
            let mut at = start;
            let mut way = output;
            match output {
                Some(output) => {
                    referred.insert(start);
                    chain.push(Part::From(start, output));
                }
                None => chain.push(Part::Element(start)),
            }
            loop {
                let outputs = self.outputs(at);
                let next = match way.take() {
                    Some(output) => outputs
                        .iter()
                        .find(|(known, _)| *known == output)
                        .map(|(_, link)| *link),
                    None => {
                        // The other branches come later, the first of them next. A gap before the first branch
                        // makes every one of them a chain of its own.
                        let straight = outputs
                            .first()
                            .filter(|(output, _)| *output == 0)
                            .map(|(_, link)| *link);
                        let later = outputs.iter().skip(usize::from(straight.is_some()));
                        begun.extend(later.rev().map(|(output, _)| (at, Some(*output))));
                        straight
                    }
                };
                let Some((next, input)) = next.and_then(|link| self.target(link)) else {
                    break;
                };
                if input > 0 {
                    referred.insert(next);
                    chain.push(Part::To(next, input));
                    break;
                }
                chain.push(Part::Element(next));
                at = next;
            }
            chains.push(chain);
        }
        self.written(&chains, &referred)
    }

    fn written(&self, chains: &[Vec<Part>], referred: &BTreeSet<NodeIndex>) -> String {
        // The names that reading would make up: by id, the first number that is free at that moment.
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut first_free: HashMap<&str, usize> = HashMap::new();
        let mut texts = Vec::new();
        for chain in chains {
            let mut parts = Vec::new();
            for part in chain {
                match part {
                    Part::From(index, output) => {
                        let member = &self.dag[*index];
                        parts.push(format!("{}.{}", member.name, member.ports.output_name(*output)));
                    }
                    Part::To(index, input) => {
                        let member = &self.dag[*index];
                        parts.push(format!("{}.{}", member.name, member.ports.input_name(*input)));
                    }
                    Part::Element(index) => {
                        let member = &self.dag[*index];
                        let id = match &member.origin {
                            Origin::Program(id) => id,
                            Origin::Row(row, _) => row.id(),
                            Origin::Caps(_) => "capsfilter",
                        };
                        let number = first_free.entry(id).or_default();
                        let mut made_up = format!("{id}{number}");
                        while taken.contains(&made_up) {
                            *number += 1;
                            made_up = format!("{id}{number}");
                        }
                        // What looks like a variable is none here: those have been filled in.
                        let mut text = member.written().replace("${", "$${");
                        let needs_name =
                            member.is_named || referred.contains(index) || made_up != member.name;
                        if let (Origin::Caps(caps), true) = (&member.origin, needs_name) {
                            text = format!("capsfilter caps={}", quote(&caps.to_string()));
                        }
                        if needs_name {
                            text.push_str(&format!(" name={}", member.name));
                        }
                        if let Some(core) = member.place.core {
                            text.push_str(&format!(" core={core}"));
                        }
                        if let Some(priority) = member.place.priority {
                            text.push_str(&format!(" priority={priority}"));
                        }
                        taken.insert(member.name.clone());
                        parts.push(text);
                    }
                }
            }
            texts.push(parts.join(" ! "));
        }
        texts.join(" ")
    }
}

/// A piece of a printed chain.
enum Part {
    Element(NodeIndex),
    /// Goes on from a pad of an element printed before.
    From(NodeIndex, usize),
    /// Ends at a pad of an element printed elsewhere.
    To(NodeIndex, usize),
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
