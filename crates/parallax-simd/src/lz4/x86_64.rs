//! The kernel of LZ4 with loads and stores of 16 bytes, which every x86-64 CPU has.
//!
//! A short sequence has at most 14 literals and a match of at most 16 bytes that lies in front of the literals. Both are
//! copied as 16 bytes, whatever their length. All else is for [`Lane::sequence`].

use std::arch::x86_64::*;

use super::LANES;
use super::scalar::{Lane, MATCH, MORE, Next, rest};

/// The bytes that a load or a store moves, and the longest match of a short sequence.
const WIDE: usize = 16;

/// A short sequence takes at most so many packed bytes, and looks at no more; and it writes at most so many.
const PACKED: usize = 1 + WIDE;
const WRITTEN: usize = MORE - 1 + WIDE;

pub(super) fn unpack(lanes: [Option<Lane<'_>>; LANES]) -> [Option<usize>; LANES] {
    let (mut lanes, mut ends) = (lanes, [None; LANES]);
    if let [Some(a), Some(b), Some(c)] = &mut lanes {
        let ended = together([a, b, c]);
        if let Some((lane, end)) = ended {
            ends[lane] = end;
            lanes[lane] = None;
        }
    }
    for (lane, end) in lanes.into_iter().zip(&mut ends) {
        if let Some(lane) = lane {
            *end = alone(lane);
        }
    }
    ends
}

/// Unpacks the blocks in turns until one of them ends. Returns which, and where its content ends.
fn together(mut lanes: [&mut Lane<'_>; LANES]) -> Option<(usize, Option<usize>)> {
    loop {
        short_sequences(&mut lanes);
        // At least one of them has a sequence that is not short, or is near its end.
        for (index, lane) in lanes.iter_mut().enumerate() {
            if short_sequence(lane) {
                continue;
            }
            match lane.sequence() {
                Some(Next::Sequence) => {}
                Some(Next::End) => return Some((index, Some(lane.n))),
                None => return Some((index, None)),
            }
        }
    }
}

fn alone(mut lane: Lane<'_>) -> Option<usize> {
    loop {
        while short_sequence(&mut lane) {}
        if lane.packed.len() - lane.at < PACKED {
            return rest(lane);
        }
        if lane.sequence()? == Next::End {
            return Some(lane.n);
        }
    }
}

/// How many short sequences there certainly is room for, on both sides.
#[inline(always)]
fn room(lane: &Lane<'_>) -> usize {
    let packed = lane.packed.len().saturating_sub(lane.at) / PACKED;
    let written = lane.memory.len().saturating_sub(lane.n) / WRITTEN;
    packed.min(written)
}

/// A short sequence that was read.
#[derive(Clone, Copy)]
struct Read {
    literals: __m128i,
    copied: __m128i,
    /// Where the copy goes, and where both sides stand behind it.
    to: usize,
    at: usize,
    n: usize,
    is_short: bool,
}

/// Reads the sequence at `at`, behind which the memory stands at `n`.
///
/// # Safety
/// There are [`PACKED`] bytes at `packed + at`, and [`WRITTEN`] at `memory + n`.
#[inline(always)]
unsafe fn read(packed: *const u8, memory: *const u8, at: usize, n: usize) -> Read {
    // SAFETY: the token, at most 14 literals and the offset are PACKED bytes. Where a token says 15, what is taken for the offset
    // is none, and nothing comes of it.
    let (token, offset, literal) = unsafe {
        let token = usize::from(*packed.add(at));
        let literal = (token >> 4).min(MORE - 1);
        let offset = packed.add(at + 1 + literal).cast::<u16>().read_unaligned();
        (token, usize::from(offset), literal)
    };
    let length = (token & MORE) + MATCH;
    let to = n + literal;
    let start = to.wrapping_sub(offset);
    let is_short = token >> 4 != MORE && length <= WIDE && offset >= literal + length && offset <= to;
    // SAFETY: 16 of PACKED bytes; and a start in front of `n`, or `n` itself, with 16 bytes behind each.
    let (literals, copied) = unsafe {
        (
            _mm_loadu_si128(packed.add(at + 1).cast()),
            _mm_loadu_si128(memory.add(start.min(n)).cast()),
        )
    };
    Read {
        literals,
        copied,
        to,
        at: at + 1 + literal + 2,
        n: to + length,
        is_short,
    }
}

/// Writes the sequence in front of which the memory stands at `n`.
///
/// # Safety
/// It was read with this `n`, and is short.
#[inline(always)]
unsafe fn write(memory: *mut u8, n: usize, read: &Read) {
    // SAFETY: both end at most WRITTEN bytes behind `n`.
    unsafe {
        _mm_storeu_si128(memory.add(n).cast(), read.literals);
        _mm_storeu_si128(memory.add(read.to).cast(), read.copied);
    }
}

/// Unpacks the next sequence of a block, if it is short and nowhere near an end.
#[inline(always)]
fn short_sequence(lane: &mut Lane<'_>) -> bool {
    if room(lane) == 0 {
        return false;
    }
    // SAFETY: there is room for one, and it is written only if it is short.
    unsafe {
        let read = read(lane.packed.as_ptr(), lane.memory.as_ptr(), lane.at, lane.n);
        if read.is_short {
            write(lane.memory.as_mut_ptr(), lane.n, &read);
            (lane.at, lane.n) = (read.at, read.n);
        }
        read.is_short
    }
}

/// Unpacks a sequence of each block, and again, as long as all of them are short and nowhere near an end.
fn short_sequences(lanes: &mut [&mut Lane<'_>; LANES]) {
    let packed: [*const u8; LANES] = std::array::from_fn(|k| lanes[k].packed.as_ptr());
    let memory: [*mut u8; LANES] = std::array::from_fn(|k| lanes[k].memory.as_mut_ptr());
    loop {
        let rounds = lanes.iter().map(|lane| room(lane)).min().unwrap_or(0);
        let mut at: [usize; LANES] = std::array::from_fn(|k| lanes[k].at);
        let mut n: [usize; LANES] = std::array::from_fn(|k| lanes[k].n);
        let mut all_short = rounds > 0;
        for _ in 0..rounds {
            // SAFETY: there is room for as many sequences as there are rounds, and each round does one of each block.
            let reads: [Read; LANES] =
                std::array::from_fn(|k| unsafe { read(packed[k], memory[k], at[k], n[k]) });
            all_short = reads.iter().all(|read| read.is_short);
            if !all_short {
                break;
            }
            for k in 0..LANES {
                // SAFETY: all of them are short.
                unsafe { write(memory[k], n[k], &reads[k]) };
                (at[k], n[k]) = (reads[k].at, reads[k].n);
            }
        }
        for (k, lane) in lanes.iter_mut().enumerate() {
            (lane.at, lane.n) = (at[k], n[k]);
        }
        if !all_short {
            return;
        }
    }
}
