//! Selecting and compressing against naive functions: every level, every length up to 200 and some longer ones, masks
//! from empty to full.

use std::ops::RangeInclusive;

use parallax_simd::compress::Events;
use parallax_simd::marks::Marks;
use parallax_simd::{Columns, Level, compress, select};

/// Seeded numbers (SplitMix64), the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn lengths() -> impl Iterator<Item = usize> {
    (0..=200).chain([255, 256, 257, 1000, 4095, 4096, 5001])
}

/// Masks of every density, longer than needed by up to one word, or shorter.
fn masks(random: &mut Random, len: usize) -> Vec<Vec<u64>> {
    let words = len.div_ceil(64);
    let mut masks: Vec<Vec<u64>> = vec![vec![0; words], vec![u64::MAX; words], vec![u64::MAX; words + 1]];
    masks.push((0..words).map(|_| random.next()).collect());
    masks.push(
        (0..words)
            .map(|_| random.next() & random.next() & random.next())
            .collect(),
    );
    masks.push(
        (0..words)
            .map(|_| random.next() | random.next() | random.next())
            .collect(),
    );
    masks.push(
        (0..words)
            .map(|word| [0, u64::MAX, random.next()][word % 3])
            .collect(),
    );
    masks.push((0..words / 2).map(|_| random.next()).collect());
    masks
}

fn bit(mask: &[u64], index: usize) -> bool {
    mask.get(index / 64)
        .is_some_and(|word| word >> (index % 64) & 1 == 1)
}

/// What a selection must leave of a mask.
fn narrowed<T: Copy>(values: &[T], mask: &[u64], passes: impl Fn(T) -> bool) -> Vec<u64> {
    let mut out = vec![0; mask.len()];
    for (index, &value) in values.iter().enumerate() {
        if bit(mask, index) && passes(value) {
            out[index / 64] |= 1 << (index % 64);
        }
    }
    out
}

#[test]
fn selections() {
    let mut random = Random(1);
    for len in lengths() {
        let shift = random.next() as u32 % 16;
        let u16s: Vec<u16> = (0..len).map(|_| random.next() as u16 >> shift).collect();
        let i64s: Vec<i64> = (0..len)
            .map(|i| [i64::MIN, -1, 0, i as i64, i64::MAX][random.next() as usize % 5])
            .collect();
        let u8s: Vec<u8> = (0..len).map(|_| (random.next() % 3) as u8).collect();
        for mask in masks(&mut random, len) {
            for level in Level::available() {
                for range in [
                    0..=u16::MAX,
                    3..=1000,
                    RangeInclusive::new(1000, 3),
                    0..=0,
                    u16::MAX..=u16::MAX,
                    40_000..=50_000,
                ] {
                    let mut found = mask.clone();
                    select::within_u16_at(level, &u16s, range.clone(), &mut found);
                    let wanted = narrowed(&u16s, &mask, |value| range.contains(&value));
                    assert_eq!(found, wanted, "{level:?} {len} {range:?}");
                }
                for range in [
                    i64::MIN..=i64::MAX,
                    -1..=100,
                    RangeInclusive::new(100, -1),
                    i64::MIN..=i64::MIN,
                    0..=i64::MAX,
                ] {
                    let mut found = mask.clone();
                    select::within_i64_at(level, &i64s, range.clone(), &mut found);
                    let wanted = narrowed(&i64s, &mask, |value| range.contains(&value));
                    assert_eq!(found, wanted, "{level:?} {len} {range:?}");
                }
                let u32s: Vec<u32> = i64s.iter().map(|&value| value as u32).collect();
                for least in [
                    0,
                    1,
                    u32::from(u16s.first().copied().unwrap_or(7)),
                    1 << 31,
                    u32::MAX,
                ] {
                    let mut found = mask.clone();
                    select::at_least_u32_at(level, &u32s, least, &mut found);
                    let wanted = narrowed(&u32s, &mask, |value| value >= least);
                    assert_eq!(found, wanted, "{level:?} {len} {least}");
                }
                for value in 0..3 {
                    let mut found = mask.clone();
                    select::equal_u8_at(level, &u8s, value, &mut found);
                    assert_eq!(
                        found,
                        narrowed(&u8s, &mask, |found| found == value),
                        "{level:?} {len} {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn marks() {
    let mut random = Random(3);
    // Grids of every shape, with fewer and with more words than pixels; the last two reach the end of 32 bits.
    for (width, words) in [
        (0, 3),
        (1, 1),
        (3, 1),
        (64, 40),
        (1280, 900),
        (1 << 16, 20),
        (1 << 17, 20),
        (7, 0),
    ] {
        let words: Vec<u64> = (0..words).map(|_| random.next()).collect();
        let marks = Marks { width, words: &words };
        let near = u64::from(width).max(1) + 2;
        for len in lengths() {
            let x: Vec<u16> = (0..len).map(|_| (random.next() % near) as u16).collect();
            let y: Vec<u16> = (0..len + 3)
                .map(|_| [random.next() % 50, random.next(), u64::MAX][random.next() as usize % 3] as u16)
                .collect();
            let has = |(x, y): (u16, u16)| {
                let place = u128::from(y) * u128::from(width) + u128::from(x);
                let word = words.get((place / 64) as usize);
                u32::from(x) < width && word.is_some_and(|word| word >> (place % 64) & 1 == 1)
            };
            let pixels: Vec<(u16, u16)> = x.iter().copied().zip(y.iter().copied()).collect();
            for mask in masks(&mut random, len) {
                for level in Level::available() {
                    for keeps_marked in [true, false] {
                        let mut found = mask.clone();
                        marks.narrow_at(level, &x, &y, keeps_marked, &mut found);
                        let wanted = narrowed(&pixels, &mask, |pixel| has(pixel) == keeps_marked);
                        assert_eq!(found, wanted, "{level:?} {len} {width} {keeps_marked}");
                    }
                }
            }
        }
    }
}

#[test]
fn compressions() {
    let mut random = Random(2);
    for len in lengths() {
        let t: Vec<i64> = (0..len).map(|_| random.next() as i64).collect();
        let x: Vec<u16> = t.iter().map(|&t| t as u16).collect();
        let y: Vec<u16> = t.iter().map(|&t| (t >> 16) as u16).collect();
        let p: Vec<u8> = t.iter().map(|&t| (t >> 32) as u8).collect();
        for mask in masks(&mut random, len) {
            let wanted: Vec<usize> = (0..len).filter(|&i| bit(&mask, i)).collect();
            // As long as the column, so that a vector too far would be seen; where `out` is too short, and where it is just long
            // enough, the values that fit are there.
            for room in [
                len,
                wanted.len(),
                wanted.len() / 2,
                wanted.len().saturating_sub(1),
            ] {
                let wanted = &wanted[..room.min(wanted.len())];
                for level in Level::available() {
                    let mut out = vec![0; room];
                    let kept = compress::compress_u16_at(level, &x, &mask, &mut out);
                    assert!(kept == wanted.len(), "{level:?} {len} {room}");
                    assert!(out.iter().zip(wanted).all(|(&found, &i)| found == x[i]));
                    // Columns that are longer than others, of which only as much counts as all have.
                    let longer = [&x[..], &[7; 100]].concat();
                    let events = Events {
                        t: &t,
                        x: &longer,
                        y: &y,
                        p: &p,
                    };
                    let (mut to_t, mut to_x, mut to_y) = (vec![0; room], vec![0; room], vec![0; room]);
                    let mut to_p = vec![0; room + 100];
                    let out = Columns {
                        t: &mut to_t,
                        x: &mut to_x,
                        y: &mut to_y,
                        p: &mut to_p,
                    };
                    let kept = compress::compress_events_at(level, events, &mask, out);
                    assert!(kept == wanted.len(), "{level:?} {len} {room}");
                    assert!(to_t.iter().zip(wanted).all(|(&found, &i)| found == t[i]));
                    assert!(to_x.iter().zip(wanted).all(|(&found, &i)| found == x[i]));
                    assert!(to_y.iter().zip(wanted).all(|(&found, &i)| found == y[i]));
                    assert!(to_p.iter().zip(wanted).all(|(&found, &i)| found == p[i]));
                    assert!(to_p[room..].iter().all(|&behind| behind == 0));
                }
            }
        }
    }
}
