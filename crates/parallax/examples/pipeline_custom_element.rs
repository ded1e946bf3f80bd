//! An element of your own: `cargo run --example pipeline_custom_element`.

use parallax::elements::{FakeSource, Fill, registry};
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
    pipeline.add(
        "numbers",
        FakeSource::new(8).with_limit(100).with_fill(Fill::Pattern),
    )?;
    pipeline.add("even", Built::element(Even))?;
    let mut pipeline = pipeline.with_text("numbers. ! even. even. ! nullsink", registry())?;
    pipeline.run()?;
    print!("{}", pipeline.stats());
    Ok(())
}

#[test]
fn it_runs() -> parallax::Result<()> {
    main()
}
