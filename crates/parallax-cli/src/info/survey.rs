//! What `info` counts, batch by batch: the answer does not depend on how the stream is cut into batches.

use std::collections::BTreeMap;

use parallax::DvsColumns;
use parallax::events::Triggers;
use parallax::simd::{bounds, order, sum};

use super::rate::Histogram;

/// Counts and extremes of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Events in all.
    pub(super) events: u64,
    /// Events with p = 1.
    pub(super) on: u64,
    /// What is only there once an event has come.
    pub(super) extremes: Option<Extremes>,
    /// How often t is smaller than just before.
    pub(super) steps_back: u64,
    /// By how much at most.
    pub(super) largest_step_back: u64,
    /// The first event that belongs before its predecessor in the order of (t, y, x, p).
    pub(super) first_not_canonical: Option<u64>,
    /// Events over time.
    pub(super) rate: Histogram,
    /// External triggers of each input.
    pub(super) triggers: BTreeMap<u16, u64>,
    last: (u16, u16, u8),
}

/// Extremes of the columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extremes {
    /// The first and the last t of the stream.
    pub(super) first: i64,
    pub(super) last: i64,
    /// The smallest and the largest t.
    pub(super) t_min: i64,
    pub(super) t_max: i64,
    pub(super) x_max: u16,
    pub(super) y_max: u16,
}

impl Survey {
    /// So many events are looked at while they are in the cache.
    const BLOCK: usize = 4096;

    pub(super) fn add(&mut self, events: DvsColumns<'_>) {
        let mut start = 0;
        while start < events.len() {
            self.add_block(events.slice(start..start + Self::BLOCK));
            start += Self::BLOCK;
        }
    }

    pub(super) fn add_triggers(&mut self, triggers: &Triggers) {
        for &id in triggers.id() {
            *self.triggers.entry(id).or_default() += 1;
        }
    }

    fn add_block(&mut self, events: DvsColumns<'_>) {
        let DvsColumns { t, x, y, p } = events;
        let (Some(&first), Some(&last), Some((least, most))) = (t.first(), t.last(), bounds::min_max_i64(t))
        else {
            return;
        };
        let before = self.extremes.map(|extremes| (extremes.last, self.last));
        self.look_for_disorder(events, before);
        let known = self.extremes.unwrap_or(Extremes {
            first,
            last,
            t_min: first,
            t_max: first,
            x_max: 0,
            y_max: 0,
        });
        self.extremes = Some(Extremes {
            first: known.first,
            last,
            t_min: known.t_min.min(least),
            t_max: known.t_max.max(most),
            x_max: known.x_max.max(bounds::max_u16(x)),
            y_max: known.y_max.max(bounds::max_u16(y)),
        });
        self.last = (
            y.last().copied().unwrap_or_default(),
            x.last().copied().unwrap_or_default(),
            p.last().copied().unwrap_or_default(),
        );
        self.on += sum::sum_u8(p);
        self.rate.add(t, least, most);
        self.events += t.len() as u64;
    }

    /// Counts steps back in time and looks for the first event out of canonical order.
    fn look_for_disorder(&mut self, events: DvsColumns<'_>, before: Option<(i64, (u16, u16, u8))>) {
        let scan = order::scan(events.t, before.map(|(t, _)| t));
        self.steps_back += scan.steps_back;
        self.largest_step_back = self.largest_step_back.max(scan.max_step_back.unsigned_abs());
        if self.first_not_canonical.is_some() {
            return;
        }
        let mut previous = before.map(|(t, (y, x, p))| (t, y, x, p));
        for (index, event) in events.iter().enumerate() {
            let now = (event.t, event.y, event.x, event.p);
            if previous.is_some_and(|previous| now < previous) {
                self.first_not_canonical = Some(self.events + index as u64);
                return;
            }
            previous = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: [i64; 6] = [5, 5, 7, 6, 6, 9];
    const X: [u16; 6] = [1, 2, 0, 8, 3, 4];
    const Y: [u16; 6] = [0, 0, 9, 1, 1, 2];
    const P: [u8; 6] = [1, 0, 1, 1, 0, 1];

    #[test]
    fn the_survey_is_the_same_for_every_cut() {
        for cut in 0..=6 {
            let all = DvsColumns {
                t: &T,
                x: &X,
                y: &Y,
                p: &P,
            };
            let mut survey = Survey::default();
            survey.add(all.slice(0..cut));
            survey.add(all.slice(cut..6));
            let extremes = survey.extremes.unwrap();
            assert_eq!(
                (
                    survey.events,
                    survey.on,
                    survey.steps_back,
                    survey.largest_step_back
                ),
                (6, 4, 1, 1)
            );
            assert_eq!(
                (extremes.first, extremes.last, extremes.t_min, extremes.t_max),
                (5, 9, 5, 9)
            );
            assert_eq!(
                (extremes.x_max, extremes.y_max, survey.first_not_canonical),
                (8, 9, Some(3))
            );
        }
    }

    #[test]
    fn ties_in_time_are_ordered_by_row_then_column() {
        let first_not_canonical = |x: [u16; 2], y: [u16; 2]| {
            let mut survey = Survey::default();
            survey.add(DvsColumns {
                t: &[1, 1],
                x: &x,
                y: &y,
                p: &[0, 0],
            });
            survey.first_not_canonical
        };
        assert_eq!(first_not_canonical([9, 0], [0, 1]), None);
        assert_eq!(first_not_canonical([0, 9], [1, 0]), Some(1));
        assert_eq!(first_not_canonical([3, 2], [1, 1]), Some(1));
        assert_eq!(first_not_canonical([2, 2], [1, 1]), None);
    }
}
