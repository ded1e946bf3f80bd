//! Drawing and moving by what was drawn, against naive functions: every level, every length up to 200 and some longer.

use parallax_simd::displace::{self, Bounds, OUTSIDE, Steps};
use parallax_simd::{Level, philox};

fn lengths() -> impl Iterator<Item = usize> {
    (0..=100).chain([255, 256, 1000])
}

/// Philox4x32-10 as its paper writes it: ten rounds, the key raised between them.
fn naive(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut r0, mut l0, mut r1, mut l1] = counter;
    for round in 0..10_u32 {
        let keys = [
            key[0].wrapping_add(round.wrapping_mul(0x9E37_79B9)),
            key[1].wrapping_add(round.wrapping_mul(0xBB67_AE85)),
        ];
        let (product_0, product_1) = (
            0xD251_1F53_u128 * u128::from(r0),
            0xCD9E_8D57_u128 * u128::from(r1),
        );
        let (high, low) = (
            |product: u128| (product >> 32) as u32,
            |product: u128| product as u32,
        );
        [r0, l0, r1, l1] = [
            high(product_1) ^ l0 ^ keys[0],
            low(product_1),
            high(product_0) ^ l1 ^ keys[1],
            low(product_0),
        ];
    }
    [r0, l0, r1, l1]
}

#[test]
fn philox_gives_the_published_answers_at_every_level() {
    // Random123's kat_vectors, philox4x32 with 10 rounds.
    let known = [
        (
            [0; 4],
            [0; 2],
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
        ),
        (
            [u32::MAX; 4],
            [u32::MAX; 2],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, answer) in known {
        assert_eq!(philox::block(counter, key), answer);
        assert_eq!(naive(counter, key), answer);
        let first = u64::from(counter[0]) | u64::from(counter[1]) << 32;
        for level in Level::available() {
            for len in lengths() {
                let mut out = vec![[0; 4]; len];
                philox::blocks_at(level, key, [counter[2], counter[3]], first, &mut out);
                for (index, words) in (0..).zip(&out) {
                    let at: u64 = first.wrapping_add(index);
                    let counter = [at as u32, (at >> 32) as u32, counter[2], counter[3]];
                    assert_eq!(*words, naive(counter, key), "{level:?} {len} {index}");
                }
            }
        }
    }
}

#[test]
fn displacements() {
    let changes: Vec<u32> = (0..40_u32).map(|i| i.wrapping_mul(0x9E37_79B9)).collect();
    for len in lengths() {
        let mut drawn = vec![[0; 4]; len];
        philox::blocks([1, 2], [3, 4], len as u64, &mut drawn);
        let mut words: Vec<[u32; 2]> = drawn.iter().map(|&[a, b, ..]| [a, b]).collect();
        // Words that a step begins with, and the ends.
        for (words, at) in words.iter_mut().zip(0..) {
            match at % 5 {
                0 => words[0] = changes[at % changes.len()],
                1 => *words = [0, u32::MAX],
                _ => {}
            }
        }
        for (width, height) in [(1, 1), (65_535, 3), (640, 480)] {
            let pixel = |word: u32, side: u16| (word % u32::from(side)) as u16;
            let x: Vec<u16> = drawn.iter().map(|words| pixel(words[2], width)).collect();
            let y: Vec<u16> = drawn.iter().map(|words| pixel(words[3], height)).collect();
            for (clamps, few, lowest) in [(false, 40, -20), (true, 7, 3), (false, 0, -1), (true, 0, 0)] {
                let steps = Steps {
                    lowest,
                    changes: &changes[..few],
                };
                let step = |word: u32| {
                    i64::from(lowest) + steps.changes.iter().filter(|&&change| change <= word).count() as i64
                };
                let wanted: Vec<(u16, u16)> = (0..len)
                    .map(|i| {
                        let (a, b) = (
                            i64::from(x[i]) + step(words[i][0]),
                            i64::from(y[i]) + step(words[i][1]),
                        );
                        let (right, bottom) = (i64::from(width) - 1, i64::from(height) - 1);
                        let inside = (0..=right).contains(&a) && (0..=bottom).contains(&b);
                        let column = if inside || clamps {
                            a.clamp(0, right) as u16
                        } else {
                            OUTSIDE
                        };
                        (column, b.clamp(0, bottom) as u16)
                    })
                    .collect();
                for level in Level::available() {
                    let (mut x, mut y) = (x.clone(), y.clone());
                    let bounds = Bounds {
                        width,
                        height,
                        clamps,
                    };
                    displace::shift_at(level, &mut x, &mut y, &words, [steps, steps], bounds);
                    let found: Vec<(u16, u16)> = x.into_iter().zip(y).collect();
                    assert_eq!(found, wanted, "{level:?} {len} {bounds:?} {steps:?}");
                }
            }
        }
    }
}
