//! One value for each pixel: the limit on how many pixels that may be, and how they are split over threads by rows.

use std::ops::{Range, RangeInclusive};

use parallax_events::{Error, Event, EventBlock, Geometry, Meta, Pool, Result};

/// Sensors up to 8192 x 8192: a declared size alone must not take more memory than half a gigabyte.
const MOST_PIXELS: usize = 1 << 26;

/// The geometry of a stream, if an operator may keep a value for each of its pixels.
///
/// # Errors
/// If the stream states none, or one with more than 2²⁶ pixels.
pub(crate) fn geometry_for_grid(meta: &Meta, operator: &str) -> Result<Geometry> {
    let geometry = meta.require_geometry()?;
    if geometry.pixels() <= MOST_PIXELS {
        return Ok(geometry);
    }
    Err(Error::limit(format!(
        "`{operator}` keeps a value for each pixel; a sensor of {geometry} has more than {MOST_PIXELS} of them"
    ))
    .with_hint("cut the stream down with `crop` first"))
}

/// Below so many events the work is done before the threads have begun.
const LEAST_TO_SPLIT: usize = 16 << 10;

/// So many events tell which rows are busy.
const SAMPLE: usize = 16 << 10;

/// Whether a block is worth splitting over the threads of `pool`.
pub(crate) fn worth_splitting(pool: Pool<'_>, block: &EventBlock) -> bool {
    pool.threads() > 1 && block.kept() >= LEAST_TO_SPLIT
}

/// The sensor's rows, a part for each thread of `pool` with about as many of the block's events in each; all rows if the block is
/// not worth splitting. Parts lie one behind the other, and all but the last have a multiple of `unit` rows. Each thread
/// looks at all events for those of its rows, so more parts would cost more.
pub(crate) fn shares(pool: Pool<'_>, block: &EventBlock, height: u16, unit: usize) -> Vec<Range<usize>> {
    let height = usize::from(height);
    if !worth_splitting(pool, block) {
        return std::iter::once(0..height).collect();
    }
    let parts = pool.threads();
    let rows = block.columns().y;
    let mut counts = vec![0_usize; height.div_ceil(unit)];
    for row in rows.iter().step_by((rows.len() / SAMPLE) | 1) {
        if let Some(count) = counts.get_mut(usize::from(*row) / unit) {
            *count += 1;
        }
    }
    let all: usize = counts.iter().sum();
    let mut shares = Vec::with_capacity(parts);
    let (mut start, mut before) = (0, 0);
    for (index, count) in counts.into_iter().enumerate() {
        let end = height.min((index + 1) * unit);
        let border = all * (shares.len() + 1) / parts;
        // At the side of the border that is nearer.
        if before + count / 2 >= border && index * unit > start && shares.len() + 1 < parts {
            shares.push(start..index * unit);
            start = index * unit;
        }
        before += count;
        if end == height {
            shares.push(start..height);
        }
    }
    shares
}

/// The cells of some rows of pixels, one for each.
#[derive(Debug)]
pub(crate) struct Rows<'a, C> {
    first: usize,
    pub(crate) cells: &'a mut [C],
}

impl<'a, C> Rows<'a, C> {
    /// Those of all rows.
    pub(crate) fn all(cells: &'a mut [C]) -> Self {
        Self { first: 0, cells }
    }

    /// Those of each thread's [share](shares), and which rows these are.
    pub(crate) fn shared(
        mut cells: &'a mut [C],
        geometry: Geometry,
        pool: Pool<'_>,
        block: &EventBlock,
    ) -> Vec<(RangeInclusive<u16>, Self)> {
        let width = usize::from(geometry.width);
        let of_share = |rows: Range<usize>| {
            let cells = cells.split_off_mut(..rows.len() * width).unwrap_or_default();
            let first = rows.start;
            (row_range(&rows, 0), Self { first, cells })
        };
        shares(pool, block, geometry.height, 1)
            .into_iter()
            .map(of_share)
            .collect()
    }

    /// Which of the cells is that of an event's pixel, with so many in a row; a number behind them if none is.
    #[inline(always)]
    pub(crate) fn index(&self, width: usize, event: Event) -> usize {
        let row = usize::from(event.y).wrapping_sub(self.first);
        row.wrapping_mul(width).wrapping_add(event.x.into())
    }
}

/// The rows of a share, and so many more on both sides.
pub(crate) fn row_range(rows: &Range<usize>, more: usize) -> RangeInclusive<u16> {
    let row = |row: usize| u16::try_from(row).unwrap_or(u16::MAX);
    row(rows.start.saturating_sub(more))..=row((rows.end + more).saturating_sub(1))
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use std::sync::Arc;

    use parallax_events::{EventBatch, SharedPool};

    use super::*;

    fn shares_of(events: Vec<u16>, threads: usize, unit: usize) -> Result<Vec<Range<usize>>> {
        let len = events.len();
        let meta = Arc::new(Meta::with_geometry(1, 100)?);
        let batch = EventBatch::try_new(vec![0; len], vec![0; len], events, vec![0; len], meta)?;
        let mut block = EventBlock::default();
        block.load(&batch);
        Ok(shares(SharedPool::new(threads)?.pool(), &block, 100, unit))
    }

    #[test]
    fn busy_rows_are_shared_evenly() -> Result<()> {
        let even = || (0..20_000).map(|event| event % 100).collect();
        assert_eq!(shares_of(even(), 2, 1)?, [0..50, 50..100]);
        assert_eq!(shares_of(even(), 4, 1)?, [0..25, 25..50, 50..75, 75..100]);
        assert_eq!(shares_of(even(), 2, 64)?, [0..64, 64..100]);
        // Three quarters of the events in the first ten rows.
        let mostly_above = (0..20_000).map(|event| if event % 4 == 0 { event % 100 } else { event % 10 });
        let found = shares_of(mostly_above.collect(), 2, 1)?;
        assert!(
            matches!(found.as_slice(), [first, _] if (6..10).contains(&first.end)),
            "{found:?}"
        );
        Ok(())
    }

    #[test]
    fn every_row_is_in_one_share() -> Result<()> {
        for (events, threads, unit, most) in [
            (vec![], 3, 1, 1),
            (vec![7; 1000], 3, 1, 1),
            (vec![7; 20_000], 3, 1, 3),
            (vec![99; 20_000], 2, 64, 2),
            (vec![0; 20_000], 5, 16, 5),
            ((0..20_000).map(|event| event % 100).collect(), 7, 64, 2),
            ((0..20_000).map(|event| event % 100).collect(), 16, 1, 16),
        ] {
            let found = shares_of(events, threads, unit)?;
            assert!((1..=most).contains(&found.len()), "{found:?}");
            let end = found.iter().fold(0, |start, share| {
                assert!(share.start == start && share.end > start, "{found:?}");
                assert!(start % unit == 0, "{found:?}");
                share.end
            });
            assert_eq!(end, 100);
        }
        Ok(())
    }
}
