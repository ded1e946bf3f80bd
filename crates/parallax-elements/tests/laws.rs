//! Every law of elements over every row: see `parallax_testkit::laws::element`.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::LazyLock;
use std::thread;

use parallax_elements::{ConsoleSink, registry};
use parallax_testkit::laws::element::ElementSubject;
use tempfile::TempDir;

/// What the elements that need a place or a peer get.
struct Places {
    folder: TempDir,
    /// Where somebody takes every connection and reads it to its end.
    tcp: u16,
    /// Where datagrams go, and nobody reads.
    udp: UdpSocket,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.bin"), [7; 100_000]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
        }
    });
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    Places { folder, tcp, udp }
});

fn subjects() -> Vec<ElementSubject> {
    let Places { folder, tcp, udp } = &*PLACES;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let udp = udp.local_addr().unwrap().port();
    let texts = [
        ("capsfilter", "capsfilter caps=events".to_owned()),
        (
            "filesink",
            format!("filesink overwrite=true location={}", path("out-%03d.bin")),
        ),
        (
            "filesrc",
            format!("filesrc blocksize=1000 location={}", path("in.bin")),
        ),
        (
            "pngsink",
            format!("pngsink overwrite=true location={}", path("out-%03d.png")),
        ),
        ("tcpsink", format!("tcpsink port={tcp}")),
        ("tcpsrc", "tcpsrc port=0".to_owned()),
        ("udpsink", format!("udpsink port={udp}")),
        ("udpsrc", "udpsrc port=0 timeout=100ms".to_owned()),
        ("window", "window count=2".to_owned()),
    ];
    // The console is not for what laws make it say.
    let rows: Vec<_> = registry()
        .rows()
        .iter()
        .copied()
        .filter(|row| row.id() != "consolesink")
        .collect();
    let mut subjects = ElementSubject::all(&rows, &texts);
    subjects.push(ElementSubject::outside("consolesink", || {
        Ok(ConsoleSink::new(io::sink()).into())
    }));
    subjects
}

parallax_testkit::element_laws!(subjects());
