//! [`CapsFilter`]: lets pass what the caps allow, and says in an error what else came.
//!
//! It is what a caps text between two `!` becomes. Bytes cannot be looked into; for them it only takes part in the
//! negotiation.

use parallax_events::{Declaration, ParamSpec, Params, Result};

use crate::{Built, Caps, Element, ElementRow, Out, Packet, Ports};

/// The row of the filter, for a registry: the form of a caps filter that can have a name.
pub static CAPS_FILTER: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "capsfilter",
    "Lets pass what its caps allow; written as the caps alone where it needs no name",
    &[ParamSpec::text("caps").doc("What may pass, such as events,width=1..1280")],
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::element(CapsFilter::new(Caps::parse(
        params.text("caps")?,
    )?)))
}

/// Lets pass what its caps allow.
#[derive(Debug)]
pub struct CapsFilter {
    caps: Caps,
}

impl CapsFilter {
    /// A filter with these caps.
    pub fn new(caps: Caps) -> Self {
        Self { caps }
    }
}

impl Element for CapsFilter {
    fn accepts(&self, wanted: &Caps) -> Caps {
        self.caps.meet(wanted)
    }

    fn offers(&self, input: &Caps) -> Caps {
        self.caps.meet(input)
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        self.caps.check(&packet)?;
        out.push(packet)
    }
}
