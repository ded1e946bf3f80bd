//! Prints a line for each packet: its number, its time, what it is and how much.
//!
//! If whoever reads goes away, as `head` does, every source ends its stream: files beside it are completed.

use std::io::{self, ErrorKind, Write};

use parallax_events::{Declaration, Nanos, ParamSpec, Params, Result, Value};
use parallax_pipeline::{Built, Context, ElementRow, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "consolesink",
    "Prints a line for each packet on standard output",
    &[ParamSpec::bool("content").default(false).doc("Whether bytes are printed as text instead, as they are")],
);

fn build(params: Params) -> Result<Built> {
    let sink = ConsoleSink::new(std::io::stdout());
    Ok(sink.with_content(params.bool("content")?).into())
}

/// Prints a line for each packet.
pub struct ConsoleSink<W> {
    output: W,
    content: bool,
    context: Option<Context>,
}

impl<W: Write + Send> ConsoleSink<W> {
    /// Prints to `output`.
    pub fn new(output: W) -> Self {
        Self { output, content: false, context: None }
    }

    /// Whether bytes are printed as they are, instead of a line about them.
    #[must_use]
    pub fn with_content(mut self, content: bool) -> Self {
        self.content = content;
        self
    }
}

/// The line about a packet.
fn line(packet: &Packet) -> String {
    let mut line = format!("{:>8}", packet.metadata.sequence);
    if let Some(time) = packet.metadata.time() {
        line.push_str(&format!("  at {}", Value::Time(Nanos(time))));
    }
    line.push_str(&match &packet.payload {
        Payload::Bytes(bytes) => format!("  {} bytes", bytes.len()),
        Payload::Events(batch) => match batch.span() {
            Some((first, last)) => {
                format!("  {} events, t {first} to {last} {}", batch.len(), batch.meta().time_unit)
            }
            None => "  0 events".to_owned(),
        },
        Payload::Tensor(tensor) => format!("  tensor {} {:?}", tensor.dtype(), tensor.shape()),
        other => format!("  {}", other.media()),
    });
    line.push('\n');
    line
}

impl<W: Write + Send> Sink for ConsoleSink<W> {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let written = match &packet.payload {
            Payload::Bytes(bytes) if self.content => self.output.write_all(bytes),
            _ => self.output.write_all(line(&packet).as_bytes()),
        };
        self.unless_gone(written)
    }

    fn end(&mut self) -> Result<()> {
        let flushed = self.output.flush();
        self.unless_gone(flushed)
    }
}

impl<W> ConsoleSink<W> {
    fn unless_gone(&self, written: io::Result<()>) -> Result<()> {
        match (written, &self.context) {
            (Err(error), Some(context)) if error.kind() == ErrorKind::BrokenPipe => {
                context.end();
                Ok(())
            }
            (written, _) => Ok(written?),
        }
    }
}

impl<W> std::fmt::Debug for ConsoleSink<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleSink").field("content", &self.content).finish_non_exhaustive()
    }
}

impl<W: Write + Send + 'static> From<ConsoleSink<W>> for Built {
    fn from(sink: ConsoleSink<W>) -> Self {
        Self::sink(sink)
    }
}
