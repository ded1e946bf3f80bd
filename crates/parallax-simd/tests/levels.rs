//! Every level of every kernel against a naive function: all lengths up to 200 and some longer ones, starts that are
//! aligned to nothing, and data with the edges of each type in it.

use parallax_simd::Level;
use parallax_simd::accumulate::{Planes, Ramp, Shares};
use parallax_simd::{accumulate, bounds, math, order, sum};

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

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn many<T>(&mut self, count: usize, mut one: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..count).map(|_| one(self)).collect()
    }
}

/// Runs `check` on parts of every length 0..=200 and a few longer ones, at starts 0..4, of what `make` gives.
fn on_parts<T>(make: impl Fn(&mut Random, usize) -> Vec<T>, check: impl Fn(Level, &[T])) {
    let mut random = Random(7);
    for len in (0..=200).chain([255, 256, 257, 511, 1000, 4095, 4096, 5001, 20_000]) {
        for start in 0..4 {
            let values = make(&mut random, start + len);
            for level in Level::available() {
                check(level, &values[start..]);
            }
        }
    }
}

#[test]
fn there_is_always_a_level() {
    assert_eq!(Level::available()[0], Level::Scalar);
    assert!(Level::available().contains(&Level::detect()));
}

fn naive_scan(t: &[i64], previous: Option<i64>) -> order::OrderScan {
    let all: Vec<i64> = previous.into_iter().chain(t.iter().copied()).collect();
    let first = usize::from(previous.is_some());
    let back: Vec<(usize, i128)> = (1..all.len())
        .map(|index| (index - first, i128::from(all[index - 1]) - i128::from(all[index])))
        .filter(|&(_, step)| step > 0)
        .collect();
    order::OrderScan {
        steps_back: back.len() as u64,
        first_step_back: back.first().map(|&(index, _)| index),
        max_step_back: back
            .iter()
            .map(|&(_, step)| i64::try_from(step).unwrap_or(i64::MAX))
            .max()
            .unwrap_or(0),
        equal_neighbours: all.windows(2).any(|pair| pair[0] == pair[1]),
    }
}

#[test]
fn order_scan() {
    type Shape = fn(&mut Random, usize) -> Vec<i64>;
    let shapes: [Shape; 5] = [
        |random, count| random.many(count, |random| random.next() as i64),
        |random, count| {
            random.many(count, |random| {
                [i64::MIN, -1, 0, 1, i64::MAX][random.below(5) as usize]
            })
        },
        // strictly ascending
        |_, count| (0..count as i64).collect(),
        // ascending with equal neighbours, and one step back somewhere
        |random, count| {
            let mut t = 0;
            let late = random.below(count as u64 + 1) as usize;
            (0..count)
                .map(|index| {
                    t += random.below(3) as i64;
                    t - if index == late { 1000 } else { 0 }
                })
                .collect()
        },
        // descending
        |_, count| (0..count as i64).rev().collect(),
    ];
    for shape in shapes {
        on_parts(shape, |level, t| {
            for previous in [None, Some(0), Some(i64::MIN), Some(i64::MAX), t.first().copied()] {
                assert_eq!(
                    order::scan_at(level, t, previous),
                    naive_scan(t, previous),
                    "{level:?} {t:?}"
                );
            }
        });
    }
}

#[test]
fn bounds_of_u8_and_u16() {
    on_parts(
        |random, count| {
            let shift = random.below(16) as u32;
            random.many(count, |random| (random.next() as u16) >> shift)
        },
        |level, values| {
            assert_eq!(
                bounds::max_u16_at(level, values),
                values.iter().copied().max().unwrap_or(0)
            );
            let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
            assert_eq!(
                bounds::max_u8_at(level, &bytes),
                bytes.iter().copied().max().unwrap_or(0)
            );
            for limit in [0, 1, 127, 254, 255, 639, 32_767, 65_534, 65_535] {
                let expected = values.iter().position(|&value| value > limit);
                assert_eq!(
                    bounds::first_above_u16_at(level, values, limit),
                    expected,
                    "{level:?} {limit}"
                );
                let limit = limit as u8;
                let expected = bytes.iter().position(|&value| value > limit);
                assert_eq!(
                    bounds::first_above_u8_at(level, &bytes, limit),
                    expected,
                    "{level:?} {limit}"
                );
            }
        },
    );
}

#[test]
fn min_max_of_i64() {
    on_parts(
        |random, count| {
            let shift = random.below(64) as u32;
            random.many(count, |random| (random.next() as i64) >> shift)
        },
        |level, values| {
            let expected = values.iter().copied().min().zip(values.iter().copied().max());
            assert_eq!(bounds::min_max_i64_at(level, values), expected, "{level:?}");
        },
    );
}

#[test]
fn accumulation() {
    for (width, height, cells) in [
        (4, 3, 12),
        (4, 3, 11),
        (4, 3, 100),
        (0, 3, 12),
        (4, 0, 12),
        (7, 7, 0),
        (usize::MAX, 2, 9),
    ] {
        on_parts(
            |random, count| {
                random.many(count, |random| {
                    (
                        random.below(6) as u16,
                        random.below(5) as u16,
                        random.below(3) as u8,
                    )
                })
            },
            |level, events| {
                let x: Vec<u16> = events.iter().map(|event| event.0).collect();
                let y: Vec<u16> = events.iter().map(|event| event.1).collect();
                let p: Vec<u8> = events.iter().map(|event| event.2).collect();
                let mut counts = vec![u8::MAX - 3; cells];
                let mut signs = vec![i16::MAX - 3; cells];
                let (mut counts_naive, mut signs_naive) = (counts.clone(), signs.clone());
                let separate = Planes {
                    offset: [0, cells / 2],
                    weight: [1, 1],
                };
                let signed = Planes {
                    offset: [0, 0],
                    weight: [-1, 1],
                };
                let (mut outside, mut outside_signed) = (0, 0);
                for &(x, y, p) in events {
                    let (x, y) = (usize::from(x), usize::from(y));
                    let fits = x < width && y < height && (y + 1).saturating_mul(width) <= cells;
                    let index = y.saturating_mul(width).saturating_add(x);
                    let shifted = index.saturating_add(if p == 0 { 0 } else { cells / 2 });
                    match counts_naive.get_mut(shifted).filter(|_| fits) {
                        Some(cell) => *cell = cell.saturating_add(1),
                        None => outside += 1,
                    }
                    match signs_naive.get_mut(index).filter(|_| fits) {
                        Some(cell) => *cell = cell.saturating_add(if p == 0 { -1 } else { 1 }),
                        None => outside_signed += 1,
                    }
                }
                let sensor = (width, height);
                assert_eq!(
                    accumulate::add(&x, &y, &p, sensor, separate, &mut counts),
                    outside
                );
                assert_eq!(
                    accumulate::add(&x, &y, &p, sensor, signed, &mut signs),
                    outside_signed
                );
                assert_eq!((&counts, &signs), (&counts_naive, &signs_naive), "{level:?}");

                let mut erased = vec![0; cells];
                accumulate::add(&x, &y, &p, sensor, separate, &mut erased);
                accumulate::erase(&x, &y, &p, sensor, separate.offset, &mut erased);
                assert!(erased.iter().all(|cell| *cell == 0_u8));
            },
        );
    }
}

/// Two frames of `f32` or `f64` as the documentation of `split` has them, event after event.
macro_rules! naive_split {
    ($number:ty, $events:expr, $ramp:expr, $shares:expr, $frames:expr) => {{
        let (ramp, shares): (Ramp, Shares) = ($ramp, $shares);
        let [left, right]: &mut [Vec<$number>; 2] = $frames;
        for &(t, x, y, p) in $events {
            let on = usize::from(p != 0);
            let index = usize::from(y) * shares.width + usize::from(x) + shares.offset[on];
            let d = (i128::from(t) - i128::from(ramp.start)) as f64 * ramp.scale - ramp.shift;
            if let Some(cell) = left.get_mut(index) {
                *cell += (shares.weight[on] * (1.0 - d)) as $number;
            }
            if let Some(cell) = right.get_mut(index) {
                *cell += (shares.weight[on] * d) as $number;
            }
        }
    }};
}

/// Bit by bit, at every level: many events in one cell, cells that do not exist, frames of any size, times far apart.
#[test]
fn shares_of_events() {
    let bits = |frame: &[f32]| frame.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
    let bits64 = |frame: &[f64]| frame.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
    for (width, cells, side_cells, pixels, start, step) in [
        (5_usize, 30_usize, [30_usize, 30], 3_u64, -40_i64, 90_u64),
        (5, 30, [30, 0], 9, 7, 1),
        (5, 30, [0, 30], 9, 7, 5),
        (5, 30, [0, 0], 9, 7, 5),
        (300, 5000, [5000, 4000], 65_536, i64::MIN, u64::MAX / 3),
    ] {
        let make = |random: &mut Random, count: usize| {
            random.many(count, |random| {
                let t = start.wrapping_add_unsigned(random.below(step));
                let (x, y) = (random.below(pixels) as u16, random.below(pixels) as u16);
                (t, x, y, random.below(3) as u8)
            })
        };
        let ramp = Ramp {
            start,
            scale: 3.7 / step as f64,
            shift: 1.3,
        };
        let shares = Shares {
            offset: [0, cells / 3],
            weight: [-1.0, 0.75],
            width,
        };
        on_parts(make, |level, events: &[(i64, u16, u16, u8)]| {
            let t: Vec<i64> = events.iter().map(|event| event.0).collect();
            let x: Vec<u16> = events.iter().map(|event| event.1).collect();
            let y: Vec<u16> = events.iter().map(|event| event.2).collect();
            let p: Vec<u8> = events.iter().map(|event| event.3).collect();
            let columns = (&*t, &*x, &*y, &*p);
            let mut naive = [vec![0.5_f32; side_cells[0]], vec![0.25; side_cells[1]]];
            let [mut left, mut right] = naive.clone();
            naive_split!(f32, events, ramp, shares, &mut naive);
            accumulate::split_at(level, columns, ramp, shares, &mut left, &mut right);
            assert_eq!(
                (bits(&left), bits(&right)),
                (bits(&naive[0]), bits(&naive[1])),
                "{level:?}"
            );
            let mut naive = [vec![0.5_f64; cells], vec![0.25; cells]];
            let mut pairs = vec![[0.5_f64, 0.25]; cells];
            naive_split!(f64, events, ramp, shares, &mut naive);
            accumulate::split_pairs_at(level, columns, ramp, shares, &mut pairs);
            let [mut left, mut right] = [vec![0.0; cells], vec![0.0; cells]];
            accumulate::unpair(&pairs, &mut left, &mut right);
            assert_eq!(
                (bits64(&left), bits64(&right)),
                (bits64(&naive[0]), bits64(&naive[1])),
                "{level:?}"
            );
        });
    }
}

#[test]
fn frames_go_side_by_side_and_back_into_their_places() {
    let frames: [Vec<f32>; 3] =
        [1.0, 2.0, 3.0].map(|first| (0..100_u8).map(|i| first + 10.0 * f32::from(i)).collect());
    let zeros = vec![0.0; 100];
    for [left, right] in [
        [&frames[0], &frames[1]],
        [&frames[0], &zeros],
        [&zeros, &frames[1]],
        [&zeros, &zeros],
    ] {
        let given = |frame: &Vec<f32>| {
            if *frame == zeros {
                Vec::new()
            } else {
                frame.clone()
            }
        };
        let mut pairs = vec![[-1.0; 2]; 100];
        accumulate::pair(&given(left), &given(right), &mut pairs);
        let [mut first, mut second] = [vec![-1.0; 100], vec![-1.0; 100]];
        accumulate::unpair(&pairs, &mut first, &mut second);
        assert_eq!([&first, &second], [left, right]);
        for behind in [&frames[2], &zeros] {
            let (mut turned, mut first, mut second) = (pairs.clone(), vec![-1.0; 100], vec![-1.0; 100]);
            accumulate::turn(&mut turned, &mut first, &given(behind));
            assert_eq!(first, *left);
            accumulate::unpair(&turned, &mut first, &mut second);
            assert_eq!([&first, &second], [right, behind]);
        }
    }
}

#[test]
fn columns_of_different_length_are_used_up_to_the_shortest() {
    let mut frame = [0_i32; 4];
    let planes = Planes {
        offset: [0, 0],
        weight: [-1, 1],
    };
    assert_eq!(
        accumulate::add(&[0, 1, 9], &[0, 0, 9], &[0], (2, 2), planes, &mut frame),
        0
    );
    assert_eq!(frame, [-1, 0, 0, 0]);
    assert_eq!(
        accumulate::add(&[0, 1, 1], &[0, 0], &[1, 1, 1], (2, 2), planes, &mut frame),
        0
    );
    assert_eq!(frame, [0, 1, 0, 0]);
}

/// Numbers of every size, the special ones among them.
fn any_f64(random: &mut Random) -> f64 {
    match random.below(12) {
        0 => [
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MAX,
            1.0,
        ][random.below(7) as usize],
        1 => f64::from_bits(random.next() >> 12),
        2..=4 => f64::from_bits(random.next()),
        _ => (random.next() as f64 / u64::MAX as f64 - 0.5) * 40.0,
    }
}

#[test]
fn exp_and_ln_of_slices() {
    on_parts(
        |random, count| random.many(count, any_f64),
        |level, x| {
            let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let mut out = vec![0.0; x.len()];
            let mut narrow_out = vec![0.0; x.len()];
            for (slice, one) in [
                (
                    math::exp_slice_f64_at as fn(Level, &[f64], &mut [f64]),
                    math::exp_f64 as fn(f64) -> f64,
                ),
                (math::ln_slice_f64_at, math::ln_f64),
            ] {
                slice(level, x, &mut out);
                for (&x, &out) in x.iter().zip(&out) {
                    assert_eq!(out.to_bits(), one(x).to_bits(), "{level:?} {x}");
                }
            }
            for (slice, one) in [
                (
                    math::exp_slice_f32_at as fn(Level, &[f32], &mut [f32]),
                    math::exp_f32 as fn(f32) -> f32,
                ),
                (math::ln_slice_f32_at, math::ln_f32),
            ] {
                slice(level, &narrow, &mut narrow_out);
                for (&x, &out) in narrow.iter().zip(&narrow_out) {
                    assert_eq!(out.to_bits(), one(x).to_bits(), "{level:?} {x}");
                }
            }
        },
    );
}

/// The tree as the documentation of `sum` words it, one addition at a time.
macro_rules! naive_sum {
    ($values:expr, $float:ty, $lanes:literal) => {{
        let mut lanes = vec![0.0; $lanes];
        for (index, value) in $values.iter().enumerate() {
            lanes[index % $lanes] += value;
        }
        while lanes.len() > 1 {
            let upper = lanes.split_off(lanes.len() / 2);
            lanes = lanes
                .iter()
                .zip(upper)
                .map(|(lower, upper)| lower + upper)
                .collect();
        }
        if lanes[0].is_nan() {
            <$float>::NAN
        } else {
            lanes[0]
        }
    }};
}

#[test]
fn sums_follow_the_documented_tree() {
    type Shape = fn(&mut Random, usize) -> Vec<f64>;
    let shapes: [Shape; 2] = [
        |random, count| random.many(count, any_f64),
        |random, count| random.many(count, |random| (random.next() as f64).sqrt() * 1e-7 - 100.0),
    ];
    for shape in shapes {
        on_parts(shape, |level, values| {
            let expected: f64 = naive_sum!(values, f64, 16);
            assert_eq!(
                sum::sum_f64_at(level, values).to_bits(),
                expected.to_bits(),
                "{level:?}"
            );
            let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let expected: f32 = naive_sum!(narrow, f32, 32);
            assert_eq!(
                sum::sum_f32_at(level, &narrow).to_bits(),
                expected.to_bits(),
                "{level:?}"
            );
        });
    }
}

#[test]
fn sums_of_u8() {
    on_parts(
        |random, count| random.many(count, |random| random.next() as u8 | 0xF0),
        |level, values| {
            let expected: u64 = values.iter().map(|&value| u64::from(value)).sum();
            assert_eq!(sum::sum_u8_at(level, values), expected, "{level:?}");
        },
    );
}

#[test]
fn sums_of_i16() {
    on_parts(
        |random, count| random.many(count, |random| random.next() as i16),
        |level, values| {
            let expected: i64 = values.iter().map(|&value| i64::from(value)).sum();
            assert_eq!(sum::sum_i16_at(level, values), expected, "{level:?}");
        },
    );
    // As far from zero as many values get.
    for level in Level::available() {
        for value in [i16::MIN, i16::MAX] {
            let values = vec![value; (1 << 20) + 77];
            let expected = i64::from(value) * values.len() as i64;
            assert_eq!(sum::sum_i16_at(level, &values), expected, "{level:?}");
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the standard library is the oracle here"
)]
fn fading() {
    use parallax_simd::decay::{BLOCK, GONE_F32, GONE_F64, fade_f32_at, fade_f64_at};
    let (now, rate) = (2_000_000_u32, 1e-3);
    on_parts(
        |random, count| {
            random.many(count, |random| match random.below(8) {
                0 => 0,
                1 => now + random.below(1000) as u32,
                2 => now - ([GONE_F32, GONE_F64][random.below(2) as usize] / rate) as u32,
                _ => now - random.below(1 << 20) as u32,
            })
        },
        |level, last| {
            // By the standard library, whose last places differ; what must be 0 or 1 is so exactly.
            let exact = |last: u32, gone: f64| match (f64::from(last) - f64::from(now)) * rate {
                exponent if exponent <= -gone || last == 0 => 0.0,
                exponent => exponent.min(0.0).exp(),
            };
            let (mut out, mut wide) = (vec![9.0_f32; last.len()], vec![9.0_f64; last.len()]);
            // Every third block stays as it is.
            let lit = vec![0xDB6D_B6DB_6DB6_DB6D; last.len().div_ceil(64 * BLOCK)];
            let is_lit = |cell: usize| lit[cell / BLOCK / 64] >> (cell / BLOCK % 64) & 1 == 1;
            fade_f32_at(level, last, now, rate, &lit, &mut out);
            fade_f64_at(level, last, now, rate, &lit, &mut wide);
            for (cell, ((&last, out), wide)) in last.iter().zip(&out).zip(&wide).enumerate() {
                if !is_lit(cell) {
                    assert_eq!((*out, *wide), (9.0, 9.0), "{level:?}");
                    continue;
                }
                let (of_f32, of_f64) = (exact(last, GONE_F32), exact(last, GONE_F64));
                // The exponent is rounded to f32 as well: half a last place of 126 halvings.
                assert!(
                    (f64::from(*out) - of_f32).abs() <= 3e-6 * of_f32,
                    "{level:?} {last} {out} {of_f32}"
                );
                assert!(
                    (wide - of_f64).abs() <= 1e-15 * of_f64,
                    "{level:?} {last} {wide} {of_f64}"
                );
            }
            // To the bit: the plain loop, and ticks of 64 bits from elsewhere.
            let early = |&last: &u32| {
                if last == 0 {
                    i64::MIN
                } else {
                    i64::from(last) - (1 << 40)
                }
            };
            let long: Vec<i64> = last.iter().map(early).collect();
            let (mut by_scalar, mut by_long) = (out.clone(), out.clone());
            fade_f32_at(Level::Scalar, last, now, rate, &lit, &mut by_scalar);
            fade_f32_at(level, &long, i64::from(now) - (1 << 40), rate, &lit, &mut by_long);
            for other in [by_scalar, by_long] {
                assert!(
                    other.iter().zip(&out).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{level:?}"
                );
            }
            let mut wide_by_long = wide.clone();
            fade_f64_at(
                level,
                &long,
                i64::from(now) - (1 << 40),
                rate,
                &lit,
                &mut wide_by_long,
            );
            assert!(
                wide_by_long
                    .iter()
                    .zip(&wide)
                    .all(|(a, b)| a.to_bits() == b.to_bits()),
                "{level:?}"
            );
        },
    );
}
