//! The meaning of the kernel of LZ4: one sequence after the other.
#![forbid(unsafe_code)]

use super::Block;

/// What stands in four bits if more bytes follow, and the shortest match.
pub(super) const MORE: usize = 15;
pub(super) const MATCH: usize = 4;

/// A block on its way: `packed[at..]` is to be unpacked to `memory[n..]`.
pub(super) struct Lane<'a> {
    pub(super) packed: &'a [u8],
    pub(super) at: usize,
    pub(super) memory: &'a mut [u8],
    pub(super) n: usize,
}

/// What follows a sequence.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    Sequence,
    End,
}

impl<'a> Lane<'a> {
    pub(super) fn new(block: Block<'a>) -> Self {
        let Block { packed, memory, from } = block;
        Self {
            packed,
            at: 0,
            memory,
            n: from,
        }
    }

    /// Unpacks a sequence, whatever it is. `None` if it is damaged or there is no room for it.
    pub(super) fn sequence(&mut self) -> Option<Next> {
        let token = usize::from(self.byte()?);
        let literals = self.length(token >> 4)?;
        let from = self.packed.get(self.at..)?.get(..literals)?;
        self.memory
            .get_mut(self.n..)?
            .get_mut(..literals)?
            .copy_from_slice(from);
        self.at += literals;
        self.n += literals;
        if self.at == self.packed.len() {
            return Some(Next::End);
        }
        let offset = usize::from(u16::from_le_bytes([self.byte()?, self.byte()?]));
        let length = self.length(token & MORE)?.checked_add(MATCH)?;
        let start = self.n.checked_sub(offset).filter(|start| *start < self.n)?;
        let end = self
            .n
            .checked_add(length)
            .filter(|end| *end <= self.memory.len())?;
        // A match can reach into itself: what is there already is copied, and is twice as long the next time.
        while self.n < end {
            let step = (self.n - start).min(end - self.n);
            self.memory.copy_within(start..start + step, self.n);
            self.n += step;
        }
        Some(Next::Sequence)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.packed.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    /// A length that begins with four bits of a token.
    fn length(&mut self, bits: usize) -> Option<usize> {
        let mut length = bits;
        if bits == MORE {
            loop {
                let byte = self.byte()?;
                length = length.checked_add(usize::from(byte))?;
                if byte != u8::MAX {
                    break;
                }
            }
        }
        Some(length)
    }
}

/// Unpacks the rest of a block. Returns where its content ends.
pub(super) fn rest(mut lane: Lane<'_>) -> Option<usize> {
    while lane.sequence()? == Next::Sequence {}
    Some(lane.n)
}
