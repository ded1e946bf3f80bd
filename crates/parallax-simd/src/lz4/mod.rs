//! Blocks of LZ4, several at a time.
//!
//! In go packed blocks, each with memory for its content; out comes where each content ends. A block is a row of
//! sequences: literals, then a match, which is a copy of what came before. Events make short ones, whose match was written a
//! moment ago by several stores; the CPU cannot load that until all of them are in the cache, and waits. So blocks that have
//! nothing to do with each other take turns, a sequence each, and a match is read before the literals in front of it
//! are written. Source: the LZ4 Block Format Description of the LZ4 project.
//!
//! # Surprises
//! - Memory behind the content may be overwritten, as far as it reaches.
//! - What a damaged block leaves in its memory is anything.

mod scalar;
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "loads and stores of 16 bytes whose bounds are known for many sequences at once"
)]
mod x86_64;

use crate::Level;

/// So many blocks take turns.
pub const LANES: usize = 3;

/// A block, and where its content goes.
#[derive(Debug)]
pub struct Block<'a> {
    /// The packed bytes.
    pub packed: &'a [u8],
    /// Memory for the content, which begins at `from`; matches may lie in front of that.
    pub memory: &'a mut [u8],
    /// Where the content begins.
    pub from: usize,
}

/// Whether blocks take turns on this CPU, at the level of the process. Where they do not, a library for one block is faster.
pub fn takes_turns() -> bool {
    cfg!(target_arch = "x86_64") && Level::detect() > Level::Scalar
}

/// Unpacks blocks. Returns for each of them where its content ends in its memory; `None` if it is damaged, or has more
/// content than there is memory for, or there was no block.
///
/// ```
/// use parallax_simd::lz4::{Block, unpack};
///
/// // Two literals; a match of ten bytes, two bytes back; no literals behind it.
/// let packed = [0x26, b'a', b'b', 2, 0, 0];
/// let mut memory = [0; 20];
/// let block = Block { packed: &packed, memory: &mut memory, from: 0 };
/// assert_eq!(unpack([Some(block), None, None]), [Some(12), None, None]);
/// assert_eq!(&memory[..12], b"abababababab");
/// ```
pub fn unpack(blocks: [Option<Block<'_>>; LANES]) -> [Option<usize>; LANES] {
    unpack_at(Level::detect(), blocks)
}

/// [`unpack`] at a given level, or the CPU's best if that is lower. Above the lowest all are the same.
pub fn unpack_at(level: Level, blocks: [Option<Block<'_>>; LANES]) -> [Option<usize>; LANES] {
    let lanes = blocks.map(|block| block.map(scalar::Lane::new));
    match level.usable() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => x86_64::unpack(lanes),
        _ => lanes.map(|lane| scalar::rest(lane?)),
    }
}
