//! Sends bytes over a TCP connection, as they are.
//!
//! It connects, or with `listen=true` takes one connection. The stream waits for it at its first packet. A peer that stops
//! reading holds the stream back, for as long as `timeout=` allows; one that closes is an error, since what was under way
//! is lost. At the end its own direction is closed, which is how the peer sees the end.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use parallax_events::{Declaration, Error, ErrorKind, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

use crate::socket::{Address, FRAMING, PATIENCE, Rendezvous, TIMEOUT, is_gone, is_late};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "tcpsink",
    "Sends bytes over a TCP connection",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address to connect to, or to listen on"),
        ParamSpec::int("port").range(0, 65_535).doc("Port to connect to, or to listen on, 0 for one that the system chooses"),
        ParamSpec::bool("listen").default(false).doc("Whether it waits for a connection instead of making one"),
        PATIENCE,
        TIMEOUT,
        FRAMING,
    ],
)
.with_doc(
    "A peer that stops reading holds the stream back; one that closes is an error. At the end the \
     connection is closed in its direction.",
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::sink(TcpSink {
        address: Address::from_params(&params, params.bool("listen")?)?,
        rendezvous: None,
        stream: None,
        context: None,
    }))
}

#[derive(Debug)]
struct TcpSink {
    address: Address,
    rendezvous: Option<Rendezvous>,
    stream: Option<TcpStream>,
    context: Option<Context>,
}

impl TcpSink {
    fn refuse_if_stopping(&self, meanwhile: &str) -> Result<()> {
        if self.context.as_ref().is_some_and(Context::is_stopping) {
            return Err(self.address.named(Error::new(ErrorKind::Closed, format!("stopped {meanwhile}"))));
        }
        Ok(())
    }

    /// The connection, waiting for it.
    fn connected(&mut self) -> Result<TcpStream> {
        if let Some(stream) = self.stream.take() {
            return Ok(stream);
        }
        let Some(rendezvous) = self.rendezvous.take() else {
            return Err(self.address.peer("the connection is lost"));
        };
        loop {
            if let Some(stream) = self.address.met(&rendezvous)? {
                return Ok(stream);
            }
            self.refuse_if_stopping("before there was a connection")?;
        }
    }

    fn send(&self, stream: &mut TcpStream, mut bytes: &[u8]) -> Result<()> {
        let closed = || self.address.peer("the other side has closed the connection");
        let mut since = Instant::now();
        while !bytes.is_empty() {
            match stream.write(bytes) {
                Ok(0) => return Err(closed()),
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    since = Instant::now();
                }
                Err(error) if is_late(&error) => {
                    self.refuse_if_stopping("while the peer did not read")?;
                    if let Some(timeout) = self.address.timeout.filter(|timeout| since.elapsed() >= *timeout) {
                        let text = format!("the other side has taken nothing for {timeout:?}");
                        return Err(self.address.named(Error::new(ErrorKind::Timeout, text)));
                    }
                }
                Err(error) if is_gone(&error) => return Err(closed().with_source(error)),
                Err(error) => return Err(self.address.named(error)),
            }
        }
        Ok(())
    }
}

impl Sink for TcpSink {
    fn accepts(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.stream = None;
        self.rendezvous = Some(self.address.meet(Some(context))?);
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return Err(Error::param(format!("`tcpsink` takes bytes, not {}", packet.payload.media()))
                .with_hint("put an encoder such as `evt3enc` before it"));
        };
        let mut stream = self.connected()?;
        self.send(&mut stream, bytes)?;
        self.stream = Some(stream);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        // An empty stream is one too.
        let stream = self.connected()?;
        // The peer may have closed first: all was sent.
        let _ = stream.shutdown(Shutdown::Write);
        Ok(())
    }

    fn stop(&mut self) {
        self.stream = None;
        self.rendezvous = None;
    }
}
