//! Events in a grid of pixels and time, each shared between the two bins that it lies between.
//!
//! A cell's sum is made in the order of the events, so threads part at a bin: what the bin before gives to it comes first.
//!
//! Surprise: where all events of a window are known before the first is taken in, and are many, the bin in the middle is the
//! sum of two: of what the bin before gives to it, which lies in a seam of its own until the end, and of what its own events
//! do. Two threads then have nothing in common. It is so on one thread too, so that the bytes are the same.

use std::marker::PhantomData;
use std::ops::Range;

use parallax_events::{
    Declaration, DvsColumns, Geometry, ParamSpec, Params, Pool, Represent, Result,
};
use parallax_simd::accumulate::{self, Fraction, Ramp, Shares};

use super::accumulator::Windowed;
use super::kernel::{Bounds, Cell, Events, Kernel, Layout, Memory, Needs, Stage};
use super::polarity::Polarity;
use super::windows::params;
use crate::cells::Cells;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "voxel",
    "Spreads each event over two bins of time: (time, polarity, y, x)",
    params![
        ParamSpec::int("bins").range(1, 65_536).default(5).doc("How many bins a window has"),
        ParamSpec::choice("grid", &["zhu", "tonic"])
            .default("zhu")
            .doc("Where the bins lie: the first and the last at the ends of the window, or each from its start to the next one's"),
        ParamSpec::choice("polarity", &["signed", "separate"])
            .default("signed")
            .doc("One channel to which ON adds and from which OFF takes away, or one for OFF and one for ON"),
        ParamSpec::choice("dtype", &["f32", "f64"]).default("f32").doc("What a cell is"),
    ],
)
.with_doc(
    "An event at the place `s` on the axis of bins adds `1 - d` to bin `floor(s)` and `d` to the next, \
     `d = s - floor(s)`; a bin that does not exist gets nothing. `grid=zhu`: \
     `s = (bins - 1) (t - start) / (end - start)`, so that no part of an event is lost (Zhu et al., *Unsupervised \
     event-based learning of optical flow, depth, and egomotion*, CVPR 2019). `grid=tonic`: \
     `s = bins (t - start) / (end - start)`, as Tonic's `ToVoxelGrid` and evlib have it: what lies in the second half \
     of the last bin is lost in part, and the last event of a recording wholly. Start and end are those of the window, \
     or the first and the last event where no window is given; if they are the same, all goes to bin 0. A cell is summed \
     in the order of the events, on any number of threads; in windows that end with their events, if those are many, what \
     the bin before gives to the middle bin is summed apart.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    match params.choice("dtype")? {
        "f64" => Voxel::<f64>::boxed(params),
        _ => Voxel::<f32>::boxed(params),
    }
}

/// Batches of so many events are worth a second thread.
const WORTH_THREADS: usize = 1 << 15;

/// With an event for so many cells of a bin, moving all of them once more is worth it: one after another they come fast, also
/// those of a frame that is in no cache.
const CELLS_PER_EVENT: usize = 8;

#[derive(Debug)]
struct Voxel<T> {
    bins: u32,
    /// How many places the window is long.
    places: u32,
    polarity: Polarity,
    cell: PhantomData<T>,
}

impl<T: Cell + Fraction> Voxel<T> {
    fn boxed(params: Params) -> Result<Box<dyn Represent>> {
        let bins = u32::try_from(params.int("bins")?).unwrap_or(1);
        let places = if params.choice("grid")? == "tonic" { bins } else { bins - 1 };
        let polarity = Polarity::of(params.choice("polarity")?);
        Windowed::boxed(params, Self { bins, places, polarity, cell: PhantomData })
    }

    fn ramp(&self, bounds: Bounds) -> Ramp {
        let length = bounds.length();
        let scale = if length == 0 { 0.0 } else { f64::from(self.places) / length as f64 };
        Ramp { start: bounds.start, scale, shift: 0.0 }
    }

    fn shares(&self, geometry: Geometry) -> Shares {
        let off = if self.polarity == Polarity::Signed { -1.0 } else { 1.0 };
        Shares {
            offset: [0, (self.polarity.channels() - 1) * geometry.pixels()],
            weight: [off, 1.0],
            width: geometry.width.into(),
        }
    }

    /// The bin whose two halves are added up apart, if there is one.
    fn middle(&self, bounds: Bounds, count: u64, frame: usize) -> Option<usize> {
        let middle = self.bins as usize / 2;
        let many = self.bins as usize * (frame / CELLS_PER_EVENT);
        (bounds.is_closed && middle > 0 && count >= many as u64).then_some(middle)
    }

    /// Which of the events, which are in order, lie in each bin.
    fn ranges(&self, t: &[i64], ramp: Ramp) -> Vec<Range<usize>> {
        let mut from = 0;
        (0..self.bins)
            .map(|bin| {
                let rest = t.get(from..).unwrap_or_default();
                let end = from + rest.partition_point(|&t| ramp.place(t) < f64::from(bin) + 1.0);
                std::mem::replace(&mut from, end)..end
            })
            .collect()
    }
}

impl<T: Cell + Fraction> Kernel for Voxel<T> {
    type Cell = T;
    type Memory = Room<T>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("time", self.bins as usize), ("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, _: Geometry) -> Result<Room<T>> {
        Ok(Room { sides: Vec::new(), seam: Cells::stale(0)?, has_seam: false })
    }

    fn needs(&self) -> Needs {
        Needs::Bounds
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let Some(bounds) = at.bounds else { return Ok(()) };
        let frame = self.polarity.channels() * at.geometry.pixels();
        let middle = self.middle(bounds, at.count, frame);
        let seam = middle.map_or(0, |_| frame);
        let (ramp, shares) = (self.ramp(bounds), self.shares(at.geometry));
        let work = Work { columns: events.columns, ramp, shares, frame, is_stale: *at.is_stale };
        if !events.is_ordered {
            at.clear();
            let (seam, _) = at.memory.for_threads(0, 0, seam)?;
            for (index, &t) in work.columns.t.iter().enumerate() {
                let bin = ramp.place(t) as usize;
                let [left, mut right] = two(frames_from(at.cells, &mut [], frame, bin));
                if middle == bin.checked_add(1) {
                    right = seam;
                }
                work.split(index..index + 1, bin, left, right);
            }
            return Ok(());
        }
        let ranges = self.ranges(work.columns.t, ramp);
        let pool = if work.columns.len() < WORTH_THREADS { Pool::serial() } else { at.pool };
        let room = if ranges.iter().any(|bin| work.goes_side_by_side(bin)) { 2 * frame } else { 0 };
        let (seam, sides) = at.memory.for_threads(pool.threads(), room, seam)?;
        *at.is_stale = false;
        let whole = Group { first: 0, before: 0..0, bins: &ranges, cells: at.cells, seam };
        let mut groups: Vec<_> = groups(whole, middle, frame, pool.threads()).into_iter().zip(sides).collect();
        // The first is the calling thread's, which needs no waking.
        groups.sort_unstable_by_key(|((cost, _), _)| std::cmp::Reverse(*cost));
        pool.map(groups, |((_, group), sides)| {
            for part in group.split(middle.unwrap_or(ranges.len()), frame) {
                work.fill(part, sides);
            }
        });
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let frame = self.polarity.channels() * at.geometry.pixels();
        if let (true, Some(bounds)) = (at.memory.has_seam, at.bounds) {
            let middle = self.middle(bounds, at.count, frame).unwrap_or_default();
            let [own, _] = two(frames_from(at.cells, &mut [], frame, middle));
            own.iter_mut().zip(&*at.memory.seam).for_each(|(own, &other)| *own = own.plus(other));
        }
    }

    fn clears(&self) -> bool {
        true
    }
}

/// What all threads know.
struct Work<'a> {
    columns: DvsColumns<'a>,
    ramp: Ramp,
    shares: Shares,
    /// Cells in a frame.
    frame: usize,
    /// Whether the cells stand for zeros that are not written.
    is_stale: bool,
}

impl Work<'_> {
    fn goes_side_by_side(&self, bin: &Range<usize>) -> bool {
        bin.len() >= self.frame / CELLS_PER_EVENT
    }

    /// Shares events of one bin between it and the next, which `right` begins with.
    fn split<T: Fraction>(&self, events: Range<usize>, bin: usize, left: &mut [T], right: &mut [T]) {
        let (events, ramp) = self.of_bin(events, bin);
        accumulate::split(events, ramp, self.shares, left, right);
    }

    fn of_bin(&self, events: Range<usize>, bin: usize) -> (accumulate::Events<'_>, Ramp) {
        let DvsColumns { t, x, y, p } = self.columns.slice(events);
        ((t, x, y, p), Ramp { shift: bin as f64, ..self.ramp })
    }

    fn fill<T: Cell + Fraction>(&self, group: Group<'_, T>, sides: &mut Cells<T>) {
        let Group { first, before, bins, cells, seam } = group;
        let stale_from = if self.is_stale { 0 } else { bins.len() + 1 };
        let mut frames = Frames { cells, seam, frame: self.frame, stale_from, sides, has_sides: false };
        // The later parts of the events of the bin before, which another group has.
        if !before.is_empty() {
            frames.clear(1);
            let [own, _] = frames.two(0);
            self.split(before, first.saturating_sub(1), &mut [], own);
        }
        for (index, range) in bins.iter().enumerate() {
            let bin = first + index;
            let has_next = index + 1 < bins.len();
            if self.goes_side_by_side(range) && (frames.has_sides || has_next || !frames.seam.is_empty()) {
                let (events, ramp) = self.of_bin(range.clone(), bin);
                accumulate::split_pairs(events, ramp, self.shares, frames.side_by_side(index));
                if has_next {
                    frames.turn(index);
                } else {
                    frames.in_place(index);
                }
            } else {
                let [left, right] = frames.in_place(index);
                self.split(range.clone(), bin, left, right);
            }
        }
    }
}

/// The frames that a thread fills, one after another: each in its place, or side by side with the next.
struct Frames<'a, T: Cell> {
    cells: &'a mut [T],
    /// Comes behind the last one; empty where nothing does.
    seam: &'a mut [T],
    frame: usize,
    /// From this frame on they are stale.
    stale_from: usize,
    sides: &'a mut Cells<T>,
    /// Whether a frame and the next are side by side, and not in their places.
    has_sides: bool,
}

impl<T: Cell + Fraction> Frames<'_, T> {
    /// A frame and the next, which is empty behind the last one.
    fn two(&mut self, index: usize) -> [&mut [T]; 2] {
        two(frames_from(self.cells, self.seam, self.frame, index))
    }

    /// These, in their places.
    fn in_place(&mut self, index: usize) -> [&mut [T]; 2] {
        if std::mem::replace(&mut self.has_sides, false) {
            let (pairs, _) = self.sides.as_chunks_mut();
            match two(frames_from(self.cells, self.seam, self.frame, index)) {
                [left, []] => accumulate::turn(pairs, left, &[]),
                [left, right] => accumulate::unpair(pairs, left, right),
            }
        } else {
            self.clear(index + 2);
        }
        self.stale_from = self.stale_from.max(index + 2);
        self.two(index)
    }

    /// Has no frame before this one be stale.
    fn clear(&mut self, end: usize) {
        let stale = frames_from(self.cells, self.seam, self.frame, self.stale_from);
        stale.take(end.saturating_sub(self.stale_from)).for_each(|frame| frame.fill(T::ZERO));
        self.stale_from = self.stale_from.max(end);
    }

    /// A frame and the next, which is of no use behind the last one, side by side.
    fn side_by_side(&mut self, index: usize) -> &mut [[T; 2]] {
        if !std::mem::replace(&mut self.has_sides, true) {
            let known = self.stale_from.saturating_sub(index);
            let frames = frames_from(self.cells, self.seam, self.frame, index).take(known);
            let [left, right] = two(frames);
            accumulate::pair(left, right, self.sides.as_chunks_mut().0);
        }
        self.sides.as_chunks_mut().0
    }

    /// Puts a frame that is side by side with the next in its place; the next is side by side with the one behind it then.
    fn turn(&mut self, index: usize) {
        let is_known = index + 2 < self.stale_from;
        let mut frames = frames_from(self.cells, self.seam, self.frame, index);
        let left = frames.next().unwrap_or_default();
        let behind = frames.nth(1).filter(|_| is_known).unwrap_or_default();
        accumulate::turn(self.sides.as_chunks_mut().0, left, behind);
    }
}

/// The frames from this one on, and the seam behind the last.
fn frames_from<'c, T>(
    cells: &'c mut [T],
    seam: &'c mut [T],
    frame: usize,
    index: usize,
) -> impl Iterator<Item = &'c mut [T]> {
    let here = index.min(cells.len() / frame);
    cells[here * frame..].chunks_mut(frame).chain(std::iter::once(seam)).skip(index - here)
}

/// The first two; empty as far as they do not exist.
fn two<'c, T>(mut frames: impl Iterator<Item = &'c mut [T]>) -> [&'c mut [T]; 2] {
    std::array::from_fn(|_| frames.next().unwrap_or_default())
}

/// Bins next to each other that one thread fills.
struct Group<'a, T> {
    first: usize,
    /// The events of the bin before, which another group fills; none for the bin in the middle.
    before: Range<usize>,
    /// The events of its bins.
    bins: &'a [Range<usize>],
    cells: &'a mut [T],
    /// If the middle is among its bins or behind them, what the bin before gives to that; else empty.
    seam: &'a mut [T],
}

impl<'a, T> Group<'a, T> {
    /// Its bins before this one, and those from it on.
    fn split(self, bin: usize, frame: usize) -> [Self; 2] {
        let here = bin.saturating_sub(self.first).min(self.bins.len());
        let (bins, behind) = self.bins.split_at(here);
        let (cells, cells_behind) = self.cells.split_at_mut(here * frame);
        let [before, before_behind] = if here == 0 { [0..0, self.before] } else { [self.before, 0..0] };
        let first = self.first + here;
        [
            Group { before, bins, cells, ..self },
            Group { first, before: before_behind, bins: behind, cells: cells_behind, seam: &mut [] },
        ]
    }
}

/// What an event costs that goes to two cells, and one that goes to one.
const PAIR: usize = 10;
const SINGLE: usize = 9;

/// What the bins in a range cost as a group: the events of its last one go to one cell each, those to the next bin are
/// another group's; so its first bin has those of the bin before. At the middle nothing is another's.
fn cost(bins: &[Range<usize>], range: Range<usize>, middle: Option<usize>) -> usize {
    let events = |bin: Option<usize>| bin.and_then(|bin| bins.get(bin)).map_or(0, ExactSizeIterator::len);
    let shared = |border: usize| if middle == Some(border) { 0 } else { events(border.checked_sub(1)) };
    let own: usize = range.clone().map(|bin| events(Some(bin))).sum();
    (PAIR * own + SINGLE * shared(range.start)).saturating_sub((PAIR - SINGLE) * shared(range.end))
}

/// All bins in at most so many groups of about the same cost, which stands beside each.
fn groups<'a, T>(
    whole: Group<'a, T>,
    middle: Option<usize>,
    frame: usize,
    count: usize,
) -> Vec<(usize, Group<'a, T>)> {
    let mut groups = Vec::with_capacity(count);
    let bins = whole.bins;
    let mut rest = whole;
    while !rest.bins.is_empty() {
        let first = rest.first;
        let fair = cost(bins, first..bins.len(), middle) / (count - groups.len()).max(1);
        let mut next = first + 1;
        // At the side of the border that is nearer.
        while next < bins.len()
            && (groups.len() + 1 == count
                || cost(bins, first..next, middle) + cost(bins, first..next + 1, middle) <= 2 * fair)
        {
            next += 1;
        }
        let [mut group, mut behind] = rest.split(next, frame);
        if middle != Some(next) {
            behind.before = bins[next - 1].clone();
        }
        if middle.is_none_or(|middle| middle > next) {
            behind.seam = std::mem::take(&mut group.seam);
        }
        groups.push((cost(bins, first..next, middle), group));
        rest = behind;
    }
    groups
}

/// Room beside the cells. Nothing in it is kept from one window to the next.
#[derive(Debug)]
struct Room<T: Cell> {
    /// For each thread, two bins side by side, once they are needed.
    sides: Vec<Cells<T>>,
    /// What the bin before the middle one gives to it; that of this window, or stale.
    seam: Cells<T>,
    has_seam: bool,
}

impl<T: Cell> Room<T> {
    /// The seam of this window, and for each thread so many cells.
    fn for_threads(&mut self, threads: usize, cells: usize, seam: usize) -> Result<(&mut [T], &mut [Cells<T>])> {
        if self.seam.len() != seam {
            self.seam = Cells::stale(seam)?;
        }
        if !std::mem::replace(&mut self.has_seam, seam > 0) {
            self.seam.fill(bytemuck::Zeroable::zeroed());
        }
        while self.sides.len() < threads {
            self.sides.push(Cells::stale(0)?);
        }
        for sides in self.sides.iter_mut().take(threads).filter(|sides| sides.len() < cells) {
            *sides = Cells::stale(cells)?;
        }
        Ok((&mut self.seam, &mut self.sides))
    }
}

impl<T: Cell> Memory for Room<T> {
    fn reset(&mut self) {
        self.has_seam = false;
    }

    fn restart(&mut self) {
        self.has_seam = false;
    }

    fn save(&self, _: &mut Vec<u8>) {}

    fn restore(&mut self, bytes: &[u8]) -> bool {
        bytes.is_empty()
    }
}
