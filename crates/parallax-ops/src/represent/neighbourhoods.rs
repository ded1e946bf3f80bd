//! What each event of a cell sees of the events before it: the memory of averaged time surfaces.
//!
//! A group is a cell and a polarity. Each pixel of a group keeps the sum of the weights of its events, so an event looks
//! at its surroundings once, however many events came before. Exponential weights are kept as they were at the group's
//! reference time, where all of them grow by the same factor with each event; so an event costs one exponential and one
//! product for each pixel around it. The reference moves on before the numbers grow too large.
//!
//! A group's pixels have a border of zeros, so that no surface reaches beyond them. A group belongs to one thread and
//! gets its events in order.

use std::collections::VecDeque;

use parallax_events::{DvsColumns, Error, Geometry, Pool, Result};
use parallax_simd::math::exp_f64;

use super::kernel::Memory;
use super::saved;
use crate::cells::Cells;

/// The most bytes that groups may take.
const MOST_BYTES: usize = 1 << 31;
/// Exponents stay below this.
const MOST_EXPONENT: f64 = 300.0;
/// After so many time constants an exponential weight is below 1e-26 and no longer taken away.
const LONG: f64 = 60.0;
/// Batches of so many events are worth a second thread.
const WORTH_THREADS: usize = 1 << 13;

/// How weights fade, in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fade {
    past: f64,
    rate: f64,
    is_linear: bool,
    /// Whether events are taken away when they are too old.
    expires: bool,
}

impl Fade {
    /// `tau` is the time constant, or when a linear weight has reached 0.
    pub(super) fn new(past: f64, tau: f64, is_linear: bool) -> Self {
        let past = if is_linear { past.min(tau) } else { past };
        Self {
            past,
            rate: 1.0 / tau,
            is_linear,
            expires: is_linear || past < LONG * tau,
        }
    }
}

/// The groups of a sensor.
#[derive(Debug)]
pub(super) struct Neighbourhoods {
    cell: usize,
    size: usize,
    /// Cells in a row.
    columns: usize,
    groups: Vec<Group>,
    /// Pixels of all groups, with their borders: sums of weights, or how many events.
    weights: Cells<f64>,
    /// Likewise: sums of times, for linear weights.
    moments: Cells<f64>,
    /// Surfaces of all groups: sums over events.
    sums: Cells<f64>,
    /// The latest time so far.
    clock: Option<i64>,
}

#[derive(Debug, Default)]
struct Group {
    /// The time that weights are kept for.
    reference: i64,
    count: u64,
    /// Events that will have to be taken away: their time and their pixel.
    live: VecDeque<(i64, u32)>,
}

impl Neighbourhoods {
    pub(super) fn new(geometry: Geometry, cell: usize, size: usize) -> Result<Self> {
        let (columns, rows) = (
            usize::from(geometry.width).div_ceil(cell),
            usize::from(geometry.height).div_ceil(cell),
        );
        let groups = 2 * columns * rows;
        let bytes = groups.saturating_mul(8 * (2 * (cell + size).pow(2) + size * size));
        if bytes > MOST_BYTES {
            return Err(Error::limit(format!(
                "the neighbourhoods of {groups} groups of cells take more than {MOST_BYTES} bytes"
            ))
            .with_context("operator", "averaged_time_surface")
            .with_hint("take larger cells or smaller surfaces"));
        }
        let pixels = groups * (cell + size - 1).pow(2);
        Ok(Self {
            cell,
            size,
            columns,
            groups: (0..groups).map(|_| Group::default()).collect(),
            weights: Cells::new(0.0, pixels)?,
            moments: Cells::new(0.0, pixels)?,
            sums: Cells::new(0.0, groups * size * size)?,
            clock: None,
        })
    }

    /// Takes in events.
    pub(super) fn add(&mut self, events: DvsColumns<'_>, fade: Fade, pool: Pool<'_>) {
        let Some(&first) = events.t.first() else { return };
        let clock = self.clock.unwrap_or(first);
        let rows = self.groups.len() / (2 * self.columns);
        let threads = if events.len() < WORTH_THREADS {
            1
        } else {
            pool.threads().min(rows)
        };
        let bands = self.bands(events.y, threads);
        pool.map(bands, |mut band| band.add(events, fade, clock));
        self.clock = Some(events.t.iter().copied().fold(clock, i64::max));
    }

    /// Rows of cells for each thread, with about as many events.
    fn bands(&mut self, y: &[u16], threads: usize) -> Vec<Band<'_>> {
        let (row_groups, side) = (2 * self.columns, self.cell + self.size - 1);
        let rows = self.groups.len() / row_groups;
        let mut ends = vec![rows];
        if threads > 1 {
            let mut counts = vec![0_usize; rows];
            for &y in y {
                if let Some(count) = counts.get_mut(usize::from(y) / self.cell) {
                    *count += 1;
                }
            }
            let mut seen = 0;
            ends = Vec::new();
            for (row, count) in counts.into_iter().enumerate() {
                seen += count;
                if seen * threads >= y.len() * (ends.len() + 1) && ends.len() + 1 < threads {
                    ends.push(row + 1);
                }
            }
            ends.push(rows);
        }
        let (mut groups, mut weights, mut moments, mut sums) = (
            &mut *self.groups,
            &mut *self.weights,
            &mut *self.moments,
            &mut *self.sums,
        );
        let mut first = 0;
        let mut bands = Vec::new();
        for end in ends {
            let count = (end - first) * row_groups;
            bands.push(Band {
                cell: self.cell,
                size: self.size,
                columns: self.columns,
                rows: first..end,
                groups: groups.split_off_mut(..count).unwrap_or_default(),
                weights: weights.split_off_mut(..count * side * side).unwrap_or_default(),
                moments: moments.split_off_mut(..count * side * side).unwrap_or_default(),
                sums: sums
                    .split_off_mut(..count * self.size * self.size)
                    .unwrap_or_default(),
            });
            first = end;
        }
        bands
    }

    /// Writes the averages of all groups.
    pub(super) fn averages(&self, cells: &mut [f32]) {
        let surface = self.size * self.size;
        let surfaces = self.sums.chunks(surface).zip(cells.chunks_mut(surface));
        for (group, (sums, cells)) in self.groups.iter().zip(surfaces) {
            let count = group.count.max(1) as f64;
            for (cell, sum) in cells.iter_mut().zip(sums) {
                *cell = (sum / count) as f32;
            }
        }
    }
}

/// Some rows of cells.
struct Band<'a> {
    cell: usize,
    size: usize,
    columns: usize,
    rows: std::ops::Range<usize>,
    groups: &'a mut [Group],
    weights: &'a mut [f64],
    moments: &'a mut [f64],
    sums: &'a mut [f64],
}

impl Band<'_> {
    fn add(&mut self, events: DvsColumns<'_>, fade: Fade, clock: i64) {
        match self.size {
            3 => self.add_sized(events, fade, clock, see::<3>),
            5 => self.add_sized(events, fade, clock, see::<5>),
            7 => self.add_sized(events, fade, clock, see::<7>),
            9 => self.add_sized(events, fade, clock, see::<9>),
            11 => self.add_sized(events, fade, clock, see::<11>),
            size => self.add_sized(events, fade, clock, move |pixels, side, factor, sums| {
                see_any(size, pixels, side, factor, sums);
            }),
        }
    }

    /// `see` adds the pixels of a surface, times a factor, to sums.
    #[inline(always)]
    fn add_sized(
        &mut self,
        events: DvsColumns<'_>,
        fade: Fade,
        mut clock: i64,
        see: impl Fn(&[f64], usize, f64, &mut [f64]),
    ) {
        let (side, surface) = (self.cell + self.size - 1, self.size * self.size);
        let top = self.rows.start * self.cell;
        let bottom = self.rows.end * self.cell;
        for (((&t, &x), &y), &p) in events.t.iter().zip(events.x).zip(events.y).zip(events.p) {
            clock = clock.max(t);
            let (x, y) = (usize::from(x), usize::from(y));
            if y < top || y >= bottom {
                continue;
            }
            let (column, left) = (x / self.cell, x % self.cell);
            let (row, above) = ((y - top) / self.cell, (y - top) % self.cell);
            let index = 2 * (row * self.columns + column) + usize::from(p);
            let pixels = index * side * side..(index + 1) * side * side;
            let (Some(group), Some(weights), Some(moments), Some(sums)) = (
                self.groups.get_mut(index),
                self.weights.get_mut(pixels.clone()),
                self.moments.get_mut(pixels),
                self.sums.get_mut(index * surface..(index + 1) * surface),
            ) else {
                continue;
            };
            let corner = above * side + left;
            let own = corner + self.size / 2 * (side + 1);
            if group.count == 0 {
                group.reference = clock;
            }
            group.count = group.count.saturating_add(1);
            let age = since(group.reference, clock);
            if fade.expires {
                group.expire(clock, fade, weights, moments);
                group.live.push_back((clock, own as u32));
            }
            let (Some(weight), Some(moment)) = (weights.get_mut(own), moments.get_mut(own)) else {
                continue;
            };
            if fade.is_linear {
                *weight += 1.0;
                *moment += age;
                see(
                    weights.get(corner..).unwrap_or_default(),
                    side,
                    1.0 - age * fade.rate,
                    sums,
                );
                see(moments.get(corner..).unwrap_or_default(), side, fade.rate, sums);
                continue;
            }
            let mut exponent = age * fade.rate;
            if exponent > MOST_EXPONENT {
                let shrink = exp_f64(-exponent);
                weights.iter_mut().for_each(|weight| *weight *= shrink);
                group.reference = clock;
                exponent = 0.0;
            }
            let grown = exp_f64(exponent);
            if let Some(weight) = weights.get_mut(own) {
                *weight += grown;
            }
            see(weights.get(corner..).unwrap_or_default(), side, 1.0 / grown, sums);
        }
    }
}

impl Group {
    /// Takes away the events that are too old at the time `clock`.
    fn expire(&mut self, clock: i64, fade: Fade, weights: &mut [f64], moments: &mut [f64]) {
        while let Some(&(t, pixel)) = self.live.front() {
            if since(t, clock) <= fade.past {
                break;
            }
            self.live.pop_front();
            let pixel = pixel as usize;
            let (Some(weight), Some(moment)) = (weights.get_mut(pixel), moments.get_mut(pixel)) else {
                continue;
            };
            let age = since(self.reference, t);
            if fade.is_linear {
                *weight -= 1.0;
                *moment -= age;
            } else {
                // What rounding leaves over is far below what any event adds, but it must not be negative.
                *weight = (*weight - exp_f64(age * fade.rate)).max(0.0);
            }
        }
    }
}

#[inline(always)]
fn see<const SIZE: usize>(pixels: &[f64], side: usize, factor: f64, sums: &mut [f64]) {
    let rows = sums.as_chunks_mut::<SIZE>().0.iter_mut().zip(pixels.chunks(side));
    for (sums, row) in rows {
        let Some(row) = row.first_chunk::<SIZE>() else {
            continue;
        };
        for (sum, pixel) in sums.iter_mut().zip(row) {
            *sum += pixel * factor;
        }
    }
}

fn see_any(size: usize, pixels: &[f64], side: usize, factor: f64, sums: &mut [f64]) {
    for (sums, row) in sums.chunks_mut(size).zip(pixels.chunks(side)) {
        for (sum, pixel) in sums.iter_mut().zip(row) {
            *sum += pixel * factor;
        }
    }
}

/// From one time to another, exact up to 2^53 ticks.
#[inline(always)]
fn since(from: i64, to: i64) -> f64 {
    to.checked_sub(from)
        .map_or_else(|| to as f64 - from as f64, |ticks| ticks as f64)
}

impl Memory for Neighbourhoods {
    fn reset(&mut self) {
        self.restart();
    }

    fn restart(&mut self) {
        if self.clock.take().is_none() {
            return;
        }
        for group in &mut self.groups {
            group.reference = 0;
            group.count = 0;
            group.live.clear();
        }
        self.weights.fill(0.0);
        self.moments.fill(0.0);
        self.sums.fill(0.0);
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        saved::put_pair(bytes, self.clock.map(|clock| (clock, 0)));
        for group in &self.groups {
            bytes.extend(group.reference.to_le_bytes());
            bytes.extend(group.count.to_le_bytes());
            bytes.extend((group.live.len() as u64).to_le_bytes());
            for (t, pixel) in &group.live {
                bytes.extend(t.to_le_bytes());
                bytes.extend(u64::from(*pixel).to_le_bytes());
            }
        }
        for values in [&self.weights, &self.moments, &self.sums] {
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let Some((clock, groups, values)) = read(bytes, self.groups.len()) else {
            return false;
        };
        let (pixels, sums) = (self.weights.len(), self.sums.len());
        if values.len() != 8 * (2 * pixels + sums) {
            return false;
        }
        self.clock = clock;
        self.groups = groups;
        let all = self
            .weights
            .iter_mut()
            .chain(self.moments.iter_mut())
            .chain(self.sums.iter_mut());
        for (value, bytes) in all.zip(values.as_chunks().0) {
            *value = f64::from_le_bytes(*bytes);
        }
        true
    }
}

/// Clock, groups, and the bytes of the values behind them.
fn read(mut bytes: &[u8], count: usize) -> Option<(Option<i64>, Vec<Group>, &[u8])> {
    let rest = &mut bytes;
    let clock = saved::take_pair(rest)?.map(|(clock, _)| clock);
    let mut groups = Vec::new();
    for _ in 0..count {
        let reference = saved::take_number(rest)? as i64;
        let count = saved::take_number(rest)?;
        let live = usize::try_from(saved::take_number(rest)?).ok()?;
        let live = saved::take(rest, live.checked_mul(16)?)?;
        let numbers = |pair: &[u8; 16]| {
            let mut pair = &pair[..];
            Some((
                saved::take_number(&mut pair)? as i64,
                u32::try_from(saved::take_number(&mut pair)?).ok()?,
            ))
        };
        let live: Option<VecDeque<_>> = live.as_chunks::<16>().0.iter().map(numbers).collect();
        groups.push(Group {
            reference,
            count,
            live: live?,
        });
    }
    Some((clock, groups, *rest))
}
