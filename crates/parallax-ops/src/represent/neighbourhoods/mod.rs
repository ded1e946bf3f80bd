//! What each event of a cell sees of the events before it: the memory of averaged time surfaces.
//!
//! A group is a cell and a polarity. Each pixel of a group keeps the sum of the weights of its events, so an event looks
//! at its surroundings once, however many events came before. Exponential weights are kept as they were at the group's
//! reference time, where all of them grow by the same factor with each event; so an event costs one exponential and one
//! product for each pixel around it. The reference moves on before the numbers grow too large.
//!
//! A group's pixels have a border of zeros, so that no surface reaches beyond them. A group belongs to one thread and
//! gets its events in order.

mod band;
mod group;

use std::collections::VecDeque;

use parallax_events::{Error, Geometry, Pool, Result};
use parallax_simd::order;

use band::Band;
pub(super) use group::Fade;
use group::{Group, Live};

use super::kernel::{Events, Memory};
use crate::cells::Cells;
use crate::saved::{Loaded, Saved, wrong};

/// The most bytes that groups may take.
const MOST_BYTES: usize = 1 << 31;
/// Events that say where the busy rows are.
const SAMPLE: usize = 4096;
/// Events whose columns stay in the third-level cache while band after band looks through them.
const BLOCK: usize = 1 << 19;
/// What each of so many bands remembers stays in the second-level cache, and threads have something to share.
const BANDS: usize = 16;
/// A thread averages so many groups at once.
const GROUPS: usize = 1 << 11;
/// So many events are worth it.
const WORTH_BANDS: usize = 1 << 13;

/// The groups of a sensor.
#[derive(Debug)]
pub(super) struct Neighbourhoods {
    cell: usize,
    size: usize,
    /// Cells in a row.
    columns: usize,
    groups: Vec<Group>,
    is_linear: bool,
    // None before the first event, and stale where a group has had none.
    /// Pixels of all groups, with their borders: sums of weights, or how many events.
    weights: Cells<f64>,
    /// Likewise: sums of times, for linear weights alone.
    moments: Cells<f64>,
    /// Surfaces of all groups: sums over events.
    sums: Cells<f64>,
    /// The latest time so far.
    clock: Option<i64>,
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
        let [weights, moments, sums] = std::array::from_fn(|_| Cells::stale(0));
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
    fn provide(&mut self) -> Result<()> {
        let lengths = self.lengths();
        for (cells, length) in [&mut self.weights, &mut self.moments, &mut self.sums]
            .into_iter()
            .zip(lengths)
        {
            if cells.len() < length {
                *cells = Cells::stale(length)?;
            }
        }
        Ok(())
    }

    /// Takes in events.
    ///
    /// # Errors
    /// If memory cannot be had.
    pub(super) fn add(&mut self, events: Events<'_>, fade: Fade, pool: Pool<'_>) -> Result<()> {
        let Events {
            columns: events,
            is_ordered,
        } = events;
        let Some(&first) = events.t.first() else {
            return Ok(());
        };
        self.provide()?;
        let mut clock = self.clock.unwrap_or(first);
        let mut latest = Vec::new();
        for start in (0..events.len()).step_by(BLOCK) {
            let mut block = events.slice(start..events.len().min(start + BLOCK));
            let is_known = is_ordered && clock <= block.t[0];
            if !is_known && order::scan(block.t, Some(clock)).steps_back > 0 {
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
    pub(super) fn averages(&self, cells: &mut [f32], pool: Pool<'_>) {
        if self.clock.is_none() {
            return cells.fill(0.0);
        }
        let surface = self.size * self.size;
        let sums = self
            .sums
            .chunks(GROUPS * surface)
            .zip(cells.chunks_mut(GROUPS * surface));
        pool.map(
            self.groups.chunks(GROUPS).zip(sums).collect(),
            |(groups, (sums, cells))| {
                let surfaces = sums.chunks(surface).zip(cells.chunks_mut(surface));
                for (group, (sums, cells)) in groups.iter().zip(surfaces) {
                    if group.count == 0 {
                        cells.fill(0.0);
                        continue;
                    }
                    let count = group.count as f64;
                    for (cell, sum) in cells.iter_mut().zip(sums) {
                        *cell = (sum / count) as f32;
                    }
                }
            },
        );
    }
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
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        let mut saved = Saved::default().optional_i64(self.clock);
        for group in &self.groups {
            saved = saved
                .i64(group.reference)
                .u64(group.count)
                .u64(group.live.len() as u64);
            saved = group.live.iter().fold(saved, |saved, live| {
                saved.i64(live.t).u64(live.pixel.into()).f64(live.grown)
            });
        }
        bytes.extend(saved.bytes());
        let values = [&self.weights, &self.moments, &self.sums];
        for values in values.into_iter().filter(|_| self.clock.is_some()) {
            let of_group = values.len() / self.groups.len();
            for (group, values) in self.groups.iter().zip(values.chunks(of_group.max(1))) {
                let known = |value: &f64| if group.count == 0 { 0.0 } else { *value };
                bytes.extend(values.iter().flat_map(|value| known(value).to_le_bytes()));
            }
        }
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let Ok((clock, groups, values)) = read(bytes, self.groups.len()) else {
            return false;
        };
        let provided = if clock.is_some() {
            self.lengths().iter().sum()
        } else {
            0
        };
        let is_used = groups.iter().any(|group| group.count > 0);
        if (is_used && clock.is_none())
            || values.len() != 8 * provided
            || (provided > 0 && self.provide().is_err())
        {
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
fn read(bytes: &[u8], count: usize) -> Result<(Option<i64>, Vec<Group>, &[u8])> {
    let mut loaded = Loaded::new(bytes);
    let clock = loaded.optional_i64()?;
    let mut groups = Vec::new();
    for _ in 0..count {
        let (reference, count) = (loaded.i64()?, loaded.u64()?);
        let mut live = VecDeque::new();
        for _ in 0..loaded.count(24)? {
            live.push_back(Live {
                t: loaded.i64()?,
                pixel: u32::try_from(loaded.u64()?).map_err(|_| wrong())?,
                grown: loaded.f64()?,
            });
        }
        groups.push(Group {
            reference,
            count,
            live,
        });
    }
    Ok((clock, groups, loaded.rest()))
}
