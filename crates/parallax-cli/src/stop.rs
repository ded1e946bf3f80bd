//! Ctrl-C, SIGTERM and SIGHUP: the work in hand stops at its next step and leaves no half-written output.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parallax::{Error, ErrorKind, Result};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether the command in hand ends cleanly by itself, however long that takes.
static PATIENT: AtomicBool = AtomicBool::new(false);

/// How long a step may take before the process ends anyway: a read from a silent pipe never returns.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exit code of a stopped command, as in `exit.rs`.
const STOPPED: i32 = 130;

/// Listens for the signals from now on.
pub(crate) fn listen() {
    let handler = || {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(STOPPED);
        }
        if PATIENT.load(Ordering::Relaxed) {
            return;
        }
        thread::spawn(|| {
            thread::sleep(PATIENCE);
            process::exit(STOPPED);
        });
    };
    // Where no handler can be set the signals end the process at once, which is safe as well: outputs appear
    // under their name only when they are complete.
    let _ = ctrlc::set_handler(handler);
}

/// The first signal does not end the process: the command completes what it has begun. The second does.
pub(crate) fn wait_for_a_clean_end() {
    PATIENT.store(true, Ordering::Relaxed);
}

/// Whether to stop.
pub(crate) fn is_requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// An error if it is time to stop: for loops that do not read.
pub(crate) fn check() -> Result<()> {
    if is_requested() {
        Err(Error::new(ErrorKind::Closed, "stopped on request"))
    } else {
        Ok(())
    }
}
