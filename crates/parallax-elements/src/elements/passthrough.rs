//! Hands on every packet untouched: the same memory, by reference.

use parallax_events::{Declaration, Params, Result};
use parallax_pipeline::{Built, Element, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow =
    ElementRow { aliases: &["identity"], ..ElementRow::plain(&DECLARATION, Ports::FILTER, build) };

static DECLARATION: Declaration = Declaration::new("passthrough", "Hands on every packet untouched", &[]);

fn build(_: Params) -> Result<Built> {
    Ok(Built::element(Passthrough))
}

#[derive(Debug)]
struct Passthrough;

impl Element for Passthrough {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        out.push(packet)
    }
}
