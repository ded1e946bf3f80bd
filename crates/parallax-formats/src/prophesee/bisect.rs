//! Where a range of time lies in a recording, by the times at a few of its places.
//!
//! In: how many places there are, and the time at each as it is stored, which starts again at some time. Out: the places
//! that hold the range, or nothing where that cannot be told so: the times at evenly spaced places do not rise, as behind
//! a wrap or in a recording that was put together, or they lie so far apart that a wrap could hide between them.

use std::ops::Range;

use super::{Clock, LOOP};
use crate::{Found, Look};

/// At so many places it is looked whether time rises.
const PROBES: u64 = 256;

/// How far an event may lie from its place in order of time and still be found, in microseconds.
const MARGIN: i64 = 10_000;

/// The places that hold all times of `range`, each up to [`MARGIN`] out of its order. `time` tells the time at a place below
/// `count`, `None` where it cannot; the first is not before `from`. Times start again after `period`.
pub(crate) fn places(
    count: u64,
    from: i64,
    range: &Range<i64>,
    period: i64,
    mut time: impl FnMut(u64) -> Option<i64>,
) -> Option<Range<u64>> {
    let places = (0..PROBES).map(|probe| Some(count.checked_mul(probe)? / PROBES));
    let mut probes = Vec::new();
    let mut before = from;
    for place in places.chain([count.checked_sub(1)]) {
        let (place, now) = (place?, time(place?)?);
        if now < before || now - before > period / 4 {
            return None;
        }
        probes.push((place, now));
        before = now;
    }
    // The first place whose time is not before a bound.
    let mut first_at = |bound: i64| {
        let behind = probes.partition_point(|(_, time)| *time < bound);
        let low = behind.checked_sub(1).and_then(|probe| probes.get(probe));
        let mut low = low.map_or(0, |(place, _)| *place);
        let mut high = probes.get(behind).map_or(count, |(place, _)| *place);
        while low < high {
            let middle = low + (high - low) / 2;
            if time(middle)? < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(low)
    };
    let start = first_at(range.start.saturating_sub(MARGIN))?;
    Some(start..first_at(range.end.saturating_add(MARGIN))?.max(start))
}

/// The type of the words of EVT 2.0 and 2.1 that carry the upper 28 bits of the time.
const TIME_HIGH: u32 = 0x8;

/// Where a range of time lies in words of `N` bytes from `from` on, of EVT 2.0 or 2.1, and the clock in front of it. The clock
/// that is given is the one at `from`; `half` is the part of a word that has its type.
pub(crate) fn seek_by_high<const N: usize>(
    clock: Clock,
    range: &Range<i64>,
    from: u64,
    input: &Look<'_>,
    half: impl Fn(&[u8; N]) -> u32,
) -> Option<(Clock, Found)> {
    let size = N as u64;
    let stored = |high: u32| i64::from(high) << 6;
    let offset = clock.base() - stored(clock.high());
    let range = range.start.saturating_sub(offset)..range.end.saturating_sub(offset);
    let count = input.size().saturating_sub(from) / size;
    let high = |place: u64| last_high(input, from, place, clock.high(), &half);
    let found = places(count, stored(clock.high()), &range, LOOP, |place| {
        high(place).map(stored)
    })?;
    let clock = clock.after(high(found.start)?);
    let end = if found.end < count {
        from + found.end * size
    } else {
        input.size()
    };
    let found = Found {
        start: from + found.start * size,
        end,
        is_certain: false,
    };
    Some((clock, found))
}

/// The content of the last TIME_HIGH between `from` and the word `place` behind it, else `before`; `None` if it would have
/// to be looked for too far back.
fn last_high<const N: usize>(
    input: &Look<'_>,
    from: u64,
    place: u64,
    before: u32,
    half: impl Fn(&[u8; N]) -> u32,
) -> Option<u32> {
    const STEP: u64 = 1 << 10;
    let mut end = place;
    for _ in 0..64 {
        let start = end.saturating_sub(STEP);
        let bytes = input.bytes(from + start * N as u64, (end - start) as usize * N);
        let (words, _) = bytes.as_chunks::<N>();
        let is_time = |word: &u32| word >> 28 == TIME_HIGH;
        if let Some(word) = words.iter().rev().map(&half).find(is_time) {
            return Some(word & 0xFFF_FFFF);
        }
        if start == 0 {
            return Some(before);
        }
        end = start;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(times: &[i64], range: Range<i64>) -> Option<Range<u64>> {
        places(times.len() as u64, 0, &range, 1 << 40, |place| {
            times.get(place as usize).copied()
        })
    }

    #[test]
    fn the_places_are_those_of_a_search_through_all() {
        let times: Vec<i64> = (0..100_000).map(|i| i * i / 1_000).collect();
        for range in [
            0..1,
            5_000..7_000,
            1_000_000..1_000_001,
            9_000_000..i64::MAX,
            i64::MIN..50_000,
        ] {
            let start = times.partition_point(|&t| t < range.start.saturating_sub(MARGIN)) as u64;
            let end = times.partition_point(|&t| t < range.end.saturating_add(MARGIN)) as u64;
            assert_eq!(found(&times, range), Some(start..end));
        }
    }

    #[test]
    fn what_does_not_rise_or_could_hide_a_wrap_is_not_searched() {
        let twice: Vec<i64> = (0..50_000).chain(0..50_000).collect();
        assert_eq!(found(&twice, 5_000..7_000), None);
        let gap = (0..50_000)
            .chain((1 << 39)..(1 << 39) + 50_000)
            .collect::<Vec<i64>>();
        assert_eq!(found(&gap, 5_000..7_000), None);
    }
}
