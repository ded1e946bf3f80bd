//! Going to a range of time without decoding what lies before and behind it.
//!
//! Where the input is here as a whole and its format can tell the time at a place, [`TimeSeek`] says which bytes hold the
//! range; the rest is not decoded, and what is odd in it is not reported. What is decoded goes through the same check of
//! every event as without. A format that finds its bytes by looking at a few places takes the recording to be in order of
//! time between them: the report then says so.

use parallax_events::{FindingKind, OrderPolicy};

use super::EventReader;
use super::engine::Engine;
use crate::Look;
use crate::decoder::Found;

/// Shorter inputs are decoded at once.
const LEAST: u64 = 1 << 20;

impl EventReader {
    /// Goes to the range of time that is asked for, if the header is behind, nothing has been decoded, and neither an
    /// option nor the input asks for every event to be looked at.
    pub(super) fn seek_time(&mut self) {
        let (Some(meta), Some(range)) = (&self.meta, self.options.time) else {
            return;
        };
        if range.is_relative() || self.options.strict || self.options.order == OrderPolicy::Check {
            return;
        }
        let Engine::Stream { source, decoder } = &mut self.engine else {
            return;
        };
        let at = source.at();
        let (Some(input), Some(seek)) = (source.shared(), decoder.time_seek()) else {
            return;
        };
        let len = input.len() as u64;
        if len.saturating_sub(at) < LEAST {
            return;
        }
        let found = seek.seek(
            range.in_units(meta.time_unit),
            at,
            &Look(input),
            self.options.pool.pool(),
        );
        input.release(0..input.len());
        let Some(found) = found else {
            return;
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
    }
}
