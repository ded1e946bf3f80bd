//! Bins: a stretch of time, or a number of events, cut into equal parts by whole numbers, so that nothing is rounded.

use std::ops::Range;

use parallax_events::ParamSpec;

use super::kernel::Bounds;

/// Where bins end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edges {
    /// Every event is in a bin: the bins differ by at most one unit.
    Even,
    /// As Tonic has it: each bin is `length / bins` rounded down; what is left over at the end is in none.
    Floor,
}

/// The parameter that chooses [`Edges`].
pub(super) const EDGES: ParamSpec = ParamSpec::choice("edges", &["even", "floor"]).default("even").doc(
    "Where bins end: even puts every event into one; floor rounds their length down and leaves out what remains at the end, as Tonic does",
);

impl Edges {
    pub(super) fn of(word: &str) -> Self {
        if word == "floor" { Self::Floor } else { Self::Even }
    }
}

/// So many bins of a length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    length: u64,
    count: u32,
    edges: Edges,
}

impl Bins {
    pub(super) fn new(length: u64, count: u32, edges: Edges) -> Self {
        Self {
            length,
            count: count.max(1),
            edges,
        }
    }

    /// The first offset in bin `index`; of a bin that is none, past the last.
    fn start(self, index: u32) -> u64 {
        let (length, count, index) = (u128::from(self.length), u128::from(self.count), u128::from(index));
        let start = match self.edges {
            Edges::Floor => length / count * index,
            // Everything is in the first bin if all is at one time.
            Edges::Even if length == 0 => index.min(1),
            Edges::Even => (length * index).div_ceil(count),
        };
        u64::try_from(start).unwrap_or(u64::MAX)
    }

    /// The bin of an offset.
    pub(super) fn of(self, offset: u64) -> Option<u32> {
        let (length, count, offset) = (
            u128::from(self.length),
            u128::from(self.count),
            u128::from(offset),
        );
        let last = self.count - 1;
        match self.edges {
            Edges::Even if length == 0 => Some(0),
            // The last event of closed bounds lies at their end.
            Edges::Even => Some(u32::try_from(offset * count / length).unwrap_or(last).min(last)),
            Edges::Floor => {
                let bin = offset.checked_div(length / count)?;
                u32::try_from(bin).ok().filter(|bin| *bin <= last)
            }
        }
    }

    /// Which events are in each bin, by their times, which are in order.
    pub(super) fn ranges_in_time(self, t: &[i64], bounds: Bounds) -> Vec<Range<usize>> {
        let mut from = 0;
        self.ranges(
            |edge| {
                let rest = t.get(from..).unwrap_or_default();
                from += rest.partition_point(|&t| bounds.offset(t) < edge);
                from
            },
            t.len(),
        )
    }

    /// Which events are in each bin, by their number, of which there are `before` in front of these.
    pub(super) fn ranges_in_count(self, events: usize, before: u64) -> Vec<Range<usize>> {
        let place = |edge: u64| {
            usize::try_from(edge.saturating_sub(before)).map_or(events, |place| place.min(events))
        };
        self.ranges(place, events)
    }

    fn ranges(self, mut place: impl FnMut(u64) -> usize, len: usize) -> Vec<Range<usize>> {
        let mut start = place(self.start(0));
        (1..=self.count)
            .map(|next| {
                let end = match self.edges {
                    Edges::Even if next == self.count => len,
                    _ => place(self.start(next)),
                };
                std::mem::replace(&mut start, end)..end
            })
            .collect()
    }
}
