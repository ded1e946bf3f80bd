//! Sorts events of one time by (y, x, p), in a batch that is in order of time.

use super::columns::{Columns, pixel_key};
use crate::Pool;

/// Groups of fewer events are not worth handing to other threads, nor are parts of a batch.
#[cfg(feature = "parallel")]
const PARALLEL: usize = 1 << 16;

/// Groups of up to so many events are placed by rank.
const SMALL: usize = 16;

/// Puts the events of each time in order. `t` never goes back; the columns have its length.
pub(super) fn sort(t: &[i64], columns: Columns<'_>, pool: Pool<'_>) {
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon()
        && t.len() > PARALLEL
    {
        use rayon::prelude::*;
        let mut parts = Vec::new();
        let (mut t, mut columns) = (t, columns);
        while t.len() > PARALLEL {
            // No group is cut in two.
            let time = t[PARALLEL];
            let border = PARALLEL + t[PARALLEL..].partition_point(|&other| other == time);
            let (part, rest) = columns.split_at(border);
            parts.push((&t[..border], part));
            (t, columns) = (&t[border..], rest);
        }
        parts.push((t, columns));
        threads.install(|| {
            parts
                .into_par_iter()
                .for_each(|(t, columns)| sort_here(t, columns, pool));
        });
        return;
    }
    sort_here(t, columns, pool);
}

fn sort_here(t: &[i64], mut columns: Columns<'_>, pool: Pool<'_>) {
    let mut keys: Vec<u64> = Vec::new();
    let mut start = 0;
    while start < t.len() {
        let mut end = start + 1;
        let mut last = 0;
        let mut in_order = true;
        if t.get(end) == Some(&t[start]) {
            last = columns.key(start);
        }
        while end < t.len() && t[end] == t[start] {
            let key = columns.key(end);
            in_order &= last <= key;
            last = key;
            end += 1;
        }
        if in_order {
            start = end;
            continue;
        }
        keys.clear();
        keys.extend((start..end).map(|i| columns.key(i)));
        if keys.len() <= SMALL {
            place_by_rank(&keys, start, &mut columns);
        } else {
            sort_group(&mut keys, pool);
            for (i, &key) in (start..end).zip(&keys) {
                columns.set(i, key);
            }
        }
        start = end;
    }
}

/// Writes each event to where so many are smaller. Quadratic, but without a branch to mispredict, which makes
/// it twice as fast as an insertion sort on the few events that most times have.
fn place_by_rank(keys: &[u64], start: usize, columns: &mut Columns<'_>) {
    for (i, &key) in keys.iter().enumerate() {
        let before: usize = keys[..i].iter().map(|&other| usize::from(other <= key)).sum();
        let after: usize = keys[i..].iter().map(|&other| usize::from(other < key)).sum();
        columns.set(start + before + after, key);
    }
}

fn sort_group(keys: &mut [u64], pool: Pool<'_>) {
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon()
        && keys.len() > PARALLEL
    {
        use rayon::prelude::*;
        threads.install(|| keys.par_sort_unstable());
        return;
    }
    #[cfg(not(feature = "parallel"))]
    let _ = pool;
    keys.sort_unstable();
}

impl Columns<'_> {
    fn key(&self, index: usize) -> u64 {
        pixel_key(self.x[index], self.y[index], self.p[index])
    }
}
