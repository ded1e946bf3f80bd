//! Prints a line for each packet on standard output: its number, its time, what it is and how much.

use std::io::Write;

use parallax_events::{Declaration, Nanos, ParamSpec, Params, Result, Value};
use parallax_pipeline::{Built, ElementRow, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "consolesink",
    "Prints a line for each packet",
    &[ParamSpec::bool("content").default(false).doc("Whether bytes are printed as text instead, as they are")],
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::sink(ConsoleSink { content: params.bool("content")? }))
}

#[derive(Debug)]
struct ConsoleSink {
    content: bool,
}

impl Sink for ConsoleSink {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        let mut output = std::io::stdout().lock();
        if let (true, Payload::Bytes(bytes)) = (self.content, &packet.payload) {
            output.write_all(bytes)?;
            return Ok(());
        }
        write!(output, "{:>8}", packet.metadata.sequence)?;
        if let Some(time) = packet.metadata.time() {
            write!(output, "  at {}", Value::Time(Nanos(time)))?;
        }
        match &packet.payload {
            Payload::Bytes(bytes) => writeln!(output, "  {} bytes", bytes.len())?,
            Payload::Events(batch) => match batch.span() {
                Some((first, last)) => {
                    let unit = batch.meta().time_unit;
                    writeln!(output, "  {} events, t {first} to {last} {unit}", batch.len())?;
                }
                None => writeln!(output, "  0 events")?,
            },
            Payload::Tensor(tensor) => writeln!(output, "  tensor {} {:?}", tensor.dtype(), tensor.shape())?,
            _ => writeln!(output, "  {}", packet.payload.media())?,
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        std::io::stdout().flush()?;
        Ok(())
    }
}
