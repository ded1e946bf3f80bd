//! [`Queue`]: the border between two threads, and its two ends, [`Sender`] and [`Receiver`].
//!
//! In: packets of one thread. Out: the same in the same order on another. Full, it holds the sender back, or drops the
//! newest or the oldest if it was told to leak; the next packet after a drop carries [`Flags::GAP`].
//!
//! Packets go through a ring that neither end ever waits for, so it is right for real-time priorities too. An end that has
//! nothing to do stays awake for a moment, for being woken costs more than a hundred packets; then it sleeps.
//!
//! Surprises: the limits count what waits in the queue, not what the receiver works on. A sender that sleeps hears of room
//! when half of the queue has been taken, not packet by packet.

mod inbox;
mod lock;
mod receiver;
mod sender;
#[cfg(feature = "async")]
mod task;
mod waiting;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use event_listener::Event;
use parallax_events::Nanos;
use parallax_memory::Flags;
use rtrb::{Consumer, Producer, RingBuffer};

pub(crate) use self::inbox::{Arrival, Inbox, Refused};
use self::lock::Lock;
pub(crate) use self::receiver::Receiver;
pub(crate) use self::sender::Sender;
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

/// Packets and bytes that one end has counted; on a pair of cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
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
    way: Way,
    closed: AtomicBool,
    /// Counted by the sender, then by the receiver: each count has one writer, and needs no exchange.
    sent: Passed,
    taken: Passed,
    /// What the sender took out again, to drop it.
    withdrawn: Passed,
    oldest: AtomicI64,
    dropped: AtomicU64,
    gap: AtomicBool,
    /// How often the sender has dropped what waits.
    flushes: AtomicUsize,
    /// Told when something was sent, and when there is room again.
    arrived: Event,
    room: Event,
}

/// What carries the packets.
#[derive(Debug)]
enum Way {
    /// The ends take theirs once.
    Ring(Mutex<Ends>),
    Lock(Lock),
}

#[derive(Debug)]
struct Ends(Option<Producer<Passing>>, Option<Consumer<Passing>>);

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
    /// A queue between threads, or with a task at one end.
    pub(crate) fn new(config: &QueueConfig, has_task: bool) -> Arc<Self> {
        let config = QueueConfig {
            buffers: config.buffers.max(1),
            ..config.clone()
        };
        // A flush and an end have room beside the packets.
        let room = config.buffers.saturating_add(2);
        let way = if has_task || config.leaky == Leaky::Downstream {
            Way::Lock(Lock::new(room))
        } else {
            let (producer, consumer) = RingBuffer::new(room);
            Way::Ring(Mutex::new(Ends(Some(producer), Some(consumer))))
        };
        Arc::new(Self {
            config,
            way,
            closed: AtomicBool::new(false),
            sent: Passed::default(),
            taken: Passed::default(),
            withdrawn: Passed::default(),
            oldest: AtomicI64::new(i64::MIN),
            dropped: AtomicU64::new(0),
            gap: AtomicBool::new(false),
            flushes: AtomicUsize::new(0),
            arrived: Event::new(),
            room: Event::new(),
        })
    }

    /// Wakes everybody who waits at either end; nothing passes any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.arrived.notify(usize::MAX);
        self.room.notify(usize::MAX);
        if let Way::Lock(lock) = &self.way {
            lock.close();
        }
    }

    /// How many packets wait, how many bytes, and how many packets were dropped.
    pub(crate) fn level(&self) -> (usize, u64, u64) {
        let gone = [self.taken.read(), self.withdrawn.read()];
        let (packets, bytes) = self.sent.read();
        // One after another: the difference may be below zero for a moment.
        let left = |sent: u64, gone: [u64; 2]| {
            (sent.wrapping_sub(gone[0]).wrapping_sub(gone[1]) as i64).max(0) as u64
        };
        (
            left(packets as u64, gone.map(|(packets, _)| packets as u64)) as usize,
            left(bytes, gone.map(|(_, bytes)| bytes)),
            self.dropped.load(Ordering::Relaxed),
        )
    }

    #[inline]
    fn check_open(&self) -> Result<(), Closed> {
        if self.closed.load(Ordering::Relaxed) {
            Err(Closed)
        } else {
            Ok(())
        }
    }

    fn push_locked(&self, passing: Passing) -> Result<(), Closed> {
        // The lock is closed last: who no longer waits for room must not fill it meanwhile.
        self.check_open()?;
        if let Way::Lock(lock) = &self.way {
            lock.push(passing)?;
        }
        self.arrived.notify(1);
        Ok(())
    }

    fn took(&self, mut passing: Passing, count: &Passed) -> Passing {
        if let Passing::Packet(packet) = &mut passing {
            if let (Some(_), Some(time)) = (self.config.time, packet.metadata.time()) {
                self.oldest.store(time, Ordering::Relaxed);
            }
            count.add(packet.payload.bytes() as u64);
            let is_marked = self.config.leaky == Leaky::Downstream && self.gap.load(Ordering::Relaxed);
            if is_marked && self.gap.swap(false, Ordering::Relaxed) {
                packet.metadata.mark(Flags::GAP);
            }
        }
        passing
    }

    fn leak(&self) {
        self.dropped
            .store(self.dropped.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.gap.store(true, Ordering::Relaxed);
    }

    fn is_full(&self, bytes: u64, time: Option<i64>) -> bool {
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
        waiting >= self.config.buffers || over_bytes || over_time
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use parallax_memory::{Bytes, MemoryPool, PoolConfig};

    use super::*;

    fn packet(mark: u8, time: i64) -> Packet {
        let mut packet = Packet::from(Bytes::from(vec![mark; 10]));
        packet.metadata.set_time(Some(time));
        packet
    }

    /// The marks of all that waits, those with a gap before them negative.
    fn waiting(receiver: &mut Receiver) -> Vec<i32> {
        let mut marks = Vec::new();
        while receiver.queue.level().0 > 0 {
            let Passing::Packet(packet) = receiver.receive().unwrap() else {
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

    fn queues(config: QueueConfig) -> [(Sender, Receiver); 2] {
        [false, true].map(|has_task| {
            let queue = Queue::new(&config, has_task);
            (Sender::new(Arc::clone(&queue)), Receiver::new(queue))
        })
    }

    #[test]
    fn a_full_queue_leaks_where_it_is_told_to_and_marks_the_gap() {
        for (leaky, first, then) in [
            (Leaky::Upstream, [1, 2, 3, 4], -7),
            (Leaky::Downstream, [-3, 4, 5, 6], 7),
        ] {
            for (mut sender, mut receiver) in queues(QueueConfig {
                buffers: 4,
                leaky,
                ..QueueConfig::default()
            }) {
                (1..=6).for_each(|mark| sender.send(packet(mark, 0)).unwrap());
                assert_eq!(receiver.queue.level(), (4, 40, 2), "{leaky:?}");
                assert_eq!(waiting(&mut receiver), first, "{leaky:?}");
                sender.send(packet(7, 0)).unwrap();
                assert_eq!(waiting(&mut receiver), [then], "{leaky:?}");
            }
        }
    }

    #[test]
    fn bytes_and_time_bound_it_as_well() {
        for (mut sender, mut receiver) in queues(QueueConfig {
            bytes: Some(25),
            leaky: Leaky::Upstream,
            ..QueueConfig::default()
        }) {
            (1..=4).for_each(|mark| sender.send(packet(mark, 0)).unwrap());
            assert_eq!(receiver.queue.level(), (2, 20, 2));
            assert_eq!(waiting(&mut receiver), [1, 2]);
            sender.send(packet(9, 0)).unwrap();
            assert_eq!(waiting(&mut receiver), [-9]);
        }
    }

    /// A pipeline that has stopped keeps its queues for its report, and no slot of a pool with them.
    #[test]
    fn a_closed_queue_keeps_nothing_that_is_sent_meanwhile() {
        let pool = MemoryPool::new(&PoolConfig::new(1, 16)).unwrap();
        for round in 0..250 {
            for leaky in [Leaky::No, Leaky::Downstream] {
                for (mut sender, receiver) in queues(QueueConfig {
                    leaky,
                    ..QueueConfig::default()
                }) {
                    let packet = Packet::from(Bytes::from(pool.loan().unwrap().seal()));
                    let queue = Arc::clone(&receiver.queue);
                    let sending = thread::spawn(move || while sender.send(packet.clone()).is_ok() {});
                    while queue.level().0 == 0 {
                        thread::yield_now();
                    }
                    (0..round % 64).for_each(|_| std::hint::spin_loop());
                    queue.close();
                    sending.join().unwrap();
                    drop(receiver);
                    assert_eq!(pool.stats().in_use, 0, "{leaky:?}, round {round}");
                }
            }
        }
    }

    /// Between the word that it closes and what that drops: nobody waits for room any more, and nobody fills it.
    #[test]
    fn while_a_queue_closes_nothing_more_is_sent() {
        for (mut sender, receiver) in queues(QueueConfig::default()) {
            receiver.queue.closed.store(true, Ordering::SeqCst);
            assert!(sender.send(packet(1, 0)).is_err());
            if let Way::Lock(lock) = &receiver.queue.way {
                assert!(lock.pop().is_none());
            }
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
            for (mut sender, mut receiver) in queues(config) {
                let sending = thread::spawn(move || {
                    let mut sent = 0;
                    while sent < 1000 && sender.send(packet((sent % 100) as u8, sent)).is_ok() {
                        sent += 1;
                    }
                    sent
                });
                for wanted in 0..100 {
                    let Passing::Packet(packet) = receiver.receive().unwrap() else {
                        panic!("the end")
                    };
                    assert_eq!(packet.metadata.time(), Some(wanted));
                    assert!(receiver.queue.level().0 <= 2);
                }
                receiver.queue.close();
                assert!((100..=103).contains(&sending.join().unwrap()));
                assert!(receiver.receive().is_err());
            }
        }
    }
}
