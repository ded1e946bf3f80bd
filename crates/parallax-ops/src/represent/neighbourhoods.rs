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
use parallax_simd::math::{exp_f64, exp_slice_f64};
use parallax_simd::order;
use parallax_simd::prefetch::soon;
use parallax_simd::select::within_u16;

use super::kernel::Memory;
use super::saved;
use crate::cells::Cells;

/// The most bytes that groups may take.
const MOST_BYTES: usize = 1 << 31;
/// Exponents stay below this.
const MOST_EXPONENT: f64 = 300.0;
/// After so many time constants an exponential weight is below 1e-26 and no longer taken away.
const LONG: f64 = 60.0;
/// Events that are looked through at once for those of a band.
const ASKED: usize = 512;
/// Events that say where the busy rows are.
const SAMPLE: usize = 4096;
/// An event is announced so many before it.
const AHEAD: usize = 4;
/// Events whose columns stay in the third-level cache while band after band looks through them.
const BLOCK: usize = 1 << 19;
/// What each of so many bands remembers stays in the second-level cache, and threads have something to share.
const BANDS: usize = 16;
/// So many events are worth it.
const WORTH_BANDS: usize = 1 << 13;

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
    is_linear: bool,
    // Nothing before the first event.
    /// Pixels of all groups, with their borders: sums of weights, or how many events.
    weights: Cells<f64>,
    /// Likewise: sums of times, for linear weights alone.
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
    /// Events that will have to be taken away.
    live: VecDeque<Live>,
}

/// An event that counts: its time, its pixel, and what it added to the pixel's exponential weight.
#[derive(Debug, Clone, Copy)]
struct Live {
    t: i64,
    pixel: u32,
    grown: f64,
}

impl Neighbourhoods {
    pub(super) fn new(geometry: Geometry, cell: usize, size: usize, is_linear: bool) -> Result<Self> {
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
        let [weights, moments, sums] = std::array::from_fn(|_| Cells::new(0.0, 0));
        Ok(Self {
            cell,
            size,
            columns,
            groups: (0..groups).map(|_| Group::default()).collect(),
            is_linear,
            weights: weights?,
            moments: moments?,
            sums: sums?,
            clock: None,
        })
    }

    /// How many weights, moments and sums there are.
    fn lengths(&self) -> [usize; 3] {
        let pixels = self.groups.len() * (self.cell + self.size - 1).pow(2);
        let moments = if self.is_linear { pixels } else { 0 };
        [pixels, moments, self.groups.len() * self.size * self.size]
    }

    /// Makes sure that they are there.
    fn provide(&mut self, pool: Pool<'_>) -> Result<()> {
        let lengths = self.lengths();
        for (cells, length) in [&mut self.weights, &mut self.moments, &mut self.sums]
            .into_iter()
            .zip(lengths)
        {
            if cells.len() < length {
                *cells = Cells::new_on(pool, 0.0, length)?;
            }
        }
        Ok(())
    }

    /// Takes in events.
    ///
    /// # Errors
    /// If memory cannot be had.
    pub(super) fn add(&mut self, events: DvsColumns<'_>, fade: Fade, pool: Pool<'_>) -> Result<()> {
        let Some(&first) = events.t.first() else {
            return Ok(());
        };
        self.provide(pool)?;
        let mut clock = self.clock.unwrap_or(first);
        let mut latest = Vec::new();
        for start in (0..events.len()).step_by(BLOCK) {
            let mut block = events.slice(start..events.len().min(start + BLOCK));
            if order::scan(block.t, Some(clock)).steps_back > 0 {
                latest.clear();
                latest.extend(block.t.iter().scan(clock, |latest, &t| {
                    *latest = t.max(*latest);
                    Some(*latest)
                }));
                block.t = &latest;
            }
            let bands = if block.len() < WORTH_BANDS { 1 } else { BANDS };
            pool.map(self.bands(block.y, bands), |mut band| band.add(block, fade));
            clock = block.t.last().copied().unwrap_or(clock);
        }
        self.clock = Some(clock);
        Ok(())
    }

    /// At most so many runs of rows of cells, with about as many events each.
    fn bands(&mut self, y: &[u16], most: usize) -> Vec<Band<'_>> {
        let (row_groups, side) = (2 * self.columns, self.cell + self.size - 1);
        let rows = self.groups.len() / row_groups;
        let mut ends = Vec::new();
        if most > 1 {
            // Of a few thousand of them: where bands end changes no answer.
            let sample = y.iter().step_by(y.len().div_ceil(SAMPLE));
            let in_all = sample.len();
            let mut counts = vec![0_usize; rows];
            for &y in sample {
                if let Some(count) = counts.get_mut(usize::from(y) / self.cell) {
                    *count += 1;
                }
            }
            let mut seen = 0;
            for (row, count) in counts.into_iter().enumerate().take(rows - 1) {
                seen += count;
                if seen * most >= in_all * (ends.len() + 1) {
                    ends.push(row + 1);
                }
            }
        }
        ends.push(rows);
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
        if self.sums.is_empty() {
            return cells.fill(0.0);
        }
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
    /// Times do not go back.
    fn add(&mut self, events: DvsColumns<'_>, fade: Fade) {
        match self.size {
            3 => self.add_sized(events, fade, see::<3>),
            5 => self.add_sized(events, fade, see::<5>),
            7 => self.add_sized(events, fade, see::<7>),
            9 => self.add_sized(events, fade, see::<9>),
            11 => self.add_sized(events, fade, see::<11>),
            size => self.add_sized(events, fade, move |pixels, side, factor, sums| {
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
        see: impl Fn(&[f64], usize, f64, &mut [f64]),
    ) {
        let last_row = self.rows.end * self.cell - 1;
        let rows = (self.rows.start * self.cell) as u16..=last_row.min(u16::MAX.into()) as u16;
        let mut room = [Look::default(); ASKED];
        let (mut exponents, mut grown) = ([0.0; ASKED], [0.0; ASKED]);
        for start in (0..events.len()).step_by(ASKED) {
            let part = events.slice(start..events.len().min(start + ASKED));
            let mut words = [u64::MAX; ASKED / 64];
            within_u16(part.y, rows.clone(), &mut words);
            let mut count = 0;
            for (mut word, first) in words.into_iter().zip((0..part.len()).step_by(64)) {
                if let Some(beyond) = (first + 64).checked_sub(part.len()) {
                    word &= u64::MAX >> beyond;
                }
                while word != 0 {
                    let index = first + word.trailing_zeros() as usize;
                    room[count] = self.look((part.x[index], part.y[index], part.p[index]), part.t[index]);
                    count += 1;
                    word &= word - 1;
                }
            }
            let looks = &room[..count];
            if !fade.is_linear {
                // Of many at once; a group's reference seldom moves on.
                for (exponent, look) in exponents.iter_mut().zip(looks) {
                    let reference = self.groups.get(look.group).map_or(0, |group| group.reference);
                    *exponent = since(reference, look.clock) * fade.rate;
                }
                exp_slice_f64(&exponents[..looks.len()], &mut grown);
            }
            for (index, look) in looks.iter().enumerate() {
                if let Some(coming) = looks.get(index + AHEAD) {
                    self.fetch(coming);
                }
                self.add_one(look, fade, exponents[index], grown[index], &see);
            }
        }
    }

    #[inline(always)]
    fn look(&self, (x, y, p): (u16, u16, u8), clock: i64) -> Look {
        let side = self.cell + self.size - 1;
        let (x, y) = (usize::from(x), usize::from(y));
        let (column, left) = (x / self.cell, x % self.cell);
        let (row, above) = (y / self.cell - self.rows.start, y % self.cell);
        let group = 2 * (row * self.columns + column) + usize::from(p);
        Look {
            clock,
            group,
            corner: above * side + left,
        }
    }

    /// What an event looks at will be asked for soon.
    #[inline(always)]
    fn fetch(&self, look: &Look) {
        let (side, surface) = (self.cell + self.size - 1, self.size * self.size);
        soon(self.groups, look.group);
        for row in 0..self.size {
            let first = look.group * side * side + look.corner + row * side;
            soon(self.weights, first);
            soon(self.weights, first + self.size - 1);
        }
        for first in (0..surface).step_by(8) {
            soon(self.sums, look.group * surface + first);
        }
    }

    /// `exponent` and `grown` are the event's if the group's reference has not changed since they were calculated.
    #[inline(always)]
    fn add_one(
        &mut self,
        look: &Look,
        fade: Fade,
        mut exponent: f64,
        mut grown: f64,
        see: &impl Fn(&[f64], usize, f64, &mut [f64]),
    ) {
        let &Look {
            clock,
            group: index,
            corner,
        } = look;
        let (side, surface) = (self.cell + self.size - 1, self.size * self.size);
        let pixels = index * side * side..(index + 1) * side * side;
        let (Some(group), Some(weights), Some(sums)) = (
            self.groups.get_mut(index),
            self.weights.get_mut(pixels.clone()),
            self.sums.get_mut(index * surface..(index + 1) * surface),
        ) else {
            return;
        };
        // There are some only where weights are linear.
        let moments = self.moments.get_mut(pixels).unwrap_or_default();
        let own = corner + self.size / 2 * (side + 1);
        if group.count == 0 {
            group.reference = clock;
        }
        group.count = group.count.saturating_add(1);
        let age = since(group.reference, clock);
        if fade.expires {
            group.expire(clock, fade, weights, moments);
        }
        if fade.is_linear {
            grown = 1.0;
        } else if age * fade.rate != exponent || exponent > MOST_EXPONENT {
            exponent = age * fade.rate;
            if exponent > MOST_EXPONENT {
                group.move_on(clock, fade, exponent, weights);
                exponent = 0.0;
            }
            grown = exp_f64(exponent);
        }
        if fade.expires {
            group.live.push_back(Live {
                t: clock,
                pixel: own as u32,
                grown,
            });
        }
        if let Some(weight) = weights.get_mut(own) {
            *weight += grown;
        }
        let weights = weights.get(corner..).unwrap_or_default();
        if !fade.is_linear {
            return see(weights, side, 1.0 / grown, sums);
        }
        if let Some(moment) = moments.get_mut(own) {
            *moment += age;
        }
        see(weights, side, 1.0 - age * fade.rate, sums);
        see(moments.get(corner..).unwrap_or_default(), side, fade.rate, sums);
    }
}

/// Where an event looks.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    /// The latest time so far.
    clock: i64,
    group: usize,
    /// The first pixel of the surface around it.
    corner: usize,
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

impl Group {
    /// Keeps exponential weights as of `clock`, `exponent` time constants later, from now on.
    fn move_on(&mut self, clock: i64, fade: Fade, exponent: f64, weights: &mut [f64]) {
        let shrink = exp_f64(-exponent);
        weights.iter_mut().for_each(|weight| *weight *= shrink);
        self.reference = clock;
        for live in &mut self.live {
            live.grown = exp_f64(since(clock, live.t) * fade.rate);
        }
    }

    /// Takes away the events that are too old at the time `clock`.
    fn expire(&mut self, clock: i64, fade: Fade, weights: &mut [f64], moments: &mut [f64]) {
        while let Some(&Live { t, pixel, grown }) = self.live.front() {
            if since(t, clock) <= fade.past {
                break;
            }
            self.live.pop_front();
            let pixel = pixel as usize;
            let Some(weight) = weights.get_mut(pixel) else {
                continue;
            };
            if !fade.is_linear {
                // What rounding leaves over is far below what any event adds, but it must not be negative.
                *weight = (*weight - grown).max(0.0);
                continue;
            }
            *weight -= 1.0;
            if let Some(moment) = moments.get_mut(pixel) {
                *moment -= since(self.reference, t);
            }
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
            for live in &group.live {
                bytes.extend(live.t.to_le_bytes());
                bytes.extend(u64::from(live.pixel).to_le_bytes());
                bytes.extend(live.grown.to_le_bytes());
            }
        }
        // Before the first event all of them are 0, if they are there.
        let values = [&self.weights, &self.moments, &self.sums];
        for values in values.into_iter().filter(|_| self.clock.is_some()) {
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let Some((clock, groups, values)) = read(bytes, self.groups.len()) else {
            return false;
        };
        let provided = if clock.is_some() {
            self.lengths().iter().sum()
        } else {
            0
        };
        if values.len() != 8 * provided || (provided > 0 && self.provide(Pool::serial()).is_err()) {
            return false;
        }
        self.restart();
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
        let live = saved::take(rest, live.checked_mul(24)?)?;
        let numbers = |numbers: &[u8; 24]| {
            let mut numbers = &numbers[..];
            Some(Live {
                t: saved::take_number(&mut numbers)? as i64,
                pixel: u32::try_from(saved::take_number(&mut numbers)?).ok()?,
                grown: f64::from_bits(saved::take_number(&mut numbers)?),
            })
        };
        let live: Option<VecDeque<_>> = live.as_chunks::<24>().0.iter().map(numbers).collect();
        groups.push(Group {
            reference,
            count,
            live: live?,
        });
    }
    Some((clock, groups, *rest))
}
