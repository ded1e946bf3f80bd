//! What holds for the whole process: on how many threads work runs, and how operators treat time.
//!
//! The pool is made when it is first needed. A fork leaves its threads behind in the parent, so the child forgets
//! the pool and makes one of its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use parallax::events::SharedPool;
use parallax::ops::Mode;
use parallax::{Error, Nanos, Result};
use pyo3::prelude::*;

use crate::error::raised;

static SETTINGS: Mutex<Settings> = Mutex::new(Settings {
    threads: None,
    pool: None,
});

/// The fixed step of time in nanoseconds; 0 is the exact mode.
static STEP_NANOS: AtomicI64 = AtomicI64::new(0);

struct Settings {
    /// As asked for; absent: one for each core.
    threads: Option<usize>,
    pool: Option<SharedPool>,
}

/// The most threads that can be asked for.
const MOST_THREADS: usize = 1024;

/// The pool that work runs on. Asked for while the GIL is held, so that no fork finds the lock taken.
pub(crate) fn pool(_: Python<'_>) -> Result<SharedPool> {
    let mut settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &settings.pool {
        return Ok(pool.clone());
    }
    let pool = SharedPool::new(settings.threads.unwrap_or_else(cores))?;
    settings.pool = Some(pool.clone());
    Ok(pool)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many threads work runs on.
#[pyfunction]
pub(crate) fn threads() -> usize {
    let settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    settings.threads.unwrap_or_else(cores)
}

/// Sets how many threads work runs on from now on; `None` is one for each core.
#[pyfunction]
pub(crate) fn set_threads(threads: Option<usize>) -> PyResult<()> {
    if let Some(threads) = threads
        && !(1..=MOST_THREADS).contains(&threads)
    {
        return Err(raised(
            Error::param(format!("`threads` cannot be {threads}"))
                .with_hint(format!("it is 1 to {MOST_THREADS}, or None for one each core")),
        ));
    }
    let mut settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    settings.threads = threads;
    settings.pool = None;
    Ok(())
}

/// To be called in a forked child: the pool's threads are not here.
#[pyfunction]
pub(crate) fn after_fork() {
    // The lock is free: the interpreter forks holding the GIL, and so does who holds the lock.
    if let Ok(mut settings) = SETTINGS.try_lock() {
        // Dropping it would wait for threads that do not exist.
        std::mem::forget(settings.pool.take());
    }
}

/// How operators treat time.
pub(crate) fn mode() -> Mode {
    match STEP_NANOS.load(Ordering::Relaxed) {
        0 => Mode::Exact,
        step => Mode::FixedStep(Nanos(step)),
    }
}

/// `exact`, or `fixed_step:1000ns`.
#[pyfunction]
pub(crate) fn get_mode() -> String {
    mode().to_string()
}

/// Sets how operators treat time from now on.
#[pyfunction]
pub(crate) fn set_mode(text: &str) -> PyResult<()> {
    let step = match Mode::parse(text).map_err(raised)? {
        Mode::Exact => 0,
        Mode::FixedStep(step) => step.0,
    };
    STEP_NANOS.store(step, Ordering::Relaxed);
    Ok(())
}
