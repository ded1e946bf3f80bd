//! A program that feeds a pipeline and takes what comes out: `cargo run --example pipeline_application`.

use std::sync::Arc;

use parallax::elements::{app_sink, app_source, registry};
use parallax::pipeline::{Payload, Pipeline, State};
use parallax::{Event, EventBatch, Meta};

fn main() -> parallax::Result<()> {
    let (source, sender) = app_source(4);
    let (sink, receiver) = app_sink(4);
    let mut pipeline = Pipeline::new();
    let source = pipeline.add("source", source)?;
    let filter = pipeline.add_text("filter", "polarity keep=on", registry())?;
    let sink = pipeline.add("sink", sink)?;
    pipeline.link(source, filter)?;
    pipeline.link(filter, sink)?;
    pipeline.set_state(State::Playing)?;

    let meta = Arc::new(Meta::with_geometry(640, 480)?);
    for start in [0, 1000] {
        let events = [Event::new(start, 1, 2, 1), Event::new(start + 5, 3, 4, 0)];
        sender.send(EventBatch::from_events(&events, Arc::clone(&meta))?)?;
    }
    // The end of the stream.
    drop(sender);
    while let Some(packet) = receiver.receive() {
        if let Payload::Events(batch) = packet.payload {
            println!("{:?}", batch.to_events());
        }
    }
    pipeline.stop()
}
