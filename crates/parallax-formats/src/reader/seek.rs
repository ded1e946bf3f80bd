//! Going to a range of time without decoding what lies before and behind it.
//!
//! Where the input is here as a whole and its format can tell the time at a place, [`TimeSeek`] says which bytes hold the
//! range; the rest is not decoded, and what is odd in it is not reported. What is decoded goes through the same check of
//! every event as without. A format that finds its bytes by looking at a few places takes the recording to be in order of
//! time between them: the report then says so.

use parallax_events::{FindingKind, OrderPolicy, Result};

use super::EventReader;
use super::engine::Engine;
use crate::Look;
use crate::decoder::Found;
use crate::source::Shared;

/// Shorter inputs are decoded at once.
const LEAST: u64 = 1 << 20;

/// So many bytes are decoded at a time to find the first event.
const FIRST: usize = 1 << 14;

impl EventReader {
    /// Goes to the range of time that is asked for, if the header is behind, nothing has been decoded, and neither an
    /// option nor the input asks for every event to be looked at. A range that counts from the first event is known once
    /// that is: the first step of decoding is done for it.
    pub(super) fn seek_time(&mut self) -> Result<()> {
        let (Some(range), Some(_)) = (self.options.time, &self.meta) else {
            return Ok(());
        };
        if self.options.strict || self.options.order == OrderPolicy::Check || !self.can_seek() {
            return Ok(());
        }
        if range.is_relative() {
            self.set_window(Some(FIRST));
            while self.builder.kept_times().is_none() && !self.ended && !self.triggers.is_full() {
                self.step()?;
            }
            self.set_window(None);
        }
        let Some(range) = self.builder.kept_times().filter(|_| !self.ended) else {
            return Ok(());
        };
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return Ok(());
        };
        let at = source.at();
        let (Some(input), Some(seek)) = (source.shared(), decoder.time_seek()) else {
            return Ok(());
        };
        let len = input.len() as u64;
        let found = seek.seek(
            range,
            at,
            &Look(input, Some(&self.options.index)),
            self.options.pool.pool(),
        );
        input.release(0..input.len());
        let Some(found) = found else {
            return Ok(());
        };
        let Found {
            start,
            end,
            is_certain,
        } = found;
        let unread = (start - at).saturating_add(len.saturating_sub(end));
        source.move_to(start);
        source.end_at(end);
        if !is_certain && unread > 0 {
            self.report.note(FindingKind::Assumed, 1, Some(at), None, || {
                "order of time: bytes outside the range of time asked for were not read".to_owned()
            });
        }
        Ok(())
    }

    fn set_window(&mut self, window: Option<usize>) {
        if let Engine::Stream { source, .. } = &mut self.engine {
            source.set_window(window);
        }
    }

    /// Whether the input is here, long enough, and of a format that can tell where a time is.
    fn can_seek(&mut self) -> bool {
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return false;
        };
        let at = source.at();
        let is_long = |input: Shared<'_>| (input.len() as u64).saturating_sub(at) >= LEAST;
        source.shared().is_some_and(is_long) && decoder.time_seek().is_some()
    }
}
