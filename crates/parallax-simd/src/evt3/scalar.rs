//! The meaning of the kernels of EVT 3.0: word by word.
#![forbid(unsafe_code)]

use super::{ADDRESSES, Done, Kind, SLACK, Skipped, State, Surveyed};
use crate::Columns;

/// The kinds that the inner loop does without a branch between them.
const SIMPLE: u32 = 1 << Kind::ADDR_Y | 1 << Kind::ADDR_X | 1 << Kind::TIME_LOW;

pub(super) fn decode(
    words: &[[u8; 2]],
    state: &mut State,
    skipped: &mut Skipped,
    out: &mut Columns<'_>,
) -> Done {
    let room = out.t.len();
    let (t, x, y, p) = (
        &mut out.t[..room],
        &mut out.x[..room],
        &mut out.y[..room],
        &mut out.p[..room],
    );
    let (mut index, mut n, mut steps_back) = (0, 0, 0);
    loop {
        // Rows, low times and single events follow each other without a pattern. A branch on them would be guessed
        // wrong again and again, so each is done as all three, without one.
        let (coarse, mut low, mut row) = (state.coarse, state.low, state.y);
        while let Some(word) = words.get(index)
            && n + SLACK <= room
        {
            let word = u16::from_le_bytes(*word);
            let (kind, content) = (word >> 12, word & 0xFFF);
            if (1_u32 << kind) & SIMPLE == 0 {
                break;
            }
            let next = if kind == Kind::TIME_LOW { content } else { low };
            steps_back += u64::from(next < low);
            low = next;
            row = if kind == Kind::ADDR_Y {
                content % ADDRESSES
            } else {
                row
            };
            t[n] = coarse.wrapping_add(i64::from(low));
            x[n] = content % ADDRESSES;
            y[n] = row;
            p[n] = (content >> 11) as u8;
            n += usize::from(kind == Kind::ADDR_X);
            index += 1;
        }
        (state.low, state.y) = (low, row);

        let Some(word) = words.get(index) else { break };
        if n + SLACK > room {
            break;
        }
        let word = u16::from_le_bytes(*word);
        let (kind, content) = (word >> 12, word & 0xFFF);
        match kind {
            Kind::TIME_HIGH => state.time_high(content),
            Kind::VECT_BASE_X => (state.base, state.p) = (content % ADDRESSES, (content >> 11) as u8),
            Kind::VECT_12 | Kind::VECT_8 => {
                let (width, mut bits) = vector(kind, content);
                if state.base + width > ADDRESSES {
                    break;
                }
                while bits != 0 {
                    t[n] = state.t();
                    x[n] = state.base + bits.trailing_zeros() as u16;
                    y[n] = state.y;
                    p[n] = state.p;
                    n += 1;
                    bits &= bits - 1;
                }
                state.base += width;
            }
            _ if skipped.kinds >> kind & 1 == 1 => skipped.counts[usize::from(kind)] += 1,
            _ => break,
        }
        index += 1;
    }
    Done {
        words: index,
        events: n,
        steps_back,
    }
}

/// How many columns a vector has, and which of them have events.
#[inline(always)]
pub(super) fn vector(kind: u16, content: u16) -> (u16, u16) {
    if kind == Kind::VECT_12 {
        (12, content)
    } else {
        (8, content & 0xFF)
    }
}

/// So many words make no sum overflow that is kept in 16 bits, and are asked at once whether they hold a word.
const BLOCK: usize = 512;

/// How many events a word has.
#[inline(always)]
fn events(word: [u8; 2]) -> u16 {
    let word = u16::from_le_bytes(word);
    let bits = match word >> 12 {
        Kind::VECT_12 => word & 0xFFF,
        Kind::VECT_8 => word & 0xFF,
        kind => u16::from(kind == Kind::ADDR_X),
    };
    bits.count_ones() as u16
}

#[inline(always)]
pub(super) fn survey(words: &[[u8; 2]], high: u16) -> Surveyed {
    let is_other = |word: [u8; 2]| {
        let word = u16::from_le_bytes(word);
        (word >> 12 == Kind::TIME_HIGH) & (word & 0xFFF != high)
    };
    let mut done = Surveyed::default();
    for block in words.chunks(BLOCK) {
        let (mut sum, mut other, mut vectors) = (0, false, false);
        for word in block {
            sum += events(*word);
            other |= is_other(*word);
            vectors |= (u16::from_le_bytes(*word) >> 12).wrapping_sub(Kind::VECT_BASE_X) < 3;
        }
        done.vectors |= vectors;
        if other {
            let inside = block.iter().take_while(|word| !is_other(**word));
            for word in inside {
                done.events += usize::from(events(*word));
                done.words += 1;
            }
            break;
        }
        done.events += usize::from(sum);
        done.words += block.len();
    }
    done
}

#[inline(always)]
pub(super) fn last_of(words: &[[u8; 2]], kind: u16) -> Option<usize> {
    let is = |word: [u8; 2]| u16::from_le_bytes(word) >> 12 == kind;
    let mut end = words.len();
    for words in words.rchunks(BLOCK) {
        end -= words.len();
        if words.iter().fold(false, |any, word| any | is(*word)) {
            return Some(end + words.iter().rposition(|word| is(*word))?);
        }
    }
    None
}
