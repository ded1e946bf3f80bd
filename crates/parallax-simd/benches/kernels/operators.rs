//! The kernels of the operators: what selects and moves events, what draws for them, what fades and fills grids.

use std::hint::black_box;

use parallax_simd::accumulate::{Ramp, Shares};
use parallax_simd::displace::{Bounds, OUTSIDE, Steps};
use parallax_simd::marks::Marks;
use parallax_simd::{Columns, accumulate, compress, decay, displace, philox, quantile, select};

use super::{Events, row};

pub(super) fn all(events: &Events) {
    selections(events);
    compressions(events);
    random(events.t.len());
    displacements(events);
    fading(events);
    shares(events);
}

fn bits(len: usize, keep: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut mask = vec![0; len.div_ceil(64)];
    (0..len)
        .filter(|&index| keep(index))
        .for_each(|index| mask[index / 64] |= 1 << (index % 64));
    mask
}

fn selections(events: &Events) {
    let Events { t, x, p, .. } = events;
    let len = t.len();
    let all = || vec![u64::MAX; len.div_ceil(64)];
    let naive = || bits(len, |index| (60..180).contains(&black_box(x)[index]));
    row("select::within_u16", len, naive, |level| {
        let mut mask = all();
        select::within_u16_at(level, black_box(x), 60..=179, &mut mask);
        mask
    });
    let middle = t[len / 4]..=t[3 * len / 4];
    let naive = || bits(len, |index| middle.contains(&black_box(t)[index]));
    row("select::within_i64", len, naive, |level| {
        let mut mask = all();
        select::within_i64_at(level, black_box(t), middle.clone(), &mut mask);
        mask
    });
    let naive = || bits(len, |index| black_box(p)[index] == 1);
    row("select::equal_u8", len, naive, |level| {
        let mut mask = all();
        select::equal_u8_at(level, black_box(p), 1, &mut mask);
        mask
    });
    // Every tenth pixel of a sensor of 1280 columns, of as many rows as these events have.
    let (y, width) = (&events.y, 1280);
    let pixels = width * (usize::from(y.iter().copied().max().unwrap_or(0)) + 1);
    let marked = bits(pixels, |pixel| pixel % 10 == 0);
    let naive = || {
        bits(len, |index| {
            let place = usize::from(black_box(y)[index]) * width + usize::from(black_box(x)[index]);
            marked[place / 64] >> (place % 64) & 1 == 0
        })
    };
    row("marks::Marks::drop", len, naive, |level| {
        let mut mask = all();
        let marks = Marks {
            width: width as u32,
            words: &marked,
        };
        marks.narrow_at(level, black_box(x), black_box(y), false, &mut mask);
        mask
    });
    let words = words(len);
    let naive = || bits(len, |index| black_box(&words)[index] >= 1 << 30);
    row("select::at_least_u32", len, naive, |level| {
        let mut mask = all();
        select::at_least_u32_at(level, black_box(&words), 1 << 30, &mut mask);
        mask
    });
}

fn compressions(events: &Events) {
    let Events { t, x, y, p } = events;
    let len = t.len();
    let masks = [
        ("half", bits(len, |index| p[index] == 1)),
        ("most", bits(len, |index| x[index] >= 12)),
    ];
    let from = compress::Events { t, x, y, p };
    for (which, mask) in masks {
        let is_kept = |index: usize| mask[index / 64] >> (index % 64) & 1 == 1;
        let naive = || {
            let mut out = Vec::with_capacity(len);
            for (index, &value) in black_box(x).iter().enumerate() {
                if is_kept(index) {
                    out.push(value);
                }
            }
            out
        };
        row(&format!("compress::compress_u16, {which}"), len, naive, |level| {
            let mut out = vec![0; len];
            let kept = compress::compress_u16_at(level, black_box(x), &mask, &mut out);
            out.truncate(kept);
            out
        });
        let naive = || {
            let mut to_t = Vec::with_capacity(len);
            let [mut to_x, mut to_y] = [0; 2].map(|_| Vec::with_capacity(len));
            let mut to_p = Vec::with_capacity(len);
            let events = t.iter().zip(x).zip(y).zip(p).enumerate();
            for (index, (((&t, &x), &y), &p)) in black_box(events) {
                if is_kept(index) {
                    to_t.push(t);
                    to_x.push(x);
                    to_y.push(y);
                    to_p.push(p);
                }
            }
            (to_t, [to_x, to_y], to_p)
        };
        row(
            &format!("compress::compress_events, {which}"),
            len,
            naive,
            |level| {
                let (mut t, [mut x, mut y], mut p) =
                    (vec![0; len], [0; 2].map(|_| vec![0; len]), vec![0; len]);
                let out = Columns {
                    t: &mut t,
                    x: &mut x,
                    y: &mut y,
                    p: &mut p,
                };
                let kept = compress::compress_events_at(level, black_box(from), &mask, out);
                t.truncate(kept);
                x.truncate(kept);
                y.truncate(kept);
                p.truncate(kept);
                (t, [x, y], p)
            },
        );
    }
}

/// Random words, two for each of so many events.
fn words(count: usize) -> Vec<u32> {
    let mut blocks = vec![[0; 4]; count.div_ceil(4)];
    philox::blocks([1, 2], [3, 4], 5, &mut blocks);
    blocks.into_flattened()
}

fn random(len: usize) {
    let naive = || {
        let block = |index: usize| philox::block([black_box(index as u32), 0, 3, 4], [1, 2]);
        (0..len / 4).map(block).collect::<Vec<_>>()
    };
    row("philox::blocks, a word", len, naive, |level| {
        let mut out = vec![[0; 4]; len / 4];
        philox::blocks_at(level, [1, 2], [3, 4], black_box(0), &mut out);
        out
    });
    let units: Vec<f64> = words(len / 2)
        .iter()
        .map(|&word| (f64::from(word) + 0.5) / 4_294_967_296.0)
        .collect();
    let naive = || {
        black_box(&units)
            .iter()
            .map(|&unit| quantile::normal(unit))
            .collect::<Vec<_>>()
    };
    row("quantile::normal_slice", units.len(), naive, |level| {
        let mut out = vec![0.0; units.len()];
        quantile::normal_slice_at(level, black_box(&units), &mut out);
        out
    });
}

fn displacements(events: &Events) {
    let (x, y) = (&events.x, &events.y);
    let words = words(2 * x.len());
    let words = words.as_chunks::<2>().0;
    // The steps of a standard deviation of 1 px.
    let quantiles = [
        -5.5, -4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5_f64,
    ];
    let changes = quantiles.map(|at| (4_294_967_296.0 / (1.0 + (-1.702 * at).exp())) as u32);
    let steps = Steps {
        lowest: -6,
        changes: &changes,
    };
    let bounds = Bounds {
        width: 240,
        height: 180,
        clamps: false,
    };
    let naive = || {
        let (mut x, mut y) = (black_box(x).clone(), y.clone());
        for index in 0..x.len() {
            let step = |word: u32| changes.iter().filter(|&&change| change <= word).count() as i32 - 6;
            let moved = (
                i32::from(x[index]) + step(words[index][0]),
                i32::from(y[index]) + step(words[index][1]),
            );
            let inside = (0..240).contains(&moved.0) && (0..180).contains(&moved.1);
            x[index] = if inside { moved.0 as u16 } else { OUTSIDE };
            y[index] = moved.1.clamp(0, 179) as u16;
        }
        (x, y)
    };
    row("displace::shift", x.len(), naive, |level| {
        let (mut x, mut y) = (black_box(x).clone(), y.clone());
        displace::shift_at(level, &mut x, &mut y, words, [steps, steps], bounds);
        (x, y)
    });
}

/// Equal if no value differs by more than what is lost where exponents of `f32` are rounded.
#[derive(Debug)]
struct Faded(Vec<f32>);

impl PartialEq for Faded {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.all(|(a, b)| (a - b).abs() <= 5e-6 * a.abs().max(*b))
    }
}

fn fading(events: &Events) {
    let last: Vec<u32> = events.t.iter().map(|&t| (t - events.t[0] + 1) as u32).collect();
    let (now, rate) = (last[last.len() - 1], 1e-5);
    let lit = vec![u64::MAX; last.len().div_ceil(64 * decay::BLOCK)];
    let naive = || {
        let fade = |&last: &u32| ((now - last) as f32 * -rate as f32).exp();
        Faded(black_box(&last).iter().map(fade).collect())
    };
    row("decay::fade_f32", last.len(), naive, |level| {
        let mut out = vec![0.0; last.len()];
        decay::fade_f32_at(level, black_box(&last), now, rate, &lit, &mut out);
        Faded(out)
    });
}

fn shares(events: &Events) {
    let Events { t, x, y, p } = events;
    let pixels = 240 * 180;
    let scale = 1.0 / (t[t.len() - 1] - t[0] + 1) as f64;
    let naive = || {
        let (mut left, mut right) = (vec![0.0_f32; pixels], vec![0.0; pixels]);
        for index in 0..t.len() {
            let pixel = usize::from(y[index]) * 240 + usize::from(x[index]);
            let (place, weight) = (
                (t[index] - t[0]) as f64 * scale,
                if p[index] == 0 { -1.0 } else { 1.0 },
            );
            left[pixel] += (weight * (1.0 - place)) as f32;
            right[pixel] += (weight * place) as f32;
        }
        (left, right)
    };
    let ramp = Ramp {
        start: t[0],
        scale,
        shift: 0.0,
    };
    let shares = Shares {
        offset: [0, 0],
        weight: [-1.0, 1.0],
        width: 240,
    };
    row("accumulate::split", t.len(), naive, |level| {
        let (mut left, mut right) = (vec![0.0; pixels], vec![0.0; pixels]);
        accumulate::split_at(
            level,
            (black_box(t), x, y, p),
            ramp,
            shares,
            &mut left,
            &mut right,
        );
        (left, right)
    });
    row("accumulate::split_pairs", t.len(), naive, |level| {
        let (mut left, mut right) = (vec![0.0; pixels], vec![0.0; pixels]);
        let mut pairs = vec![[0.0; 2]; pixels];
        accumulate::pair(&left, &right, &mut pairs);
        accumulate::split_pairs_at(level, (black_box(t), x, y, p), ramp, shares, &mut pairs);
        accumulate::unpair(&pairs, &mut left, &mut right);
        (left, right)
    });
}
