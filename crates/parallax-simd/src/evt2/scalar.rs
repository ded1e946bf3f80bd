//! The meaning of the kernels of EVT 2.0.
#![forbid(unsafe_code)]

use super::{ADDRESS, CONTENT, Done, NO_EVENT, SLACK, TIME_HIGH, Time};
use crate::Columns;

/// Words that are looked at together: if all are events, a loop without branches does them.
const BLOCK: usize = SLACK;

/// The columns are of one length.
#[inline(always)]
pub(super) fn decode(words: &[[u8; 4]], time: &mut Time, out: Columns<'_>) -> Done {
    let Columns { t, x, y, p } = out;
    let (mut index, mut n) = (0, 0);
    while index < words.len()
        && let (Some(t), Some(x), Some(y), Some(p)) = (
            t[n..].first_chunk_mut::<BLOCK>(),
            x[n..].first_chunk_mut::<BLOCK>(),
            y[n..].first_chunk_mut::<BLOCK>(),
            p[n..].first_chunk_mut::<BLOCK>(),
        )
    {
        let base = time.offset.wrapping_add(i64::from(time.high) << 6);
        if let Some(block) = words[index..].first_chunk::<BLOCK>() {
            let block = block.map(u32::from_le_bytes);
            if block.iter().fold(0, |all, word| all | word) < NO_EVENT {
                // Column by column, which the compiler turns into vectors.
                *t = block.map(|word| stamp(word, base));
                *x = block.map(column);
                *y = block.map(row);
                *p = block.map(polarity);
                (index, n) = (index + BLOCK, n + BLOCK);
                continue;
            }
        }
        // Without branches on the type: every word is written, and only events count.
        let block = &words[index..(index + BLOCK).min(words.len())];
        let (mut done, mut events) = (0, 0);
        for word in block {
            let word = u32::from_le_bytes(*word);
            let (is_event, is_time) = kinds(word, time.high);
            if !(is_event | is_time) {
                break;
            }
            time.high = if is_time { word & CONTENT } else { time.high };
            let base = time.offset.wrapping_add(i64::from(time.high) << 6);
            (t[events], x[events], y[events], p[events]) =
                (stamp(word, base), column(word), row(word), polarity(word));
            events += usize::from(is_event);
            done += 1;
        }
        (index, n) = (index + done, n + events);
        if done < block.len() {
            break;
        }
    }
    Done {
        words: index,
        events: n,
    }
}

/// Whether a word is an event, and whether it is a TIME_HIGH that does not fall back behind `high`.
#[inline(always)]
fn kinds(word: u32, high: u32) -> (bool, bool) {
    (word < NO_EVENT, word >> 28 == TIME_HIGH && word & CONTENT >= high)
}

#[inline(always)]
fn stamp(word: u32, base: i64) -> i64 {
    base.wrapping_add(i64::from(word >> 22 & 0x3F))
}

#[inline(always)]
fn column(word: u32) -> u16 {
    (word >> 11 & ADDRESS) as u16
}

#[inline(always)]
fn row(word: u32) -> u16 {
    (word & ADDRESS) as u16
}

#[inline(always)]
fn polarity(word: u32) -> u8 {
    (word >> 28) as u8
}

#[inline(always)]
pub(super) fn survey(words: &[[u8; 4]], high: &mut u32) -> Done {
    let mut events = 0;
    for (index, word) in words.iter().enumerate() {
        let word = u32::from_le_bytes(*word);
        let (is_event, is_time) = kinds(word, *high);
        if word >> 28 == TIME_HIGH && !is_time {
            return Done { words: index, events };
        }
        *high = if is_time { word & CONTENT } else { *high };
        events += usize::from(is_event);
    }
    Done {
        words: words.len(),
        events,
    }
}
