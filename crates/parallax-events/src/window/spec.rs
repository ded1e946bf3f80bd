//! What windows are wanted; checked here, so that calculating them cannot fail.

use std::ops::Range;
use std::sync::Arc;

use crate::{Error, Meta, Micros, Millis, Nanos, Result, TimeUnit};

/// A span or a point of time whose unit is in its type; a bare `i64` is in the unit of the stream.
pub trait TimeSpan: Copy {
    /// Counted in `unit`: exact, or an error.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if that loses precision or overflows.
    fn to_unit(self, unit: TimeUnit) -> Result<i64>;
}

impl TimeSpan for Millis {
    fn to_unit(self, unit: TimeUnit) -> Result<i64> {
        Self::to_unit(self, unit)
    }
}

impl TimeSpan for Micros {
    fn to_unit(self, unit: TimeUnit) -> Result<i64> {
        Self::to_unit(self, unit)
    }
}

impl TimeSpan for Nanos {
    fn to_unit(self, unit: TimeUnit) -> Result<i64> {
        Self::to_unit(self, unit)
    }
}

impl TimeSpan for i64 {
    fn to_unit(self, _: TimeUnit) -> Result<i64> {
        Ok(self)
    }
}

/// Which windows a stream is cut into.
///
/// ```
/// use parallax_events::{TimeLiteral, TimeUnit, WindowSpec};
///
/// let spec = WindowSpec::time(50.ms(), TimeUnit::Micros)?.with_overlap(10.ms())?.include_incomplete(true);
/// assert!(WindowSpec::time(1_500.ns(), TimeUnit::Micros).is_err());
/// assert!(spec.with_overlap(50.ms()).is_err());
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSpec {
    pub(super) cut: Cut,
    pub(super) incomplete: bool,
    pub(super) skip_empty: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    /// `length` and `stride` are at least 1, `stride` at most `length`.
    Time {
        length: i64,
        stride: i64,
        start: Option<i64>,
        unit: TimeUnit,
    },
    /// Likewise.
    Count {
        length: u64,
        stride: u64,
    },
    AtTimes(Points<i64>),
    AtIndices(Points<u64>),
}

/// Given windows. Ends are not before starts; the windows may overlap and be in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Points<T> {
    pub(super) ranges: Arc<[Range<T>]>,
    /// Of each window and all after it the earliest start: what is before can be let go.
    pub(super) earliest: Arc<[T]>,
}

impl WindowSpec {
    /// Windows of `length`, one after another, of a stream that counts in `unit`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the length is not positive or no whole number of units.
    pub fn time(length: impl TimeSpan, unit: TimeUnit) -> Result<Self> {
        let length = length.to_unit(unit)?;
        if length <= 0 {
            return Err(Error::param(format!("a window of {length} {unit} has no length")));
        }
        Ok(Self::of(
            Cut::Time {
                length,
                stride: length,
                start: None,
                unit,
            },
            false,
        ))
    }

    /// Windows of `length` events, one after another.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the length is 0.
    pub fn count(length: u64) -> Result<Self> {
        if length == 0 {
            return Err(Error::param("a window of 0 events has no length"));
        }
        Ok(Self::of(
            Cut::Count {
                length,
                stride: length,
            },
            false,
        ))
    }

    /// The given windows of time, half-open, in the stream's unit. They may overlap, be empty, and be in any
    /// order: they are handed out in the order given, so a stream keeps what an early one needs late.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) names the window that ends before it starts.
    pub fn at_times(windows: impl Into<Vec<Range<i64>>>) -> Result<Self> {
        Ok(Self::of(Cut::AtTimes(Points::new(windows.into())?), true))
    }

    /// The given windows of event indices, half-open. As [`at_times`](Self::at_times).
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) names the window that ends before it starts.
    pub fn at_indices(windows: impl Into<Vec<Range<u64>>>) -> Result<Self> {
        Ok(Self::of(Cut::AtIndices(Points::new(windows.into())?), true))
    }

    fn of(cut: Cut, incomplete: bool) -> Self {
        Self {
            cut,
            incomplete,
            skip_empty: false,
        }
    }

    /// Each window of time starts `overlap` before the end of the one before it.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the overlap is negative, not shorter than the window, no whole
    /// number of units, or if these are not windows of time.
    pub fn with_overlap(mut self, overlap: impl TimeSpan) -> Result<Self> {
        let Cut::Time {
            length, stride, unit, ..
        } = &mut self.cut
        else {
            return Err(Error::param("an overlap in time needs windows of time"));
        };
        let overlap = overlap.to_unit(*unit)?;
        if !(0..*length).contains(&overlap) {
            return Err(Error::param(format!(
                "an overlap of {overlap} {unit} does not fit into windows of {length} {unit}"
            ))
            .with_hint("it must be at least 0 and less than the window"));
        }
        *stride = *length - overlap;
        Ok(self)
    }

    /// Each window of events starts `overlap` events before the end of the one before it.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the overlap is not shorter than the window, or if these are not
    /// windows of events.
    pub fn with_overlap_events(mut self, overlap: u64) -> Result<Self> {
        let Cut::Count { length, stride } = &mut self.cut else {
            return Err(Error::param("an overlap in events needs windows of events"));
        };
        if overlap >= *length {
            return Err(Error::param(format!(
                "an overlap of {overlap} events does not fit into windows of {length} events"
            ))
            .with_hint("it must be less than the window"));
        }
        *stride = *length - overlap;
        Ok(self)
    }

    /// Window 0 starts at `start`, not at the first event. Events before it are in no window; windows before
    /// the first event are empty.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if the start is no whole number of units, or if these are not
    /// windows of time.
    pub fn with_start(mut self, at: impl TimeSpan) -> Result<Self> {
        let Cut::Time { start, unit, .. } = &mut self.cut else {
            return Err(Error::param("a start time needs windows of time"));
        };
        *start = Some(at.to_unit(*unit)?);
        Ok(self)
    }

    /// Whether windows that the end of the stream cuts short are handed out. By default they are not, except
    /// windows at given points.
    #[must_use]
    pub fn include_incomplete(mut self, include: bool) -> Self {
        self.incomplete = include;
        self
    }

    /// Whether windows without events are passed over; their indices are not used for others. A run of them
    /// between two events costs nothing, however long. By default they are handed out.
    #[must_use]
    pub fn skip_empty(mut self, skip: bool) -> Self {
        self.skip_empty = skip;
        self
    }

    /// Whether an event may be in two windows.
    pub fn overlaps(&self) -> bool {
        match &self.cut {
            Cut::Time { length, stride, .. } => stride < length,
            Cut::Count { length, stride } => stride < length,
            Cut::AtTimes(points) => points.overlap(),
            Cut::AtIndices(points) => points.overlap(),
        }
    }

    pub(super) fn needs_time_order(&self) -> bool {
        matches!(self.cut, Cut::Time { .. } | Cut::AtTimes(_))
    }

    /// An error if the windows are counted in another unit than the stream.
    pub(super) fn check_unit(&self, meta: &Meta) -> Result<()> {
        match self.cut {
            Cut::Time { unit, .. } if unit != meta.time_unit => Err(Error::param(format!(
                "windows counted in {unit} for a stream in {}",
                meta.time_unit
            ))
            .with_hint("give WindowSpec::time the unit of the stream's Meta")),
            _ => Ok(()),
        }
    }
}

impl<T: Copy + Ord + std::fmt::Display> Points<T> {
    fn overlap(&self) -> bool {
        let mut ranges: Vec<_> = self.ranges.iter().filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.windows(2).any(|pair| pair[1].start < pair[0].end)
    }

    fn new(ranges: Vec<Range<T>>) -> Result<Self> {
        if let Some((index, range)) = ranges
            .iter()
            .enumerate()
            .find(|(_, range)| range.end < range.start)
        {
            return Err(Error::param(format!(
                "window {index} ends at {}, before its start at {}",
                range.end, range.start
            )));
        }
        let mut earliest: Vec<T> = ranges.iter().map(|range| range.start).collect();
        for i in (1..earliest.len()).rev() {
            earliest[i - 1] = earliest[i - 1].min(earliest[i]);
        }
        Ok(Self {
            ranges: ranges.into(),
            earliest: earliest.into(),
        })
    }
}
