//! Which events of a block are kept: one bit each, or all of them without any bits.

use parallax_simd::compress::{compress_i64, compress_u8, compress_u16};

use crate::{DvsColumns, Pool};

/// A bit for each of `len` events, and how many are set.
#[derive(Debug, Default)]
pub(super) struct Mask {
    len: usize,
    kept: usize,
    /// Of use only if not all are kept; bits beyond `len` are 0.
    words: Vec<u64>,
}

impl Mask {
    /// All of `len` events.
    pub(super) fn all(&mut self, len: usize) {
        (self.len, self.kept) = (len, len);
    }

    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    pub(super) fn is_all(&self) -> bool {
        self.kept == self.len
    }

    /// Keeps what is kept and whose bits `narrow` leaves.
    pub(super) fn narrow(&mut self, narrow: impl FnOnce(&mut [u64])) {
        if self.kept == 0 {
            return;
        }
        self.provide();
        narrow(&mut self.words);
        self.trim();
        self.kept = ones(&self.words);
    }

    /// Keeps what is kept and what `keep` says of its index, asked in order.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        if self.kept == 0 {
            return;
        }
        self.provide();
        let mut kept = 0;
        for (word, start) in self.words.iter_mut().zip((0..self.len).step_by(64)) {
            let mut found = 0;
            each_bit(*word, |place| found |= u64::from(keep(start + place)) << place);
            *word = found;
            kept += found.count_ones() as usize;
        }
        self.kept = kept;
    }

    /// Keeps what is kept and what `keep` says of its index in any of the parts: each is asked for the events whose bits
    /// `select` leaves for its range, in order.
    pub(super) fn retain_in_parts<R: Send, S: Send>(
        &mut self,
        pool: Pool<'_>,
        parts: Vec<(R, S)>,
        select: &(impl Fn(&mut [u64], R) + Sync),
        keep: &(impl Fn(&mut S, usize) -> bool + Sync),
    ) {
        if self.kept == 0 {
            return;
        }
        self.provide();
        let words = &self.words;
        let work = |(range, mut state): (R, S)| {
            let mut own = words.clone();
            select(&mut own, range);
            for (word, start) in own.iter_mut().zip((0..).step_by(64)) {
                let mut found = 0;
                each_bit(*word, |place| {
                    found |= u64::from(keep(&mut state, start + place)) << place;
                });
                *word = found;
            }
            own
        };
        let found = in_pool(pool, parts, work);
        self.words.fill(0);
        for part in found {
            self.words
                .iter_mut()
                .zip(part)
                .for_each(|(word, found)| *word |= found);
        }
        self.kept = ones(&self.words);
    }

    /// Calls `each` with the index of every kept event.
    pub(super) fn for_each(&self, mut each: impl FnMut(usize)) {
        if self.is_all() {
            (0..self.len).for_each(each);
        } else {
            for (&word, start) in self.words.iter().zip((0..self.len).step_by(64)) {
                each_bit(word, |place| each(start + place));
            }
        }
    }

    /// Moves the kept ones of `events` to `out`, which has room for them; on the threads of `pool` if they are many.
    pub(super) fn compress(&self, events: DvsColumns<'_>, out: ColumnsMut<'_>, pool: Pool<'_>) {
        if pool.threads() == 1 || self.len <= PART {
            return self.compress_part(events, &self.words, out);
        }
        let mut rest = out;
        let mut parts = Vec::new();
        for start in (0..self.len).step_by(PART) {
            let events = events.slice(start..self.len.min(start + PART));
            let words = self.words.get(start / 64..).unwrap_or_default();
            let words = &words[..words.len().min(PART / 64)];
            let kept = if self.is_all() { events.len() } else { ones(words) };
            parts.push((events, words, rest.split_off(kept)));
        }
        in_pool(pool, parts, |(events, words, out)| {
            self.compress_part(events, words, out);
        });
    }

    fn compress_part(&self, events: DvsColumns<'_>, words: &[u64], out: ColumnsMut<'_>) {
        let ColumnsMut { t, x, y, p } = out;
        if self.is_all() {
            t[..events.t.len()].copy_from_slice(events.t);
            x[..events.x.len()].copy_from_slice(events.x);
            y[..events.y.len()].copy_from_slice(events.y);
            p[..events.p.len()].copy_from_slice(events.p);
        } else {
            compress_i64(events.t, words, t);
            compress_u16(events.x, words, x);
            compress_u16(events.y, words, y);
            compress_u8(events.p, words, p);
        }
    }

    /// The words, also if all are kept.
    fn provide(&mut self) {
        if self.is_all() {
            self.words.clear();
            self.words.resize(self.len.div_ceil(64), u64::MAX);
            self.trim();
        }
    }

    /// Clears the bits beyond the last event.
    fn trim(&mut self) {
        let beyond = self.len % 64;
        if beyond > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << beyond) - 1;
        }
    }
}

/// Events that one thread moves: whole words.
const PART: usize = 32 << 10;

/// Columns to be written.
#[derive(Debug)]
pub(super) struct ColumnsMut<'a> {
    pub(super) t: &'a mut [i64],
    pub(super) x: &'a mut [u16],
    pub(super) y: &'a mut [u16],
    pub(super) p: &'a mut [u8],
}

impl<'a> ColumnsMut<'a> {
    /// Takes the first `len` events off.
    pub(super) fn split_off(&mut self, len: usize) -> ColumnsMut<'a> {
        ColumnsMut {
            t: front(&mut self.t, len),
            x: front(&mut self.x, len),
            y: front(&mut self.y, len),
            p: front(&mut self.p, len),
        }
    }
}

fn front<'a, T>(rest: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (front, behind) = std::mem::take(rest).split_at_mut(len);
    *rest = behind;
    front
}

fn ones(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// Each part's answer, in the order of the parts.
pub(super) fn in_pool<P: Send, R: Send>(
    pool: Pool<'_>,
    parts: Vec<P>,
    work: impl Fn(P) -> R + Sync + Send,
) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if let Some(threads) = pool.rayon() {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        return threads.install(|| parts.into_par_iter().map(work).collect());
    }
    let _ = pool;
    parts.into_iter().map(work).collect()
}

/// The places of the bits of `word`, lowest first.
#[inline(always)]
fn each_bit(word: u64, mut each: impl FnMut(usize)) {
    if word == u64::MAX {
        // The common case, without the wait for one bit after another.
        (0..64).for_each(each);
        return;
    }
    let mut rest = word;
    while rest != 0 {
        each(rest.trailing_zeros() as usize);
        rest &= rest - 1;
    }
}
