//! Gives the datagrams that come over UDP, each as a packet.
//!
//! UDP loses, repeats and reorders, and says nothing of it; it has no end either, so the stream ends with `timeout=` after
//! so long without a datagram, or when the pipeline is told to end. Empty datagrams are passed over. Anybody who reaches
//! the port can send: it listens on this machine alone unless `host=` says otherwise.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use parallax_events::{Declaration, Error, Nanos, ParamSpec, Params, Result};
use parallax_memory::MemoryPool;
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Ports, Produced, Source};

use crate::socket::{LOOK, is_late};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SOURCE, build);

static DECLARATION: Declaration = Declaration::new(
    "udpsrc",
    "Gives the datagrams that come over UDP",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address of this machine to listen on; 0.0.0.0 for all"),
        ParamSpec::int("port").range(0, 65_535).doc("Port to listen on, 0 for one that the system chooses"),
        ParamSpec::time("timeout").min(Nanos(1)).optional().doc("After how long without a datagram the stream ends; never if absent"),
    ],
)
.with_doc(
    "Datagrams get lost, and nobody says so. Anybody who reaches the port can send.",
);

/// No datagram is longer.
const LONGEST: usize = 1 << 16;

fn build(params: Params) -> Result<Built> {
    let port = u16::try_from(params.int("port")?).map_err(|_| Error::internal("out of range"))?;
    Ok(Built::source(UdpSource {
        address: (params.text("host")?.to_owned(), port),
        timeout: params.optional_time("timeout")?.map(|Nanos(time)| Duration::from_nanos(time.unsigned_abs())),
        open: None,
    }))
}

#[derive(Debug)]
struct UdpSource {
    address: (String, u16),
    timeout: Option<Duration>,
    /// The socket, the memory, and when something came last.
    open: Option<(UdpSocket, MemoryPool, Instant)>,
}

impl UdpSource {
    fn named(&self, error: impl Into<Error>) -> Error {
        error.into().with_context("address", format!("{}:{}", self.address.0, self.address.1))
    }
}

impl Source for UdpSource {
    fn offers(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        let socket = UdpSocket::bind((self.address.0.as_str(), self.address.1)).map_err(|error| self.named(error))?;
        socket.set_read_timeout(Some(LOOK)).map_err(|error| self.named(error))?;
        let address = socket.local_addr().map_err(|error| self.named(error))?;
        context.tell(format!("listens on {address}"));
        self.open = Some((socket, context.pool(64, LONGEST)?, Instant::now()));
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        let Some((socket, pool, since)) = &mut self.open else { return Ok(Produced::End) };
        let Ok(mut loan) = pool.loan_timeout(LOOK) else {
            *since = Instant::now();
            return Ok(Produced::Nothing);
        };
        match socket.recv(loan.as_mut_slice()) {
            Ok(0) => Ok(Produced::Nothing),
            Ok(len) => {
                *since = Instant::now();
                loan.set_len(len)?;
                Ok(Produced::Packet(Packet::from(loan.seal())))
            }
            Err(error) if is_late(&error) => {
                let is_over = self.timeout.is_some_and(|timeout| since.elapsed() >= timeout);
                Ok(if is_over { Produced::End } else { Produced::Nothing })
            }
            Err(error) => Err(self.named(error)),
        }
    }

    fn stop(&mut self) {
        self.open = None;
    }
}
