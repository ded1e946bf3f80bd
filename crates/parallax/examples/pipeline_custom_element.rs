//! An element of your own: `cargo run --example pipeline_custom_element`.

use parallax::elements::{FakeSink, FakeSource, Fill};
use parallax::pipeline::{Built, Element, Out, Packet, Payload, Pipeline};

/// Lets pass the packets whose first byte is even.
#[derive(Debug)]
struct Even;

impl Element for Even {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax::Result<()> {
        match &packet.payload {
            Payload::Bytes(bytes) if bytes.first().is_some_and(|byte| byte % 2 == 0) => out.push(packet),
            _ => Ok(()),
        }
    }
}

fn main() -> parallax::Result<()> {
    let mut pipeline = Pipeline::new();
    let source = pipeline.add(
        "source",
        FakeSource::new(8).with_limit(100).with_fill(Fill::Pattern),
    )?;
    let even = pipeline.add("even", Built::element(Even))?;
    let sink = pipeline.add("sink", FakeSink)?;
    pipeline.link(source, even)?;
    pipeline.link(even, sink)?;
    pipeline.run()?;
    print!("{}", pipeline.stats());
    Ok(())
}
