//! [`Waiting`]: how an end of a queue waits for the other.

use std::time::{Duration, Instant};

use event_listener::{Event, Listener, listener};

/// How long an end that has to wait stays awake: about what it costs to fall asleep on one processor and be woken from
/// another. With less, two fast ends wake each other in turn, packet by packet.
const AWAKE: Duration = Duration::from_micros(50);
/// A turn of others that lasts longer than this is that of a program which has to be made to stop. The pipeline's own
/// threads give theirs up sooner: what they have to do at once is a queue full of packets.
const SLICE: Duration = Duration::from_micros(500);
/// How long it looks elsewhere between two looks at what both ends touch.
const ASIDE: Duration = Duration::from_micros(1);

/// How an end waits: a little while awake, for it is often done at once, then asleep.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// How many times more it goes to sleep at once: others wanted the processor for long when it let them run.
    at_once: u32,
}

impl Waiting {
    /// After it had to wait long for its turn, so often it sleeps at once: who is woken has a turn sooner.
    const CROWDED: u32 = 64;

    /// Waits until it is done; `event` tells of changes.
    #[cold]
    pub(super) fn until(&mut self, event: &Event, mut is_done: impl FnMut() -> bool) {
        if self.at_once > 0 {
            self.at_once -= 1;
        } else {
            let mut now = Instant::now();
            let asleep_at = now + AWAKE;
            while now < asleep_at {
                if is_done() {
                    return;
                }
                let before = now;
                now = step_aside();
                if now - before > SLICE {
                    self.at_once = Self::CROWDED;
                }
            }
        }
        loop {
            listener!(event => told);
            if is_done() {
                return;
            }
            told.wait();
        }
    }
}

/// Lets others run, and leaves alone for a moment what both ends touch: the other end then gets further at once, and
/// what passes between two processors passes in larger parts.
fn step_aside() -> Instant {
    let back_at = Instant::now() + ASIDE;
    std::thread::yield_now();
    loop {
        let now = Instant::now();
        if now > back_at {
            return now;
        }
        std::hint::spin_loop();
    }
}
