//! Events in a grid of pixels and time, each shared between the two bins that it lies between.

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
     or the first and the last event where no window is given; if they are the same, all goes to bin 0.",
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
    type Memory = Sides<T>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("time", self.bins as usize), ("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, _: Geometry) -> Result<Sides<T>> {
        Ok(Sides(Vec::new()))
    }

    fn needs(&self) -> Needs {
        Needs::Bounds
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let Some(bounds) = at.bounds else { return Ok(()) };
        let (ramp, shares) = (self.ramp(bounds), self.shares(at.geometry));
        let frame = self.polarity.channels() * at.geometry.pixels();
        let columns = events.columns;
        if !events.is_ordered {
            at.clear();
            for index in 0..columns.len() {
                let event = columns.slice(index..index + 1);
                let bin = event.t.iter().map(|&t| ramp.place(t)).sum::<f64>() as usize;
                let rest = at.cells.get_mut(bin.saturating_mul(frame)..).unwrap_or_default();
                let (left, right) = rest.split_at_mut(frame.min(rest.len()));
                between(event, ramp, shares, bin, left, right);
            }
            return Ok(());
        }
        let ranges = self.ranges(columns.t, ramp);
        let pool = if columns.len() < WORTH_THREADS { Pool::serial() } else { at.pool };
        let groups = groups(&ranges, at.cells, frame, pool.threads());
        let goes_side_by_side = |bin: &Range<usize>| bin.len() >= frame / CELLS_PER_EVENT;
        let room = if ranges.iter().any(goes_side_by_side) { 2 * frame } else { 0 };
        let sides = at.memory.of_threads(groups.len(), room)?;
        let mut groups: Vec<_> = groups.into_iter().zip(sides).collect();
        // The first is the calling thread's, which needs no waking.
        groups.sort_unstable_by_key(|(group, _)| std::cmp::Reverse(group.cost));
        let is_stale = std::mem::take(at.is_stale);
        pool.map(groups, |(Group { first, before, bins, cells, .. }, sides)| {
            let stale_from = if is_stale { 0 } else { bins.len() };
            let mut frames = Frames { cells, frame, stale_from, sides, has_sides: false };
            // The later parts of the events of the bin before, which another group has.
            if !before.is_empty() {
                frames.clear(1);
                let [own, _] = two(frames.cells, frame, 0);
                between(columns.slice(before), ramp, shares, first.saturating_sub(1), &mut [], own);
            }
            for (index, range) in bins.iter().enumerate() {
                let events = columns.slice(range.clone());
                let bin = first + index;
                if goes_side_by_side(range) && (frames.has_sides || index + 1 < bins.len()) {
                    let ramp = Ramp { shift: bin as f64, ..ramp };
                    let events = (events.t, events.x, events.y, events.p);
                    accumulate::split_pairs(events, ramp, shares, frames.side_by_side(index));
                    frames.turn(index);
                } else {
                    let [left, right] = frames.in_place(index);
                    between(events, ramp, shares, bin, left, right);
                }
            }
        });
        Ok(())
    }

    fn clears(&self) -> bool {
        true
    }
}

/// The frames that a thread fills, one after another: each in its place, or side by side with the next.
struct Frames<'a, T: Cell> {
    cells: &'a mut [T],
    frame: usize,
    /// From this frame on they are stale.
    stale_from: usize,
    sides: &'a mut Cells<T>,
    /// Whether a frame and the next are side by side, and not in their places.
    has_sides: bool,
}

impl<T: Cell + Fraction> Frames<'_, T> {
    /// A frame and the next, which is empty behind the last one, in their places.
    fn in_place(&mut self, index: usize) -> [&mut [T]; 2] {
        if std::mem::replace(&mut self.has_sides, false) {
            let (pairs, _) = self.sides.as_chunks_mut();
            match two(self.cells, self.frame, index) {
                [left, []] => accumulate::turn(pairs, left, &[]),
                [left, right] => accumulate::unpair(pairs, left, right),
            }
        } else {
            self.clear(index + 2);
        }
        self.stale_from = self.stale_from.max(index + 2);
        two(self.cells, self.frame, index)
    }

    /// Has no frame before this one be stale.
    fn clear(&mut self, end: usize) {
        let frames = self.cells.chunks_mut(self.frame).take(end);
        frames.skip(self.stale_from).for_each(|frame| frame.fill(T::ZERO));
        self.stale_from = self.stale_from.max(end);
    }

    /// A frame and the next, which is of no use behind the last one, side by side.
    fn side_by_side(&mut self, index: usize) -> &mut [[T; 2]] {
        if !std::mem::replace(&mut self.has_sides, true) {
            let known = self.cells.len().min(self.stale_from * self.frame);
            let [left, right] = two(&mut self.cells[..known], self.frame, index);
            accumulate::pair(left, right, self.sides.as_chunks_mut().0);
        }
        self.sides.as_chunks_mut().0
    }

    /// Puts a frame that is side by side with the next in its place; the next is side by side with the one behind it then.
    fn turn(&mut self, index: usize) {
        let known = self.cells.len().min(self.stale_from * self.frame);
        let (cells, behind) = self.cells.split_at_mut(self.cells.len().min((index + 2) * self.frame));
        let behind = &behind[..known.saturating_sub(cells.len()).min(self.frame)];
        let [left, _] = two(cells, self.frame, index);
        accumulate::turn(self.sides.as_chunks_mut().0, left, behind);
    }
}

/// Two frames, as far as they exist.
fn two<T>(cells: &mut [T], frame: usize, index: usize) -> [&mut [T]; 2] {
    let cells = cells.get_mut(index * frame..).unwrap_or_default();
    let (left, rest) = cells.split_at_mut(frame.min(cells.len()));
    let (right, _) = rest.split_at_mut(frame.min(rest.len()));
    [left, right]
}

/// Bins next to each other that one thread fills.
struct Group<'a, T> {
    first: usize,
    /// The events of the bin before, which another group fills.
    before: Range<usize>,
    /// The events of its bins.
    bins: &'a [Range<usize>],
    cells: &'a mut [T],
    cost: usize,
}

/// What an event costs that goes to two cells, and one that goes to one.
const PAIR: usize = 10;
const SINGLE: usize = 9;

/// What the bins in a range cost as a group: the events of its last one go to one cell each, those to the next bin are
/// another group's; so its first bin has those of the bin before.
fn cost(bins: &[Range<usize>], range: Range<usize>) -> usize {
    let events = |bin: Option<usize>| bin.and_then(|bin| bins.get(bin)).map_or(0, ExactSizeIterator::len);
    let own: usize = range.clone().map(|bin| events(Some(bin))).sum();
    let (before, last) = (events(range.start.checked_sub(1)), events(range.end.checked_sub(1)));
    (PAIR * own + SINGLE * before).saturating_sub((PAIR - SINGLE) * last)
}

/// The bins in at most so many groups of about the same cost.
fn groups<'a, T>(
    bins: &'a [Range<usize>],
    mut cells: &'a mut [T],
    frame: usize,
    count: usize,
) -> Vec<Group<'a, T>> {
    let mut groups = Vec::with_capacity(count);
    let mut first = 0;
    while first < bins.len() {
        let fair = cost(bins, first..bins.len()) / (count - groups.len()).max(1);
        let mut next = first + 1;
        // At the side of the border that is nearer.
        while next < bins.len()
            && (groups.len() + 1 == count || cost(bins, first..next) + cost(bins, first..next + 1) <= 2 * fair)
        {
            next += 1;
        }
        groups.push(Group {
            first,
            cost: cost(bins, first..next),
            before: first.checked_sub(1).map_or(0..0, |before| bins[before].clone()),
            bins: &bins[first..next],
            cells: cells.split_off_mut(..(next - first) * frame).unwrap_or_default(),
        });
        first = next;
    }
    groups
}

/// Shares events of one bin between it and the next, which `right` begins with.
fn between<T: Fraction>(
    events: DvsColumns<'_>,
    ramp: Ramp,
    shares: Shares,
    bin: usize,
    left: &mut [T],
    right: &mut [T],
) {
    let ramp = Ramp { shift: bin as f64, ..ramp };
    accumulate::split((events.t, events.x, events.y, events.p), ramp, shares, left, right);
}

/// For each thread, room for two bins side by side, once it is needed. Nothing in it is kept.
#[derive(Debug)]
struct Sides<T: Cell>(Vec<Cells<T>>);

impl<T: Cell> Sides<T> {
    fn of_threads(&mut self, threads: usize, cells: usize) -> Result<&mut [Cells<T>]> {
        while self.0.len() < threads {
            self.0.push(Cells::stale(0)?);
        }
        for sides in self.0.iter_mut().take(threads).filter(|sides| sides.len() < cells) {
            *sides = Cells::stale(cells)?;
        }
        Ok(&mut self.0)
    }
}

impl<T: Cell> Memory for Sides<T> {
    fn reset(&mut self) {}

    fn save(&self, _: &mut Vec<u8>) {}

    fn restore(&mut self, bytes: &[u8]) -> bool {
        bytes.is_empty()
    }
}
