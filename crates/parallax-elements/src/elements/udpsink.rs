//! Sends bytes over UDP, packet by packet, each cut into datagrams of at most `blocksize`.
//!
//! Nobody has to listen, and nobody says whether anything arrived. The stream is not held back either: `throttle` before it
//! lets a recording go out at its own pace.

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "udpsink",
    "Sends bytes over UDP",
    &[
        ParamSpec::text("host").default("127.0.0.1").doc("Address to send to"),
        ParamSpec::int("port").range(1, 65_535).doc("Port to send to"),
        ParamSpec::size("blocksize").min(1).max(65_507).default(1400)
            .doc("The most bytes in one datagram; more than fit a network's packets are cut and lost more often"),
    ],
)
.with_doc(
    "Each packet is cut into datagrams. Nobody says whether they arrive, and the stream is not held back: \
     put `throttle` before it.",
);

fn build(params: Params) -> Result<Built> {
    let port = u16::try_from(params.int("port")?).map_err(|_| Error::internal("out of range"))?;
    Ok(Built::sink(UdpSink {
        address: (params.text("host")?.to_owned(), port),
        block: params.size("blocksize")? as usize,
        open: None,
    }))
}

#[derive(Debug)]
struct UdpSink {
    address: (String, u16),
    block: usize,
    open: Option<(UdpSocket, SocketAddr)>,
}

impl UdpSink {
    fn named(&self, error: impl Into<Error>) -> Error {
        error.into().with_context("address", format!("{}:{}", self.address.0, self.address.1))
    }
}

impl Sink for UdpSink {
    fn accepts(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, _: &Context) -> Result<()> {
        let addresses = (self.address.0.as_str(), self.address.1).to_socket_addrs();
        let address = addresses.map_err(|error| self.named(error))?.next();
        let address = address.ok_or_else(|| self.named(Error::not_found("the name of the host means no address")))?;
        let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).map_err(|error| self.named(error))?;
        self.open = Some((socket, address));
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return Err(Error::param(format!("`udpsink` takes bytes, not {}", packet.payload.media()))
                .with_hint("put an encoder such as `evt3enc` before it"));
        };
        let Some((socket, address)) = &self.open else {
            return Err(Error::internal("the sink has not started"));
        };
        for part in bytes.chunks(self.block) {
            socket.send_to(part, address).map_err(|error| self.named(error))?;
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.open = None;
    }
}
