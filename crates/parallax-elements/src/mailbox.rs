//! [`mailbox`]: a bounded line of packets between a program and a pipeline, for threads and for any runtime.
//!
//! In: packets from any number of posters. Out: the same in order, to any number of readers; the end when all posters are
//! gone. (Kanal's timed sends beside asynchronous receives drop a packet twice in version 0.1.1, so it does not stand
//! here.)

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener};
use parallax_pipeline::Packet;

/// The two ends of a line in which at most `capacity` packets wait.
pub(crate) fn mailbox(capacity: usize) -> (Poster, Reader) {
    let shared = Arc::new(Shared {
        capacity: capacity.max(1),
        line: Mutex::new(Line {
            packets: VecDeque::new(),
            posters: 1,
            readers: 1,
        }),
        posted: Event::new(),
        taken: Event::new(),
    });
    (Poster(Arc::clone(&shared)), Reader(shared))
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    line: Mutex<Line>,
    /// Told of each packet, and of the last poster's end.
    posted: Event,
    /// Told of each place, and of the last reader's end.
    taken: Event,
}

#[derive(Debug)]
struct Line {
    packets: VecDeque<Packet>,
    posters: usize,
    readers: usize,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt<T> {
    Done(T),
    /// The other end is gone.
    Gone,
    /// It was not possible in time.
    Late,
}

#[derive(Debug)]
pub(crate) struct Poster(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Reader(Arc<Shared>);

impl Shared {
    /// A panic while the lock was held left a whole line behind.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts the packet if there is room; else it stays.
    fn post(&self, packet: &mut Option<Packet>) -> Attempt<()> {
        let mut line = self.line();
        if line.readers == 0 {
            return Attempt::Gone;
        }
        if line.packets.len() >= self.capacity {
            return Attempt::Late;
        }
        line.packets.extend(packet.take());
        drop(line);
        self.posted.notify(1);
        Attempt::Done(())
    }

    fn take(&self) -> Attempt<Packet> {
        let mut line = self.line();
        match line.packets.pop_front() {
            Some(packet) => {
                drop(line);
                self.taken.notify(1);
                Attempt::Done(packet)
            }
            None if line.posters == 0 => Attempt::Gone,
            None => Attempt::Late,
        }
    }
}

/// Tries until it is done, the other end is gone, or it is late.
fn wait<T>(event: &Event, timeout: Option<Duration>, mut attempt: impl FnMut() -> Attempt<T>) -> Attempt<T> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let listener = event.listen();
        match attempt() {
            Attempt::Late => {}
            other => return other,
        }
        match deadline {
            None => listener.wait(),
            Some(deadline) => {
                if listener.wait_deadline(deadline).is_none() {
                    return attempt();
                }
            }
        }
    }
}

/// As [`wait`], on any runtime and for as long as it takes: `None` if the other end is gone.
async fn until<T>(event: &Event, mut attempt: impl FnMut() -> Attempt<T>) -> Option<T> {
    loop {
        let listener = event.listen();
        match attempt() {
            Attempt::Done(value) => return Some(value),
            Attempt::Gone => return None,
            Attempt::Late => listener.await,
        }
    }
}

impl Poster {
    /// Posts the packet; late, it stays with the caller. No time-out is no limit.
    pub(crate) fn post(&self, packet: &mut Option<Packet>, timeout: Option<Duration>) -> Attempt<()> {
        wait(&self.0.taken, timeout, || self.0.post(packet))
    }

    pub(crate) async fn post_async(&self, packet: Packet) -> Option<()> {
        let mut packet = Some(packet);
        until(&self.0.taken, || self.0.post(&mut packet)).await
    }
}

impl Reader {
    /// The next packet; no time-out is no limit.
    pub(crate) fn take(&self, timeout: Option<Duration>) -> Attempt<Packet> {
        wait(&self.0.posted, timeout, || self.0.take())
    }

    pub(crate) async fn take_async(&self) -> Option<Packet> {
        until(&self.0.posted, || self.0.take()).await
    }
}

impl Clone for Poster {
    fn clone(&self) -> Self {
        self.0.line().posters += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.posters -= 1;
        if line.posters == 0 {
            drop(line);
            self.0.posted.notify(usize::MAX);
        }
    }
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        self.0.line().readers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.readers -= 1;
        if line.readers == 0 {
            // Nobody will take them; they are dropped outside the lock, since that gives slots back.
            let packets = std::mem::take(&mut line.packets);
            drop(line);
            drop(packets);
            self.0.taken.notify(usize::MAX);
        }
    }
}
