//! Which events of a block are kept: one bit each, or all of them without any bits.

use std::ops::Range;

use parallax_simd::Columns;
use parallax_simd::compress::{Events, compress_events, compress_u16};
use parallax_simd::copy_past;

use super::Lookup;
use super::ask::{ASKED, PLACES, ask};
use crate::{DvsColumns, Event, Pool, SpareColumns};

/// How events are copied of which none is dropped: by way of the cache, or past it, for memory that is larger and is not read
/// soon. Those that move together always go by way of the cache, whose lines they fill one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copies {
    Cached,
    Past,
}

/// Room for so many events is larger than caches are: what goes there is not read soon.
const LARGE: usize = 4 << 20;

impl Copies {
    pub(super) fn to(room: &SpareColumns<'_>) -> Self {
        if room.t.len() >= LARGE {
            Self::Past
        } else {
            Self::Cached
        }
    }
}

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

    /// As [`narrow`](Self::narrow), part by part of `events` on the threads of `pool`.
    pub(super) fn narrow_in_parts(
        &mut self,
        pool: Pool<'_>,
        events: DvsColumns<'_>,
        narrow: impl Fn(DvsColumns<'_>, &mut [u64]) + Sync,
    ) {
        if pool.threads() == 1 || self.len <= PART || self.kept == 0 {
            return self.narrow(|words| narrow(events, words));
        }
        self.provide();
        let starts = (0..self.len).step_by(PART);
        let parts = starts.zip(self.words.chunks_mut(PART / 64)).collect();
        let kept = pool.map(parts, |(start, words): (usize, &mut [u64])| {
            narrow(events.slice(start..self.len.min(start + PART)), words);
            ones(words)
        });
        // The last word was trimmed, and narrowing sets no bits.
        self.kept = kept.into_iter().sum();
    }

    /// Keeps what is kept and what `rule` says of it, asked in order.
    #[inline(always)]
    pub(super) fn retain<S>(&mut self, events: DvsColumns<'_>, mut state: S, rule: impl Lookup<S>) {
        if self.kept > 0 {
            self.provide();
            self.kept = ask(events, &mut self.words, &mut state, |_, _| {}, rule);
        }
    }

    /// Keeps what is kept and what `rule` says of it in any of the parts: each is asked for the events whose bits `select` leaves
    /// for its range, in order. `select` gets some events and their words.
    pub(super) fn retain_in_parts<R: Send, S: Send>(
        &mut self,
        pool: Pool<'_>,
        events: DvsColumns<'_>,
        parts: Vec<(R, S)>,
        select: &(impl Fn(DvsColumns<'_>, &mut [u64], &R) + Sync),
        rule: impl Lookup<S> + Send + Sync,
    ) {
        if self.kept == 0 {
            return;
        }
        self.provide();
        let words = &self.words;
        let work = |(range, mut state): (R, S)| {
            let mut own = words.clone();
            let select = |events: DvsColumns<'_>, words: &mut [u64]| select(events, words, &range);
            ask(events, &mut own, &mut state, select, rule);
            own
        };
        let found = pool.map(parts, work);
        self.words.fill(0);
        for part in found {
            self.words
                .iter_mut()
                .zip(part)
                .for_each(|(word, found)| *word |= found);
        }
        self.kept = ones(&self.words);
    }

    /// As [`retain`](Self::retain), stretch by stretch on the threads of `pool`.
    pub(super) fn retain_by_stretches<S: Send>(
        &mut self,
        pool: Pool<'_>,
        events: DvsColumns<'_>,
        stretches: Vec<Stretch<S>>,
        rule: impl Lookup<S> + Send + Sync,
    ) {
        if self.kept == 0 {
            return;
        }
        self.provide();
        let mut rest = self.words.as_mut_slice();
        let part = |stretch: Stretch<S>| {
            let own = rest.split_off_mut(stretch.start / 64..).unwrap_or_default();
            (stretch, own)
        };
        let parts = stretches.into_iter().rev().map(part).collect();
        let work = |(stretch, own): (Stretch<S>, &mut [u64])| {
            let Stretch {
                start,
                before,
                mut state,
            } = stretch;
            for event in before {
                let key = rule.key(&state, event);
                rule.keep(&mut state, key);
            }
            let first = start / 64 * 64;
            let events = events.slice(first..first + 64 * own.len());
            ask(events, own, &mut state, |_, _| {}, rule)
        };
        self.kept = pool.map(parts, work).into_iter().sum();
    }

    /// Calls `each` with the index of every kept event among those of `range`.
    pub(super) fn for_each_in(&self, range: Range<usize>, each: impl FnMut(usize)) {
        let is_kept = |index: &usize| {
            let word = self.words.get(index / 64).copied().unwrap_or_default();
            self.is_all() || word >> (index % 64) & 1 == 1
        };
        (range.start..self.len.min(range.end))
            .filter(is_kept)
            .for_each(each);
    }

    /// Calls `each` with the index of every kept event.
    #[inline(always)]
    pub(super) fn for_each(&self, mut each: impl FnMut(usize)) {
        if self.is_all() {
            (0..self.len).for_each(each);
            return;
        }
        for (group, start) in self.words.chunks(ASKED / 64).zip((0..).step_by(ASKED)) {
            let mut room = [0; ASKED];
            let count = compress_u16(&PLACES, group, &mut room);
            room[..count]
                .iter()
                .for_each(|&place| each(start + usize::from(place)));
        }
    }

    /// Whether `narrow`, which gets the events part by part with words that keep all, clears no bit of a kept one.
    pub(super) fn lies_within(
        &self,
        events: DvsColumns<'_>,
        narrow: impl Fn(DvsColumns<'_>, &mut [u64]),
    ) -> bool {
        (0..self.len).step_by(ASKED).all(|start| {
            let mut room = [u64::MAX; ASKED / 64];
            let events = events.slice(start..self.len.min(start + ASKED));
            let inside = &mut room[..events.len().div_ceil(64)];
            narrow(events, inside);
            let kept = |index: usize| match events.len() - 64 * index {
                _ if !self.is_all() => self.words.get(start / 64 + index).copied().unwrap_or(0),
                rest if rest < 64 => (1 << rest) - 1,
                _ => u64::MAX,
            };
            inside
                .iter()
                .enumerate()
                .all(|(index, inside)| kept(index) & !*inside == 0)
        })
    }

    /// Moves the kept ones of `events` to `out`, which has room for them; on the threads of `pool` if they are many. What was
    /// moved goes part by part to `then`, on the same thread, with how many come before.
    pub(super) fn compress(
        &self,
        events: DvsColumns<'_>,
        out: ColumnsMut<'_>,
        copies: Copies,
        pool: Pool<'_>,
        then: impl Fn(usize, ColumnsMut<'_>) + Sync,
    ) {
        let one = |(events, words, mut out, before): (DvsColumns<'_>, &[u64], ColumnsMut<'_>, usize)| {
            self.compress_part(events, words, copies, &mut out);
            then(before, out);
        };
        let mut rest = out;
        if pool.threads() == 1 || self.len <= PART {
            return one((events, &self.words, rest.split_off(self.kept), 0));
        }
        let mut before = 0;
        let mut parts = Vec::new();
        for start in (0..self.len).step_by(PART) {
            let events = events.slice(start..self.len.min(start + PART));
            let words = self.words.get(start / 64..).unwrap_or_default();
            let words = &words[..words.len().min(PART / 64)];
            let kept = if self.is_all() { events.len() } else { ones(words) };
            parts.push((events, words, rest.split_off(kept), before));
            before += kept;
        }
        pool.map(parts, one);
    }

    fn compress_part(&self, events: DvsColumns<'_>, words: &[u64], copies: Copies, out: &mut ColumnsMut<'_>) {
        let ColumnsMut { t, x, y, p } = out;
        if self.is_all() && copies == Copies::Past {
            copy_past::copy(events.t, t);
            copy_past::copy(events.x, x);
            copy_past::copy(events.y, y);
            copy_past::copy(events.p, p);
        } else if self.is_all() {
            t[..events.t.len()].copy_from_slice(events.t);
            x[..events.x.len()].copy_from_slice(events.x);
            y[..events.y.len()].copy_from_slice(events.y);
            p[..events.p.len()].copy_from_slice(events.p);
        } else {
            let DvsColumns {
                t: from_t,
                x: from_x,
                y: from_y,
                p: from_p,
            } = events;
            let events = Events {
                t: from_t,
                x: from_x,
                y: from_y,
                p: from_p,
            };
            compress_events(events, words, Columns { t, x, y, p });
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

/// A stretch of events that one thread goes through, up to the start of the next.
#[derive(Debug)]
pub struct Stretch<S> {
    /// Its first event; 0 for the first stretch, and a multiple of 64.
    pub start: usize,
    /// What its state is told of first, in order, to know what it must know at its start.
    pub before: Vec<Event>,
    /// What it goes by.
    pub state: S,
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
            t: self.t.split_off_mut(..len).unwrap_or_default(),
            x: self.x.split_off_mut(..len).unwrap_or_default(),
            y: self.y.split_off_mut(..len).unwrap_or_default(),
            p: self.p.split_off_mut(..len).unwrap_or_default(),
        }
    }
}

pub(super) fn ones(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}
