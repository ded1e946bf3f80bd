//! The engine with real elements: what arrives, in what order, what an error, a panic, a stop and back-pressure do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use parallax_elements::{FakeSink, FakeSource, Fill, app_sink, app_source, parse};
use parallax_events::{Error, ErrorKind, Result};
use parallax_memory::{Bytes, MemoryPool, PoolConfig};
use parallax_pipeline::{
    Built, Element, Leaky, Message, Out, Packet, Payload, Pipeline, Produced, QueueConfig, Sink, Source,
    State, TypedPipeline,
};

/// Keeps what came, as bytes.
#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Vec<Bytes>>>, Arc<AtomicUsize>);

impl Sink for Keep {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        if let Payload::Bytes(bytes) = packet.payload {
            self.0.lock().unwrap().push(bytes);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Keep {
    fn contents(&self) -> Vec<Vec<u8>> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|bytes| bytes.to_vec())
            .collect()
    }
}

fn patterns(count: u64) -> FakeSource {
    FakeSource::new(3).with_limit(count).with_fill(Fill::Pattern)
}

fn wanted(count: u64) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| (0..3).map(|index| (number + index) as u8).collect())
        .collect()
}

#[test]
fn a_pipeline_that_a_program_builds_runs_awaits_and_runs_again() {
    let keep = Keep::default();
    let mut pipeline = Pipeline::new();
    let src = pipeline.add("src", patterns(40)).unwrap();
    let queue = pipeline
        .add("queue", Built::Queue(QueueConfig::default()))
        .unwrap();
    let out = pipeline.add("out", Built::sink(keep.clone())).unwrap();
    pipeline.link(src, queue).unwrap();
    pipeline.link(queue, out).unwrap();
    for round in 1..=2 {
        pollster::block_on(async {
            pipeline.play().await?;
            pipeline.wait_eos().await
        })
        .unwrap();
        pipeline.stop().unwrap();
        assert_eq!(pipeline.state(), State::Null);
        assert_eq!(
            (keep.contents(), keep.1.load(Ordering::SeqCst)),
            (wanted(40), round)
        );
        keep.0.lock().unwrap().clear();
    }
    let eos = std::iter::from_fn(|| pipeline.bus().poll())
        .filter(|message| *message == Message::Eos)
        .count();
    assert_eq!(eos, 2);
}

/// The same bytes at the same address at every sink, and no more slots than are under way.
#[test]
fn a_tee_copies_nothing() {
    let keeps: [Keep; 4] = Default::default();
    let mut pipeline = Pipeline::new();
    let src = pipeline
        .add(
            "src",
            FakeSource::new(65_536).with_limit(60).with_fill(Fill::Pattern),
        )
        .unwrap();
    let tee = pipeline
        .add_text("tee", "tee", parallax_elements::registry())
        .unwrap();
    pipeline.link(src, tee).unwrap();
    for (index, keep) in keeps.iter().enumerate() {
        let queue = pipeline
            .add(&format!("queue{index}"), Built::Queue(QueueConfig::default()))
            .unwrap();
        let sink = pipeline
            .add(&format!("sink{index}"), Built::sink(keep.clone()))
            .unwrap();
        pipeline.link(tee, queue).unwrap();
        pipeline.link(queue, sink).unwrap();
    }
    pipeline.run().unwrap();
    let addresses = keeps.each_ref().map(|keep| {
        let kept = keep.0.lock().unwrap();
        kept.iter().map(|bytes| bytes.as_ptr().addr()).collect::<Vec<_>>()
    });
    assert_eq!(addresses[0].len(), 60);
    assert!(addresses.iter().all(|other| *other == addresses[0]));
    // The sinks hold all sixty, so sixty slots are in use and not four times as many.
    assert_eq!(pipeline.stats().pools[0].1.high_water, 60);
    keeps.iter().for_each(|keep| keep.0.lock().unwrap().clear());
    assert_eq!(pipeline.stats().pools[0].1.in_use, 0);
}

#[derive(Debug)]
struct FailAt(usize, &'static str);

impl Element for FailAt {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None if self.1 == "panic" => panic!("on purpose"),
            None => return Err(Error::malformed("on purpose")),
        }
        out.push(packet)
    }
}

#[test]
fn an_error_and_a_panic_are_laid_at_the_elements_door_and_complete_no_sink() {
    for (how, kind) in [("error", ErrorKind::Malformed), ("panic", ErrorKind::Internal)] {
        for queued in [false, true] {
            let keep = Keep::default();
            let mut pipeline = Pipeline::new();
            let src = pipeline.add("src", FakeSource::new(8)).unwrap();
            let tee = pipeline
                .add_text("tee", "tee", parallax_elements::registry())
                .unwrap();
            let bad = pipeline.add("bad", Built::element(FailAt(100, how))).unwrap();
            let out = pipeline.add("out", FakeSink).unwrap();
            let other = pipeline.add("other", Built::sink(keep.clone())).unwrap();
            pipeline.link(src, tee).unwrap();
            if queued {
                let queue = pipeline.add("q", Built::Queue(QueueConfig::default())).unwrap();
                pipeline.link(tee, queue).unwrap();
                pipeline.link(queue, bad).unwrap();
            } else {
                pipeline.link(tee, bad).unwrap();
            }
            pipeline.link(bad, out).unwrap();
            let pass = pipeline
                .add_text("valve", "valve drop=true", parallax_elements::registry())
                .unwrap();
            pipeline.link(tee, pass).unwrap();
            pipeline.link(pass, other).unwrap();
            let error = pipeline.run().unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let text = error.to_string();
            assert!(
                text.contains("on purpose") && text.contains("element: bad"),
                "{text}"
            );
            assert_eq!(keep.1.load(Ordering::SeqCst), 0, "a sink was completed");
            let told: Vec<_> = std::iter::from_fn(|| pipeline.bus().poll())
                .filter_map(|message| match message {
                    Message::Error { element, .. } => Some(element),
                    Message::Eos => panic!("EOS after an error"),
                    _ => None,
                })
                .collect();
            assert_eq!(told, ["bad"], "once");
        }
    }
}

#[test]
fn a_stop_comes_through_from_any_state() {
    let texts = [
        "fakesrc ! fakesink",
        "fakesrc ! queue ! fakesink",
        "fakesrc ! queue max_buffers=1 ! passthrough ! queue max_buffers=1 ! nullsink",
        "fakesrc ! tee name=t ! queue ! fakesink t. ! queue leaky=downstream ! fakesink t. ! nullsink",
        "fakesrc size=1000 ! queue max_bytes=1500 ! fakesink",
        "funnel name=f ! fakesink fakesrc ! f. fakesrc ! queue leaky=downstream ! f.",
        "tcpsrc port=47113 ! queue ! fakesink",
        "fakesrc num_buffers=2 ! queue ! valve ! throttle ! fakesink",
    ];
    for text in texts {
        for state in [State::Null, State::Ready, State::Paused, State::Playing] {
            let mut pipeline = parse(text).unwrap();
            pipeline
                .set_state(state)
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            thread::sleep(Duration::from_millis(3));
            let begun = Instant::now();
            pipeline.stop().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(1), "{text} from {state}");
            assert!(
                pipeline.stats().pools.iter().all(|(_, pool)| pool.in_use == 0),
                "{text} from {state}"
            );
            // And it plays once more.
            pipeline.set_state(State::Playing).unwrap();
            pipeline.set_state(State::Paused).unwrap();
            pipeline.set_state(State::Playing).unwrap();
        }
    }
}

#[test]
fn paused_sources_wait() {
    let mut pipeline = parse("fakesrc size=1 ! fakesink").unwrap();
    pipeline.set_state(State::Paused).unwrap();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(pipeline.stats().elements[0].packets, 0);
    pipeline.set_state(State::Playing).unwrap();
    while pipeline.stats().elements[1].packets < 1000 {
        thread::yield_now();
    }
    pollster::block_on(pipeline.pause()).unwrap();
    let there = pipeline.stats().elements[1].packets;
    thread::sleep(Duration::from_millis(20));
    assert_eq!(pipeline.stats().elements[1].packets, there);
}

#[test]
fn a_packet_that_comes_in_a_pause_waits_for_its_end() {
    let (source, sender) = app_source(4);
    let mut pipeline = Pipeline::new();
    let source = pipeline.add("source", source).unwrap();
    let sink = pipeline.add("sink", FakeSink).unwrap();
    pipeline.link(source, sink).unwrap();
    let packets = |pipeline: &Pipeline| pipeline.stats().elements[1].packets;
    for round in 0..20 {
        pipeline.set_state(State::Playing).unwrap();
        while packets(&pipeline) < round {
            thread::yield_now();
        }
        // The source waits for the program, and what it then gets does not pass.
        pipeline.set_state(State::Paused).unwrap();
        sender.send(Bytes::from(vec![1])).unwrap();
        thread::sleep(Duration::from_millis(10));
        assert_eq!(packets(&pipeline), round);
    }
    drop(sender);
    pipeline.set_state(State::Playing).unwrap();
    pipeline.wait_eos_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(packets(&pipeline), 20);
}

#[test]
fn an_end_from_outside_completes_every_sink() {
    let keep = Keep::default();
    let mut pipeline = Pipeline::new();
    let src = pipeline.add("src", patterns(u64::MAX)).unwrap();
    let valve = pipeline
        .add_text("v", "valve pass=5", parallax_elements::registry())
        .unwrap();
    let queue = pipeline.add("q", Built::Queue(QueueConfig::default())).unwrap();
    let out = pipeline.add("out", Built::sink(keep.clone())).unwrap();
    pipeline.link(src, valve).unwrap();
    pipeline.link(valve, queue).unwrap();
    pipeline.link(queue, out).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    assert!(!pipeline.wait_eos_timeout(Duration::from_millis(10)).unwrap());
    pipeline.controller().unwrap().end();
    assert!(pipeline.wait_eos_timeout(Duration::from_secs(10)).unwrap());
    assert_eq!((keep.contents(), keep.1.load(Ordering::SeqCst)), (wanted(5), 1));
}

/// Counts how many packets are between source and sink.
#[derive(Debug, Clone, Default)]
struct Between(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Source for Between {
    fn produce(&mut self) -> Result<Produced> {
        let between = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.fetch_max(between, Ordering::SeqCst);
        Ok(Produced::Packet(Bytes::from(vec![0; 4]).into()))
    }
}

impl Sink for Between {
    fn consume(&mut self, _: Packet) -> Result<()> {
        thread::sleep(Duration::from_micros(50));
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn a_slow_sink_holds_the_source_back() {
    for (config, most) in [
        (
            QueueConfig {
                buffers: 5,
                ..QueueConfig::default()
            },
            5,
        ),
        (
            QueueConfig {
                bytes: Some(12),
                ..QueueConfig::default()
            },
            3,
        ),
    ] {
        let between = Between::default();
        let mut pipeline = Pipeline::new();
        let src = pipeline.add("src", Built::source(between.clone())).unwrap();
        let queue = pipeline.add("q", Built::Queue(config)).unwrap();
        let out = pipeline.add("out", Built::sink(between.clone())).unwrap();
        pipeline.link(src, queue).unwrap();
        pipeline.link(queue, out).unwrap();
        pipeline.set_state(State::Playing).unwrap();
        let seen = || between.1.load(Ordering::SeqCst);
        while seen() < most {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(30));
        pipeline.stop().unwrap();
        // One at the sender, one at the receiver.
        let seen = seen();
        assert!(
            (most..=most + 2).contains(&seen),
            "{seen} under way, {most} may wait"
        );
    }
}

#[test]
fn a_leaky_queue_does_not() {
    let between = Between::default();
    let mut pipeline = Pipeline::new();
    let src = pipeline.add("src", patterns(20_000)).unwrap();
    let queue = QueueConfig {
        buffers: 2,
        leaky: Leaky::Downstream,
        ..QueueConfig::default()
    };
    let queue = pipeline.add("q", Built::Queue(queue)).unwrap();
    let out = pipeline.add("out", Built::sink(between)).unwrap();
    pipeline.link(src, queue).unwrap();
    pipeline.link(queue, out).unwrap();
    pipeline.run().unwrap();
    let stats = pipeline.stats();
    let (_, _, dropped) = stats.elements[1].queue.unwrap();
    assert_eq!(stats.elements[1].packets, 20_000);
    assert_eq!(stats.elements[2].packets + dropped, 20_000);
    assert!(dropped > 0);
}

#[test]
fn a_program_feeds_and_drinks() {
    let (source, sender) = app_source(2);
    let (sink, receiver) = app_sink(2);
    let mut pipeline = Pipeline::new();
    let (source, sink) = (
        pipeline.add("source", source).unwrap(),
        pipeline.add("sink", sink).unwrap(),
    );
    pipeline.link(source, sink).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    let feeding = thread::spawn(move || {
        let pool = MemoryPool::new(&PoolConfig::new(4, 8)).unwrap();
        for number in 0..1000_u64 {
            let loan = pool.loan_timeout(Duration::from_secs(10)).unwrap();
            let value = loan.write(number.to_le_bytes()).unwrap();
            let bytes: Bytes = value.try_map(|value| Ok::<_, ()>(value.as_slice())).unwrap();
            pollster::block_on(sender.send_async(bytes)).unwrap();
        }
        pool
    });
    for wanted in 0..1000_u64 {
        let packet = pollster::block_on(receiver.receive_async()).unwrap();
        assert_eq!(packet.metadata.sequence, wanted);
        let Payload::Bytes(bytes) = packet.payload else {
            panic!("no bytes")
        };
        assert_eq!(&bytes[..], wanted.to_le_bytes());
    }
    assert!(receiver.receive().is_none());
    pollster::block_on(pipeline.wait_eos()).unwrap();
    assert_eq!(feeding.join().unwrap().stats().in_use, 0);
}

#[test]
fn a_stopped_or_failed_stream_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.bin");
    let mut pipeline = parse(&format!("fakesrc ! filesink location={}", out.display())).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    thread::sleep(Duration::from_millis(5));
    pipeline.stop().unwrap();
    assert!(!out.exists());
    let mut pipeline = parse(&format!(
        "fakesrc size=7 num_buffers=3 ! filesink location={}",
        out.display()
    ))
    .unwrap();
    pipeline.run().unwrap();
    assert_eq!(std::fs::metadata(&out).unwrap().len(), 21);
    assert!(pipeline.run().unwrap_err().to_string().contains("exists"));
}

#[test]
fn a_typed_pipeline_is_one_node_of_the_same_engine() {
    let out = Arc::new(Mutex::new(Vec::new()));
    let beside = Arc::new(AtomicUsize::new(0));
    let (inner, counter) = (Arc::clone(&out), Arc::clone(&beside));
    let mut number = 0_u64;
    let mut pipeline = TypedPipeline::from_source(move || {
        number += 1;
        Ok(Some(number))
    })
    .then(|number: u64| Ok(number.is_multiple_of(3).then_some(number)))
    .tee(move |_: u64| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
    .then(|number: u64| {
        if number > 300_000 {
            Err(Error::malformed("too large"))
        } else {
            Ok(Some(number.to_string()))
        }
    })
    .sink(move |text: String| {
        inner.lock().unwrap().push(text);
        Ok(())
    })
    .into_pipeline()
    .unwrap();
    let error = pipeline.run().unwrap_err();
    assert!(error.to_string().contains("element: typed"), "{error}");
    let out = out.lock().unwrap();
    assert_eq!((out.len(), out[1].as_str()), (100_000, "6"));
    assert_eq!(beside.load(Ordering::Relaxed), 100_001);
}

#[test]
fn a_graph_that_is_not_whole_says_what_is_missing() {
    let fault = |text: &str| {
        parse(text)
            .and_then(|mut pipeline| pipeline.run())
            .unwrap_err()
            .to_string()
    };
    assert!(fault("fakesrc").contains("its output is not linked (element: fakesrc0); put a sink"));
    assert!(fault("passthrough ! fakesink").contains("its input is not linked"));
    let circle = fault("passthrough name=a ! passthrough name=b ! a.");
    assert!(circle.contains("circle: a ! b ! a"), "{circle}");
    let caps = fault("fakesrc num_buffers=1 ! frame ! fakesink");
    assert!(
        caps.contains(
            "`fakesrc0.src` cannot be linked to `frame0.sink`: `media` is bytes there and events here"
        ) && caps.contains("decode")
            && caps.contains("evt3dec"),
        "{caps}"
    );
}

#[test]
fn a_file_is_sought_in_mapped_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    let content: Vec<u8> = (0..100_000_u32).map(|number| (number / 7) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    for mmap in [true, false] {
        let keep = Keep::default();
        let mut pipeline = Pipeline::new();
        let text = format!("filesrc location={} blocksize=1000 mmap={mmap}", path.display());
        let src = pipeline
            .add_text("file", &text, parallax_elements::registry())
            .unwrap();
        let out = pipeline.add("out", Built::sink(keep.clone())).unwrap();
        pipeline.link(src, out).unwrap();
        pipeline.set_state(State::Paused).unwrap();
        pipeline
            .seek("file", parallax_pipeline::Position::Byte(98_765))
            .unwrap();
        pipeline.set_state(State::Playing).unwrap();
        assert!(pipeline.wait_eos_timeout(Duration::from_secs(20)).unwrap());
        assert_eq!(keep.contents().concat(), content[98_765..], "mmap={mmap}");
        assert_eq!(pipeline.progress(), [("file", 100_000, 100_000)]);
    }
}
