//! Memory for one value a cell: on huge pages where it is large, and written before it is read.
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
        filled(value, count, Pool::serial()).map(Self)
    }

    /// As [`new`](Self::new), written by all threads.
    pub(crate) fn new_on(pool: Pool<'_>, value: T, count: usize) -> Result<Self> {
        filled(value, count, pool).map(Self)
    }
}

/// A column of `count` times `value`, written by all threads: most of the time is the system's, which clears each page.
pub(crate) fn filled<T: Element>(value: T, count: usize, pool: Pool<'_>) -> Result<Column<T>> {
    let mut cells = Column::with_capacity(count)?;
    let pages = cells.spare_mut().chunks_mut(HUGE_PAGE / size_of::<T>()).collect();
    pool.map(pages, |page: &mut [T]| page.fill(value));
    cells.set_len(count)?;
    Ok(cells)
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
