//! Events over time in one pass over a span that is not known before.
//!
//! Bins are 2^k ticks wide and start at multiples of their width. When an event falls outside, neighbours are merged
//! until it fits: the counts depend on the events alone, not on their order or on how they come in batches.

use std::ops::Range;

/// How many bins there are at most. At least half of them are in use once the span needs it.
const BINS: usize = 4096;

/// Counts of events in bins of time.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    /// A bin is 2^shift ticks wide.
    shift: u32,
    /// The first and the last tick that the bins cover.
    covered: (i64, i64),
    /// The first and the last tick with an event; `None` before the first.
    seen: Option<(i64, i64)>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BINS],
            shift: 0,
            covered: (1, 0),
            seen: None,
        }
    }
}

impl Histogram {
    /// Counts these times, of which `least` and `most` are the smallest and the largest.
    pub(super) fn add(&mut self, times: &[i64], least: i64, most: i64) {
        let (first, last) = self.seen.unwrap_or((least, most));
        self.seen = Some((first.min(least), last.max(most)));
        if least < self.covered.0 || most > self.covered.1 {
            self.cover(least, most);
        }
        // Times come in runs that share a bin: a run is added at once.
        let (mut run_bin, mut run) = (0, 0);
        for &t in times {
            let bin = t.wrapping_sub(self.covered.0) as u64 >> self.shift;
            if bin != run_bin {
                self.count(run_bin, run);
                (run_bin, run) = (bin, 0);
            }
            run += 1;
        }
        self.count(run_bin, run);
    }

    fn count(&mut self, bin: u64, events: u64) {
        if let Some(count) = self.counts.get_mut(bin as usize) {
            *count += events;
        }
    }

    /// Widens and moves the bins so that `least` and `most` are in them, with the room that is left on the side where
    /// they came in.
    fn cover(&mut self, least: i64, most: i64) {
        let used = self.used();
        let (low, high) = match &used {
            None => (least, most),
            Some(bins) => {
                let start = |bin: usize| i128::from(self.covered.0) + ((bin as i128) << self.shift);
                (
                    start(bins.start).min(least.into()) as i64,
                    start(bins.end - 1).max(most.into()) as i64,
                )
            }
        };
        let bins = |shift: u32| i128::from(high >> shift) - i128::from(low >> shift) + 1;
        let mut shift = self.shift;
        while bins(shift) > BINS as i128 {
            shift += 1;
        }
        let room = i128::from(BINS as u64) - bins(shift);
        let is_earlier = used.is_some() && least < self.covered.0;
        let base = i128::from(low >> shift) - if is_earlier { room } else { 0 };
        let base = base.max(i128::from(i64::MIN >> shift));

        let mut counts = vec![0_u64; BINS];
        let old_base = i128::from(self.covered.0 >> self.shift);
        for (bin, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let moved = ((old_base + bin as i128) >> (shift - self.shift)) - base;
            if let Some(slot) = usize::try_from(moved).ok().and_then(|bin| counts.get_mut(bin)) {
                *slot += count;
            }
        }
        let last = ((base + BINS as i128) << shift) - 1;
        self.covered = ((base << shift) as i64, last.min(i128::from(i64::MAX)) as i64);
        self.counts = counts;
        self.shift = shift;
    }

    fn used(&self) -> Option<Range<usize>> {
        let first = self.counts.iter().position(|&count| count > 0)?;
        let last = self.counts.iter().rposition(|&count| count > 0)?;
        Some(first..last + 1)
    }

    /// At most `most` bins (two at least: before and after 0 never merge): how many ticks one is wide (a power of two), where the first starts, and the counts.
    pub(super) fn bins(&self, most: usize) -> (u64, i64, Vec<u64>) {
        let Some(used) = self.used() else {
            return (1, 0, Vec::new());
        };
        let first = (self.covered.0 >> self.shift) + used.start as i64;
        let last = (self.covered.0 >> self.shift) + (used.end - 1) as i64;
        let mut merge = 0;
        while (last >> merge) - (first >> merge) >= most.max(2) as i64 {
            merge += 1;
        }
        let mut counts = vec![0; ((last >> merge) - (first >> merge) + 1) as usize];
        for (bin, count) in (first..=last).zip(&self.counts[used]) {
            if let Some(slot) = counts.get_mut(((bin >> merge) - (first >> merge)) as usize) {
                *slot += count;
            }
        }
        (
            1 << (self.shift + merge),
            (first >> merge) << (self.shift + merge),
            counts,
        )
    }

    /// Events in `columns` equal parts of the span (fewer if it has fewer ticks), each bin spread evenly over what it
    /// overlaps, and how many ticks a part is wide.
    pub(super) fn columns(&self, columns: usize) -> (Vec<f64>, f64) {
        let (Some((first, last)), Some(used)) = (self.seen, self.used()) else {
            return (Vec::new(), 0.0);
        };
        let span = last.abs_diff(first) as f64 + 1.0;
        let count = columns.max(1).min(span as usize);
        let ticks = span / count as f64;
        let mut parts = vec![0.0; count];
        for bin in used {
            let events = self.counts[bin] as f64;
            let start = i128::from(self.covered.0) + ((bin as i128) << self.shift);
            let end = start + (1_i128 << self.shift);
            // Only a part of the first and of the last bin lies in the span.
            let start = (start - i128::from(first)).max(0) as f64;
            let end = ((end - i128::from(first)) as f64).min(span);
            let (from, to) = (start / ticks, end / ticks);
            let mut column = from as usize;
            while (column as f64) < to {
                let overlap = to.min((column + 1) as f64) - from.max(column as f64);
                if let Some(part) = parts.get_mut(column) {
                    *part += events * overlap / (to - from);
                }
                column += 1;
            }
        }
        (parts, ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(histogram: &mut Histogram, times: &[i64]) {
        let (least, most) = (times.iter().min(), times.iter().max());
        histogram.add(times, *least.unwrap(), *most.unwrap());
    }

    /// The bins by a map from bin to count, at the width that the histogram chose.
    fn naive(times: &[i64], width: u64) -> Vec<(i128, u64)> {
        let mut map = std::collections::BTreeMap::new();
        for &t in times {
            *map.entry(i128::from(t).div_euclid(i128::from(width)))
                .or_insert(0) += 1;
        }
        map.into_iter().collect()
    }

    fn check(times: &[i64]) {
        let mut histogram = Histogram::default();
        for piece in times.chunks(7) {
            add(&mut histogram, piece);
        }
        for most in [2, 60, BINS] {
            let (width, start, counts) = histogram.bins(most);
            assert!(counts.len() <= most, "{} bins", counts.len());
            let base = i128::from(start) / i128::from(width);
            let given: Vec<_> = (base..).zip(counts).filter(|(_, count)| *count > 0).collect();
            assert_eq!(given, naive(times, width), "{times:?}");
        }
        let (columns, _) = histogram.columns(70);
        assert!((columns.iter().sum::<f64>() - times.len() as f64).abs() < 1e-6 * times.len() as f64);
    }

    #[test]
    fn bins_hold_what_a_map_holds() {
        check(&[0]);
        check(&[i64::MAX]);
        check(&[-1, 0]);
        check(&(0..100_000).map(|i| i * i).collect::<Vec<_>>());
        check(&(0..20_000).map(|i| -i * 131).collect::<Vec<_>>());
        check(
            &(0..20_000)
                .map(|i| if i % 2 == 0 { i } else { -i })
                .collect::<Vec<_>>(),
        );
        check(
            &(0..1_000)
                .map(|i| 1_589_163_147_368_868 + i * 977)
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn the_whole_range_of_times_fits() {
        let mut histogram = Histogram::default();
        add(&mut histogram, &[0, i64::MAX, i64::MIN, 5]);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 4);
        let (columns, _) = histogram.columns(10);
        assert_eq!(columns.iter().map(|part| part.round() as u64).sum::<u64>(), 4);
    }

    #[test]
    fn columns_of_a_steady_stream_are_level() {
        let mut histogram = Histogram::default();
        add(
            &mut histogram,
            &(0..1_000_000).map(|i| 77 + i * 3).collect::<Vec<_>>(),
        );
        let (columns, ticks) = histogram.columns(50);
        assert!((ticks - 59_999.96).abs() < 0.01);
        assert!(
            columns.iter().all(|part| (part - 20_000.0).abs() < 20.0),
            "{columns:?}"
        );
    }
}
