//! One value for each pixel: the limit on how many pixels that may be, and how they are split over threads by rows.

use std::ops::RangeInclusive;

use parallax_events::{Error, EventBlock, Geometry, Meta, Pool, Result};

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

/// Parts for each thread: so many that rows which are busier than others even out, so few that looking for the rows of
/// each part costs little.
const PARTS_A_THREAD: usize = 4;

/// Whether a block is worth splitting over the threads of `pool`.
pub(crate) fn worth_splitting(pool: Pool<'_>, block: &EventBlock) -> bool {
    pool.threads() > 1 && block.kept() >= LEAST_TO_SPLIT
}

/// How many rows each part of a sensor gets, at least one.
pub(crate) fn rows_a_part(height: u16, pool: Pool<'_>) -> usize {
    usize::from(height)
        .div_ceil(PARTS_A_THREAD * pool.threads())
        .max(1)
}

/// The rows from `first` on.
pub(crate) fn row_range(first: usize, rows: usize) -> RangeInclusive<u16> {
    let row = |row: usize| u16::try_from(row).unwrap_or(u16::MAX);
    row(first)..=row(first + rows - 1)
}
