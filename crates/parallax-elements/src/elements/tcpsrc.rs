//! Gives the bytes that come over a TCP connection, as they come.
//!
//! It listens and takes one connection, or with `connect=true` makes one. The stream ends when the other side closes
//! it. There is no framing: packets are whatever one read gave.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_memory::MemoryPool;
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Ports, Produced, Source};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SOURCE, build);

static DECLARATION: Declaration = Declaration::new(
    "tcpsrc",
    "Gives the bytes that come over a TCP connection",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address to listen on, or to connect to"),
        ParamSpec::int("port").range(1, 65_535).doc("Port to listen on, or to connect to"),
        ParamSpec::bool("connect").default(false).doc("Whether it connects instead of listening"),
        ParamSpec::size("blocksize").min(1).max(1 << 30).default(64 << 10).doc("The most bytes in one packet"),
    ],
);

/// How long it waits between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

fn build(params: Params) -> Result<Built> {
    let port = u16::try_from(params.int("port")?).map_err(|_| Error::internal("out of range"))?;
    Ok(Built::source(TcpSource {
        address: (params.text("host")?.to_owned(), port),
        connects: params.bool("connect")?,
        block: params.size("blocksize")? as usize,
        state: State::Closed,
        pool: None,
    }))
}

#[derive(Debug)]
struct TcpSource {
    address: (String, u16),
    connects: bool,
    block: usize,
    state: State,
    pool: Option<MemoryPool>,
}

#[derive(Debug)]
enum State {
    Closed,
    Listening(TcpListener),
    Connected(TcpStream),
}

impl TcpSource {
    fn named(&self, error: impl Into<Error>) -> Error {
        error.into().with_context("address", format!("{}:{}", self.address.0, self.address.1))
    }

    fn connected(&self, stream: TcpStream) -> Result<State> {
        stream.set_nonblocking(false).map_err(|error| self.named(error))?;
        stream.set_read_timeout(Some(LOOK)).map_err(|error| self.named(error))?;
        Ok(State::Connected(stream))
    }
}

impl Source for TcpSource {
    fn offers(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.pool = Some(context.pool(64, self.block)?);
        let address = (self.address.0.as_str(), self.address.1);
        self.state = if self.connects {
            let stream = TcpStream::connect(address).map_err(|error| self.named(error))?;
            self.connected(stream)?
        } else {
            let listener = TcpListener::bind(address).map_err(|error| self.named(error))?;
            listener.set_nonblocking(true).map_err(|error| self.named(error))?;
            State::Listening(listener)
        };
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        let pool = self.pool.as_ref().ok_or_else(|| Error::internal("the source has not started"))?;
        let error = match &mut self.state {
            State::Closed => return Ok(Produced::End),
            State::Listening(listener) => match listener.accept() {
                Ok((stream, _)) => {
                    self.state = self.connected(stream)?;
                    return Ok(Produced::Nothing);
                }
                Err(error) => error,
            },
            State::Connected(stream) => {
                let Ok(mut loan) = pool.loan_timeout(LOOK) else { return Ok(Produced::Nothing) };
                match stream.read(loan.as_mut_slice()) {
                    Ok(0) => return Ok(Produced::End),
                    Ok(len) => {
                        loan.set_len(len)?;
                        return Ok(Produced::Packet(Packet::from(loan.seal())));
                    }
                    Err(error) => error,
                }
            }
        };
        match error.kind() {
            ErrorKind::WouldBlock => {
                // A listener says so at once, a stream after its time-out.
                if matches!(self.state, State::Listening(_)) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(Produced::Nothing)
            }
            ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(Produced::Nothing),
            _ => Err(self.named(error)),
        }
    }

    fn stop(&mut self) {
        self.state = State::Closed;
        self.pool = None;
    }
}
