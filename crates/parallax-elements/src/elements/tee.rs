//! Hands every packet to each of its branches: the same memory, by reference.
//!
//! Branches without a `queue` run one after another on the same thread.

use parallax_events::{Declaration, Params, Result};
use parallax_pipeline::{Built, Element, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::BRANCHES, build);

static DECLARATION: Declaration = Declaration::new("tee", "Hands every packet to each of its branches", &[]);

fn build(_: Params) -> Result<Built> {
    Ok(Built::element(Tee))
}

#[derive(Debug)]
struct Tee;

impl Element for Tee {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let Some(last) = out.pads().checked_sub(1) else { return Ok(()) };
        for pad in 0..last {
            out.push_to(pad, packet.clone())?;
        }
        out.push_to(last, packet)
    }
}
