//! [`Inbox`]: where packets wait for an element with several inputs, pad by pad.
//!
//! In: packets of several threads, each on a pad. Out: on one thread, in the order of arrival, those of the pads that
//! the element wants; each pad's own order is kept, and its end comes last.
//!
//! Contract: a full pad holds its sender back. That must not be what keeps another pad empty: branches of one tee meet
//! here, and their sender is one thread. So pads whose streams hang together elsewhere in the graph are of one group.
//! While the element waits for an empty pad of a group, the others of that group take more than they should, up to a
//! limit that is an error which names both. Pads that have nothing to do with each other hold back strictly.
//!
//! Surprises: a source whose pool is smaller than what has to wait here waits for its slots, and so does everything.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use parallax_events::{Error, ErrorKind};

use super::Closed;
use crate::Packet;

/// How many packets wait on a pad before its sender does.
const BUFFERS: usize = 16;
/// The most bytes and packets that wait on one pad for another of its group.
const MOST_BYTES: u64 = 1 << 30;
const MOST_PACKETS: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Inbox {
    /// Which pads hang together, by pad.
    groups: Vec<usize>,
    inside: Mutex<Inside>,
    arrived: Condvar,
    /// Told when a pad has room, and when the element begins to wait for others.
    room: Condvar,
}

#[derive(Debug)]
struct Inside {
    pads: Vec<Pad>,
    arrivals: u64,
    /// Which pads the element waits for, while it does; else empty.
    awaited: Vec<bool>,
    /// How many senders wait.
    held: usize,
    closed: bool,
}

#[derive(Debug, Default)]
struct Pad {
    waiting: VecDeque<(u64, Packet)>,
    bytes: u64,
    end: End,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Behind what waits.
    Said,
    /// The element knows.
    Told,
}

/// What comes out, and of which pad.
#[derive(Debug)]
pub(crate) enum Arrival {
    Packet(usize, Packet),
    End(usize),
    /// Every pad has ended.
    AllEnded,
}

/// Why a packet was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The pipeline stops.
    Closed,
    /// Too much waits.
    Limit(Error),
}

impl Inbox {
    /// An inbox with a pad for each entry: the group of a linked pad, nothing for one that is not.
    pub(crate) fn new(groups: &[Option<usize>]) -> Arc<Self> {
        let pads = groups.iter().map(|group| Pad {
            end: if group.is_some() { End::Open } else { End::Said },
            ..Pad::default()
        });
        Arc::new(Self {
            groups: groups.iter().map(|group| group.unwrap_or(usize::MAX)).collect(),
            inside: Mutex::new(Inside {
                pads: pads.collect(),
                arrivals: 0,
                awaited: Vec::with_capacity(groups.len()),
                held: 0,
                closed: false,
            }),
            arrived: Condvar::new(),
            room: Condvar::new(),
        })
    }

    /// Hands over a packet on a pad, waiting for room.
    pub(crate) fn send(&self, pad: usize, packet: Packet) -> Result<(), Refused> {
        let bytes = packet.payload.bytes() as u64;
        let mut inside = self.lock();
        while !inside.closed && self.holds(&inside, pad) {
            inside.held += 1;
            inside = self.room.wait(inside).unwrap_or_else(PoisonError::into_inner);
            inside.held -= 1;
        }
        if inside.closed {
            return Err(Refused::Closed);
        }
        let arrival = inside.arrivals;
        inside.arrivals += 1;
        if let Some(place) = inside.pads.get_mut(pad) {
            let after = place.bytes.saturating_add(bytes);
            if place.waiting.len() >= BUFFERS && (after > MOST_BYTES || place.waiting.len() >= MOST_PACKETS) {
                return Err(Refused::Limit(self.too_much(&inside, pad)));
            }
            place.bytes = after;
            place.waiting.push_back((arrival, packet));
        }
        self.wake_element(inside);
        Ok(())
    }

    /// Says that the stream of a pad has ended, behind all that waits.
    pub(crate) fn end(&self, pad: usize) -> Result<(), Closed> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Closed);
        }
        if let Some(place) = inside.pads.get_mut(pad) {
            place.end = place.end.max_said();
        }
        self.wake_element(inside);
        Ok(())
    }

    /// What came first on a pad that is wanted. An end is told whether the pad is wanted or not.
    pub(crate) fn receive(&self, wants: impl Fn(usize) -> bool) -> Result<Arrival, Closed> {
        let mut inside = self.lock();
        loop {
            if inside.closed {
                return Err(Closed);
            }
            if let Some(arrival) = inside.next(&wants) {
                self.wake_senders(&inside);
                return Ok(arrival);
            }
            let Inside { awaited, pads, .. } = &mut *inside;
            awaited.clear();
            awaited.extend((0..pads.len()).map(&wants));
            // Senders look again whether another pad is waited for.
            self.wake_senders(&inside);
            inside = self.arrived.wait(inside).unwrap_or_else(PoisonError::into_inner);
            inside.awaited.clear();
        }
    }

    /// Wakes everybody who waits at either end; nothing passes any more, and what waits is dropped.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        inside.closed = true;
        let take = |pad: &mut Pad| {
            pad.bytes = 0;
            std::mem::take(&mut pad.waiting)
        };
        let waiting: Vec<_> = inside.pads.iter_mut().map(take).collect();
        drop(inside);
        self.arrived.notify_all();
        self.room.notify_all();
        // Not under the lock, and when all are woken: what is dropped may take its time.
        drop(waiting);
    }

    /// How many packets wait, and how many bytes.
    pub(crate) fn level(&self) -> (usize, u64) {
        let inside = self.lock();
        let packets = inside.pads.iter().map(|pad| pad.waiting.len()).sum();
        (packets, inside.pads.iter().map(|pad| pad.bytes).sum())
    }

    /// A wake-up is a system call: only for somebody who waits.
    fn wake_element(&self, inside: MutexGuard<'_, Inside>) {
        let waits = !inside.awaited.is_empty();
        drop(inside);
        if waits {
            self.arrived.notify_one();
        }
    }

    /// Those of different pads wait on one condition.
    fn wake_senders(&self, inside: &Inside) {
        if inside.held > 0 {
            self.room.notify_all();
        }
    }

    /// Whether the sender of a pad waits.
    fn holds(&self, inside: &Inside, pad: usize) -> bool {
        inside
            .pads
            .get(pad)
            .is_some_and(|place| place.waiting.len() >= BUFFERS)
            && self.starved(inside, pad).is_none()
    }

    /// An empty pad that the element waits for, and that may get nothing while the sender of `pad` waits.
    fn starved(&self, inside: &Inside, pad: usize) -> Option<usize> {
        let is_starved = |&(other, wanted): &(usize, &bool)| {
            *wanted
                && other != pad
                && self.groups.get(other) == self.groups.get(pad)
                && inside
                    .pads
                    .get(other)
                    .is_some_and(|place| place.waiting.is_empty() && place.end == End::Open)
        };
        inside
            .awaited
            .iter()
            .enumerate()
            .find(is_starved)
            .map(|(other, _)| other)
    }

    #[cold]
    fn too_much(&self, inside: &Inside, pad: usize) -> Error {
        let (packets, bytes) = inside
            .pads
            .get(pad)
            .map_or((0, 0), |place| (place.waiting.len(), place.bytes));
        let other = self
            .starved(inside, pad)
            .map_or_else(|| "another pad".to_owned(), |other| format!("`sink_{other}`"));
        Error::new(
            ErrorKind::Limit,
            format!(
                "{packets} packets of {bytes} bytes wait on `sink_{pad}` for {other}, where nothing comes"
            ),
        )
        .with_hint("the streams that meet here are too far apart")
    }

    /// A panic while the lock was held left a whole queue behind.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    fn max_said(self) -> Self {
        if self == Self::Open { Self::Said } else { self }
    }
}

impl Inside {
    fn next(&mut self, wants: &impl Fn(usize) -> bool) -> Option<Arrival> {
        let ended = self
            .pads
            .iter()
            .position(|pad| pad.end == End::Said && pad.waiting.is_empty());
        if let Some(index) = ended {
            self.pads.get_mut(index)?.end = End::Told;
            return Some(Arrival::End(index));
        }
        if self.pads.iter().all(|pad| pad.end == End::Told) {
            return Some(Arrival::AllEnded);
        }
        let first = |(index, pad): (usize, &Pad)| {
            let &(arrival, _) = pad.waiting.front()?;
            wants(index).then_some((arrival, index))
        };
        let (_, index) = self.pads.iter().enumerate().filter_map(first).min()?;
        let pad = self.pads.get_mut(index)?;
        let (_, packet) = pad.waiting.pop_front()?;
        pad.bytes -= packet.payload.bytes() as u64;
        Some(Arrival::Packet(index, packet))
    }
}

#[cfg(test)]
mod tests {
    use parallax_memory::Bytes;

    use super::*;

    /// Two pads of one group, one of them empty: the other takes what it must, and a gibibyte is too much.
    #[test]
    fn what_waits_for_another_pad_has_a_limit() {
        let inbox = Inbox::new(&[Some(0), Some(0)]);
        let element = Arc::clone(&inbox);
        let waiting = std::thread::spawn(move || element.receive(|pad| pad == 1));
        let block = Bytes::from(vec![0; 16 << 20]);
        let refused = loop {
            if let Err(refused) = inbox.send(0, block.clone().into()) {
                break refused;
            }
        };
        let Refused::Limit(error) = refused else {
            panic!("closed")
        };
        let text = error.to_string();
        assert!(
            text.contains("64 packets of 1073741824 bytes wait on `sink_0` for `sink_1`"),
            "{text}"
        );
        inbox.close();
        assert!(waiting.join().is_ok_and(|received| received.is_err()));
        assert!(matches!(inbox.send(0, block.into()), Err(Refused::Closed)));
    }
}
