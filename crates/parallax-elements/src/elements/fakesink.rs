//! Drops every packet, unseen; with `sync=true` at the time that the packet states, as a player would.

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Context, ElementRow, Packet, Ports, Sink};

use crate::pace::Pacer;

pub(crate) static ELEMENT: ElementRow =
    ElementRow { aliases: &["sink"], ..ElementRow::plain(&DECLARATION, Ports::SINK, build) };

static DECLARATION: Declaration = Declaration::new(
    "fakesink",
    "Drops every packet, unseen",
    &[ParamSpec::bool("sync").default(false).doc("Whether each packet is dropped at its own time and not at once")],
);

fn build(params: Params) -> Result<Built> {
    Ok(if params.bool("sync")? {
        Built::sink(SyncSink { pacer: Pacer::new(1.0), context: None })
    } else {
        FakeSink.into()
    })
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

/// Drops every packet when its time has come.
#[derive(Debug)]
struct SyncSink {
    pacer: Pacer,
    context: Option<Context>,
}

impl Sink for SyncSink {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.pacer.reset();
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        if let Some(time) = packet.metadata.time() {
            self.pacer.wait(time, self.context.as_ref());
        }
        Ok(())
    }
}
