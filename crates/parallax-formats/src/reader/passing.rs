//! Batches of a table that go to the caller as they are, without a copy into the reader's own.
//!
//! That is possible where nothing is to be decided about single events: no range of time, no order but the recorded
//! one, no external triggers to be placed among them, no `strict`, and all of them inside the sensor. Else, and for the
//! batch in which a limit lies, the reader takes them in as it does from any format.

use parallax_events::{EventBatch, FindingKind, OrderPolicy};

use super::EventReader;
use super::engine::{Engine, next_of_table};

impl EventReader {
    /// The next batch as it is, if that is possible now. What ends the input is left for the next step.
    pub(super) fn pass_on(&mut self) -> Option<EventBatch> {
        let options = &self.options;
        let looks_closer = options.time.is_some()
            || options.order != OrderPolicy::Keep
            || options.strict
            || self.triggers.is_wanted();
        if looks_closer || self.ended || !self.builder.is_empty() {
            return None;
        }
        let Engine::Table { source, rest, .. } = &mut self.engine else {
            return None;
        };
        let batch = loop {
            match next_of_table(source.as_mut(), rest, &mut self.report) {
                Ok(Some(batch)) if batch.is_empty() => {}
                Ok(Some(batch)) => break batch,
                Ok(None) => {
                    self.ended = true;
                    return None;
                }
                Err(error) => {
                    self.ended = true;
                    self.waiting = Some(error);
                    return None;
                }
            }
        };
        let piece = batch.slice(..options.effective_chunk());
        let meta = self.meta.clone().unwrap_or_default();
        let is_allowed = options
            .limits
            .check_events(self.events.saturating_add(piece.len() as u64))
            .is_ok();
        let (true, Ok(piece)) = (is_allowed, piece.with_meta(meta)) else {
            *rest = Some(batch);
            return None;
        };
        if piece.len() < batch.len() {
            *rest = Some(batch.slice(piece.len()..));
        }
        let done = self.builder.pass(&piece);
        let late = done.first_step_back.map(|index| self.events + index as u64);
        self.report
            .note(FindingKind::TimeBack, done.steps_back, None, late, String::new);
        self.events += piece.len() as u64;
        if let Err(error) = self.police() {
            self.ended = true;
            self.waiting = Some(error);
        }
        Some(piece)
    }
}
