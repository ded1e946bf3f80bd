//! [`Queue`]: the border between two threads.
//!
//! In: packets of one thread. Out: the same in the same order on another. Full, it holds the sender back, or drops the
//! newest or the oldest if it was told to leak; the next packet after a drop carries [`Flags::GAP`].
//!
//! Surprises: the limits count what waits in the queue, not what the receiver works on. Kanal's channel can hang under a
//! real-time scheduling policy, so there a mutex and two condition variables stand in for it.

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

/// A queue that is in use; both ends share it.
#[derive(Debug)]
pub(crate) struct Queue {
    config: QueueConfig,
    channel: Channel,
    level: AtomicUsize,
    bytes: AtomicU64,
    newest: AtomicI64,
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
    End,
}

/// The queue was closed from outside: the pipeline stops.
#[derive(Debug)]
pub(crate) struct Closed;

impl Queue {
    pub(crate) fn new(config: &QueueConfig, real_time: bool) -> Arc<Self> {
        let buffers = config.buffers.max(1);
        let channel = if real_time {
            Channel::lock(buffers)
        } else {
            Channel::kanal(buffers)
        };
        Arc::new(Self {
            config: config.clone(),
            channel,
            level: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            newest: AtomicI64::new(i64::MIN),
            oldest: AtomicI64::new(i64::MIN),
            dropped: AtomicU64::new(0),
            gap: AtomicBool::new(false),
            room: Event::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Hands over a packet, waiting for room or leaking as configured.
    pub(crate) fn send(&self, mut packet: Packet) -> Result<(), Closed> {
        if self.gap.load(Ordering::Relaxed) && self.config.leaky == Leaky::Upstream {
            self.gap.store(false, Ordering::Relaxed);
            packet.metadata.mark(Flags::GAP);
        }
        let (bytes, time) = (packet.payload.bytes() as u64, packet.metadata.time());
        if self.config.bytes.is_some() || self.config.time.is_some() {
            match self.make_room(bytes, time)? {
                Room::Made => {}
                Room::Leak => return self.leak(),
            }
        }
        // Counted before it can be taken out, so that the counts never go below zero.
        self.level.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(time) = time {
            self.newest.store(time, Ordering::Relaxed);
        }
        let mut passing = Some(Passing::Packet(packet));
        match self.config.leaky {
            Leaky::No => self.channel.send(passing.take().unwrap_or(Passing::End)),
            Leaky::Upstream => match self.channel.try_send(&mut passing)? {
                true => Ok(()),
                false => {
                    self.left(bytes, None);
                    self.leak()
                }
            },
            Leaky::Downstream => {
                while !self.channel.try_send(&mut passing)? {
                    self.drop_oldest()?;
                }
                Ok(())
            }
        }
    }

    /// Says that the stream has ended, behind all that waits.
    pub(crate) fn end(&self) -> Result<(), Closed> {
        self.channel.send(Passing::End)
    }

    /// The next packet, or the end.
    pub(crate) fn receive(&self) -> Result<Passing, Closed> {
        let passing = self.channel.receive()?;
        Ok(self.took(passing))
    }

    /// Wakes everybody who waits at either end; nothing passes any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.channel.close();
        self.room.notify(usize::MAX);
    }

    /// How many packets wait, how many bytes, and how many packets were dropped.
    pub(crate) fn level(&self) -> (usize, u64, u64) {
        let load = Ordering::Relaxed;
        (
            self.level.load(load),
            self.bytes.load(load),
            self.dropped.load(load),
        )
    }

    fn took(&self, mut passing: Passing) -> Passing {
        if let Passing::Packet(packet) = &mut passing {
            self.left(packet.payload.bytes() as u64, packet.metadata.time());
            if self.config.leaky == Leaky::Downstream && self.gap.swap(false, Ordering::Relaxed) {
                packet.metadata.mark(Flags::GAP);
            }
        }
        passing
    }

    fn left(&self, bytes: u64, time: Option<i64>) {
        self.level.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(time) = time {
            self.oldest.store(time, Ordering::Relaxed);
        }
        if self.config.bytes.is_some() || self.config.time.is_some() {
            self.room.notify(1);
        }
    }

    fn leak(&self) -> Result<(), Closed> {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.gap.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn drop_oldest(&self) -> Result<(), Closed> {
        if let Some(oldest) = self.channel.try_receive()? {
            drop(self.took(oldest));
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
        if self.level.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let over_bytes = self
            .config
            .bytes
            .is_some_and(|most| self.bytes.load(Ordering::Relaxed).saturating_add(bytes) > most);
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
