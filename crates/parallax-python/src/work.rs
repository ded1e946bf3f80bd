//! Work that takes time: off the GIL, and stopped by Ctrl-C within a tenth of a second.
//!
//! In goes a job that knows nothing of Python, out comes its answer. The job runs on a thread of its own; the thread that
//! called waits, looks for signals and tells a progress bar. A job that is asked to stop and does not (it hangs in a
//! read from a silent pipe) is left behind: all that it uses it owns, so nothing breaks, and its answer is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use parallax::formats::Progress;
use parallax::{Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::error::{Failure, raised};

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(20);
/// How long a job that was asked to stop may take before it is left behind.
const PATIENCE: Duration = Duration::from_millis(50);
/// Work that is done sooner shows no progress.
const QUIET: Duration = Duration::from_secs(1);
/// How often progress is told.
const BEAT: Duration = Duration::from_millis(100);

/// What a job and the one who waits for it tell each other.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    stop: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Gauge {
    /// Says how far the job is; an error if it is to stop.
    pub(crate) fn tell(&self, done: u64, total: u64) -> Result<()> {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        if self.is_stopped() {
            return Err(Error::new(ErrorKind::Closed, "stopped on request"));
        }
        Ok(())
    }

    /// As a reader's call-back wants it.
    pub(crate) fn watch(&self, progress: Progress) -> std::ops::ControlFlow<()> {
        match self.tell(progress.bytes, progress.total_bytes.unwrap_or(0)) {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(_) => std::ops::ControlFlow::Break(()),
        }
    }

    /// Whether the job is to stop, or was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Runs `job` and waits for it without the GIL. `progress` is called with (done, total) once it takes long.
pub(crate) fn watched<T: Send + 'static, E: Into<Failure> + Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    job: impl FnOnce(&Arc<Gauge>) -> Result<T, E> + Send + 'static,
) -> PyResult<T> {
    watched_by(py, progress, Arc::new(Gauge::default()), job)
}

/// As [`watched`], with a gauge that somebody else looks at as well.
pub(crate) fn watched_by<T: Send + 'static, E: Into<Failure> + Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    gauge: Arc<Gauge>,
    job: impl FnOnce(&Arc<Gauge>) -> Result<T, E> + Send + 'static,
) -> PyResult<T> {
    let shared = Arc::clone(&gauge);
    let (sender, mut receiver) = sync_channel(1);
    let work = move || {
        let answer = catch_unwind(AssertUnwindSafe(|| job(&shared)));
        // Nobody waits any more for a job that was left behind.
        let _ = sender.send(answer);
    };
    thread::Builder::new()
        .name("parallax-work".to_owned())
        .spawn(work)
        .map_err(|error| raised(error.into()))?;

    let started = Instant::now();
    let mut told = started;
    loop {
        let answer;
        (receiver, answer) = py.detach(move || {
            let answer = receiver.recv_timeout(TICK);
            (receiver, answer)
        });
        match answer {
            Ok(Ok(answer)) => {
                py.check_signals()?;
                return answer.map_err(|error| error.into().into());
            }
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(raised(Error::internal("the work ended without an answer")));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut asked = py.check_signals();
        if let Some(progress) = progress
            && started.elapsed() >= QUIET
            && told.elapsed() >= BEAT
        {
            told = Instant::now();
            let (done, total) = (
                gauge.done.load(Ordering::Relaxed),
                gauge.total.load(Ordering::Relaxed),
            );
            asked = asked.and_then(|()| progress.call1((done, total)).map(|_| ()));
        }
        if let Err(error) = asked {
            gauge.stop.store(true, Ordering::Relaxed);
            py.detach(move || receiver.recv_timeout(PATIENCE).map(drop).ok());
            return Err(error);
        }
    }
}
