//! Asks a rule for events one after another, faster than one after another.

use parallax_simd::compress::compress_u16;
use parallax_simd::prefetch::stretch_soon;

use super::Lookup;
use super::mask::ones;
use crate::{DvsColumns, Event};

/// Events that are asked for at once.
pub(super) const ASKED: usize = 512;

/// Every place among them.
pub(super) static PLACES: [u16; ASKED] = {
    let mut places = [0; ASKED];
    let mut place = 0;
    while place < ASKED {
        places[place] = place as u16;
        place += 1;
    }
    places
};

/// So many events before it is asked for, one is announced: about as long as the memory takes.
const AHEAD: usize = 32;

/// Asks `rule` for every one of the events whose bit is set, in order, and clears those that it drops; returns how many are left.
/// `select` may clear bits of some words before, whose events it gets.
///
/// The keys are written down first: a loop over a list is what the compiler can put the rule into, and does not wait for one bit
/// after another. The next group is fetched meanwhile. The rule, and the state if it is a local variable, are then in registers:
/// behind a pointer, they would be read again after every cell that is written.
#[inline(always)]
pub(super) fn ask<S, R: Lookup<S>>(
    events: DvsColumns<'_>,
    words: &mut [u64],
    state: &mut S,
    select: impl Fn(DvsColumns<'_>, &mut [u64]),
    rule: R,
) -> usize {
    let mut kept = 0;
    let mut keys = [R::Key::default(); ASKED];
    for (group, start) in words.chunks_mut(ASKED / 64).zip((0..).step_by(ASKED)) {
        let DvsColumns { t, x, y, p } = events.slice(start..start + ASKED);
        select(DvsColumns { t, x, y, p }, group);
        let mut room = [0; ASKED];
        let count = ones(group);
        let mut places = if count == t.len() {
            let events = t.iter().zip(x).zip(y).zip(p);
            for (key, (((&t, &x), &y), &p)) in keys.iter_mut().zip(events) {
                *key = rule.key(state, Event::new(t, x, y, p));
            }
            &PLACES[..count]
        } else {
            compress_u16(&PLACES, group, &mut room);
            let (x, y, p) = (&x[..t.len()], &y[..t.len()], &p[..t.len()]);
            for (key, &place) in keys.iter_mut().zip(&room[..count]) {
                let place = usize::from(place);
                *key = rule.key(state, Event::new(t[place], x[place], y[place], p[place]));
            }
            &room[..count]
        };
        let mut keys = &keys[..count];
        let (next, coming) = keys.split_at(count.min(AHEAD));
        next.iter().for_each(|&key| rule.ahead(state, key));
        let mut coming = coming.iter();
        for (word, later) in group.iter_mut().zip((start + ASKED..).step_by(64)) {
            // Waiting for the next group at its start took a quarter of the time.
            let later = later..later + 64;
            stretch_soon(events.t, later.clone());
            stretch_soon(events.x, later.clone());
            stretch_soon(events.y, later.clone());
            stretch_soon(events.p, later);
            let of_word = word.count_ones() as usize;
            let (these, behind) = places.split_at(of_word);
            let (those, keys_behind) = keys.split_at(of_word);
            let mut found = 0;
            for (&place, &key) in these.iter().zip(those) {
                if let Some(&next) = coming.next() {
                    rule.ahead(state, next);
                }
                found |= u64::from(rule.keep(state, key)) << (place % 64);
            }
            kept += found.count_ones() as usize;
            (*word, places, keys) = (found, behind, keys_behind);
        }
    }
    kept
}
