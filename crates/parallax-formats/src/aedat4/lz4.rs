//! Usual LZ4 frames, unpacked straight to where their content goes.
//!
//! A frame's own decoder keeps its content in a buffer, from which it is copied; here blocks are unpacked to their place.
//! Only frames without checksums, sizes and dictionaries are, and only if all is well with them. Source: the
//! LZ4 Frame Format Description, version 1.6.4.

use std::ops::Deref;

use lz4_flex::block::{decompress_into, decompress_into_with_dict};

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

    /// Appends the blocks of the one frame in `packed`. Returns false, and leaves anything there, if the frame is another,
    /// is damaged, or has more content than there is memory: that is for the frame's own decoder.
    pub(super) fn append_frame(&mut self, packed: &[u8]) -> bool {
        let Some(([0x04, 0x22, 0x4D, 0x18, head @ ..], mut rest)) = packed.split_first_chunk::<7>() else {
            return false;
        };
        let Some(&(_, linked, largest)) = HEADS.iter().find(|(known, _, _)| known == head) else {
            return false;
        };
        while let Some((size, behind)) = rest.split_first_chunk::<4>() {
            let size = u32::from_le_bytes(*size);
            if size == 0 {
                return behind.is_empty();
            }
            let (is_plain, length) = (size >> 31 == 1, (size & 0x7FFF_FFFF) as usize);
            let Some((block, next)) = behind.split_at_checked(length) else {
                return false;
            };
            let (before, place) = self.memory.split_at_mut(self.length);
            let room = place.len().min(largest);
            let place = &mut place[..room];
            let done = if is_plain {
                place.get_mut(..length).map(|place| {
                    place.copy_from_slice(block);
                    length
                })
            } else if linked {
                let (_, reach) = before.split_at(before.len().saturating_sub(REACH));
                decompress_into_with_dict(block, place, reach).ok()
            } else {
                decompress_into(block, place).ok()
            };
            let Some(done) = done else { return false };
            self.length += done;
            rest = next;
        }
        false
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

    fn with_memory(bytes: usize) -> Content {
        let mut content = Content::default();
        content.append(&vec![7; bytes]);
        content.clear();
        content
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
                    let mut unpacked = with_memory(length);
                    assert!(unpacked.append_frame(&frame), "{mode:?}, {size:?}, {length}");
                    assert!(*unpacked == wanted, "{mode:?}, {size:?}, {length}");
                }
            }
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
            assert!(!with_memory(5000).append_frame(&packed(&content, info)));
        }
        let frame = packed(&content, FrameInfo::new());
        assert!(!with_memory(5000).append_frame(&[frame.clone(), frame.clone()].concat()));
        assert!(!with_memory(999).append_frame(&frame));
        assert!(with_memory(1000).append_frame(&frame));
        for end in 0..frame.len() {
            assert!(!with_memory(5000).append_frame(&frame[..end]));
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
                let mut unpacked = with_memory(300_000);
                if unpacked.append_frame(&frame) {
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
