//! Drops every packet, unseen.

use parallax_events::{Declaration, Params, Result};
use parallax_pipeline::{Built, ElementRow, Packet, Ports, Sink};

pub(crate) static ELEMENT: ElementRow =
    ElementRow { aliases: &["sink"], ..ElementRow::plain(&DECLARATION, Ports::SINK, build) };

static DECLARATION: Declaration = Declaration::new("fakesink", "Drops every packet, unseen", &[]);

fn build(_: Params) -> Result<Built> {
    Ok(FakeSink.into())
}

/// Drops every packet.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakeSink;

impl Sink for FakeSink {
    fn consume(&mut self, _: Packet) -> Result<()> {
        Ok(())
    }
}

impl From<FakeSink> for Built {
    fn from(sink: FakeSink) -> Self {
        Self::sink(sink)
    }
}
