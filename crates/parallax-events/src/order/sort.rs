//! Sorts the disordered stretches of a batch: by keys that hold an event and its index, which are all
//! different, so that an unstable sort is stable and every number of threads gives the same result.

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::Buffer;
use parallax_memory::Region;

use super::disorder::Disorder;
use crate::{BatchLayout, DvsColumns, Error, EventBatch, Order, Pool, Result};

/// An event and where in its stretch it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    t: i64,
    /// From the top: y in 16 bits, x in 16, p in 1, the index in 31.
    rest: u64,
}

/// As many indices as fit beside y, x and p into one word.
const LONGEST: usize = 1 << 31;
/// Stretches shorter than this are not worth handing to other threads.
#[cfg(feature = "parallel")]
const PARALLEL: usize = 1 << 16;
/// How far an insertion sort may move events, per event, before it gives up.
const MOVES: usize = 8;

impl Key {
    fn of(columns: DvsColumns<'_>, start: usize, index: usize) -> Self {
        let at = start + index;
        let (y, x, p) = (u64::from(columns.y[at]), u64::from(columns.x[at]), u64::from(columns.p[at]));
        Self { t: columns.t[at], rest: y << 48 | x << 32 | p << 31 | index as u64 }
    }

    fn y(self) -> u16 {
        (self.rest >> 48) as u16
    }

    fn x(self) -> u16 {
        (self.rest >> 32) as u16
    }

    fn p(self) -> u8 {
        (self.rest >> 31) as u8 & 1
    }

    fn index(self) -> usize {
        self.rest as usize & (LONGEST - 1)
    }
}

/// The batch with its disordered stretches sorted, in new memory. The column t is shared if it is in order.
pub(super) fn sorted_copy(batch: &EventBatch, disorder: &Disorder, pool: Pool<'_>) -> Result<EventBatch> {
    let columns = batch.columns();
    let len = columns.len();
    let layout = BatchLayout::new(len)?;
    let mut region = Region::new(layout.bytes())?;
    let mut out = Columns::of(region.as_mut_slice(), &layout);
    if disorder.only_ties {
        // Never written, so its pages are never touched.
        out.t = &mut [];
    }
    let mut keys = Vec::new();
    let mut done = 0;
    for stretch in &disorder.stretches {
        out.copy(columns, done..stretch.start);
        sort_stretch(columns, stretch.clone(), &mut keys, pool)?;
        out.write(stretch.clone(), &keys, pool);
        done = stretch.end;
    }
    out.copy(columns, done..len);

    let slot = region.seal().into_arrow(..);
    let part = |range: Range<usize>| slot.slice_with_length(range.start, range.len());
    let t: Buffer = if disorder.only_ties { batch.buffers()[0].clone() } else { part(layout.t(len)) };
    let (x, y, p) = (part(layout.x(len)), part(layout.y(len)), part(layout.p(len)));
    Ok(EventBatch::from_checked_parts(t, x, y, p, Arc::clone(batch.meta()), Order::Strict))
}

/// Where each event was before.
pub(super) fn permutation(columns: DvsColumns<'_>, disorder: &Disorder, pool: Pool<'_>) -> Result<Vec<usize>> {
    let mut indices: Vec<usize> = (0..columns.len()).collect();
    let mut keys = Vec::new();
    for stretch in &disorder.stretches {
        sort_stretch(columns, stretch.clone(), &mut keys, pool)?;
        for (index, key) in indices[stretch.clone()].iter_mut().zip(&keys) {
            *index = stretch.start + key.index();
        }
    }
    Ok(indices)
}

/// Leaves the keys of the stretch, sorted, in `keys`.
fn sort_stretch(columns: DvsColumns<'_>, stretch: Range<usize>, keys: &mut Vec<Key>, pool: Pool<'_>) -> Result<()> {
    if stretch.len() > LONGEST {
        return Err(Error::limit(format!(
            "{} events from event {} on are entangled, the limit is {LONGEST}",
            stretch.len(),
            stretch.start
        ))
        .with_hint("sort the recording in parts"));
    }
    keys.clear();
    let key = |index| Key::of(columns, stretch.start, index);
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon()
        && stretch.len() >= PARALLEL
    {
        use rayon::prelude::*;
        threads.install(|| {
            (0..stretch.len()).into_par_iter().map(key).collect_into_vec(keys);
            keys.par_sort_unstable();
        });
        return Ok(());
    }
    #[cfg(not(feature = "parallel"))]
    let _ = pool;
    keys.extend((0..stretch.len()).map(key));
    if !insertion_sort(keys) {
        keys.sort_unstable();
    }
    Ok(())
}

/// Sorts by insertion, which is the fastest way where events are few or displaced by little. Gives up, and
/// says false, when it would have to move too much.
fn insertion_sort(keys: &mut [Key]) -> bool {
    let mut moved = 0;
    for i in 1..keys.len() {
        let key = keys[i];
        let mut place = i;
        while place > 0 && keys[place - 1] > key {
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
        moved += i - place;
        if moved > MOVES * (i + SMALL) {
            return false;
        }
    }
    true
}

/// So many events are sorted by insertion in any case.
const SMALL: usize = 16;

/// The columns that are being written; `t` is empty if that of the input is shared.
struct Columns<'a> {
    t: &'a mut [i64],
    x: &'a mut [u16],
    y: &'a mut [u16],
    p: &'a mut [u8],
}

impl<'a> Columns<'a> {
    fn of(slot: &'a mut [u8], layout: &BatchLayout) -> Self {
        let len = layout.capacity();
        let (t, rest) = slot.split_at_mut(layout.x(0).start);
        let (x, rest) = rest.split_at_mut(layout.y(0).start - layout.x(0).start);
        let (y, p) = rest.split_at_mut(layout.p(0).start - layout.y(0).start);
        Self {
            t: bytemuck::cast_slice_mut(&mut t[..len * 8]),
            x: bytemuck::cast_slice_mut(&mut x[..len * 2]),
            y: bytemuck::cast_slice_mut(&mut y[..len * 2]),
            p: &mut p[..len],
        }
    }

    fn copy(&mut self, columns: DvsColumns<'_>, range: Range<usize>) {
        if !self.t.is_empty() {
            self.t[range.clone()].copy_from_slice(&columns.t[range.clone()]);
        }
        self.x[range.clone()].copy_from_slice(&columns.x[range.clone()]);
        self.y[range.clone()].copy_from_slice(&columns.y[range.clone()]);
        self.p[range.clone()].copy_from_slice(&columns.p[range]);
    }

    fn part(&mut self, range: Range<usize>) -> Columns<'_> {
        Columns {
            t: if self.t.is_empty() { &mut [] } else { &mut self.t[range.clone()] },
            x: &mut self.x[range.clone()],
            y: &mut self.y[range.clone()],
            p: &mut self.p[range],
        }
    }

    /// Writes the events of `keys` to `range`, which has their length.
    fn write(&mut self, range: Range<usize>, keys: &[Key], pool: Pool<'_>) {
        let part = self.part(range);
        #[cfg(feature = "parallel")]
        if let Some(threads) = pool.rayon()
            && keys.len() >= PARALLEL
            && !part.t.is_empty()
        {
            use rayon::prelude::*;
            let block = PARALLEL;
            threads.install(|| {
                let columns = (part.t.par_chunks_mut(block), part.x.par_chunks_mut(block))
                    .into_par_iter()
                    .zip((part.y.par_chunks_mut(block), part.p.par_chunks_mut(block)));
                columns
                    .zip(keys.par_chunks(block))
                    .for_each(|(((t, x), (y, p)), keys)| Columns { t, x, y, p }.write_here(keys));
            });
            return;
        }
        #[cfg(not(feature = "parallel"))]
        let _ = pool;
        part.write_here(keys);
    }

    fn write_here(self, keys: &[Key]) {
        for (t, key) in self.t.iter_mut().zip(keys) {
            *t = key.t;
        }
        for (((x, y), p), key) in self.x.iter_mut().zip(self.y).zip(self.p).zip(keys) {
            (*x, *y, *p) = (key.x(), key.y(), key.p());
        }
    }
}
