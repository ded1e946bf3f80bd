//! What is checked of new events while they are in the cache: polarity, geometry, range of time, order.
//!
//! In go events as a decoder wrote them; those that are not to be kept are taken out in place.

use std::ops::Range;

use parallax_simd::{bounds, order};

use super::{Committed, FilledPart, SpareColumns};
use crate::{EventBatch, Geometry, Order, TimeRange, TimeUnit};

/// The checks, and what they remember of the stream.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) geometry: Option<Geometry>,
    time: TimeFilter,
    /// The last time of the stream, earlier batches included.
    pub(super) last_t: Option<i64>,
    pub(super) in_order: bool,
}

/// Which times are kept.
#[derive(Debug, Clone)]
enum TimeFilter {
    All,
    /// Counted from the first event, which has not come yet.
    FromFirst {
        start: i64,
        end: i64,
    },
    Within(Range<i64>),
}

impl Default for Check {
    fn default() -> Self {
        Self {
            geometry: None,
            time: TimeFilter::All,
            last_t: None,
            in_order: true,
        }
    }
}

impl Check {
    pub(super) fn set_time(&mut self, range: Option<TimeRange>, unit: TimeUnit) {
        let Some(range) = range else {
            self.time = TimeFilter::All;
            return;
        };
        let Range { start, end } = range.in_units(unit);
        self.time = if range.is_relative() {
            TimeFilter::FromFirst { start, end }
        } else {
            TimeFilter::Within(start..end)
        };
    }

    /// Whether an event of time `t` is kept; `None` while that depends on a first event that has not come.
    pub(super) fn keeps_time(&self, t: i64) -> Option<bool> {
        match &self.time {
            TimeFilter::All => Some(true),
            TimeFilter::FromFirst { .. } => None,
            TimeFilter::Within(range) => Some(is_within(range, t)),
        }
    }

    /// The times that are kept; `None` while that depends on a first event that has not come.
    pub(super) fn kept_times(&self) -> Option<Range<i64>> {
        match &self.time {
            TimeFilter::All => Some(i64::MIN..i64::MAX),
            TimeFilter::FromFirst { .. } => None,
            TimeFilter::Within(range) => Some(range.clone()),
        }
    }

    /// Takes the events to keep together at the front. `behind_others`: whether the batch has events already.
    pub(super) fn take_in(&mut self, columns: SpareColumns<'_>, behind_others: bool) -> Committed {
        let SpareColumns { t, x, y, p } = columns;
        let mut done = Committed {
            kept: t.len(),
            ..Committed::default()
        };
        if !all_inside(x, y, p, self.geometry) {
            drop_outside(t, x, y, p, self.geometry, &mut done);
        }
        if let TimeFilter::FromFirst { start, end } = self.time
            && let Some(&first) = t[..done.kept].first()
        {
            self.time = TimeFilter::Within(
                first.saturating_add(start)..match end {
                    i64::MAX => i64::MAX,
                    end => first.saturating_add(end),
                },
            );
        }
        if let TimeFilter::Within(range) = &self.time {
            done.kept = keep_within(t, x, y, p, done.kept, range);
        }
        let scan = order::scan(&t[..done.kept], self.last_t);
        done.steps_back = scan.steps_back;
        done.first_step_back = scan.first_step_back;
        // A step back from the batch before does not put this batch out of order.
        let within = scan.steps_back > 1
            || (scan.steps_back == 1 && (behind_others || scan.first_step_back != Some(0)));
        self.in_order &= !within;
        self.last_t = t[..done.kept].last().copied().or(self.last_t);
        done
    }

    /// Goes on behind a batch that is whole already: only its order is looked at, and only if that is not known.
    pub(super) fn pass(&mut self, batch: &EventBatch) -> Committed {
        let t = batch.columns().t;
        let known = if batch.order() >= Order::Time {
            t.get(..1)
        } else {
            None
        };
        let scan = order::scan(known.unwrap_or(t), self.last_t);
        self.last_t = t.last().copied().or(self.last_t);
        Committed {
            kept: t.len(),
            steps_back: scan.steps_back,
            first_step_back: scan.first_step_back,
            ..Committed::default()
        }
    }

    /// The checks for a part of the batch whose predecessor is not known.
    pub(super) fn for_part(&self) -> Self {
        Self {
            last_t: None,
            in_order: true,
            ..self.clone()
        }
    }

    /// Goes on behind a part. Returns whether its first event is earlier than its predecessor.
    pub(super) fn join(&mut self, part: &FilledPart, behind_others: bool) -> bool {
        let Some((first, last)) = part.times() else {
            return false;
        };
        let steps_back = self.last_t.is_some_and(|before| first < before);
        self.in_order &= part.in_order() && !(steps_back && behind_others);
        self.last_t = Some(last);
        steps_back
    }
}

fn all_inside(x: &[u16], y: &[u16], p: &[u8], geometry: Option<Geometry>) -> bool {
    bounds::max_u8(p) <= 1
        && geometry
            .is_none_or(|g| x.is_empty() || (bounds::max_u16(x) < g.width && bounds::max_u16(y) < g.height))
}

/// Moves the events inside together at the front.
fn drop_outside(
    t: &mut [i64],
    x: &mut [u16],
    y: &mut [u16],
    p: &mut [u8],
    geometry: Option<Geometry>,
    done: &mut Committed,
) {
    let mut kept = 0;
    for i in 0..t.len() {
        let inside = p[i] <= 1 && geometry.is_none_or(|g| x[i] < g.width && y[i] < g.height);
        if inside {
            (t[kept], x[kept], y[kept], p[kept]) = (t[i], x[i], y[i], p[i]);
            kept += 1;
        } else {
            done.first_outside.get_or_insert(kept);
        }
    }
    done.outside = t.len() - kept;
    done.kept = kept;
}

/// Whether `t` lies within `range`. The last time there is counts as inside a range without end.
#[inline(always)]
fn is_within(range: &Range<i64>, t: i64) -> bool {
    t >= range.start && (t < range.end || range.end == i64::MAX)
}

/// Moves those of the first `len` events that lie within `range` together at the front.
fn keep_within(
    t: &mut [i64],
    x: &mut [u16],
    y: &mut [u16],
    p: &mut [u8],
    len: usize,
    range: &Range<i64>,
) -> usize {
    let inside = |t: i64| is_within(range, t);
    if t[..len].iter().all(|&t| inside(t)) {
        return len;
    }
    let mut kept = 0;
    for i in 0..len {
        if inside(t[i]) {
            (t[kept], x[kept], y[kept], p[kept]) = (t[i], x[i], y[i], p[i]);
            kept += 1;
        }
    }
    kept
}
