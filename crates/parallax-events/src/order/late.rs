//! Time order of a batch in which few events are late: everything else stays in long pieces.

use std::iter::once;
use std::ops::Range;

/// Up to one event in so many may be late for this way to be the fastest.
const FEW: usize = 16;

/// How far the times of a batch are out of order.
#[derive(Debug)]
pub(super) enum Lateness {
    /// t never goes back.
    None,
    /// Without these events, in ascending order, t never goes back.
    Few(Vec<usize>),
    /// More than few.
    Many,
}

/// One pass over the times, from the first event that belongs before its predecessor.
///
/// An event earlier than the latest so far is late; but if it only is earlier than that very one, it is the
/// latest that sticks out (a damaged time stamp far ahead would else make the rest of the recording late).
pub(super) fn find(t: &[i64], first_descent: usize) -> Lateness {
    let most = t.len() / FEW;
    let mut late = Vec::new();
    let mut top = first_descent.saturating_sub(1);
    let mut below = top.checked_sub(1);
    for i in first_descent..t.len() {
        if t[i] >= t[top] {
            below = Some(top);
            top = i;
            continue;
        }
        if below.is_none_or(|below| t[i] >= t[below]) {
            late.push(top);
            top = i;
        } else {
            late.push(i);
        }
        if late.len() > most {
            return Lateness::Many;
        }
    }
    if late.is_empty() {
        return Lateness::None;
    }
    late.sort_unstable();
    Lateness::Few(late)
}

/// Hands the pieces that `t` is made of to `take`, in order of time. Events of the same time come in
/// any order: what follows sorts them anyway.
pub(super) fn in_time_order(t: &[i64], late: &[usize], mut take: impl FnMut(Range<usize>)) {
    let mut by_time = late.to_vec();
    by_time.sort_unstable_by_key(|&index| t[index]);
    // The events on time lie between the late ones.
    let mut holes = late.iter().copied().chain(once(t.len()));
    let mut at = 0;
    let mut hole = holes.next().unwrap_or(t.len());
    let mut take = |range: Range<usize>| {
        if !range.is_empty() {
            take(range);
        }
    };
    for index in by_time {
        let time = t[index];
        loop {
            let ahead = (at..hole).find(|&i| t[i] > time);
            take(at..ahead.unwrap_or(hole));
            at = ahead.unwrap_or(hole);
            if ahead.is_some() || hole == t.len() {
                break;
            }
            at = hole + 1;
            hole = holes.next().unwrap_or(t.len());
        }
        take(index..index + 1);
    }
    loop {
        take(at..hole);
        if hole == t.len() {
            return;
        }
        at = hole + 1;
        hole = holes.next().unwrap_or(t.len());
    }
}
