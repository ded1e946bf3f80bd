//! Memory for one value a cell: on huge pages where it is large, and written before it is read.
//!
//! What is let go is used again ([`parallax_memory::Region::stale`]): a chain that is run once more, or the next recording of a
//! data set, asks for as many cells.
//!
//! Surprise: `vec![0; n]` is memory that nobody has touched. Whoever reads a page of it first gets the one page of zeros that
//! all processes share, and the write behind that makes the system copy the page and interrupt every thread of the process
//! to tell of it: for the pixels of one sensor that took as long as counting ten million events.

use std::ops::{Deref, DerefMut};

use parallax_events::{Pool, Result};
use parallax_memory::{Column, Element, HUGE_PAGE};

/// So many values, to be read and written in place.
#[derive(Debug)]
pub(crate) struct Cells<T: Element>(Column<T>);

impl<T: Element> Cells<T> {
    /// `count` times `value`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](parallax_events::ErrorKind) if the memory cannot be had.
    pub(crate) fn new(value: T, count: usize) -> Result<Self> {
        let mut cells = Self::stale(count)?;
        cells.fill(value);
        Ok(cells)
    }

    /// `count` values that mean nothing, for who writes all of them before they are read.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn stale(count: usize) -> Result<Self> {
        stale(count).map(Self)
    }
}

/// A column of `count` values that mean nothing.
pub(crate) fn stale<T: Element>(count: usize) -> Result<Column<T>> {
    let mut cells = Column::stale(count)?;
    cells.set_len(count)?;
    Ok(cells)
}

/// Has all threads write `value` everywhere. Without a list of who writes what where one of them does it all.
pub(crate) fn fill<T: Element>(cells: &mut [T], value: T, pool: Pool<'_>) {
    let page = HUGE_PAGE / size_of::<T>();
    if pool.threads() == 1 || cells.len() <= page {
        return cells.fill(value);
    }
    pool.map(cells.chunks_mut(page).collect(), |page: &mut [T]| {
        page.fill(value);
    });
}

impl<T: Element> Deref for Cells<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_slice()
    }
}

impl<T: Element> DerefMut for Cells<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_mut_slice()
    }
}
