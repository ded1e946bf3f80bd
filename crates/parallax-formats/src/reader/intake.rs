//! External triggers on their way from the decoder to the caller.
//!
//! They pass the same range of time as the events. A range that counts from the first event cannot be applied before
//! that event has come: triggers wait for it, in bounded number.

use parallax_events::{Error, Result, Trigger, Triggers};

use crate::ReadOptions;

/// How many triggers may wait for the first event.
const WAITING: usize = 1 << 20;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct TriggerIntake {
    wanted: bool,
    /// The most that come with one batch.
    chunk: usize,
    /// The most in all.
    limit: u64,
    /// Kept so far, in all.
    total: u64,
    /// Kept since the last batch.
    with_batch: usize,
    /// Kept and not taken.
    ready: Triggers,
    /// Not decided: the range of time counts from an event that has not come.
    waiting: Triggers,
}

impl TriggerIntake {
    /// As the options say; nothing is kept if they want no triggers.
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            wanted: options.triggers,
            chunk: options.effective_chunk(),
            limit: options.limits.events,
            total: 0,
            with_batch: 0,
            ready: Triggers::default(),
            waiting: Triggers::default(),
        }
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// How many were kept so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many more go into this batch. The one beyond the limit counts too: it is an error.
    pub(crate) fn room(&self) -> usize {
        let left = usize::try_from(self.limit - self.total).unwrap_or(usize::MAX);
        self.chunk
            .saturating_sub(self.with_batch)
            .min(left.saturating_add(1))
    }

    /// Whether the batch ends early because of them.
    pub(crate) fn is_full(&self) -> bool {
        self.with_batch >= self.chunk
    }

    /// A batch was handed out.
    pub(crate) fn end_batch(&mut self) {
        self.with_batch = 0;
    }

    /// Takes in one trigger; `keeps` says which times are kept, as far as the events before it tell.
    ///
    /// # Errors
    /// If there are more than the limits allow.
    pub(crate) fn accept(&mut self, trigger: Trigger, keeps: impl Fn(i64) -> Option<bool>) -> Result<()> {
        if !self.wanted {
            return Ok(());
        }
        self.settle(&keeps)?;
        match keeps(trigger.t) {
            Some(true) => self.keep(trigger),
            Some(false) => Ok(()),
            None if self.waiting.len() < WAITING => {
                self.waiting.push(trigger);
                Ok(())
            }
            None => Err(Error::limit(format!(
                "more than {WAITING} external triggers before the first event, from which the range of time counts"
            ))
            .with_hint("give the range of time in recorded time, or read without triggers")),
        }
    }

    /// Decides about the triggers that waited, if that is possible now.
    pub(crate) fn settle(&mut self, keeps: impl Fn(i64) -> Option<bool>) -> Result<()> {
        if self.waiting.is_empty() || keeps(0).is_none() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut inside = waiting.iter().filter(|trigger| keeps(trigger.t) == Some(true));
        inside.try_for_each(|trigger| self.keep(trigger))
    }

    fn keep(&mut self, trigger: Trigger) -> Result<()> {
        if self.total >= self.limit {
            return Err(
                Error::limit(format!("more than {} external triggers", self.limit))
                    .with_hint("raise the limit `events`, or read a time range"),
            );
        }
        self.total += 1;
        self.with_batch += 1;
        self.ready.push(trigger);
        Ok(())
    }

    /// Those that are ready.
    pub(crate) fn take(&mut self) -> Triggers {
        std::mem::take(&mut self.ready)
    }

    /// Puts those that are ready in order of time.
    pub(crate) fn sort(&mut self) {
        self.ready.sort();
    }
}
