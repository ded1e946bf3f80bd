//! [`Queue`]: the border between two threads.
//!
//! In: packets of one thread. Out: the same in the same order on another. Full, it holds the sender back, or drops the
//! newest or the oldest if it was told to leak; the next packet after a drop carries [`Flags::GAP`].
//!
//! Surprises: the limits count what waits in the queue, not what the receiver works on. Kanal's channel can hang under a
//! real-time scheduling policy, so there a mutex and two events stand in for it; so they do where one end is a task.

mod channel;
mod inbox;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use event_listener::{Event, Listener};
use parallax_events::Nanos;
use parallax_memory::Flags;

use self::channel::Channel;
pub(crate) use self::channel::is_real_time;
pub(crate) use self::inbox::{Arrival, Inbox, Refused};
use crate::Packet;

/// What a queue does when it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaky {
    /// It holds the sender back.
    #[default]
    No,
    /// It drops what comes: the newest.
    Upstream,
    /// It drops what has waited longest.
    Downstream,
}

/// When a queue is full, and what it does then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// The most packets that wait; at least 1.
    pub buffers: usize,
    /// The most bytes that wait; one packet may always wait, however large it is.
    pub bytes: Option<u64>,
    /// The longest span of stream time that waits, by the packets' own times.
    pub time: Option<Nanos>,
    /// What happens when one of these is reached.
    pub leaky: Leaky,
}

impl Default for QueueConfig {
    /// 16 packets, and it does not leak.
    fn default() -> Self {
        Self {
            buffers: 16,
            bytes: None,
            time: None,
            leaky: Leaky::No,
        }
    }
}

/// Packets and bytes that one end has counted; on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Passed {
    packets: AtomicUsize,
    bytes: AtomicU64,
}

impl Passed {
    /// By its one writer.
    fn add(&self, bytes: u64) {
        let load = Ordering::Relaxed;
        self.packets.store(self.packets.load(load).wrapping_add(1), load);
        self.bytes.store(self.bytes.load(load).wrapping_add(bytes), load);
    }

    fn read(&self) -> (usize, u64) {
        (
            self.packets.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }
}

/// A queue that is in use; both ends share it.
#[derive(Debug)]
pub(crate) struct Queue {
    config: QueueConfig,
    channel: Channel,
    /// Counted by the sender, then by the receiver: each count has one writer, and needs no exchange.
    sent: Passed,
    taken: Passed,
    /// What the sender took out again, to drop it.
    withdrawn: Passed,
    oldest: AtomicI64,
    dropped: AtomicU64,
    gap: AtomicBool,
    /// Told whenever room was made, if room is counted in bytes or time.
    room: Event,
    closed: AtomicBool,
}

/// A border between threads, at which packets wait.
#[derive(Debug, Clone)]
pub(crate) enum Border {
    Queue(Arc<Queue>),
    Inbox(Arc<Inbox>),
}

impl Border {
    pub(crate) fn close(&self) {
        match self {
            Self::Queue(queue) => queue.close(),
            Self::Inbox(inbox) => inbox.close(),
        }
    }

    /// How many packets wait, how many bytes, and how many packets were dropped.
    pub(crate) fn level(&self) -> (usize, u64, u64) {
        match self {
            Self::Queue(queue) => queue.level(),
            Self::Inbox(inbox) => {
                let (packets, bytes) = inbox.level();
                (packets, bytes, 0)
            }
        }
    }
}

/// What goes through.
#[derive(Debug)]
pub(crate) enum Passing {
    Packet(Packet),
    /// What came before is forgotten.
    Flush,
    End,
}

/// The queue was closed from outside: the pipeline stops.
#[derive(Debug)]
pub(crate) struct Closed;

impl Queue {
    /// A queue between threads; `locked` if one of them has a real-time priority or is a task.
    pub(crate) fn new(config: &QueueConfig, locked: bool) -> Arc<Self> {
        let buffers = config.buffers.max(1);
        let channel = if locked {
            Channel::lock(buffers)
        } else {
            Channel::kanal(buffers)
        };
        Arc::new(Self {
            config: config.clone(),
            channel,
            sent: Passed::default(),
            taken: Passed::default(),
            withdrawn: Passed::default(),
            oldest: AtomicI64::new(i64::MIN),
            dropped: AtomicU64::new(0),
            gap: AtomicBool::new(false),
            room: Event::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Hands over a packet, waiting for room or leaking as configured.
    pub(crate) fn send(&self, mut packet: Packet) -> Result<(), Closed> {
        if self.config.leaky == Leaky::Upstream && self.gap.load(Ordering::Relaxed) {
            self.gap.store(false, Ordering::Relaxed);
            packet.metadata.mark(Flags::GAP);
        }
        let bytes = packet.payload.bytes() as u64;
        if self.config.bytes.is_some() || self.config.time.is_some() {
            match self.make_room(bytes, packet.metadata.time())? {
                Room::Made => {}
                Room::Leak => return self.leak(),
            }
        }
        let mut passing = Some(Passing::Packet(packet));
        match self.config.leaky {
            Leaky::No => self.channel.send(passing.take().unwrap_or(Passing::End))?,
            Leaky::Upstream => {
                if !self.channel.try_send(&mut passing)? {
                    return self.leak();
                }
            }
            Leaky::Downstream => {
                while !self.channel.try_send(&mut passing)? {
                    self.drop_oldest()?;
                }
            }
        }
        self.sent.add(bytes);
        Ok(())
    }

    /// Says that the stream has ended, behind all that waits.
    pub(crate) fn end(&self) -> Result<(), Closed> {
        self.channel.send(Passing::End)
    }

    /// Drops what waits, by the sender: the stream goes on from elsewhere.
    pub(crate) fn flush(&self) -> Result<(), Closed> {
        while let Some(waiting) = self.channel.try_receive()? {
            if let Passing::Packet(packet) = waiting {
                self.withdrawn.add(packet.payload.bytes() as u64);
            }
        }
        self.channel.send(Passing::Flush)
    }

    /// The next packet, or the end.
    pub(crate) fn receive(&self) -> Result<Passing, Closed> {
        let passing = self.channel.receive()?;
        Ok(self.took(passing, &self.taken))
    }

    /// As [`send`](Self::send) of a queue that does not leak, by a task.
    #[cfg(feature = "async")]
    pub(crate) async fn send_async(&self, packet: Packet) -> Result<(), Closed> {
        let bytes = packet.payload.bytes() as u64;
        self.channel.send_async(Passing::Packet(packet)).await?;
        self.sent.add(bytes);
        Ok(())
    }

    /// As [`end`](Self::end), by a task.
    #[cfg(feature = "async")]
    pub(crate) async fn end_async(&self) -> Result<(), Closed> {
        self.channel.send_async(Passing::End).await
    }

    /// As [`receive`](Self::receive), by a task.
    #[cfg(feature = "async")]
    pub(crate) async fn receive_async(&self) -> Result<Passing, Closed> {
        let passing = self.channel.receive_async().await?;
        Ok(self.took(passing, &self.taken))
    }

    /// Wakes everybody who waits at either end; nothing passes any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.channel.close();
        self.room.notify(usize::MAX);
    }

    /// How many packets wait, how many bytes, and how many packets were dropped.
    pub(crate) fn level(&self) -> (usize, u64, u64) {
        let gone = [self.taken.read(), self.withdrawn.read()];
        let (packets, bytes) = self.sent.read();
        // A packet may be taken before it is counted as sent: then the difference is below zero for a moment.
        let left = |sent: u64, gone: [u64; 2]| {
            (sent.wrapping_sub(gone[0]).wrapping_sub(gone[1]) as i64).max(0) as u64
        };
        (
            left(packets as u64, gone.map(|(packets, _)| packets as u64)) as usize,
            left(bytes, gone.map(|(_, bytes)| bytes)),
            self.dropped.load(Ordering::Relaxed),
        )
    }

    fn took(&self, mut passing: Passing, count: &Passed) -> Passing {
        if let Passing::Packet(packet) = &mut passing {
            count.add(packet.payload.bytes() as u64);
            if self.config.bytes.is_some() || self.config.time.is_some() {
                if let Some(time) = packet.metadata.time() {
                    self.oldest.store(time, Ordering::Relaxed);
                }
                self.room.notify(1);
            }
            let is_marked = self.config.leaky == Leaky::Downstream && self.gap.load(Ordering::Relaxed);
            if is_marked && self.gap.swap(false, Ordering::Relaxed) {
                packet.metadata.mark(Flags::GAP);
            }
        }
        passing
    }

    fn leak(&self) -> Result<(), Closed> {
        self.dropped
            .store(self.dropped.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.gap.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn drop_oldest(&self) -> Result<(), Closed> {
        if let Some(oldest) = self.channel.try_receive()? {
            drop(self.took(oldest, &self.withdrawn));
            self.leak()?;
        }
        Ok(())
    }

    fn make_room(&self, bytes: u64, time: Option<i64>) -> Result<Room, Closed> {
        loop {
            let listener = self.room.listen();
            if self.closed.load(Ordering::SeqCst) {
                return Err(Closed);
            }
            if !self.is_over(bytes, time) {
                return Ok(Room::Made);
            }
            match self.config.leaky {
                Leaky::No => listener.wait(),
                Leaky::Upstream => return Ok(Room::Leak),
                Leaky::Downstream => self.drop_oldest()?,
            }
        }
    }

    fn is_over(&self, bytes: u64, time: Option<i64>) -> bool {
        let (waiting, waiting_bytes, _) = self.level();
        if waiting == 0 {
            return false;
        }
        let over_bytes = self
            .config
            .bytes
            .is_some_and(|most| waiting_bytes.saturating_add(bytes) > most);
        let oldest = self.oldest.load(Ordering::Relaxed);
        let over_time = match (self.config.time, time) {
            (Some(most), Some(time)) if oldest != i64::MIN => time.saturating_sub(oldest) > most.0,
            _ => false,
        };
        over_bytes || over_time
    }
}

enum Room {
    Made,
    Leak,
}

#[cfg(test)]
mod tests {
    use std::thread;

    use parallax_memory::Bytes;

    use super::*;

    fn packet(mark: u8, time: i64) -> Packet {
        let mut packet = Packet::from(Bytes::from(vec![mark; 10]));
        packet.metadata.set_time(Some(time));
        packet
    }

    /// The marks of all that waits, those with a gap before them negative.
    fn waiting(queue: &Queue) -> Vec<i32> {
        let mut marks = Vec::new();
        while queue.level().0 > 0 {
            let Passing::Packet(packet) = queue.receive().unwrap() else {
                panic!("the end")
            };
            let crate::Payload::Bytes(bytes) = &packet.payload else {
                panic!("no bytes")
            };
            let mark = i32::from(bytes[0]);
            let gap = packet.metadata.flags().contains(Flags::GAP);
            marks.push(if gap { -mark } else { mark });
        }
        marks
    }

    fn queues(config: QueueConfig) -> [Arc<Queue>; 2] {
        [false, true].map(|real_time| Queue::new(&config, real_time))
    }

    #[test]
    fn a_full_queue_leaks_where_it_is_told_to_and_marks_the_gap() {
        for (leaky, first, then) in [
            (Leaky::Upstream, [1, 2, 3, 4], -7),
            (Leaky::Downstream, [-3, 4, 5, 6], 7),
        ] {
            for queue in queues(QueueConfig {
                buffers: 4,
                leaky,
                ..QueueConfig::default()
            }) {
                (1..=6).for_each(|mark| queue.send(packet(mark, 0)).unwrap());
                assert_eq!(queue.level(), (4, 40, 2), "{leaky:?}");
                assert_eq!(waiting(&queue), first, "{leaky:?}");
                queue.send(packet(7, 0)).unwrap();
                assert_eq!(waiting(&queue), [then], "{leaky:?}");
            }
        }
    }

    #[test]
    fn bytes_and_time_bound_it_as_well() {
        for queue in queues(QueueConfig {
            bytes: Some(25),
            leaky: Leaky::Upstream,
            ..QueueConfig::default()
        }) {
            (1..=4).for_each(|mark| queue.send(packet(mark, 0)).unwrap());
            assert_eq!(queue.level(), (2, 20, 2));
            assert_eq!(waiting(&queue), [1, 2]);
            queue.send(packet(9, 0)).unwrap();
            assert_eq!(waiting(&queue), [-9]);
        }
    }

    #[test]
    fn a_sender_waits_for_room_and_close_wakes_everybody() {
        for config in [
            QueueConfig {
                buffers: 1,
                ..QueueConfig::default()
            },
            QueueConfig {
                bytes: Some(10),
                ..QueueConfig::default()
            },
        ] {
            for queue in queues(config) {
                let other = Arc::clone(&queue);
                let sender = thread::spawn(move || {
                    let mut sent = 0;
                    while sent < 1000 && other.send(packet((sent % 100) as u8, sent)).is_ok() {
                        sent += 1;
                    }
                    sent
                });
                for wanted in 0..100 {
                    let Passing::Packet(packet) = queue.receive().unwrap() else {
                        panic!("the end")
                    };
                    assert_eq!(packet.metadata.time(), Some(wanted));
                    assert!(queue.level().0 <= 2);
                }
                queue.close();
                assert!((100..=103).contains(&sender.join().unwrap()));
                assert!(queue.receive().is_err() || queue.receive().is_err() || queue.receive().is_err());
            }
        }
    }
}
