//! Holds each packet back until its time has come, so that a recording plays as it was recorded.
//!
//! The first packet passes at once and sets the beginning. Packets without a time pass at once. Lateness is not made
//! up for by leaving anything out. A packet is held as a whole: `window length=10ms` before it makes them short.

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Context, Element, ElementRow, Out, Packet, Ports};

use crate::pace::Pacer;

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "throttle",
    "Holds each packet back until its time has come: real-time replay",
    &[ParamSpec::float("speed").min(1e-6).max(1e6).default(1.0).doc("How many times faster than it was recorded")],
)
.with_doc(
    "A packet is held as a whole: `window length=10ms` before it makes packets short. Lateness is not \
     made up for by leaving anything out.",
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::element(Throttle { pacer: Pacer::new(params.float("speed")?), context: None }))
}

#[derive(Debug)]
struct Throttle {
    pacer: Pacer,
    context: Option<Context>,
}

impl Element for Throttle {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        if let Some(time) = packet.metadata.time() {
            self.pacer.wait(time, self.context.as_ref());
        }
        out.push(packet)
    }

    fn flush(&mut self) {
        self.pacer.reset();
    }
}
