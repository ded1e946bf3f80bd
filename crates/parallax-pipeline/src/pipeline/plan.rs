//! What the engine will do with a graph: which elements call each other directly, on which threads, where bytes are
//! copied, and how long packets are held back.

use std::fmt::{self, Write as _};

use daggy::NodeIndex;
use parallax_events::Nanos;

use super::{Origin, Pipeline, State};
use crate::Built;

/// How long packets are held back on their way from source to sink, in the time of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// By elements that wait for more: windows, batches. The longest way counts.
    pub least: Nanos,
    /// With full queues; nothing if a queue on the way is not bounded by time.
    pub most: Option<Nanos>,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ns", self.least.0)?;
        match self.most {
            Some(most) => write!(f, " to {} ns", most.0),
            None => f.write_str(", and as long as queues hold"),
        }
    }
}

impl Pipeline {
    /// How long packets are held back; what is known before Playing, and while it plays as it was then.
    pub fn latency(&self) -> Latency {
        if let Some(latency) = self.latency_then.filter(|_| self.state >= State::Paused) {
            return latency;
        }
        let mut to_here = vec![(Nanos(0), Some(Nanos(0))); self.dag.node_count()];
        let mut longest = (Nanos(0), Some(Nanos(0)));
        for index in self.in_order() {
            let before = self.inputs(index).into_iter().filter_map(|(_, link)| {
                let (source, _) = self.dag.edge_endpoints(link)?;
                to_here.get(source.index()).copied()
            });
            let before = before.fold((Nanos(0), Some(Nanos(0))), later);
            let own = self.dag[index]
                .built
                .as_ref()
                .map_or((Nanos(0), None), Built::latency);
            let sum = (add(before.0, own.0), before.1.zip(own.1).map(|(a, b)| add(a, b)));
            longest = later(longest, sum);
            if let Some(place) = to_here.get_mut(index.index()) {
                *place = sum;
            }
        }
        Latency {
            least: longest.0,
            most: longest.1,
        }
    }

    /// What will run where, for a person: every thread with the elements that call each other on it, the borders between
    /// threads, and where bytes are copied.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        let mut copies = Vec::new();
        // Writing to a String cannot fail.
        for index in self.in_order() {
            let member = &self.dag[index];
            if let Origin::Row(row, _) = &member.origin
                && !row.copies.is_empty()
            {
                copies.push(format!("  {}: {}", member.name, row.copies));
            }
            if !self.begins_thread(index) {
                continue;
            }
            let _ = writeln!(text, "thread {}: {}", member.name, self.fused(index));
            if let Some(core) = member.place.core {
                let _ = writeln!(text, "  on core {core}");
            }
            if let Some(priority) = member.place.priority {
                let _ = writeln!(text, "  real-time priority {priority}");
            }
        }
        let _ = writeln!(text, "latency: {}", self.latency());
        if copies.is_empty() {
            text.push_str("copies: nowhere; packets are handed on by reference\n");
        } else {
            let _ = writeln!(text, "copies:\n{}", copies.join("\n"));
        }
        text
    }

    /// Whether an element stands at the beginning of a thread: nothing calls it.
    pub(super) fn begins_thread(&self, index: NodeIndex) -> bool {
        let member = &self.dag[index];
        let is_queue = match &member.origin {
            Origin::Row(row, _) => row.id() == "queue",
            _ => false,
        };
        member.ports.inputs != 1 || is_queue || matches!(member.built, Some(Built::Queue(_)))
    }

    /// The elements that call each other directly, from the first of a thread on.
    fn fused(&self, index: NodeIndex) -> String {
        let mut text = self.dag[index].name.clone();
        let targets = self
            .outputs(index)
            .into_iter()
            .filter_map(|(_, link)| self.target(link));
        let behind: Vec<String> = targets
            .map(|(target, _)| {
                if self.begins_thread(target) {
                    format!("[{}]", self.dag[target].name)
                } else {
                    self.fused(target)
                }
            })
            .collect();
        match behind.as_slice() {
            [] => {}
            [one] => text.push_str(&format!(" -> {one}")),
            many => text.push_str(&format!(" -> ({})", many.join(", "))),
        }
        text
    }
}

fn add(a: Nanos, b: Nanos) -> Nanos {
    Nanos(a.0.saturating_add(b.0))
}

type Span = (Nanos, Option<Nanos>);

fn later(a: Span, b: Span) -> Span {
    let longer = |a: Nanos, b: Nanos| Nanos(a.0.max(b.0));
    (longer(a.0, b.0), a.1.zip(b.1).map(|(a, b)| longer(a, b)))
}
