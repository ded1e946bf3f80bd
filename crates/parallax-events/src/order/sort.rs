//! Sorts a batch: by what is out of order, and no more than that.
//!
//! An event is a number here: all four columns are in its key, so equal keys are equal events, and an unstable
//! sort gives the same bytes as a stable one. Hence also the same bytes for every number of threads.

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::Buffer;
use bytemuck::Pod;
use parallax_memory::Region;

use super::columns::{Columns, PIXEL_BITS, from_pixel_key, pixel_key};
use super::late::{self, Lateness};
use super::ties;
use crate::{BatchLayout, DvsColumns, EventBatch, Order, Pool, Result};

/// Events are handed to other threads in blocks of so many.
#[cfg(feature = "parallel")]
const BLOCK: usize = 1 << 16;

/// The batch in canonical order, in new memory. The column t is shared if it is in order.
pub(super) fn sorted_copy(batch: &EventBatch, first_descent: usize, pool: Pool<'_>) -> Result<EventBatch> {
    let columns = batch.columns();
    let len = columns.len();
    let layout = BatchLayout::new(len)?;
    let mut region = Region::new(layout.bytes())?;
    let mut out = Columns::of(region.as_mut_slice(), &layout);
    let lateness = match batch.order() {
        Order::Unknown => late::find(columns.t, first_descent),
        Order::Time | Order::Strict => Lateness::None,
    };
    let share_t = matches!(lateness, Lateness::None);
    match lateness {
        Lateness::None => {
            // Never written, so its pages are never touched.
            out.t = &mut [];
            out.copy(0, columns, 0..len);
            ties::sort(columns.t, out, pool);
        }
        Lateness::Few(late) => {
            let mut at = 0;
            late::in_time_order(columns.t, &late, |range| {
                let step = range.len();
                out.copy(at, columns, range);
                at += step;
            });
            let Columns { t, x, y, p } = out;
            ties::sort(t, Columns { t: &mut [], x, y, p }, pool);
        }
        Lateness::Many => sort_all(columns, out, pool)?,
    }

    let slot = region.seal().into_arrow(..);
    let part = |range: Range<usize>| slot.slice_with_length(range.start, range.len());
    let t: Buffer = if share_t {
        batch.buffers()[0].clone()
    } else {
        part(layout.t(len))
    };
    let (x, y, p) = (part(layout.x(len)), part(layout.y(len)), part(layout.p(len)));
    Ok(EventBatch::from_checked_parts(
        t,
        x,
        y,
        p,
        Arc::clone(batch.meta()),
        Order::Strict,
    ))
}

/// Where each event was before: the one place where equal events can be told apart, hence a stable sort.
pub(super) fn permutation(columns: DvsColumns<'_>, pool: Pool<'_>) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..columns.len()).collect();
    let key = |&i: &usize| (columns.t[i], pixel_key(columns.x[i], columns.y[i], columns.p[i]));
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon() {
        use rayon::prelude::*;
        threads.install(|| indices.par_sort_by_key(key));
        return indices;
    }
    #[cfg(not(feature = "parallel"))]
    let _ = pool;
    indices.sort_by_key(key);
    indices
}

/// Sorts everything. The keys are as short as the span of time allows: half the memory for most recordings.
fn sort_all(columns: DvsColumns<'_>, out: Columns<'_>, pool: Pool<'_>) -> Result<()> {
    let (first, last) = columns
        .t
        .iter()
        .fold((i64::MAX, i64::MIN), |(a, b), &t| (a.min(t), b.max(t)));
    let since_first = |i: usize| columns.t[i].wrapping_sub(first) as u64;
    let pixel = |i: usize| pixel_key(columns.x[i], columns.y[i], columns.p[i]);
    let at = |since_first: u64| first.wrapping_add(since_first as i64);
    if (last.wrapping_sub(first) as u64).leading_zeros() >= PIXEL_BITS {
        let key = |i: usize| since_first(i) << PIXEL_BITS | pixel(i);
        sort_keys(out, key, |key| (at(key >> PIXEL_BITS), from_pixel_key(key)), pool)
    } else {
        let key = |i: usize| u128::from(since_first(i)) << 64 | u128::from(pixel(i));
        sort_keys(
            out,
            key,
            |key| (at((key >> 64) as u64), from_pixel_key(key as u64)),
            pool,
        )
    }
}

/// Sorts by keys that hold the whole event.
fn sort_keys<K: Pod + Ord + Send + Sync>(
    out: Columns<'_>,
    key: impl Fn(usize) -> K + Sync,
    event: impl Fn(K) -> (i64, (u16, u16, u8)) + Sync,
    pool: Pool<'_>,
) -> Result<()> {
    let len = out.x.len();
    // BatchLayout has found room for 13 bytes an event; one of up to 16 may still not be had.
    let mut memory = Region::new(len.saturating_mul(size_of::<K>()))?;
    let keys: &mut [K] = bytemuck::cast_slice_mut(memory.as_mut_slice());
    let fill = |start: usize, keys: &mut [K]| {
        for (i, slot) in (start..).zip(keys) {
            *slot = key(i);
        }
    };
    let write = |out: Columns<'_>, keys: &[K]| {
        let Columns { t, x, y, p } = out;
        for ((((t, x), y), p), &key) in t.iter_mut().zip(x).zip(y).zip(p).zip(keys) {
            (*t, (*x, *y, *p)) = event(key);
        }
    };
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon()
        && len > BLOCK
    {
        use rayon::prelude::*;
        threads.install(|| {
            keys.par_chunks_mut(BLOCK)
                .enumerate()
                .for_each(|(block, keys)| fill(block * BLOCK, keys));
            keys.par_sort_unstable();
            let columns = (out.t.par_chunks_mut(BLOCK), out.x.par_chunks_mut(BLOCK))
                .into_par_iter()
                .zip((out.y.par_chunks_mut(BLOCK), out.p.par_chunks_mut(BLOCK)));
            columns
                .zip(keys.par_chunks(BLOCK))
                .for_each(|(((t, x), (y, p)), keys)| write(Columns { t, x, y, p }, keys));
        });
        return Ok(());
    }
    #[cfg(not(feature = "parallel"))]
    let _ = pool;
    fill(0, keys);
    keys.sort_unstable();
    write(out, keys);
    Ok(())
}
