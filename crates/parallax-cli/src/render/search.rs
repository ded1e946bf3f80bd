//! Looks for the window with the most events, and for how far events reach, in one pass and constant memory.
//!
//! Windows lie end to end from the first event on. A window is counted while events follow each other in it: where
//! time goes back into an earlier window, that window is counted anew. Of equally busy ones the first wins.

use std::ops::{Bound, RangeBounds};

use parallax::{DvsColumns, Geometry, Nanos, TimeUnit};

/// A half-open range of time in the stream's unit; the last time there is counts as inside a window without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    start: i64,
    end: Option<i64>,
}

impl Window {
    /// All time.
    pub(super) const ALL: Self = Self {
        start: i64::MIN,
        end: None,
    };

    /// The times inside.
    pub(super) fn range(self) -> (Bound<i64>, Bound<i64>) {
        let end = self.end.map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(self.start), end)
    }

    fn contains(self, t: i64) -> bool {
        self.range().contains(&t)
    }
}

/// The search so far.
#[derive(Debug)]
pub(super) struct Search {
    length: i64,
    first: Option<i64>,
    current: Window,
    count: u64,
    best: Option<(u64, Window)>,
    x_max: u16,
    y_max: u16,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// `None` if there is no event.
    pub(super) busiest: Option<Window>,
    /// The smallest geometry that holds all events; `None` if there is none.
    pub(super) extent: Option<Geometry>,
}

impl Search {
    pub(super) fn new(window: Nanos, unit: TimeUnit) -> Self {
        let length = (window.0 / unit.nanos()).max(1);
        Self {
            length,
            first: None,
            current: Window::ALL,
            count: 0,
            best: None,
            x_max: 0,
            y_max: 0,
        }
    }

    pub(super) fn add(&mut self, events: DvsColumns<'_>) {
        for &t in events.t {
            if self.first.is_none() || !self.current.contains(t) {
                self.close();
                self.current = self.around(t);
            }
            self.count += 1;
        }
        self.x_max = events.x.iter().fold(self.x_max, |most, &x| most.max(x));
        self.y_max = events.y.iter().fold(self.y_max, |most, &y| most.max(y));
    }

    pub(super) fn finish(mut self) -> Found {
        self.close();
        let extent = self.first.map(|_| Geometry {
            width: self.x_max.saturating_add(1),
            height: self.y_max.saturating_add(1),
        });
        Found {
            busiest: self.best.map(|(_, window)| window),
            extent,
        }
    }

    /// The window of the grid that `t` lies in.
    fn around(&mut self, t: i64) -> Window {
        let first = i128::from(*self.first.get_or_insert(t));
        let length = i128::from(self.length);
        let start = first + (i128::from(t) - first).div_euclid(length) * length;
        let start_tick = i64::try_from(start).unwrap_or(i64::MIN);
        Window {
            start: start_tick,
            end: i64::try_from(start + length).ok(),
        }
    }

    fn close(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count > self.best.map_or(0, |(most, _)| most) {
            self.best = Some((count, self.current));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busiest(t: &[i64]) -> Found {
        let mut search = Search::new(Nanos(10_000), TimeUnit::Micros);
        for (index, t) in t.iter().enumerate() {
            search.add(DvsColumns {
                t: &[*t],
                x: &[index as u16],
                y: &[7],
                p: &[1],
            });
        }
        search.finish()
    }

    #[test]
    fn the_first_of_the_fullest_windows_is_found() {
        let found = busiest(&[5, 14, 15, 24, 24, 25, 90, 91, 92]);
        assert_eq!(
            found.busiest,
            Some(Window {
                start: 15,
                end: Some(25)
            })
        );
        assert_eq!(found.extent, Some(Geometry { width: 9, height: 8 }));
        assert_eq!(
            busiest(&[]),
            Found {
                busiest: None,
                extent: None
            }
        );
    }

    #[test]
    fn the_ends_of_time_are_inside_a_window() {
        let found = busiest(&[i64::MAX, i64::MIN, i64::MIN]).busiest.unwrap();
        assert!(found.contains(i64::MIN) && !found.contains(i64::MAX));
        assert!(busiest(&[i64::MAX]).busiest.unwrap().contains(i64::MAX));
    }
}
