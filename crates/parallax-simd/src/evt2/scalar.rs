//! The meaning of the kernels of EVT 2.0.
#![forbid(unsafe_code)]

use super::{ADDRESS, NO_EVENT};
use crate::Columns;

/// Words that are looked at together: if all are events, a loop without branches does them.
const BLOCK: usize = 16;

/// Words and columns are of one length.
#[inline(always)]
pub(super) fn run(words: &[[u8; 4]], base: i64, out: Columns<'_>) -> usize {
    let Columns { t, x, y, p } = out;
    let mut n = 0;
    while let (Some(block), Some(t), Some(x), Some(y), Some(p)) = (
        words[n..].first_chunk::<BLOCK>(),
        t[n..].first_chunk_mut::<BLOCK>(),
        x[n..].first_chunk_mut::<BLOCK>(),
        y[n..].first_chunk_mut::<BLOCK>(),
        p[n..].first_chunk_mut::<BLOCK>(),
    ) {
        let block = block.map(u32::from_le_bytes);
        if block.iter().fold(0, |all, word| all | word) >= NO_EVENT {
            break;
        }
        // Column by column, which the compiler turns into vectors.
        *t = block.map(|word| time(word, base));
        *x = block.map(column);
        *y = block.map(row);
        *p = block.map(polarity);
        n += BLOCK;
    }
    for word in &words[n..] {
        let word = u32::from_le_bytes(*word);
        if word >= NO_EVENT {
            break;
        }
        (t[n], x[n], y[n], p[n]) = (time(word, base), column(word), row(word), polarity(word));
        n += 1;
    }
    n
}

#[inline(always)]
fn time(word: u32, base: i64) -> i64 {
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

/// So many words make no sum overflow 32 bits.
const COUNTED: usize = 1 << 16;

#[inline(always)]
pub(super) fn count(words: &[[u8; 4]]) -> usize {
    words
        .chunks(COUNTED)
        .map(|block| {
            let events = block
                .iter()
                .map(|word| u32::from(u32::from_le_bytes(*word) < NO_EVENT));
            events.sum::<u32>() as usize
        })
        .sum()
}
