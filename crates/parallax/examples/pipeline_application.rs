//! A program that feeds a pipeline and takes what comes out: `cargo run --example pipeline_application`.

use std::sync::Arc;
use std::thread;

use parallax::elements::{app_sink, app_source, registry};
use parallax::pipeline::{Payload, Pipeline, State};
use parallax::{Event, EventBatch, Meta};

fn main() -> parallax::Result<()> {
    // At most four packets wait at each end: who is faster waits for the other.
    let (source, sender) = app_source(4);
    let (sink, receiver) = app_sink(4);
    let mut pipeline = Pipeline::new();
    pipeline.add("in", source)?;
    pipeline.add("out", sink)?;
    let mut pipeline = pipeline.with_text("in. ! polarity keep=on ! out.", registry())?;
    pipeline.set_state(State::Playing)?;

    let feeding = thread::spawn(move || -> parallax::Result<()> {
        let meta = Arc::new(Meta::with_geometry(640, 480)?);
        for start in (0..100_000).step_by(1000) {
            let events = [Event::new(start, 1, 2, 1), Event::new(start + 5, 3, 4, 0)];
            sender.send(EventBatch::from_events(&events, Arc::clone(&meta))?)?;
        }
        // The sender is dropped here, which is the end of the stream.
        Ok(())
    });
    let mut events = 0;
    while let Some(packet) = receiver.receive() {
        if let Payload::Events(batch) = packet.payload {
            events += batch.len();
        }
    }
    if let Ok(outcome) = feeding.join() {
        outcome?;
    }
    println!("{events} ON events came out");
    pipeline.stop()
}

#[test]
fn it_runs() -> parallax::Result<()> {
    main()
}
