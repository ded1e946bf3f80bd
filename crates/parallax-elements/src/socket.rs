//! Connections of the TCP elements: one end waits or calls, and nobody hangs in it.
//!
//! Whoever listens is told on the bus at which address, so that port 0, which has the system choose one, is of use. A call
//! runs on a thread of its own, since the system may take minutes to give it up; dropping the [`Rendezvous`] is enough.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parallax_events::{Error, ErrorKind as Kind, Nanos, ParamSpec, Params, Result};
use parallax_pipeline::Context;

/// How long an element waits between two looks at whether to stop.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(20);

/// The parameters that both TCP elements have at their end.
pub(crate) const PATIENCE: ParamSpec = ParamSpec::time("patience")
    .min(Nanos(0))
    .default(Nanos(2_000_000_000))
    .doc("How long it calls again where nobody listens yet");
pub(crate) const TIMEOUT: ParamSpec = ParamSpec::time("timeout")
    .min(Nanos(1))
    .optional()
    .doc("How long a peer may do nothing before that is an error; for ever if absent");
pub(crate) const FRAMING: ParamSpec = ParamSpec::choice("framing", &["raw"])
    .default("raw")
    .doc("How packets lie in the stream of bytes: raw is one behind another without any mark");

/// Where, and who calls.
#[derive(Debug)]
pub(crate) struct Address {
    host: String,
    port: u16,
    pub(crate) listens: bool,
    patience: Duration,
    pub(crate) timeout: Option<Duration>,
}

/// A connection that is about to be made.
#[derive(Debug)]
pub(crate) enum Rendezvous {
    Listening(TcpListener),
    /// What the calling thread brings, and what it stops without.
    Calling {
        made: Receiver<io::Result<TcpStream>>,
        _wanted: Arc<()>,
    },
}

impl Address {
    /// From `host`, `port`, `patience` and `timeout`.
    pub(crate) fn from_params(params: &Params, listens: bool) -> Result<Self> {
        let port = u16::try_from(params.int("port")?).map_err(|_| Error::internal("out of range"))?;
        if port == 0 && !listens {
            return Err(Error::param("nobody can be called at port 0")
                .with_context("parameter", format!("port of {}", params.id())));
        }
        let duration = |Nanos(time): Nanos| Duration::from_nanos(time.unsigned_abs());
        Ok(Self {
            host: params.text("host")?.to_owned(),
            port,
            listens,
            patience: duration(params.time("patience")?),
            timeout: params.optional_time("timeout")?.map(duration),
        })
    }

    /// The error with the address.
    pub(crate) fn named(&self, error: impl Into<Error>) -> Error {
        error
            .into()
            .with_context("address", format!("{}:{}", self.host, self.port))
    }

    /// An error of the peer's.
    pub(crate) fn peer(&self, text: &str) -> Error {
        self.named(Error::new(Kind::Peer, text))
    }

    /// Begins to listen or to call.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub(crate) fn meet(&self, context: Option<&Context>) -> Result<Rendezvous> {
        if !self.listens {
            let (sender, receiver) = sync_channel(1);
            let wanted = Arc::new(());
            let (host, port, patience, watch) = (
                self.host.clone(),
                self.port,
                self.patience,
                Arc::downgrade(&wanted),
            );
            let call = move || {
                // Nobody may be there to take it any more.
                let _ = sender.send(call(&host, port, patience, &watch));
            };
            thread::Builder::new()
                .name("call".to_owned())
                .spawn(call)
                .map_err(|error| self.named(error))?;
            return Ok(Rendezvous::Calling {
                made: receiver,
                _wanted: wanted,
            });
        }
        let listener =
            TcpListener::bind((self.host.as_str(), self.port)).map_err(|error| self.named(error))?;
        listener
            .set_nonblocking(true)
            .map_err(|error| self.named(error))?;
        if let (Some(context), Ok(address)) = (context, listener.local_addr()) {
            context.tell(format!("listens on {address}"));
        }
        Ok(Rendezvous::Listening(listener))
    }

    /// The connection, if it is there within a tenth of a second; its reads and writes take no longer than that.
    ///
    /// # Errors
    /// If the call has failed, or the listener has.
    pub(crate) fn met(&self, rendezvous: &Rendezvous) -> Result<Option<TcpStream>> {
        let made = match rendezvous {
            Rendezvous::Listening(listener) => match listener.accept() {
                Ok((stream, _)) => Ok(stream),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) =>
                {
                    thread::sleep(Duration::from_millis(5));
                    return Ok(None);
                }
                Err(error) => Err(error),
            },
            Rendezvous::Calling { made, .. } => match made.recv_timeout(LOOK) {
                Ok(called) => called,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.named(Error::internal("the calling thread is gone")));
                }
            },
        };
        let ready = made.and_then(|stream| {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(LOOK))?;
            stream.set_write_timeout(Some(LOOK))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        ready.map(Some).map_err(|error| self.named(error))
    }
}

/// Calls until somebody answers, patience ends, or nobody wants the connection any more.
fn call(host: &str, port: u16, patience: Duration, wanted: &Weak<()>) -> io::Result<TcpStream> {
    let begun = Instant::now();
    loop {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name of the host means no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CALL) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        if last.kind() != ErrorKind::ConnectionRefused
            || begun.elapsed() >= patience
            || wanted.strong_count() == 0
        {
            return Err(last);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the error only says that nothing was possible in time.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Whether the error says that the peer is gone.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}
