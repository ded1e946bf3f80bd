//! When each cell was last written: the memory of time surfaces.
//!
//! Times are whole ticks from the stream's first event, so that a clock that counts nanoseconds from 1970 loses nothing
//! in a float. Blocks of neighbouring cells know their latest time: most of a sensor is silent most of the time, and a
//! block that has faded to 0 is neither read nor written again.

use parallax_events::{DvsColumns, Result};

use super::kernel::{Cell, Memory};
use super::saved;
use crate::cells::Cells;

/// Cells in a block: two of the widest vectors.
const BLOCK: usize = 32;

/// A cell that fades.
pub(super) trait Fading: Cell {
    /// So many time constants after its event it has faded to 0.
    const GONE: f64;
    /// Writes what the cells have faded to.
    fn fade(last: &[f64], now: f64, rate: f64, out: &mut [Self]);
    /// 1 - age * rate, from 0 to 1.
    fn sink(last: &[f64], now: f64, rate: f64, out: &mut [Self]);
}

macro_rules! fading {
    ($($float:ty, $gone:expr, $fade:path;)*) => {$(
        impl Fading for $float {
            const GONE: f64 = $gone;

            fn fade(last: &[f64], now: f64, rate: f64, out: &mut [Self]) {
                $fade(last, now, rate, out);
            }

            fn sink(last: &[f64], now: f64, rate: f64, out: &mut [Self]) {
                for (last, out) in last.iter().zip(out) {
                    *out = (1.0 + (last - now) * rate).clamp(0.0, 1.0) as $float;
                }
            }
        }
    )*};
}
fading! {
    f32, parallax_simd::decay::GONE_F32, parallax_simd::decay::fade_f32;
    f64, parallax_simd::decay::GONE_F64, parallax_simd::decay::fade_f64;
}

/// The last time of each cell.
#[derive(Debug)]
pub(super) struct LastTimes {
    /// The stream's first time.
    base: Option<i64>,
    /// From the base; `-inf` for never.
    last: Cells<f64>,
    /// The latest of each block.
    latest: Vec<f64>,
    /// Whether a block of the tensor may hold something else than zeros.
    is_lit: Vec<bool>,
    forgets: bool,
}

impl LastTimes {
    /// None has been written; `forgets` makes every window begin so.
    pub(super) fn new(cells: usize, forgets: bool) -> Result<Self> {
        let blocks = cells.div_ceil(BLOCK);
        Ok(Self {
            base: None,
            last: Cells::new(f64::NEG_INFINITY, cells)?,
            latest: vec![f64::NEG_INFINITY; blocks],
            is_lit: vec![false; blocks],
            forgets,
        })
    }

    /// Takes in events; those of ON go `on_offset` cells further. Where time runs back, the latest time counts.
    pub(super) fn add(&mut self, events: DvsColumns<'_>, width: usize, on_offset: usize) {
        let Some(&first) = events.t.first() else { return };
        let base = *self.base.get_or_insert(first);
        for (((&t, &x), &y), &p) in events.t.iter().zip(events.x).zip(events.y).zip(events.p) {
            let index = usize::from(y) * width + usize::from(x) + usize::from(p) * on_offset;
            let t = since(base, t);
            if let (Some(last), Some(latest)) = (self.last.get_mut(index), self.latest.get_mut(index / BLOCK))
            {
                *last = last.max(t);
                *latest = latest.max(t);
            }
        }
    }

    /// The cells, to be written as they have faded to at the time `now`, in parts of whole blocks.
    pub(super) fn fade<'a, T: Fading>(
        &'a mut self,
        now: i64,
        rate: f64,
        is_linear: bool,
        cells: &'a mut [T],
    ) -> Vec<Faded<'a, T>> {
        let now = self.base.map_or(0.0, |base| since(base, now));
        let gone = if is_linear { 1.0 } else { T::GONE };
        let blocks = self.latest.len().div_ceil(PARTS).max(1);
        let last = self.last.chunks(blocks * BLOCK).zip(self.latest.chunks(blocks));
        let out = self
            .is_lit
            .chunks_mut(blocks)
            .zip(cells.chunks_mut(blocks * BLOCK));
        last.zip(out)
            .map(|((last, latest), (is_lit, cells))| Faded {
                last,
                latest,
                is_lit,
                cells,
                now,
                rate,
                gone,
                is_linear,
            })
            .collect()
    }
}

/// The parts that may be worked on side by side.
const PARTS: usize = 16;

/// A part of the cells, ready to be written.
#[derive(Debug)]
pub(super) struct Faded<'a, T> {
    last: &'a [f64],
    latest: &'a [f64],
    is_lit: &'a mut [bool],
    cells: &'a mut [T],
    now: f64,
    rate: f64,
    gone: f64,
    is_linear: bool,
}

impl<T: Fading> Faded<'_, T> {
    /// Writes the cells.
    pub(super) fn write(self) {
        let blocks = self.last.chunks(BLOCK).zip(self.cells.chunks_mut(BLOCK));
        for (((last, cells), &latest), is_lit) in blocks.zip(self.latest).zip(self.is_lit) {
            let is_gone = (latest - self.now) * self.rate <= -self.gone;
            if is_gone && !*is_lit {
                continue;
            }
            *is_lit = !is_gone;
            if is_gone {
                cells.fill(bytemuck::Zeroable::zeroed());
            } else if self.is_linear {
                T::sink(last, self.now, self.rate, cells);
            } else {
                T::fade(last, self.now, self.rate, cells);
            }
        }
    }
}

impl Memory for LastTimes {
    fn reset(&mut self) {
        self.base = None;
        self.last.fill(f64::NEG_INFINITY);
        self.latest.fill(f64::NEG_INFINITY);
        // The tensor is as it was.
        self.is_lit.fill(true);
    }

    fn restart(&mut self) {
        if self.forgets {
            self.last.fill(f64::NEG_INFINITY);
            self.latest.fill(f64::NEG_INFINITY);
        }
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        saved::put_pair(bytes, self.base.map(|base| (base, 0)));
        bytes.extend(self.last.iter().flat_map(|last| last.to_le_bytes()));
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        let Some(base) = saved::take_pair(&mut rest) else {
            return false;
        };
        if rest.len() != self.last.len() * 8 {
            return false;
        }
        self.base = base.map(|(base, _)| base);
        for (last, bytes) in self.last.iter_mut().zip(rest.as_chunks().0) {
            let read = f64::from_le_bytes(*bytes);
            *last = if read.is_nan() { f64::NEG_INFINITY } else { read };
        }
        for (latest, last) in self.latest.iter_mut().zip(self.last.chunks(BLOCK)) {
            *latest = last.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        }
        self.is_lit.fill(true);
        true
    }
}

/// Exact up to 2^53 ticks.
fn since(base: i64, t: i64) -> f64 {
    t.checked_sub(base)
        .map_or_else(|| t as f64 - base as f64, |ticks| ticks as f64)
}
