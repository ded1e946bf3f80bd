//! Usual LZ4 frames, unpacked straight to where their content goes.
//!
//! A frame's own decoder keeps its content in a buffer, from which it is copied; here blocks are unpacked to their place,
//! those of several frames in turns. Only frames without checksums, sizes and dictionaries are, and only if all is well
//! with them. Source: the LZ4 Frame Format Description, version 1.6.4.

use std::ops::Deref;

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use parallax_simd::lz4::{Block, LANES, takes_turns, unpack};

/// Behind the magic number: whether blocks refer to those before them, and the largest content of a block. Flags, the
/// code of the size, and the header's checksum.
const HEADS: [([u8; 3], bool, usize); 8] = [
    ([0x60, 0x40, 0x82], false, 64 << 10),
    ([0x60, 0x50, 0xFB], false, 256 << 10),
    ([0x60, 0x60, 0x51], false, 1 << 20),
    ([0x60, 0x70, 0x73], false, 4 << 20),
    ([0x40, 0x40, 0xC0], true, 64 << 10),
    ([0x40, 0x50, 0x77], true, 256 << 10),
    ([0x40, 0x60, 0x96], true, 1 << 20),
    ([0x40, 0x70, 0xDF], true, 4 << 20),
];

/// What a block can refer to.
const REACH: usize = 64 << 10;

/// Bytes in memory that is used again; what it held before is not cleared, as that takes as long as a copy.
#[derive(Debug, Default)]
pub(super) struct Content {
    memory: Vec<u8>,
    length: usize,
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

impl Content {
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.memory.capacity()
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.memory.truncate(self.length);
        self.memory.extend_from_slice(bytes);
        self.length = self.memory.len();
    }

    /// Memory of its own, of so many bytes.
    pub(super) fn with_memory(bytes: usize) -> Self {
        Self {
            memory: vec![0; bytes],
            length: 0,
        }
    }
}

/// Appends the blocks of the one frame that is packed in each of these to its content. Returns false for a frame that is
/// another, is damaged, or has more content than there is memory, and leaves anything in its memory: that is for the
/// frame's own decoder.
pub(super) fn append_frames(mut places: [Option<(&[u8], &mut Content)>; LANES]) -> [bool; LANES] {
    let mut done = [false; LANES];
    let mut frames = [const { None }; LANES];
    for (frame, place) in frames.iter_mut().zip(&places) {
        *frame = place.as_ref().and_then(|(packed, _)| Frame::begin(packed));
    }
    loop {
        let mut blocks = [const { None }; LANES];
        for (((block, place), frame), done) in
            blocks.iter_mut().zip(&mut places).zip(&mut frames).zip(&mut done)
        {
            let (Some((_, content)), Some(blocks)) = (place, &mut *frame) else {
                continue;
            };
            match blocks.next(content) {
                Some(Next::Block(packed)) => *block = Some(blocks.place(packed, content)),
                next => {
                    *done = next.is_some();
                    *frame = None;
                }
            }
        }
        if blocks.iter().all(Option::is_none) {
            return done;
        }
        let from = blocks
            .each_ref()
            .map(|block| block.as_ref().map_or(0, |block| block.from));
        let ends = if takes_turns() {
            unpack(blocks)
        } else {
            blocks.map(|block| one(block?))
        };
        for (((frame, place), end), from) in frames.iter_mut().zip(&mut places).zip(ends).zip(from) {
            match (end, place) {
                (Some(end), Some((_, content))) => content.length += end - from,
                _ => *frame = None,
            }
        }
    }
}

/// Unpacks a block by itself. Returns where its content ends.
fn one(block: Block<'_>) -> Option<usize> {
    let Block { packed, memory, from } = block;
    let (before, place) = memory.split_at_mut(from);
    let done = if from == 0 {
        decompress_into(packed, place)
    } else {
        decompress_into_with_dict(packed, place, before)
    };
    Some(from + done.ok()?)
}

/// What is left of a usual frame.
struct Frame<'a> {
    rest: &'a [u8],
    linked: bool,
    largest: usize,
}

/// What follows a block of a frame.
enum Next<'a> {
    Block(&'a [u8]),
    End,
}

impl<'a> Frame<'a> {
    fn begin(packed: &'a [u8]) -> Option<Self> {
        let ([0x04, 0x22, 0x4D, 0x18, head @ ..], rest) = packed.split_first_chunk::<7>()? else {
            return None;
        };
        let &(_, linked, largest) = HEADS.iter().find(|(known, _, _)| known == head)?;
        Some(Self {
            rest,
            linked,
            largest,
        })
    }

    /// The next packed block; plain ones before it are appended to `content`. `None` if something is wrong.
    fn next(&mut self, content: &mut Content) -> Option<Next<'a>> {
        loop {
            let (size, behind) = self.rest.split_first_chunk::<4>()?;
            let size = u32::from_le_bytes(*size);
            if size == 0 {
                return behind.is_empty().then_some(Next::End);
            }
            let (is_plain, length) = (size >> 31 == 1, (size & 0x7FFF_FFFF) as usize);
            let (block, rest) = behind.split_at_checked(length)?;
            self.rest = rest;
            if !is_plain {
                return Some(Next::Block(block));
            }
            let room = content.memory.get_mut(content.length..)?;
            let place = room.get_mut(..length).filter(|_| length <= self.largest)?;
            place.copy_from_slice(block);
            content.length += length;
        }
    }

    /// Where the content of a block goes, and as much in front of it as it can refer to.
    fn place<'p>(&self, packed: &'p [u8], content: &'p mut Content) -> Block<'p> {
        let from = if self.linked { content.length.min(REACH) } else { 0 };
        let room = (content.memory.len() - content.length).min(self.largest);
        Block {
            packed,
            memory: &mut content.memory[content.length - from..][..from + room],
            from,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length)
            .map(|i| (i * i / 7000 % 256) as u8 ^ (i % 13) as u8)
            .collect()
    }

    /// Memory, and whether the frame's blocks were appended to it; and in the same way beside others.
    fn append_frame(frame: &[u8], memory: usize) -> (Content, bool) {
        let mut content = Content::with_memory(memory);
        let [done, ..] = append_frames([Some((frame, &mut content)), None, None]);
        let other = packed(&super::tests::content(70_000), FrameInfo::new());
        let (mut before, mut again) = (Content::with_memory(70_000), Content::with_memory(memory));
        let [first, second, _] =
            append_frames([Some((&other, &mut before)), Some((frame, &mut again)), None]);
        assert!(first && second == done && (!done || *again == *content));
        (content, done)
    }

    fn packed(content: &[u8], info: FrameInfo) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn as_the_frames_own_decoder() {
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            for size in [
                BlockSize::Max64KB,
                BlockSize::Max256KB,
                BlockSize::Max1MB,
                BlockSize::Max4MB,
            ] {
                for length in [0, 1, 1000, 64 << 10, 200_000, 700_000] {
                    let wanted = content(length);
                    let frame = packed(&wanted, FrameInfo::new().block_mode(mode).block_size(size));
                    let (unpacked, done) = append_frame(&frame, length);
                    assert!(done, "{mode:?}, {size:?}, {length}");
                    assert!(*unpacked == wanted, "{mode:?}, {size:?}, {length}");
                }
            }
        }
    }

    #[test]
    fn a_block_by_itself() {
        let (before, wanted) = (content(100), content(3000));
        for before in [&[][..], &before] {
            let packed = lz4_flex::block::compress_with_dict(&wanted, before);
            let mut memory = [before, &vec![0; 3000]].concat();
            let block = Block {
                packed: &packed,
                memory: &mut memory,
                from: before.len(),
            };
            assert_eq!(one(block), Some(before.len() + 3000));
            assert_eq!(memory, [before, &wanted].concat());
            let block = Block {
                packed: &packed,
                memory: &mut memory[..before.len() + 2999],
                from: before.len(),
            };
            assert_eq!(one(block), None);
        }
    }

    #[test]
    fn what_is_unusual_is_left_alone() {
        let content = content(1000);
        for info in [
            FrameInfo::new().content_checksum(true),
            FrameInfo::new().block_checksums(true),
            FrameInfo::new().content_size(Some(1000)),
        ] {
            assert!(!append_frame(&packed(&content, info), 5000).1);
        }
        let frame = packed(&content, FrameInfo::new());
        assert!(!append_frame(&[frame.clone(), frame.clone()].concat(), 5000).1);
        assert!(!append_frame(&frame, 999).1);
        assert!(append_frame(&frame, 1000).1);
        for end in 0..frame.len() {
            assert!(!append_frame(&frame[..end], 5000).1);
        }
    }

    /// Whatever is changed in a frame: it is left alone, or the same comes out as of the frame's own decoder.
    #[test]
    fn damage() {
        let frame = packed(&content(3000), FrameInfo::new().block_mode(BlockMode::Linked));
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut frame = frame.clone();
                frame[at] ^= 1 << bit;
                let (unpacked, done) = append_frame(&frame, 300_000);
                if done {
                    let mut wanted = Vec::new();
                    FrameDecoder::new(frame.as_slice())
                        .read_to_end(&mut wanted)
                        .unwrap();
                    assert_eq!(*unpacked, wanted, "bit {bit} of byte {at}");
                }
            }
        }
    }
}
