//! TCP and UDP on loopback: what arrives, and what a peer that breaks off, hangs or never comes does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use parallax_elements::{Checksum, NullSink, Receiver, app_sink, parse, registry};
use parallax_events::ErrorKind;
use parallax_memory::Flags;
use parallax_pipeline::{Message, Packet, Payload, Pipeline, State};

const LONG: Duration = Duration::from_secs(20);

/// Waits until the element says at which address it listens.
fn address(pipeline: &Pipeline) -> SocketAddr {
    let bus = pipeline.bus();
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        if let Some(Message::Info { text, .. }) = bus.wait(Duration::from_millis(100))
            && let Some(address) = text.strip_prefix("listens on ")
        {
            return address.parse().unwrap();
        }
    }
    panic!("nobody listens")
}

/// A source that plays into the test.
fn received(text: &str) -> (Pipeline, Receiver) {
    let (sink, receiver) = app_sink(1000);
    let mut pipeline = Pipeline::new();
    let source = pipeline.add_text("source", text, registry()).unwrap();
    let sink = pipeline.add("sink", sink).unwrap();
    pipeline.link(source, sink).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    (pipeline, receiver)
}

fn content(packet: &Packet) -> Vec<u8> {
    match &packet.payload {
        Payload::Bytes(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn next(receiver: &Receiver) -> Packet {
    receiver.receive_timeout(LONG).unwrap().unwrap()
}

fn noise(len: u32) -> Vec<u8> {
    (0..len)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn bytes_go_over_tcp_as_they_are_whoever_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.bin");
    std::fs::write(&path, noise(3_000_001)).unwrap();
    for listens in ["source", "sink"] {
        let mut receiving = Pipeline::new();
        let (sink, found) = NullSink::new(Checksum::Crc32);
        receiving.add("out", sink).unwrap();
        let sending = format!("filesrc location={} blocksize=10007 ! tcpsink", path.display());
        let (mut receiving, mut sending) = if listens == "source" {
            let mut receiving = receiving
                .with_text("tcpsrc port=0 ! queue ! out.", registry())
                .unwrap();
            receiving.set_state(State::Playing).unwrap();
            let port = address(&receiving).port();
            (receiving, parse(&format!("{sending} port={port}")).unwrap())
        } else {
            let mut sending = parse(&format!("{sending} listen=true port=0")).unwrap();
            sending.set_state(State::Playing).unwrap();
            let text = format!("tcpsrc connect=true port={} ! out.", address(&sending).port());
            let mut receiving = receiving.with_text(&text, registry()).unwrap();
            receiving.set_state(State::Playing).unwrap();
            (receiving, sending)
        };
        if sending.state() != State::Playing {
            sending.set_state(State::Playing).unwrap();
        }
        assert!(sending.wait_eos_timeout(LONG).unwrap() && receiving.wait_eos_timeout(LONG).unwrap());
        receiving.stop().unwrap();
        let wanted = format!(
            "crc32 {:08x} over 3000001 bytes",
            crc32fast::hash(&noise(3_000_001))
        );
        assert_eq!(found.get(), Some(wanted), "{listens} listens");
    }
}

#[test]
fn the_next_connection_goes_on_where_one_has_ended() {
    let (mut pipeline, receiver) = received("tcpsrc port=0 reconnect=true");
    let address = address(&pipeline);
    for (round, word) in ["first", "second"].into_iter().enumerate() {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(word.as_bytes()).unwrap();
        drop(stream);
        let packet = next(&receiver);
        assert_eq!(content(&packet), word.as_bytes());
        assert_eq!(packet.metadata.flags().contains(Flags::GAP), round > 0);
    }
    pipeline.stop().unwrap();
}

#[test]
fn a_half_closed_peer_ends_the_stream_and_others_are_not_served() {
    let (mut pipeline, receiver) = received("tcpsrc port=0");
    let mut stream = TcpStream::connect(address(&pipeline)).unwrap();
    stream.write_all(b"all").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(content(&next(&receiver)), b"all");
    assert!(receiver.receive_timeout(LONG).unwrap().is_none());
    assert!(pipeline.wait_eos_timeout(LONG).unwrap());
    pipeline.stop().unwrap();
}

#[test]
fn a_silent_peer_is_an_error_after_its_time() {
    let (pipeline, receiver) = received("tcpsrc port=0 timeout=200ms");
    let _stream = TcpStream::connect(address(&pipeline)).unwrap();
    assert!(
        receiver.receive_timeout(LONG).unwrap().is_none(),
        "a failure lets go of the program's end"
    );
    let error = pipeline.wait_eos_timeout(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        error.to_string().contains("source") && error.to_string().contains("sent nothing"),
        "{error}"
    );
}

#[test]
fn a_peer_that_does_not_read_holds_back_and_is_an_error_after_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut pipeline = parse(&format!(
        "fakesrc size=1048576 slots=4 ! tcpsink port={port} timeout=300ms"
    ))
    .unwrap();
    pipeline.set_state(State::Playing).unwrap();
    let (_stream, _) = listener.accept().unwrap();
    let error = pipeline.wait_eos_timeout(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let _ = pipeline.stop();
    let stats = pipeline.stats();
    assert!(stats.elements[0].packets < 100, "memory is bounded");
    assert_eq!(stats.pools[0].1.in_use, 0);
}

#[test]
fn a_peer_that_dies_is_an_error_at_the_element() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut pipeline = parse(&format!("fakesrc size=65536 ! tcpsink name=out port={port}")).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    drop(stream);
    let error = pipeline.wait_eos_timeout(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Peer, "{error}");
    assert!(
        error.to_string().contains("out") && error.to_string().contains(&port.to_string()),
        "{error}"
    );
}

#[test]
fn nobody_there_is_an_error_and_a_stop_does_not_wait_for_anybody() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = parse(&format!("fakesrc ! tcpsink port={port} patience=50ms"))
        .unwrap()
        .run()
        .unwrap_err()
        .to_string();
    assert!(error.contains("tcpsink0") && error.contains("refused"), "{error}");
    for text in [
        "tcpsrc port=0 ! fakesink".to_owned(),
        "udpsrc port=0 ! fakesink".to_owned(),
        "fakesrc ! tcpsink listen=true port=0".to_owned(),
        format!("tcpsrc connect=true patience=1h port={port} ! fakesink"),
        format!("fakesrc ! tcpsink patience=1h port={port}"),
        // Reserved for documentation: nobody answers, or the system says at once that there is no way.
        "fakesrc ! tcpsink host=192.0.2.1 port=9".to_owned(),
    ] {
        let mut pipeline = parse(&text).unwrap();
        pipeline.set_state(State::Playing).unwrap();
        thread::sleep(Duration::from_millis(60));
        let begun = Instant::now();
        let _ = pipeline.stop();
        assert!(begun.elapsed() < Duration::from_secs(1), "{text}");
    }
    for (text, says) in [
        ("tcpsrc port=0 connect=true", "port 0"),
        ("tcpsrc port=70000", "port"),
        ("tcpsink port=1 framing=lines", "framing"),
        ("udpsink port=0", "port"),
        ("udpsink port=1 blocksize=1MiB", "blocksize"),
    ] {
        let error = registry().build(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let error = parse("udpsrc port=0 host=192.0.2.1 ! fakesink")
        .unwrap()
        .run()
        .unwrap_err()
        .to_string();
    assert!(error.contains("192.0.2.1:0"), "{error}");
}

#[test]
fn datagrams_are_packets_and_packets_datagrams() {
    let (mut pipeline, receiver) = received("udpsrc port=0 timeout=3s");
    let address = address(&pipeline);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for len in [1_usize, 0, 1400, 65_507] {
        socket.send_to(&noise(len as u32), address).unwrap();
    }
    for len in [1, 1400, 65_507] {
        assert_eq!(content(&next(&receiver)), noise(len));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.bin");
    std::fs::write(&path, noise(3000)).unwrap();
    let text = format!(
        "filesrc location={} ! udpsink port={} blocksize=1000",
        path.display(),
        address.port()
    );
    parse(&text).unwrap().run().unwrap();
    let parts: Vec<Vec<u8>> = (0..3).map(|_| content(&next(&receiver))).collect();
    assert!(parts.iter().all(|part| part.len() == 1000) && parts.concat() == noise(3000));
    // It ends by itself.
    assert!(receiver.receive_timeout(LONG).unwrap().is_none());
    assert!(pipeline.wait_eos_timeout(LONG).unwrap());
    pipeline.stop().unwrap();
    assert_eq!(pipeline.stats().pools[0].1.in_use, 0);
}
