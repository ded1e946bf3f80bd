//! [`Bus`]: what a running pipeline has to say, for whoever listens.
//!
//! In: elements and the engine post. Out: messages in the order in which they were posted. Nobody has to listen: the bus
//! keeps the newest thousand and counts the rest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener};
use parallax_events::{Error, ErrorKind};

use crate::{Latency, State};

const KEPT: usize = 1000;

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Every sink has completed.
    Eos,
    /// An element failed; the pipeline stops.
    Error {
        /// The element's name.
        element: String,
        /// What can be done about it.
        kind: ErrorKind,
        /// What happened.
        text: String,
    },
    /// Something was odd, and the stream goes on.
    Warning {
        /// The element's name.
        element: String,
        /// What was odd.
        text: String,
    },
    /// What an element was asked to find out.
    Info {
        /// The element's name.
        element: String,
        /// What it found.
        text: String,
    },
    /// How far an element is; told at each tenth of the way.
    Progress {
        /// The element's name.
        element: String,
        /// So much is done, in what the element counts, such as bytes.
        done: u64,
        /// Of so much.
        total: u64,
    },
    /// How long packets are held back on their way, now that every element has started.
    Latency(Latency),
    /// The pipeline is in another state.
    State {
        /// Where it was.
        from: State,
        /// Where it is.
        to: State,
    },
}

/// A handle to a pipeline's messages, cheap to clone. Each message goes to one listener.
#[derive(Debug, Clone, Default)]
pub struct Bus(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    messages: Mutex<VecDeque<Message>>,
    posted: Event,
}

impl Bus {
    /// The next message, if there is one.
    pub fn poll(&self) -> Option<Message> {
        self.messages().pop_front()
    }

    /// The next message, waiting for at most so long.
    pub fn wait(&self, timeout: Duration) -> Option<Message> {
        let deadline = Instant::now() + timeout;
        loop {
            let listener = self.0.posted.listen();
            if let Some(message) = self.poll() {
                return Some(message);
            }
            if listener.wait_deadline(deadline).is_none() {
                return self.poll();
            }
        }
    }

    /// The next message, on any runtime.
    pub async fn next(&self) -> Message {
        loop {
            let listener = self.0.posted.listen();
            if let Some(message) = self.poll() {
                return message;
            }
            listener.await;
        }
    }

    pub(crate) fn post(&self, message: Message) {
        let mut messages = self.messages();
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
        drop(messages);
        self.0.posted.notify(1);
    }

    pub(crate) fn post_error(&self, element: &str, error: &Error) {
        self.post(Message::Error {
            element: element.to_owned(),
            kind: error.kind(),
            text: error.to_string(),
        });
    }

    /// A panic while the lock was held left a whole queue behind.
    fn messages(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
