//! Finds the stretches of a batch that are out of order, so that only they are sorted.

use std::ops::Range;

use super::tail;
use crate::DvsColumns;

/// Stretches shorter than this grow to take in a neighbour that is nearer than `NEAR`, so that a batch
/// with a thousand small disorders per millisecond needs few stretches.
const SHORT: usize = 128;
const NEAR: usize = 16;

/// What is out of order.
#[derive(Debug)]
pub(super) struct Disorder {
    /// Ascending and apart. Nothing inside one belongs before or after it, and all outside is in order.
    pub(super) stretches: Vec<Range<usize>>,
    /// Whether t never goes back: only events of one time are in the wrong order.
    pub(super) only_ties: bool,
}

/// Finds what is out of order, given the first event that belongs before its predecessor.
///
/// One pass. An event that belongs further left opens a stretch that reaches back to its place, swallowing
/// the stretches on the way; an event is passed over backwards only while it becomes part of a stretch,
/// so the whole is linear.
pub(super) fn find(columns: DvsColumns<'_>, first_descent: usize) -> Disorder {
    let t = columns.t;
    let mut stretches: Vec<Range<usize>> = Vec::new();
    // Of each stretch, which event is its last in order.
    let mut tops: Vec<usize> = Vec::new();
    let mut only_ties = true;
    let mut top = first_descent - 1;
    for i in first_descent..t.len() {
        let time = t[i];
        if time > t[top] || (time == t[top] && tail(columns, i) >= tail(columns, top)) {
            top = i;
            continue;
        }
        only_ties &= time == t[top];
        let place = (time, tail(columns, i));
        let belongs_after = |other: usize| t[other] < time || (t[other], tail(columns, other)) <= place;
        let mut start = i;
        loop {
            match (stretches.last(), tops.last()) {
                (Some(last), Some(&last_top)) if last.end == start => {
                    if belongs_after(last_top) {
                        break;
                    }
                    start = last.start;
                    stretches.pop();
                    tops.pop();
                }
                _ if start == 0 || belongs_after(start - 1) => break,
                _ => start -= 1,
            }
        }
        match (stretches.last_mut(), tops.last_mut()) {
            (Some(last), Some(last_top)) if last.len() < SHORT && start - last.end < NEAR => {
                last.end = i + 1;
                *last_top = top;
            }
            _ => {
                stretches.push(start..i + 1);
                tops.push(top);
            }
        }
    }
    Disorder { stretches, only_ties }
}
