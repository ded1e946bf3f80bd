//! When each cell was last written: the memory of time surfaces.
//!
//! Blocks of neighbouring cells know their latest time: most of a sensor is silent most of the time, and a block that has
//! faded to 0 is neither read nor written again.

use parallax_events::{DvsColumns, Order, Pool, Result};
use parallax_simd::decay::{self, BLOCK};
use parallax_simd::select;

use super::kernel::{Cell, Events, Memory};
use crate::times::{AnyTimes, Tick, Times};

/// The parts that may be worked on side by side.
const PARTS: usize = 16;

/// A cell that fades.
pub(super) trait Fading: Cell {
    /// So many time constants after its event it has faded to 0.
    const GONE: f64;
    /// Writes what the cells of lit blocks have faded to.
    fn fade<C: decay::Tick>(last: &[C], now: C, rate: f64, lit: &[u64], out: &mut [Self]);
    /// 1 - age * rate, from 0 to 1.
    fn sink<C: decay::Tick>(last: &[C], now: C, rate: f64, lit: &[u64], out: &mut [Self]);
}

macro_rules! fading {
    ($($float:ty, $gone:expr, $fade:path;)*) => {$(
        impl Fading for $float {
            const GONE: f64 = $gone;

            fn fade<C: decay::Tick>(last: &[C], now: C, rate: f64, lit: &[u64], out: &mut [Self]) {
                $fade(last, now, rate, lit, out);
            }

            fn sink<C: decay::Tick>(last: &[C], now: C, rate: f64, lit: &[u64], out: &mut [Self]) {
                decay::each(last, lit, out, |last| {
                    let left = (1.0 - last.age(now) * rate).max(0.0);
                    if last.is_never() { 0.0 } else { left as $float }
                });
            }
        }
    )*};
}
fading! {
    f32, decay::GONE_F32, decay::fade_f32;
    f64, decay::GONE_F64, decay::fade_f64;
}

/// The last time of each cell.
#[derive(Debug)]
pub(super) struct LastTimes {
    /// Those of the cells, and behind them the latest of each block.
    times: AnyTimes,
    cells: usize,
    /// The latest of all.
    newest: i64,
    /// A bit for each block: whether its cells of the tensor may hold something else than zeros. It is the tensor's, whatever
    /// becomes of the times.
    is_lit: Vec<u64>,
    /// The same of the tensor before.
    was_lit: Vec<u64>,
    forgets: bool,
}

impl LastTimes {
    /// None has been written; `forgets` makes every window begin so.
    pub(super) fn new(cells: usize, forgets: bool) -> Result<Self> {
        let blocks = cells.div_ceil(BLOCK);
        let words = vec![0; blocks.div_ceil(64)];
        Ok(Self {
            times: AnyTimes::new(cells + blocks)?,
            cells,
            newest: i64::MIN,
            is_lit: words.clone(),
            was_lit: words,
            forgets,
        })
    }

    /// Takes in events; those of ON go `on_offset` cells further. Where time runs back, the latest time counts.
    pub(super) fn add(&mut self, events: Events<'_>, width: usize, on_offset: usize) -> Result<()> {
        let order = if events.is_ordered {
            Order::Time
        } else {
            Order::Unknown
        };
        let t = events.columns.t;
        self.times.make_room(t, order)?;
        // A batch in order may be earlier than the one before.
        let follows = events.is_ordered && t.first().is_some_and(|&first| first >= self.newest);
        let newest = if follows { t.last() } else { t.iter().max() };
        self.newest = newest.map_or(self.newest, |&newest| newest.max(self.newest));
        match &mut self.times {
            AnyTimes::Short(times) => add(times, self.cells, events.columns, follows, width, on_offset),
            AnyTimes::Long(times) => add(times, self.cells, events.columns, follows, width, on_offset),
        }
        Ok(())
    }

    /// Writes the cells as they have faded to at the time `now`.
    pub(super) fn fade<T: Fading>(
        &mut self,
        now: i64,
        rate: f64,
        is_linear: bool,
        cells: &mut [T],
        pool: Pool<'_>,
    ) {
        let gone = if is_linear { 1.0 } else { T::GONE };
        let fade = Fade {
            rate,
            // One more, as numbers are rounded.
            gone: ((gone / rate).ceil() as i64).saturating_add(1),
            is_linear,
        };
        std::mem::swap(&mut self.is_lit, &mut self.was_lit);
        let lit = (&self.was_lit[..], &mut self.is_lit[..]);
        match &mut self.times {
            AnyTimes::Long(times) => fade.write(times.cells(), now, lit, cells, pool),
            AnyTimes::Short(times) => {
                let ticks = times.base.map_or(Some(0), |base| now.checked_sub(base));
                match ticks.map(u32::try_from) {
                    Some(Ok(ticks)) => fade.write(times.cells(), ticks, lit, cells, pool),
                    // The window ends long after the last event.
                    _ => fade.write(&times.joined(), now, lit, cells, pool),
                }
            }
        }
    }
}

/// Takes in events that follow on all before, one after another, or come in any order.
fn add<C: Tick>(
    times: &mut Times<C>,
    cells: usize,
    DvsColumns { t, x, y, p }: DvsColumns<'_>,
    follows: bool,
    width: usize,
    on_offset: usize,
) {
    let base = times.base.unwrap_or_default();
    let Some((last, latest)) = times.cells().split_at_mut_checked(cells) else {
        return;
    };
    for (((&t, &x), &y), &p) in t.iter().zip(x).zip(y).zip(p) {
        let index = usize::from(y) * width + usize::from(x) + usize::from(p) * on_offset;
        if let (Some(last), Some(latest)) = (last.get_mut(index), latest.get_mut(index / BLOCK)) {
            let t = C::of(t, base);
            if follows {
                // Nobody waits for what was there.
                (*last, *latest) = (t, t);
            } else {
                (*last, *latest) = (t.max(*last), t.max(*latest));
            }
        }
    }
}

/// Ticks in memory that fade.
trait Last: Tick + decay::Tick {
    /// Keeps the bits of the blocks whose latest time is no longer ago than `gone`.
    fn keep_lit(latest: &[Self], now: Self, gone: i64, mask: &mut [u64]);
}

impl Last for u32 {
    fn keep_lit(latest: &[Self], now: Self, gone: i64, mask: &mut [u64]) {
        select::at_least_u32(latest, now.before(Self::span(gone)).max(1), mask);
    }
}

impl Last for i64 {
    fn keep_lit(latest: &[Self], now: Self, gone: i64, mask: &mut [u64]) {
        select::within_i64(latest, now.before(gone).max(Self::MIN + 1)..=Self::MAX, mask);
    }
}

/// How cells fade.
#[derive(Debug, Clone, Copy)]
struct Fade {
    rate: f64,
    /// After so many ticks nothing is left.
    gone: i64,
    is_linear: bool,
}

impl Fade {
    /// Writes the cells, all threads whole words of blocks each; `times` are those of the cells and of their blocks, and `lit` is
    /// what was and what now is.
    fn write<C: Last, T: Fading>(
        self,
        times: &[C],
        now: C,
        (was_lit, is_lit): (&[u64], &mut [u64]),
        cells: &mut [T],
        pool: Pool<'_>,
    ) {
        let Some((last, latest)) = times.split_at_checked(cells.len()) else {
            return;
        };
        if pool.threads() == 1 {
            return self.write_part(last, latest, now, was_lit, is_lit, cells);
        }
        let words = is_lit.len().div_ceil(PARTS).max(1);
        let from = last.chunks(words * 64 * BLOCK).zip(latest.chunks(words * 64));
        let to = is_lit.chunks_mut(words).zip(cells.chunks_mut(words * 64 * BLOCK));
        let parts: Vec<_> = from.zip(was_lit.chunks(words)).zip(to).collect();
        pool.map(parts, |(((last, latest), was_lit), (is_lit, cells))| {
            self.write_part(last, latest, now, was_lit, is_lit, cells);
        });
    }

    fn write_part<C: Last, T: Fading>(
        self,
        last: &[C],
        latest: &[C],
        now: C,
        was_lit: &[u64],
        is_lit: &mut [u64],
        cells: &mut [T],
    ) {
        is_lit.fill(u64::MAX);
        C::keep_lit(latest, now, self.gone, is_lit);
        for ((was_lit, is_lit), cells) in was_lit.iter().zip(&*is_lit).zip(cells.chunks_mut(64 * BLOCK)) {
            let mut gone = was_lit & !is_lit;
            while gone != 0 {
                let block = cells.chunks_mut(BLOCK).nth(gone.trailing_zeros() as usize);
                block
                    .into_iter()
                    .for_each(|block| block.fill(bytemuck::Zeroable::zeroed()));
                gone &= gone - 1;
            }
        }
        if self.is_linear {
            T::sink(last, now, self.rate, is_lit, cells);
        } else {
            T::fade(last, now, self.rate, is_lit, cells);
        }
    }
}

impl Memory for LastTimes {
    fn reset(&mut self) {
        self.times.reset();
        self.newest = i64::MIN;
    }

    fn restart(&mut self) {
        if self.forgets {
            self.reset();
        }
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        let times = self.times.joined();
        bytes.extend(times.iter().take(self.cells).flat_map(|last| last.to_le_bytes()));
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() != self.cells * 8 {
            return false;
        }
        let mut times: Vec<_> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|last| i64::from_le_bytes(*last))
            .collect();
        let newest = times.iter().copied().max().unwrap_or(i64::MIN);
        let latest = times.chunks(BLOCK).filter_map(|last| last.iter().copied().max());
        let latest: Vec<_> = latest.collect();
        times.extend(latest);
        let Ok(times) = AnyTimes::of(&times) else {
            return false;
        };
        (self.times, self.newest) = (times, newest);
        true
    }
}
