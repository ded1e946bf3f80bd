//! Parquet's encodings for the four columns of events, each for a page of values at once.
//!
//! The Parquet library has encoders of its own, which take values one by one, the narrow ones widened to 32 bits, and
//! look each up in a table; they take twice the time of the compression behind them. What is here writes the same
//! encodings from the columns as they are. Reading stays with the library, which is what the tests ask.
//!
//! Source: the Apache Parquet format, `Encodings.md`.

/// Values of a block of `DELTA_BINARY_PACKED`, and of each of its miniblocks.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;
const MINIBLOCKS: usize = BLOCK / MINIBLOCK;

/// `DELTA_BINARY_PACKED` of 64-bit values: each by its difference to the one before, in as few bits as 32 neighbours
/// need above the least difference of their block. Differences wrap around, so every value has one.
pub(super) fn delta(values: &[i64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint(MINIBLOCKS as u64, out);
    varint(values.len() as u64, out);
    let first = values.first().copied().unwrap_or(0);
    varint(zigzag(first), out);
    let mut before = first;
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        let mut deltas = [0_i64; BLOCK];
        for (delta, &value) in deltas.iter_mut().zip(block) {
            *delta = value.wrapping_sub(before);
            before = value;
        }
        let least = deltas[..block.len()].iter().copied().min().unwrap_or(0);
        varint(zigzag(least), out);
        let widths = out.len();
        out.extend_from_slice(&[0; MINIBLOCKS]);
        // Places without a value are packed as zeros.
        for delta in &mut deltas[block.len()..] {
            *delta = least;
        }
        let used = block.len().div_ceil(MINIBLOCK);
        for (index, part) in deltas.chunks_exact(MINIBLOCK).take(used).enumerate() {
            let mut above = [0_u64; MINIBLOCK];
            let mut any = 0;
            for (above, delta) in above.iter_mut().zip(part) {
                *above = delta.wrapping_sub(least) as u64;
                any |= *above;
            }
            let width = u64::BITS - any.leading_zeros();
            out[widths + index] = width as u8;
            pack(&above, width as usize, out);
        }
    }
}

/// The values in `width` bits each, the lowest first.
fn pack(values: &[u64; MINIBLOCK], width: usize, out: &mut Vec<u8>) {
    let mut bytes = [0; MINIBLOCK * 8 + 8];
    if width <= 8 {
        // Eight values make `width` whole bytes; what is written beyond them is written over.
        for (index, eight) in values.chunks_exact(8).enumerate() {
            let mut word = 0;
            for (place, value) in eight.iter().enumerate() {
                word |= value << (place * width);
            }
            bytes[index * width..][..8].copy_from_slice(&word.to_le_bytes());
        }
    } else {
        let (mut held, mut bits, mut at) = (0_u128, 0, 0);
        for value in values {
            held |= u128::from(*value) << bits;
            bits += width;
            if bits >= 64 {
                bytes[at..][..8].copy_from_slice(&(held as u64).to_le_bytes());
                (held, bits, at) = (held >> 64, bits - 64, at + 8);
            }
        }
        // 32 values of whole bits fill bytes; what is held is at most half a word.
        bytes[at..][..8].copy_from_slice(&(held as u64).to_le_bytes());
    }
    out.extend_from_slice(&bytes[..MINIBLOCK / 8 * width]);
}

/// `BYTE_STREAM_SPLIT` of values that are stored in 32 bits: all lowest bytes, then all second ones, then the upper
/// two, which are zeros.
pub(super) fn split(values: &[u16], out: &mut Vec<u8>) {
    out.extend(values.iter().map(|value| *value as u8));
    out.extend(values.iter().map(|value| (*value >> 8) as u8));
    out.resize(out.len() + 2 * values.len(), 0);
}

/// `RLE_DICTIONARY` of values that are 0 or 1 under the dictionary 0, 1: one bit each, in one bit-packed run.
pub(super) fn bits(values: &[u8], out: &mut Vec<u8>) {
    const WIDTH: u8 = 1;
    out.push(WIDTH);
    varint((values.len().div_ceil(8) as u64) << 1 | 1, out);
    let (eights, rest) = values.as_chunks::<8>();
    // Bit i of the highest byte of the product is the lowest bit of byte i: no two terms meet.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let gather = |eight: &[u8; 8]| (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) as u8;
    out.extend(eights.iter().map(gather));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        out.push(gather(&last));
    }
}

/// The dictionary of [`bits`], as a page of plain 32-bit values.
pub(super) const ZERO_AND_ONE: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];

/// ULEB128.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers for small values of both signs.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
