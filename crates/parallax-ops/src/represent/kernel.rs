//! What a representation's file writes: a [`Kernel`]. [`Windowed`](super::accumulator::Windowed) makes a
//! `Represent` of it: windows, held batches, reused memory, saved states.
//!
//! A kernel gets the events of a window in order, in batches of any size, all inside the sensor and inside the window's
//! bounds, and adds them to cells that are zero when the window begins.

use std::fmt::Debug;

use crate::cells;
use parallax_events::{AxisName, DvsColumns, Element, Geometry, Nanos, Pool, Result, TimeUnit};

/// What a cell may be: a tensor's element that lies in memory of our own.
pub(super) trait Cell: Element + parallax_memory::Element + PartialEq + Debug + Send + Sync {}

impl<T: Element + parallax_memory::Element + PartialEq + Debug + Send + Sync> Cell for T {}

/// Events to cells.
pub(super) trait Kernel: Debug + Send + Sync + Sized + 'static {
    /// What the tensor holds.
    type Cell: Cell;
    /// What is remembered beside the cells; `()` for most.
    type Memory: Memory;

    /// The tensor's shape for a sensor.
    fn layout(&self, geometry: Geometry) -> Layout;

    /// A fresh memory.
    ///
    /// # Errors
    /// If it cannot be had.
    fn memory(&self, geometry: Geometry) -> Result<Self::Memory>;

    /// What [`add`](Self::add) must know beforehand.
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    /// Whether [`finish`](Self::finish) writes every cell, so that none need be zero when a window begins.
    fn writes_all(&self) -> bool {
        false
    }

    /// Whether [`add`](Self::add) sees to stale cells, each thread to those that it fills. They are zero for other kernels.
    fn clears(&self) -> bool {
        false
    }

    /// Whether windows of time hold the events at their end, too, so that those are in two windows.
    fn has_closed_windows(&self) -> bool {
        false
    }

    /// Whether the memory goes on from window to window and would count an event twice that two windows share.
    fn counts_on(&self) -> bool {
        false
    }

    /// Takes in events.
    ///
    /// # Errors
    /// If memory cannot be had.
    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()>;

    /// Completes the cells; all of them if the memory is where [`add`](Self::add) writes. May be called more than once.
    fn finish(&self, _at: &mut Stage<'_, Self>) {}

    /// Sets the cells that [`add`](Self::add) touched for these events, whose times are gone, back to zero. False if it
    /// cannot: then all are.
    fn erase(&self, _cells: &mut [Self::Cell], _geometry: Geometry, _events: DvsColumns<'_>) -> bool {
        false
    }
}

/// Events as a kernel gets them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Events<'a> {
    pub(super) columns: DvsColumns<'a>,
    /// Whether their time never goes back; looked up only for kernels that need bounds.
    pub(super) is_ordered: bool,
}

/// What must be known of a window before its events can be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// When it begins and ends.
    Bounds,
    /// That, how many events it has, and how far in time they reach.
    Whole,
}

/// Where a kernel stands.
pub(super) struct Stage<'a, K: Kernel> {
    pub(super) geometry: Geometry,
    /// Known while [`Kernel::add`] runs only if the kernel asked for it; while [`Kernel::finish`] runs, unless there
    /// was no event.
    pub(super) bounds: Option<Bounds>,
    /// How many events the window had before those that [`Kernel::add`] gets.
    pub(super) before: u64,
    /// How many it has in all, if the kernel asked for it.
    pub(super) count: u64,
    /// Its earliest and its latest event, if the kernel asked for them.
    pub(super) extent: Option<(i64, i64)>,
    pub(super) cells: &'a mut [K::Cell],
    /// Whether the cells stand for zeros that are not written; only for a kernel that sees to them, and says so here.
    pub(super) is_stale: &'a mut bool,
    pub(super) memory: &'a mut K::Memory,
    pub(super) pool: Pool<'a>,
    /// What the stream counts time in.
    pub(super) unit: TimeUnit,
}

impl<K: Kernel> Stage<'_, K> {
    /// Writes the zeros that stale cells stand for.
    pub(super) fn clear(&mut self) {
        if std::mem::take(self.is_stale) {
            cells::fill(self.cells, bytemuck::Zeroable::zeroed(), self.pool);
        }
    }

    /// A length of time in the stream's unit; it need not be whole.
    pub(super) fn ticks(&self, time: Nanos) -> f64 {
        time.0 as f64 / self.unit.nanos() as f64
    }
}

/// Shape and axes of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) shape: Vec<usize>,
    pub(super) axes: Vec<AxisName>,
}

impl Layout {
    /// `leading` axes, then those of the sensor.
    pub(super) fn frames(leading: &[(&'static str, usize)], geometry: Geometry) -> Self {
        let sensor = [
            ("y", usize::from(geometry.height)),
            ("x", usize::from(geometry.width)),
        ];
        let (axes, shape) = leading
            .iter()
            .chain(&sensor)
            .map(|&(name, length)| (AxisName::from(name), length))
            .unzip();
        Self { shape, axes }
    }
}

/// When a window begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Whether `end` is inside: it is the time of the last event.
    pub(super) is_closed: bool,
}

impl Bounds {
    /// From start to end.
    pub(super) fn length(self) -> u64 {
        self.end.abs_diff(self.start)
    }

    /// From the start to `t`, which lies inside.
    pub(super) fn offset(self, t: i64) -> u64 {
        t.abs_diff(self.start)
    }
}

/// What a kernel remembers beside its cells.
pub(super) trait Memory: Debug + Send + Sync + 'static {
    /// Forgets everything.
    fn reset(&mut self);
    /// Forgets what belongs to one window.
    fn restart(&mut self) {}
    /// Writes all of it behind `bytes`.
    fn save(&self, bytes: &mut Vec<u8>);
    /// Takes on what [`save`](Self::save) wrote; false, and as it was, if it did not write that.
    fn restore(&mut self, bytes: &[u8]) -> bool;
}

impl Memory for () {
    fn reset(&mut self) {}

    fn save(&self, _: &mut Vec<u8>) {}

    fn restore(&mut self, bytes: &[u8]) -> bool {
        bytes.is_empty()
    }
}
