//! Blocks of LZ4 at every level, against the library for LZ4: what it packed, and what becomes of damage.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use lz4_flex::block::{compress, compress_with_dict, decompress, decompress_into_with_dict};
use parallax_simd::Level;
use parallax_simd::lz4::{Block, LANES, unpack_at};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// Contents that make sequences of every kind: events, runs, repeats that reach into themselves, noise, nearly nothing.
fn contents(seed: u64) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(seed);
    let mut contents = vec![Vec::new(), vec![7], b"abcabcabcabcabcabcabcabcabc".to_vec()];
    let mut events = Vec::new();
    let mut t = 1_600_000_000_000_000_u64;
    for _ in 0..3000 + numbers.below(2000) {
        t += numbers.below(20);
        events.extend(t.to_le_bytes());
        events.extend((numbers.below(640) as u16).to_le_bytes());
        events.extend((numbers.below(480) as u16).to_le_bytes());
        events.extend((numbers.below(2) as u32).to_le_bytes());
    }
    contents.push(events);
    let mut runs = Vec::new();
    while runs.len() < 60_000 {
        let (byte, count) = (numbers.below(256) as u8, numbers.below(900) as usize);
        runs.extend(std::iter::repeat_n(byte, count));
    }
    contents.push(runs);
    let mut repeats: Vec<u8> = (0..40).map(|_| numbers.below(256) as u8).collect();
    while repeats.len() < 50_000 {
        let back = 1 + numbers.below(40.min(repeats.len() as u64)) as usize;
        for _ in 0..numbers.below(60) {
            repeats.push(repeats[repeats.len() - back]);
        }
        repeats.push(numbers.below(256) as u8);
    }
    contents.push(repeats);
    contents.push((0..20_000).map(|_| numbers.below(256) as u8).collect());
    contents
}

/// Unpacks all blocks, in groups, with room for `spare` bytes more than each needs.
fn unpacked(level: Level, packed: &[Vec<u8>], sizes: &[usize], spare: usize) -> Vec<Option<Vec<u8>>> {
    let mut memories: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0xEE; size + spare]).collect();
    let mut ends = Vec::new();
    for (packed, memories) in packed.chunks(LANES).zip(memories.chunks_mut(LANES)) {
        let mut pairs = packed.iter().zip(memories);
        let blocks = std::array::from_fn(|_| {
            pairs.next().map(|(packed, memory)| Block {
                packed,
                memory,
                from: 0,
            })
        });
        ends.extend(unpack_at(level, blocks).into_iter().take(packed.len()));
    }
    ends.iter()
        .zip(memories)
        .map(|(end, memory)| end.map(|end| memory[..end].to_vec()))
        .collect()
}

#[test]
fn what_the_library_packed() {
    for seed in 1..20 {
        let contents = contents(seed);
        let packed: Vec<Vec<u8>> = contents.iter().map(|content| compress(content)).collect();
        let sizes: Vec<usize> = contents.iter().map(Vec::len).collect();
        // In another order, so that others take turns, too.
        for level in Level::available() {
            for spare in [0, 1, 31, 1000] {
                let found = unpacked(level, &packed, &sizes, spare);
                for (found, content) in found.iter().zip(&contents) {
                    assert!(
                        found.as_ref() == Some(content),
                        "{level:?}, seed {seed}, spare {spare}"
                    );
                }
            }
            let short: Vec<usize> = sizes.iter().map(|size| size.saturating_sub(1)).collect();
            for (found, size) in unpacked(level, &packed, &short, 0).iter().zip(&sizes) {
                assert!(
                    found.is_none() || *size == 0,
                    "{level:?}: no room for the last byte"
                );
            }
        }
    }
}

#[test]
fn matches_in_front_of_the_content() {
    let before = contents(5).swap_remove(3);
    for content in contents(6) {
        let packed = compress_with_dict(&content, &before);
        for level in Level::available() {
            let mut memory = [before.clone(), vec![0; content.len() + 40]].concat();
            let block = Block {
                packed: &packed,
                memory: &mut memory,
                from: before.len(),
            };
            let [end, ..] = unpack_at(level, [Some(block), None, None]);
            assert_eq!(end, Some(before.len() + content.len()));
            assert!(memory[before.len()..].starts_with(&content), "{level:?}");
            assert!(memory.starts_with(&before), "what is in front stays");
        }
    }
}

/// Whatever is changed in a block: nothing comes out, or what the library makes of it; and all levels agree.
#[test]
fn damage() {
    let content = contents(9).swap_remove(3);
    let packed = compress(&content[..4000]);
    let mut numbers = Numbers(77);
    for _ in 0..3000 {
        let damaged: Vec<Vec<u8>> = (0..LANES)
            .map(|_| {
                let mut damaged = packed.clone();
                for _ in 0..=numbers.below(3) {
                    let at = numbers.below(damaged.len() as u64) as usize;
                    damaged[at] ^= 1 << numbers.below(8);
                }
                damaged.truncate(damaged.len() - numbers.below(2) as usize * numbers.below(300) as usize);
                damaged
            })
            .collect();
        let all: Vec<_> = Level::available()
            .into_iter()
            .map(|level| unpacked(level, &damaged, &[5000; LANES], 0))
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
        for (found, damaged) in all[0].iter().zip(&damaged) {
            if let Some(found) = found {
                let mut wanted = vec![0; 5000];
                let size = decompress_into_with_dict(damaged, &mut wanted, &[]).unwrap();
                assert!(wanted[..size] == **found);
            } else {
                assert!(decompress(damaged, 5000).is_err());
            }
        }
    }
}
