//! Joins streams into one as their packets come, of any kind; each stream keeps its order.
//!
//! Which packet of two streams comes first depends on their threads. `merge` puts events in the order of time.

use parallax_events::{Declaration, Params, Result};
use parallax_pipeline::{Aggregator, Built, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::AGGREGATOR, build);

static DECLARATION: Declaration = Declaration::new("funnel", "Joins streams into one as their packets come", &[])
.with_doc(
    "Each stream keeps its order; which of two streams comes first is left to their threads. `merge` goes \
     by time.",
);

fn build(_: Params) -> Result<Built> {
    Ok(Built::aggregator(Funnel))
}

#[derive(Debug)]
struct Funnel;

impl Aggregator for Funnel {
    fn process(&mut self, _: usize, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        out.push(packet)
    }
}
