//! Operators from events to events, as elements.

use std::sync::Arc;

use parallax_events::{Error, EventBatch, EventBlock, EventOp, Meta, OpState, Params, Pool, Result};
use parallax_memory::Flags;
use parallax_ops::{Build, operator};
use parallax_pipeline::{Built, Caps, Context, Element, Media, Out, Packet, Payload};

use super::memory::BatchMemory;

/// Makes the operator that the id names.
pub(super) fn build(params: Params) -> Result<Built> {
    match operator(params.id())?.build {
        Build::Events(build) => Ok(Built::element(EventElement {
            operator: build(params)?,
            stream: None,
            block: EventBlock::default(),
            memory: BatchMemory::default(),
        })),
        Build::Tensor(_) => Err(Error::internal(format!("`{}` yields a tensor", params.id()))),
    }
}

/// A batch as a packet that says when it was and how long.
pub(crate) fn timed(batch: EventBatch) -> Packet {
    let unit = batch.meta().time_unit.nanos();
    let span = batch.span();
    let mut packet = Packet::from(batch);
    if let Some((first, last)) = span {
        packet.metadata.set_time(first.checked_mul(unit));
        packet
            .metadata
            .set_duration(last.checked_sub(first).and_then(|span| span.checked_mul(unit)));
    }
    packet
}

/// The events of a packet.
pub(crate) fn events_of(payload: Payload, who: &str) -> Result<EventBatch> {
    match payload {
        Payload::Events(batch) => Ok(Arc::unwrap_or_clone(batch)),
        other => Err(
            Error::param(format!("`{who}` takes events, not {}", other.media()))
                .with_hint("put `decode` before it"),
        ),
    }
}

#[derive(Debug)]
struct EventElement {
    operator: Box<dyn EventOp>,
    /// Since the first batch.
    stream: Option<Stream>,
    /// The memory that batches are worked on in, used again and again.
    block: EventBlock,
    memory: BatchMemory,
}

/// What is known of a stream once it has begun.
#[derive(Debug)]
struct Stream {
    input: Arc<Meta>,
    output: Arc<Meta>,
    state: Box<dyn OpState>,
}

impl EventElement {
    fn apply(&mut self, batch: &EventBatch) -> Result<EventBatch> {
        let Self {
            operator,
            stream,
            block,
            memory,
        } = self;
        let stream = match stream {
            Some(stream) => stream,
            none => none.insert(Stream {
                input: Arc::clone(batch.meta()),
                output: Arc::new(operator.output_meta(batch.meta())?),
                state: operator.state(batch.meta())?,
            }),
        };
        let state = stream.state.as_mut();
        if let Some(range) = operator.narrow(state, batch)? {
            return batch.slice(range).with_meta(Arc::clone(&stream.output));
        }
        block.load(batch);
        operator.run(state, block, Pool::serial())?;
        block.check(&stream.output, operator.params().id())?;
        memory.batch(block, batch.len(), &stream.output)
    }
}

impl Element for EventElement {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn offers(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.memory = BatchMemory::new(context);
        Ok(())
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let batch = events_of(packet.payload, self.operator.params().id())?;
        let result = self.apply(&batch)?;
        // A window stays a window, even an empty one.
        if result.is_empty() && !packet.metadata.flags().contains(Flags::WINDOW) {
            return Ok(());
        }
        out.push(Packet {
            payload: Payload::Events(Arc::new(result)),
            metadata: packet.metadata,
        })
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(());
        };
        let rest = self.operator.end(stream.state.as_mut(), &stream.input)?;
        if rest.is_empty() {
            Ok(())
        } else {
            out.push(timed(rest))
        }
    }

    fn flush(&mut self) {
        self.stream = None;
        self.block.clear();
    }

    fn stop(&mut self) {
        self.memory = BatchMemory::default();
    }
}
