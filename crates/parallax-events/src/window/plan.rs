//! The calculation itself, the same for whole recordings and for streams: which window is next, and whether
//! enough of the stream has been seen to hand it out.
//!
//! Windows of time are calculated in 128 bits, so that no window near an end of 64 bits overflows.

use std::ops::Range;

use super::Window;
use super::spec::{Cut, Points, WindowSpec};

/// The part of a stream seen so far. Times never go back where times are asked for.
pub(super) trait Seen {
    /// How many events.
    fn len(&self) -> u64;
    /// The time of the first event of the stream.
    fn first_t(&self) -> Option<i64>;
    /// The time of the last event seen.
    fn last_t(&self) -> Option<i64>;
    /// The time of an event, if it is still there.
    fn t(&self, index: u64) -> Option<i64>;
    /// The first event at or after `time`, which is not before event `from`.
    fn first_at_or_after(&self, time: i64, from: u64) -> u64;
}

/// What of a stream is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    All,
    FromTime(i64),
    FromEvent(u64),
    Nothing,
}

/// Where the calculation stands.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    spec: WindowSpec,
    /// The next window.
    index: u64,
    /// The events of the window before it: where to look for the next ones.
    last: Range<u64>,
    /// The incomplete window was handed out.
    done: bool,
}

impl Plan {
    pub(super) fn new(spec: WindowSpec) -> Self {
        Self {
            spec,
            index: 0,
            last: 0..0,
            done: false,
        }
    }

    /// The next window, if enough has been seen or the stream has `ended`.
    pub(super) fn next(&mut self, seen: &impl Seen, ended: bool) -> Option<Window> {
        let (incomplete, skip_empty) = (self.spec.incomplete, self.spec.skip_empty);
        match &self.spec.cut {
            &Cut::Time {
                length,
                stride,
                start,
                ..
            } => {
                let origin = start.or(seen.first_t())?;
                self.next_time(seen, origin, length, stride, ended && incomplete)
            }
            &Cut::Count { length, stride } => {
                self.next_count(seen.len(), length, stride, ended && incomplete)
            }
            Cut::AtTimes(points) => {
                let last_t = seen.last_t();
                let complete = |end: i64| last_t.is_some_and(|t| t >= end);
                let locate = |range: &Range<i64>| {
                    let start = seen.first_at_or_after(range.start, 0);
                    start..seen.first_at_or_after(range.end, start)
                };
                let found = points.next(&mut self.index, ended, incomplete, skip_empty, complete, locate);
                found.map(|(index, time, events, complete)| Window {
                    index,
                    time: Some(time),
                    events,
                    complete,
                })
            }
            Cut::AtIndices(points) => {
                let len = seen.len();
                let locate = |range: &Range<u64>| range.start.min(len)..range.end.min(len);
                let found = points.next(
                    &mut self.index,
                    ended,
                    incomplete,
                    skip_empty,
                    |end| end <= len,
                    locate,
                );
                found.map(|(index, _, events, complete)| Window {
                    index,
                    time: None,
                    events,
                    complete,
                })
            }
        }
    }

    fn next_time(
        &mut self,
        seen: &impl Seen,
        origin: i64,
        length: i64,
        stride: i64,
        at_the_end: bool,
    ) -> Option<Window> {
        let last_t = seen.last_t()?;
        loop {
            let start = time_start(origin, self.index, stride);
            let end = start + i128::from(length);
            let complete = i128::from(last_t) >= end;
            if !complete && (!at_the_end || self.done || i128::from(last_t) < start) {
                return None;
            }
            // Not after last_t, and not before the origin.
            let start = i64::try_from(start).ok()?;
            let first = seen.first_at_or_after(start, self.last.start);
            let after = match i64::try_from(end) {
                Ok(end) if complete => seen.first_at_or_after(end, self.last.end.max(first)),
                _ => seen.len(),
            };
            self.last = first..after;
            if self.spec.skip_empty && complete && first == after {
                // The first window that ends after the next event.
                let behind = i128::from(seen.t(first)?) - i128::from(length) - i128::from(origin);
                self.index = u64::try_from(behind.div_euclid(i128::from(stride)) + 1).ok()?;
                continue;
            }
            let index = self.index;
            if complete {
                self.index += 1;
            } else {
                self.done = true;
            }
            let end = i64::try_from(end).unwrap_or(i64::MAX);
            return Some(Window {
                index,
                time: Some(start..end),
                events: first..after,
                complete,
            });
        }
    }

    fn next_count(&mut self, len: u64, length: u64, stride: u64, at_the_end: bool) -> Option<Window> {
        // The window before ended inside the stream, and this one starts no later.
        let start = self.index.checked_mul(stride)?;
        let end = start.checked_add(length).filter(|end| *end <= len);
        let index = self.index;
        if let Some(end) = end {
            self.index += 1;
            self.last = start..end;
            return Some(Window {
                index,
                time: None,
                events: start..end,
                complete: true,
            });
        }
        if !at_the_end || self.done || self.last.end >= len {
            return None;
        }
        self.done = true;
        Some(Window {
            index,
            time: None,
            events: start..len,
            complete: false,
        })
    }

    /// What the windows still to come can hold.
    pub(super) fn needed(&self, first_t: Option<i64>) -> Needed {
        if self.done {
            return Needed::Nothing;
        }
        match &self.spec.cut {
            &Cut::Time { stride, start, .. } => match start.or(first_t) {
                Some(origin) => i64::try_from(time_start(origin, self.index, stride))
                    .map_or(Needed::Nothing, Needed::FromTime),
                None => Needed::All,
            },
            &Cut::Count { stride, .. } => Needed::FromEvent(self.index.saturating_mul(stride)),
            Cut::AtTimes(points) => points
                .earliest(self.index)
                .map_or(Needed::Nothing, Needed::FromTime),
            Cut::AtIndices(points) => points
                .earliest(self.index)
                .map_or(Needed::Nothing, Needed::FromEvent),
        }
    }
}

/// Where window `index` starts: at most 2⁶⁴ times 2⁶³ away.
fn time_start(origin: i64, index: u64, stride: i64) -> i128 {
    i128::from(origin) + i128::from(index) * i128::from(stride)
}

type Point<T> = (u64, Range<T>, Range<u64>, bool);

impl<T: Copy> Points<T> {
    fn next(
        &self,
        index: &mut u64,
        ended: bool,
        incomplete: bool,
        skip_empty: bool,
        is_complete: impl Fn(T) -> bool,
        locate: impl Fn(&Range<T>) -> Range<u64>,
    ) -> Option<Point<T>> {
        loop {
            let now = *index;
            let range = self.ranges.get(usize::try_from(now).ok()?)?;
            let complete = is_complete(range.end);
            if !complete && !ended {
                return None;
            }
            *index += 1;
            if !complete && !incomplete {
                continue;
            }
            let events = locate(range);
            if skip_empty && events.is_empty() {
                continue;
            }
            return Some((now, range.clone(), events, complete));
        }
    }

    fn earliest(&self, index: u64) -> Option<T> {
        self.earliest.get(usize::try_from(index).ok()?).copied()
    }
}
