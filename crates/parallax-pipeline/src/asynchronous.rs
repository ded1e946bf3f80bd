//! Sources and sinks that wait as Tokio tasks, not on a thread: sockets, timers, channels of a program.
//!
//! In: an [`AsyncSource`] or [`AsyncSink`]. Out: a task on this crate's runtime, one thread for all pipelines of the
//! process, with a bounded queue between it and the threads of the pipeline. What stands behind an asynchronous source
//! runs on a thread, never on the runtime.
//!
//! Contract: a stop, and for sources an end from outside, drops the future that is being waited for. Nothing in them may
//! block: the others wait meanwhile.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use parallax_events::{Error, Result};
use tokio::runtime::{Builder, Handle};

use crate::queue::{Passing, Queue};
use crate::run::{Phase, Shared, Tally, said};
use crate::{Caps, Context, Packet, Produced};

/// Begins a stream, as a task.
pub trait AsyncSource: Send + Debug {
    /// What it can give.
    fn offers(&self) -> Caps {
        Caps::ANY
    }

    /// Prepares for a new stream, without waiting; what has to be waited for is opened by the first `produce`.
    ///
    /// # Errors
    /// If it cannot.
    fn start(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// The next packet, as soon as there is one. After the end it is not called again before the next start.
    ///
    /// # Errors
    /// If the stream cannot go on.
    fn produce(&mut self) -> impl Future<Output = Result<Produced>> + Send;

    /// Closes what was opened.
    fn stop(&mut self) {}
}

/// Ends a stream, as a task.
pub trait AsyncSink: Send + Debug {
    /// What it takes.
    fn accepts(&self) -> Caps {
        Caps::ANY
    }

    /// Prepares for a new stream, without waiting; what has to be waited for is opened by the first `consume` or `end`.
    ///
    /// # Errors
    /// If it cannot.
    fn start(&mut self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Takes one packet.
    ///
    /// # Errors
    /// If the sink cannot take such a packet, or fails.
    fn consume(&mut self, packet: Packet) -> impl Future<Output = Result<()>> + Send;

    /// The stream has ended: completes what was begun. Called once; not at all if the stream was stopped or failed.
    ///
    /// # Errors
    /// If what was begun cannot be completed.
    fn end(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Closes what was opened.
    fn stop(&mut self) {}
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// An asynchronous source as the engine drives it; made by [`Built::async_source`](crate::Built::async_source).
pub trait SourceTask: Send + Debug {
    #[doc(hidden)]
    fn offers(&self) -> Caps;
    #[doc(hidden)]
    fn start(&mut self, context: &Context) -> Result<()>;
    #[doc(hidden)]
    fn work<'a>(&'a mut self, place: &'a Place) -> Work<'a>;
    #[doc(hidden)]
    fn stop(&mut self);
}

/// An asynchronous sink as the engine drives it; made by [`Built::async_sink`](crate::Built::async_sink).
pub trait SinkTask: Send + Debug {
    #[doc(hidden)]
    fn accepts(&self) -> Caps;
    #[doc(hidden)]
    fn start(&mut self, context: &Context) -> Result<()>;
    #[doc(hidden)]
    fn work<'a>(&'a mut self, place: &'a Place) -> Work<'a>;
    #[doc(hidden)]
    fn stop(&mut self);
}

/// Where a task stands in its pipeline.
#[derive(Debug)]
pub struct Place {
    pub(crate) index: usize,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    /// Of a source; a sink is counted by its sender.
    pub(crate) tally: Arc<Tally>,
}

impl Place {
    #[cold]
    fn fail(&self, error: Error) -> Error {
        self.shared.fail(self.index, &error);
        error
    }
}

#[derive(Debug)]
struct Driven<T>(T);

pub(crate) fn source_task(source: impl AsyncSource + 'static) -> Box<dyn SourceTask> {
    Box::new(Driven(source))
}

pub(crate) fn sink_task(sink: impl AsyncSink + 'static) -> Box<dyn SinkTask> {
    Box::new(Driven(sink))
}

impl<T: AsyncSource> SourceTask for Driven<T> {
    fn offers(&self) -> Caps {
        self.0.offers()
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.0.start(context)
    }

    fn work<'a>(&'a mut self, place: &'a Place) -> Work<'a> {
        Box::pin(async move {
            let Place {
                queue, shared, tally, ..
            } = place;
            let mut sequence = 0;
            loop {
                match shared.phase() {
                    Phase::Playing => {}
                    Phase::Paused => {
                        shared.until_phase(|phase| phase != Phase::Paused).await;
                        continue;
                    }
                    Phase::Ending => break,
                    Phase::Stopping => return Ok(()),
                }
                let ends = shared.until_phase(|phase| matches!(phase, Phase::Ending | Phase::Stopping));
                let Some(produced) = unless(ends, self.0.produce()).await else {
                    continue;
                };
                match produced.map_err(|error| place.fail(error))? {
                    Produced::Packet(mut packet) => {
                        // It came while a pause began.
                        shared.until_phase(|phase| phase != Phase::Paused).await;
                        packet.metadata.sequence = sequence;
                        sequence += 1;
                        tally.count(packet.payload.bytes());
                        if queue.send_async(packet).await.is_err() {
                            return Ok(());
                        }
                    }
                    // It has had its turn; others may have theirs.
                    Produced::Nothing => yield_once().await,
                    Produced::End => break,
                }
            }
            // Closed: the pipeline stops.
            let _ = queue.end_async();
            Ok(())
        })
    }

    fn stop(&mut self) {
        self.0.stop();
    }
}

impl<T: AsyncSink> SinkTask for Driven<T> {
    fn accepts(&self) -> Caps {
        self.0.accepts()
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.0.start(context)
    }

    fn work<'a>(&'a mut self, place: &'a Place) -> Work<'a> {
        Box::pin(async move {
            let Place { queue, shared, .. } = place;
            // Closed: the pipeline stops.
            while let Ok(passing) = queue.receive_async().await {
                let stops = shared.until_phase(|phase| phase == Phase::Stopping);
                let result = match passing {
                    Passing::Packet(packet) => unless(stops, self.0.consume(packet)).await,
                    Passing::Flush => continue,
                    Passing::End => {
                        if let Some(ended) = unless(stops, self.0.end()).await {
                            ended.map_err(|error| place.fail(error))?;
                            shared.sink_completed();
                        }
                        return Ok(());
                    }
                };
                match result {
                    Some(result) => result.map_err(|error| place.fail(error))?,
                    None => return Ok(()),
                }
            }
            Ok(())
        })
    }

    fn stop(&mut self) {
        self.0.stop();
    }
}

/// What the work comes to, or nothing if the other comes first.
async fn unless<T>(first: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut first, mut work) = (pin!(first), pin!(work));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => first.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Lets a source or sink work as a task, and then hands it back. A panic in it is an error of its element; then there is
/// nothing to hand back.
pub(crate) fn spawn<T: ?Sized + Send + 'static>(
    mut task: Box<T>,
    place: Place,
    work: for<'a> fn(&'a mut T, &'a Place) -> Work<'a>,
    back: impl FnOnce(Box<T>) -> crate::Built + Send + 'static,
) -> io::Result<()> {
    runtime()?.spawn(async move {
        let shared = Arc::clone(&place.shared);
        let panic = {
            let mut work = work(&mut *task, &place);
            poll_fn(
                |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                    Ok(Poll::Pending) => Poll::Pending,
                    // An error has been reported where it happened.
                    Ok(Poll::Ready(_)) => Poll::Ready(None),
                    Err(panic) => Poll::Ready(Some(panic)),
                },
            )
            .await
        };
        match panic {
            None => shared.give_back(place.index, back(task)),
            Some(panic) => {
                let text = format!("the element panicked: {}", said(panic.as_ref()));
                shared.fail(place.index, &Error::internal(text));
                // What its `drop` does is no longer ours to trust.
                drop(catch_unwind(AssertUnwindSafe(|| drop(task))));
            }
        }
        shared.task_ended();
    });
    Ok(())
}

/// One thread for every task of the process.
fn runtime() -> io::Result<&'static Handle> {
    // Made by one of those who ask at once: a runtime that nobody needs may not be dropped inside of another.
    static RUNTIME: OnceLock<io::Result<Handle>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("parallax-async".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
        Ok(handle)
    });
    made.as_ref()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))
}
