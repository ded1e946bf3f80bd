//! Sources and sinks that are tasks: a stream over TCP, an end and a stop while they wait, a panic, an error.
#![cfg(feature = "async")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use parallax_events::{ErrorKind, Result};
use parallax_memory::{Bytes, MemoryPool, PoolConfig};
use parallax_pipeline::{
    AsyncSink, AsyncSource, Built, Message, Packet, Payload, Pipeline, Produced, Sink, Source, State,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The bytes of the first connection, into loans.
#[derive(Debug)]
struct TcpSource {
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    pool: MemoryPool,
}

impl AsyncSource for TcpSource {
    async fn produce(&mut self) -> Result<Produced> {
        if self.stream.is_none()
            && let Some(listener) = self.listener.take()
        {
            listener.set_nonblocking(true)?;
            let (stream, _) = tokio::net::TcpListener::from_std(listener)?.accept().await?;
            self.stream = Some(stream);
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Produced::End);
        };
        let mut loan = self.pool.loan_async().await;
        let len = stream.read(loan.as_mut_slice()).await?;
        if len == 0 {
            return Ok(Produced::End);
        }
        loan.set_len(len)?;
        Ok(Produced::Packet(loan.seal().into()))
    }
}

#[derive(Debug)]
struct TcpSink(SocketAddr, Option<TcpStream>);

impl AsyncSink for TcpSink {
    async fn consume(&mut self, packet: Packet) -> Result<()> {
        if self.1.is_none() {
            self.1 = Some(TcpStream::connect(self.0).await?);
        }
        if let (Some(stream), Payload::Bytes(bytes)) = (&mut self.1, packet.payload) {
            stream.write_all(&bytes).await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        if let Some(mut stream) = self.1.take() {
            stream.shutdown().await?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Blocks(u32);

impl Source for Blocks {
    fn produce(&mut self) -> Result<Produced> {
        let Some(left) = self.0.checked_sub(1) else {
            return Ok(Produced::End);
        };
        self.0 = left;
        Ok(Produced::Packet(Bytes::from(vec![left as u8; 1000]).into()))
    }
}

#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Vec<u8>>>);

impl Sink for Keep {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        if let Payload::Bytes(bytes) = packet.payload {
            self.0.lock().unwrap().extend_from_slice(&bytes);
        }
        Ok(())
    }
}

fn pair(from: Built, to: Built) -> Pipeline {
    let mut pipeline = Pipeline::new();
    let (from, to) = (
        pipeline.add("from", from).unwrap(),
        pipeline.add("to", to).unwrap(),
    );
    pipeline.link(from, to).unwrap();
    pipeline
}

fn tcp_source() -> (SocketAddr, TcpSource, MemoryPool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pool = MemoryPool::new(&PoolConfig::new(4, 4096)).unwrap();
    let source = TcpSource {
        listener: Some(listener),
        stream: None,
        pool: pool.clone(),
    };
    (address, source, pool)
}

#[test]
fn bytes_go_over_tcp_through_tasks_on_both_sides() {
    let keep = Keep::default();
    let (address, source, pool) = tcp_source();
    let mut receiver = pair(Built::async_source(source), Built::sink(keep.clone()));
    let mut sender = pair(
        Built::source(Blocks(500)),
        Built::async_sink(TcpSink(address, None)),
    );
    receiver.set_state(State::Playing).unwrap();
    sender.run().unwrap();
    assert!(receiver.wait_eos_timeout(Duration::from_secs(30)).unwrap());
    let stats = receiver.stats();
    assert_eq!(
        (stats.elements[0].bytes, stats.elements[1].bytes),
        (500_000, 500_000)
    );
    receiver.stop().unwrap();
    let wanted: Vec<u8> = (0..500_u32)
        .rev()
        .flat_map(|left| vec![left as u8; 1000])
        .collect();
    assert_eq!(*keep.0.lock().unwrap(), wanted);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn a_task_that_waits_is_ended_and_stopped_at_once() {
    for end in [false, true] {
        let (_, source, pool) = tcp_source();
        let mut pipeline = pair(Built::async_source(source), Built::sink(Keep::default()));
        pipeline.set_state(State::Playing).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let begun = Instant::now();
        if end {
            pipeline.controller().unwrap().end();
            assert!(pipeline.wait_eos_timeout(Duration::from_secs(5)).unwrap());
        }
        pipeline.stop().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1));
        drop(pipeline);
        assert_eq!(pool.stats().in_use, 0);
    }
}

#[derive(Debug)]
struct Bad(&'static str, u32);

impl AsyncSource for Bad {
    async fn produce(&mut self) -> Result<Produced> {
        self.1 += 1;
        match (self.1, self.0) {
            (..10, _) => Ok(Produced::Packet(Bytes::from(vec![1]).into())),
            (_, "panic") => panic!("on purpose"),
            _ => Err(parallax_events::Error::malformed("on purpose")),
        }
    }
}

impl AsyncSink for Bad {
    async fn consume(&mut self, _: Packet) -> Result<()> {
        self.produce().await.map(drop)
    }
}

#[test]
fn an_error_and_a_panic_of_a_task_are_laid_at_its_door() {
    for (how, kind) in [("panic", ErrorKind::Internal), ("error", ErrorKind::Malformed)] {
        for (mut pipeline, culprit) in [
            (
                pair(Built::async_source(Bad(how, 0)), Built::sink(Keep::default())),
                "from",
            ),
            (
                pair(Built::source(Blocks(100)), Built::async_sink(Bad(how, 0))),
                "to",
            ),
        ] {
            let error = pipeline.run().unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let told = std::iter::from_fn(|| pipeline.bus().poll());
            let told: Vec<_> = told
                .filter_map(|message| match message {
                    Message::Error { element, .. } => Some(element),
                    _ => None,
                })
                .collect();
            assert_eq!(told, [culprit]);
        }
    }
}

/// On a runtime of the caller's, with nothing but `await`.
#[test]
fn a_program_on_its_own_runtime_plays_and_waits() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let keep = Keep::default();
        let (address, source, _) = tcp_source();
        let mut receiver = pair(Built::async_source(source), Built::sink(keep.clone()));
        receiver.play().await.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"parallax").await.unwrap();
        drop(stream);
        receiver.wait_eos().await.unwrap();
        assert_eq!(*keep.0.lock().unwrap(), b"parallax");
    });
}
