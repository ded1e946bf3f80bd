//! Gives the bytes that come over a TCP connection, as they come.
//!
//! It listens and takes one connection, or with `connect=true` makes one. The stream ends when the other side closes
//! its; a connection that breaks is an error. There is no framing: packets are whatever one read gave. With
//! `reconnect=true` neither ends the stream: the next connection is awaited or made, and the first packet of it is marked
//! as one behind a gap. Bytes wait in the system's own buffers until they are asked for: a peer that is too fast is held
//! back, and one that sends nothing costs nothing.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Instant;

use parallax_events::{Declaration, Error, ErrorKind, ParamSpec, Params, Result};
use parallax_memory::{Flags, MemoryPool};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Ports, Produced, Source};

use crate::socket::{Address, FRAMING, LOOK, PATIENCE, Rendezvous, TIMEOUT, is_gone, is_late};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SOURCE, build);

static DECLARATION: Declaration = Declaration::new(
    "tcpsrc",
    "Gives the bytes that come over a TCP connection",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address to listen on, or to connect to"),
        ParamSpec::int("port").range(0, 65_535).doc("Port to listen on, 0 for one that the system chooses, or to connect to"),
        ParamSpec::bool("connect").default(false).doc("Whether it connects instead of listening"),
        ParamSpec::bool("reconnect").default(false).doc("Whether the next connection goes on where one has ended"),
        ParamSpec::size("blocksize").min(1).max(1 << 30).default(64 << 10).doc("The most bytes in one packet"),
        PATIENCE,
        TIMEOUT,
        FRAMING,
    ],
)
.with_doc(
    "It takes one connection and ends with it; a connection that breaks is an error. With `reconnect` the \
     next one goes on, and its first packet is marked. A peer that is too fast is held back.",
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::source(TcpSource {
        address: Address::from_params(&params, !params.bool("connect")?)?,
        reconnects: params.bool("reconnect")?,
        block: params.size("blocksize")? as usize,
        state: State::Closed,
        gap: false,
        pool: None,
        context: None,
    }))
}

#[derive(Debug)]
struct TcpSource {
    address: Address,
    reconnects: bool,
    block: usize,
    state: State,
    /// Whether another connection was before this one.
    gap: bool,
    pool: Option<MemoryPool>,
    context: Option<Context>,
}

#[derive(Debug)]
enum State {
    Closed,
    Meeting(Rendezvous),
    /// The connection, what to listen on for the next, and when something came last.
    Connected(TcpStream, Option<Rendezvous>, Instant),
}

impl TcpSource {
    /// Goes on to the next connection, or ends with `outcome`.
    fn lost(&mut self, next: Option<Rendezvous>, outcome: Result<Produced>) -> Result<Produced> {
        if !self.reconnects {
            return outcome;
        }
        if let (Some(context), Err(error)) = (&self.context, &outcome) {
            context.warn(error.to_string());
        }
        self.gap = true;
        let next = match next {
            Some(next) => next,
            None => self.address.meet(self.context.as_ref())?,
        };
        self.state = State::Meeting(next);
        Ok(Produced::Nothing)
    }

    fn read(&mut self, mut stream: TcpStream, next: Option<Rendezvous>, since: Instant) -> Result<Produced> {
        let pool = self.pool.as_ref().ok_or_else(|| Error::internal("the source has not started"))?;
        let Ok(mut loan) = pool.loan_timeout(LOOK) else {
            // What is held back is not the peer's fault.
            self.state = State::Connected(stream, next, Instant::now());
            return Ok(Produced::Nothing);
        };
        match stream.read(loan.as_mut_slice()) {
            Ok(0) => self.lost(next, Ok(Produced::End)),
            Ok(len) => {
                loan.set_len(len)?;
                self.state = State::Connected(stream, next, Instant::now());
                let mut packet = Packet::from(loan.seal());
                if std::mem::take(&mut self.gap) {
                    packet.metadata.mark(Flags::GAP);
                }
                Ok(Produced::Packet(packet))
            }
            Err(error) if is_late(&error) => {
                if let Some(timeout) = self.address.timeout.filter(|timeout| since.elapsed() >= *timeout) {
                    let text = format!("the other side has sent nothing for {timeout:?}");
                    return self.lost(next, Err(self.address.named(Error::new(ErrorKind::Timeout, text))));
                }
                self.state = State::Connected(stream, next, since);
                Ok(Produced::Nothing)
            }
            Err(error) if is_gone(&error) => self.lost(next, Err(self.broken(error))),
            Err(error) => Err(self.address.named(error)),
        }
    }

    fn broken(&self, error: io::Error) -> Error {
        self.address.peer("the connection broke before its end").with_source(error)
    }
}

impl Source for TcpSource {
    fn offers(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.pool = Some(context.pool(64, self.block)?);
        self.gap = false;
        self.state = State::Meeting(self.address.meet(Some(context))?);
        self.context = Some(context.clone());
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => Ok(Produced::End),
            State::Meeting(rendezvous) => {
                self.state = match self.address.met(&rendezvous)? {
                    None => State::Meeting(rendezvous),
                    Some(stream) => {
                        let listens_on = self.reconnects && matches!(rendezvous, Rendezvous::Listening(_));
                        State::Connected(stream, listens_on.then_some(rendezvous), Instant::now())
                    }
                };
                Ok(Produced::Nothing)
            }
            State::Connected(stream, next, since) => self.read(stream, next, since),
        }
    }

    fn stop(&mut self) {
        self.state = State::Closed;
        self.pool = None;
    }
}
