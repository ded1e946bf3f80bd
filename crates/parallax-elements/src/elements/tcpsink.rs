//! Sends bytes over a TCP connection, as they are.
//!
//! It connects, or with `listen=true` waits for one connection at the first packet. A peer that stops reading holds the
//! stream back; one that closes is an error.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use parallax_events::{Declaration, Error, ErrorKind as Kind, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "tcpsink",
    "Sends bytes over a TCP connection",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address to connect to, or to listen on"),
        ParamSpec::int("port").range(1, 65_535).doc("Port to connect to, or to listen on"),
        ParamSpec::bool("listen").default(false).doc("Whether it waits for a connection instead of making one"),
        ParamSpec::time("patience")
            .min(parallax_events::Nanos(0))
            .default(parallax_events::Nanos(2_000_000_000))
            .doc("How long it tries again to connect where nobody listens yet"),
    ],
);

/// How long it waits between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

fn build(params: Params) -> Result<Built> {
    let port = u16::try_from(params.int("port")?).map_err(|_| Error::internal("out of range"))?;
    Ok(Built::sink(TcpSink {
        address: (params.text("host")?.to_owned(), port),
        listens: params.bool("listen")?,
        patience: Duration::from_nanos(params.time("patience")?.0.unsigned_abs()),
        listener: None,
        stream: None,
        context: None,
    }))
}

#[derive(Debug)]
struct TcpSink {
    address: (String, u16),
    listens: bool,
    patience: Duration,
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    context: Option<Context>,
}

impl TcpSink {
    fn named(&self, error: impl Into<Error>) -> Error {
        error.into().with_context("address", format!("{}:{}", self.address.0, self.address.1))
    }

    fn give_up(&self) -> Result<()> {
        if self.context.as_ref().is_some_and(Context::is_stopping) {
            return Err(self.named(Error::new(Kind::Closed, "stopped before there was a connection")));
        }
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    fn connect(&self) -> Result<TcpStream> {
        let begun = Instant::now();
        let stream = loop {
            let tried = match &self.listener {
                Some(listener) => listener.accept().map(|(stream, _)| stream),
                None => TcpStream::connect((self.address.0.as_str(), self.address.1)),
            };
            match tried {
                Ok(stream) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.give_up()?,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused && begun.elapsed() < self.patience => {
                    self.give_up()?;
                }
                Err(error) => return Err(self.named(error)),
            }
        };
        stream.set_nonblocking(false).map_err(|error| self.named(error))?;
        stream.set_write_timeout(Some(LOOK)).map_err(|error| self.named(error))?;
        Ok(stream)
    }

    fn send(&self, stream: &mut TcpStream, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match stream.write(bytes) {
                Ok(0) => return Err(self.named(Error::new(Kind::Peer, "the other side has closed the connection"))),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                        if self.context.as_ref().is_some_and(Context::is_stopping) {
                            return Err(self.named(Error::new(Kind::Closed, "stopped while the peer did not read")));
                        }
                    }
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                        let error = Error::new(Kind::Peer, "the other side has closed the connection");
                        return Err(self.named(error.with_source(std::io::Error::from(ErrorKind::BrokenPipe))));
                    }
                    _ => return Err(self.named(error)),
                },
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
        self.context = Some(context.clone());
        if self.listens {
            let address = (self.address.0.as_str(), self.address.1);
            let listener = TcpListener::bind(address).map_err(|error| self.named(error))?;
            listener.set_nonblocking(true).map_err(|error| self.named(error))?;
            self.listener = Some(listener);
        }
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return Err(Error::param(format!("`tcpsink` takes bytes, not {}", packet.payload.media()))
                .with_hint("put an encoder such as `evt3enc` before it"));
        };
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        self.send(&mut stream, bytes)?;
        self.stream = Some(stream);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        // An empty stream is one too.
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        // The peer may have closed first: all was sent.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        Ok(())
    }

    fn stop(&mut self) {
        self.stream = None;
        self.listener = None;
    }
}
