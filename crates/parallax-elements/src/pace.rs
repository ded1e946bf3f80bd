//! [`Pacer`]: holds a stream back so that it runs in its own time.

use std::time::{Duration, Instant};

use parallax_pipeline::Context;

/// How long it sleeps between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The moment and the stream's time at which pacing began; none before the first packet that has a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pacer {
    /// Seconds of the stream in a second.
    speed: f64,
    begun: Option<(Instant, i64)>,
}

impl Pacer {
    pub(crate) fn new(speed: f64) -> Self {
        Self { speed, begun: None }
    }

    /// Forgets when it began.
    pub(crate) fn reset(&mut self) {
        self.begun = None;
    }

    /// Waits until the stream's time `time`, in nanoseconds, has come. The first time passes at once; so does every one
    /// when the pipeline ends or stops.
    pub(crate) fn wait(&mut self, time: i64, context: Option<&Context>) {
        let (begun, first) = *self.begun.get_or_insert_with(|| (Instant::now(), time));
        let wanted_s = time.saturating_sub(first).max(0) as f64 / 1e9 / self.speed;
        // A time that no clock reaches is as good as one that nobody waits for.
        let due = Duration::try_from_secs_f64(wanted_s)
            .ok()
            .and_then(|wait| begun.checked_add(wait));
        if let Some(due) = due {
            sleep_until(due, context);
        }
    }
}

/// Sleeps until then, or until the pipeline ends or stops.
pub(crate) fn sleep_until(due: Instant, context: Option<&Context>) {
    while let Some(left) = due.checked_duration_since(Instant::now())
        && !left.is_zero()
        && !context.is_some_and(Context::is_ending)
    {
        std::thread::sleep(left.min(LOOK));
    }
}
