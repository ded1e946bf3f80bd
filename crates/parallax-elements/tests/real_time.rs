//! Queues under stress, with and without real-time priorities: nothing is lost, doubled or reordered, nobody hangs.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parallax_elements::{FakeSource, Fill};
use parallax_events::{Error, Result};
use parallax_pipeline::{Built, Message, Packet, Payload, Pipeline, QueueConfig, Sink, State};
use parallax_testkit::recordings::skip_here;

/// Packets come in order, none missing, with what the source wrote into them.
#[derive(Debug)]
struct InOrder(u64, Arc<AtomicU64>);

impl Sink for InOrder {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return Err(Error::param("no bytes"));
        };
        if packet.metadata.sequence != self.0 || bytes[0] != self.0 as u8 || bytes[63] != (self.0 + 63) as u8
        {
            return Err(Error::malformed(format!(
                "{} instead of {}",
                packet.metadata.sequence, self.0
            )));
        }
        self.0 += 1;
        self.1.store(self.0, Ordering::Relaxed);
        Ok(())
    }
}

/// Through three queues; whether every priority was permitted.
fn stressed(count: u64, buffers: usize, priority: Option<u8>) -> bool {
    let seen = Arc::new(AtomicU64::new(0));
    let mut pipeline = Pipeline::new();
    let source = FakeSource::new(64).with_limit(count).with_fill(Fill::Pattern);
    let mut last = pipeline.add("source", source).unwrap();
    pipeline.place(last, None, priority).unwrap();
    for index in 0..3 {
        let queue = QueueConfig {
            buffers,
            ..QueueConfig::default()
        };
        let queue = pipeline
            .add(&format!("queue{index}"), Built::Queue(queue))
            .unwrap();
        // The middle one stays as it is, so that threads of both kinds meet.
        pipeline
            .place(queue, None, priority.filter(|_| index != 1))
            .unwrap();
        pipeline.link(last, queue).unwrap();
        last = queue;
    }
    let sink = pipeline
        .add("sink", Built::sink(InOrder(0, Arc::clone(&seen))))
        .unwrap();
    pipeline.link(last, sink).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    assert!(
        pipeline.wait_eos_timeout(Duration::from_secs(120)).unwrap(),
        "it hangs at {}: {}",
        seen.load(Ordering::Relaxed),
        pipeline.stats()
    );
    pipeline.stop().unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), count);
    !std::iter::from_fn(|| pipeline.bus().poll()).any(|message| matches!(message, Message::Warning { .. }))
}

#[test]
fn queues_lose_and_reorder_nothing() {
    for buffers in [1, 2, 16, 300] {
        assert!(stressed(50_000, buffers, None));
    }
}

/// No end spins while the other one is not let onto the processor: after a moment both sleep.
#[test]
fn queues_do_not_hang_under_a_real_time_priority() {
    for buffers in [1, 16, 64] {
        if !stressed(20_000, buffers, Some(10)) {
            return skip_here(
                "queues_do_not_hang_under_a_real_time_priority",
                "a real-time priority is not permitted here",
            );
        }
    }
}
