//! The progress bar: on stderr, on a terminal only, and only for work that takes longer than a moment.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax::formats::ProgressCallback;

use crate::{figures, stop};

/// Work that is done before shows no bar.
const MOMENT: Duration = Duration::from_millis(500);
/// How often the bar is told.
const PERIOD_MS: u64 = 100;

/// A bar for one read. It is cleared when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(Arc<State>);

#[derive(Debug)]
struct State {
    bar: ProgressBar,
    started: Instant,
    /// Milliseconds since the start at which the bar is told next.
    next_ms: AtomicU64,
}

impl Bar {
    pub(crate) fn new(verb: impl Into<Cow<'static, str>>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_prefix(verb);
        let next_ms = AtomicU64::new(MOMENT.as_millis() as u64);
        Self(Arc::new(State {
            bar,
            started: Instant::now(),
            next_ms,
        }))
    }

    /// A bar that is never seen: where it would lie over what is printed.
    pub(crate) fn hidden() -> Self {
        let bar = Self::new("");
        bar.0.next_ms.store(u64::MAX, Ordering::Relaxed);
        bar
    }

    /// What a reader calls as it goes on. It also stops the reader when the user asks for that.
    pub(crate) fn callback(&self) -> ProgressCallback {
        let state = Arc::clone(&self.0);
        Arc::new(move |progress| {
            if stop::is_requested() {
                return ControlFlow::Break(());
            }
            state.tell(progress.bytes, progress.total_bytes, || {
                let rate = progress.events as f64 / state.started.elapsed().as_secs_f64();
                format!(
                    "{} events, {}",
                    figures::count(progress.events),
                    figures::rate(rate)
                )
            });
            ControlFlow::Continue(())
        })
    }

    /// So many bytes of so many are done.
    pub(crate) fn tell_bytes(&self, done: u64, total: u64) {
        self.0.tell(done, Some(total), String::new);
    }
}

impl State {
    fn tell(&self, bytes: u64, total: Option<u64>, message: impl FnOnce() -> String) {
        let elapsed = self.started.elapsed();
        let now_ms = elapsed.as_millis() as u64;
        if now_ms < self.next_ms.load(Ordering::Relaxed) {
            return;
        }
        self.next_ms.store(now_ms + PERIOD_MS, Ordering::Relaxed);
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_message(message());
        self.bar.set_position(bytes);
        if self.bar.is_hidden() {
            self.bar.set_style(style(total.is_some()));
            self.bar.set_elapsed(elapsed);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            if self.bar.is_hidden() {
                // No terminal: never look again.
                self.next_ms.store(u64::MAX, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(is_bounded: bool) -> ProgressStyle {
    let template = if is_bounded {
        "{prefix} {wide_bar} {percent:>3}%  {msg}, {decimal_bytes_per_sec}, {eta} left"
    } else {
        "{prefix} {spinner} {decimal_bytes}  {msg}, {decimal_bytes_per_sec}"
    };
    // The templates are constants; the default stands in if one were wrong.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
