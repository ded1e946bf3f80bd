//! From graph to text.
//!
//! Chains are printed from each element that nothing feeds, then from each further branch. A name is printed where it
//! was chosen, where the text refers to it, and where reading the text would make up another one. What stands in a bin is
//! printed in its parentheses, and links that cross them by name.

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
        let begins = |index: &NodeIndex| {
            self.inputs(*index).first().is_none_or(|(input, link)| {
                let source = self
                    .dag
                    .edge_endpoints(*link)
                    .map(|(source, _)| self.bin_of(source));
                *input != 0 || source != Some(self.bin_of(*index))
            })
        };
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
                if input > 0 || self.bin_of(next) != self.bin_of(at) {
                    referred.insert(next);
                    chain.push(Part::To(next, input));
                    break;
                }
                chain.push(Part::Element(next));
                at = next;
            }
            chains.push(chain);
        }
        let mut made_up = MadeUp::default();
        self.written(None, &chains, &referred, &mut made_up)
    }

    /// What stands in a bin, or in none.
    fn written<'a>(
        &'a self,
        bin: Option<usize>,
        chains: &[Vec<Part>],
        referred: &BTreeSet<NodeIndex>,
        names: &mut MadeUp<'a>,
    ) -> String {
        let mut texts = Vec::new();
        let stands_here = |chain: &&Vec<Part>| match chain.first() {
            Some(Part::Element(index) | Part::From(index, _) | Part::To(index, _)) => {
                self.bin_of(*index) == bin
            }
            None => false,
        };
        for chain in chains.iter().filter(stands_here) {
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
                        let made_up = names.next(id);
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
                        if let Some(memory) = &member.memory {
                            text.push_str(&format!(" pool={}", memory.name()));
                        }
                        if let Some(core) = member.place.core {
                            text.push_str(&format!(" core={core}"));
                        }
                        if let Some(priority) = member.place.priority {
                            text.push_str(&format!(" priority={priority}"));
                        }
                        names.taken.insert(member.name.clone());
                        parts.push(text);
                    }
                }
            }
            texts.push(parts.join(" ! "));
        }
        for inner in self.bins_in(bin) {
            let name = self.bins.get(inner).and_then(|inner| inner.name.as_ref());
            let name = name.map_or_else(String::new, |name| {
                names.taken.insert(name.clone());
                format!("name={name} ")
            });
            let inside = self.written(Some(inner), chains, referred, names);
            texts.push(format!("( {name}{inside} )"));
        }
        texts.join(" ")
    }
}

/// The names that reading would make up: by id, the first number that is free at that moment.
#[derive(Default)]
struct MadeUp<'a> {
    taken: BTreeSet<String>,
    first_free: HashMap<&'a str, usize>,
}

impl<'a> MadeUp<'a> {
    fn next(&mut self, id: &'a str) -> String {
        let number = self.first_free.entry(id).or_default();
        loop {
            let made_up = format!("{id}{number}");
            if !self.taken.contains(&made_up) {
                return made_up;
            }
            *number += 1;
        }
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
