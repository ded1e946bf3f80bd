//! The parts of a saved state: numbers, parts with a length, events. Little-endian throughout.
//!
//! What is read back comes from outside: every `take` checks the length, and moves on only past what it read.

use std::sync::Arc;

use parallax_events::{EventBatch, Meta};

pub(super) fn put_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_le_bytes());
    bytes.extend(part);
}

pub(super) fn put_pair(bytes: &mut Vec<u8>, pair: Option<(i64, i64)>) {
    bytes.push(u8::from(pair.is_some()));
    let (a, b) = pair.unwrap_or_default();
    bytes.extend(a.to_le_bytes());
    bytes.extend(b.to_le_bytes());
}

pub(super) fn put_events(bytes: &mut Vec<u8>, batches: &[EventBatch]) {
    let count: usize = batches.iter().map(EventBatch::len).sum();
    bytes.extend((count as u64).to_le_bytes());
    let columns = || batches.iter().map(EventBatch::columns);
    bytes.extend(columns().flat_map(|c| c.t).flat_map(|t| t.to_le_bytes()));
    bytes.extend(columns().flat_map(|c| c.x).flat_map(|x| x.to_le_bytes()));
    bytes.extend(columns().flat_map(|c| c.y).flat_map(|y| y.to_le_bytes()));
    bytes.extend(columns().flat_map(|c| c.p));
}

pub(super) fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (part, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(part)
}

pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?.try_into().ok().map(u64::from_le_bytes)
}

pub(super) fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take_number(rest)?).ok()?;
    take(rest, len)
}

pub(super) fn take_pair(rest: &mut &[u8]) -> Option<Option<(i64, i64)>> {
    let some = take(rest, 1)?.first().copied()?;
    let (a, b) = (take_number(rest)? as i64, take_number(rest)? as i64);
    match some {
        0 if (a, b) == (0, 0) => Some(None),
        1 => Some(Some((a, b))),
        _ => None,
    }
}

pub(super) fn take_events(rest: &mut &[u8], meta: &Arc<Meta>) -> Option<EventBatch> {
    let count = usize::try_from(take_number(rest)?).ok()?;
    let t = take(rest, count.checked_mul(8)?)?
        .as_chunks()
        .0
        .iter()
        .map(|t| i64::from_le_bytes(*t));
    let x = take(rest, count.checked_mul(2)?)?
        .as_chunks()
        .0
        .iter()
        .map(|x| u16::from_le_bytes(*x));
    let y = take(rest, count.checked_mul(2)?)?
        .as_chunks()
        .0
        .iter()
        .map(|y| u16::from_le_bytes(*y));
    let p = take(rest, count)?.to_vec();
    let (t, x, y): (Vec<_>, Vec<_>, Vec<_>) = (t.collect(), x.collect(), y.collect());
    EventBatch::try_new(t, x, y, p, Arc::clone(meta)).ok()
}
