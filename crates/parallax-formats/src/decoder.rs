//! The contract of a stream decoder: bytes in order, in pieces of any size, to events in place.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parallax_events::{
    BatchBuilder, BatchPart, Committed, FindingKind, Geometry, Meta, Pool, Report, Result, SpareColumns,
    TimeRange, TimeUnit, Trigger,
};

use crate::reader::TriggerIntake;
use crate::source::Shared;
use crate::{ReadOptions, SeekIndex};

/// A piece of the input.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The bytes that are not yet consumed, as far as they are here.
    pub bytes: &'a [u8],
    /// The offset of the first of them in the input.
    pub offset: u64,
    /// Whether the input ends with them.
    pub last: bool,
}

/// Decodes one stream. The events must not depend on how the input is cut into pieces or the output into
/// batches: whatever spans a border is kept as state.
pub trait Decoder: Send {
    /// Decodes from the front of `piece` into `sink` until one of them is used up, and returns how many bytes
    /// it consumed. Consuming nothing while the sink has room means that more bytes are needed; on the last
    /// piece, that the rest is a truncated tail, which the caller reports.
    ///
    /// # Errors
    /// If the input cannot be read any further. Events committed before stay valid.
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize>;

    /// The facts of the stream, once the header is behind; `None` before. They do not change afterwards.
    fn meta(&self) -> Option<&Meta>;

    /// The least number of bytes that this decoder can make progress with, where it knows: the size of a
    /// block whose header it has seen.
    fn wants_bytes(&self) -> usize {
        0
    }

    /// How the rest of the stream is decoded in parts at the same time; asked once the header is behind. `None`, the
    /// default, where the format does not allow it.
    fn parts(&mut self) -> Option<&mut dyn Parts> {
        None
    }

    /// How the stream is entered near a time; asked once the header is behind. `None`, the default, where the format
    /// does not tell the time without decoding.
    fn time_seek(&mut self) -> Option<&mut dyn TimeSeek> {
        None
    }
}

/// A decoder of a stream that can be entered near a time.
pub trait TimeSeek {
    /// Which bytes from `from` on, where the decoder stands, hold all events whose time lies in `range`, in the stream's
    /// unit. The decoder is then in the state in front of the first of them. `None`, and nothing has changed, if that
    /// cannot be told. Work may be split over the threads of `pool`, if the answer is the same.
    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, pool: Pool<'_>) -> Option<Found>;
}

/// Where a range of time lies in an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The first byte.
    pub start: u64,
    /// The first byte behind, up to the length of the input.
    pub end: u64,
    /// Whether every time outside was seen; else the input is taken to be in order of time.
    pub is_certain: bool,
}

/// A decoder of a stream that can be cut into parts, which are then decoded at the same time.
///
/// A part is first surveyed, on its own: how many events there are, and what else of it is known behind it.
/// From that follows where the events of the next part go, and the state in front of it. So a part is decoded as it
/// would be if it came behind all others, and the events and the report do not depend on how the stream is cut.
pub trait Parts: Send + Sync {
    /// Where a part may begin that lies at least `least` bytes behind `from`, where one begins too (or the decoder
    /// stands). `None` if there is no such place. It may be a guess: if the part in front turns out not to end there,
    /// the rest is decoded in one piece.
    fn border(&self, from: u64, least: u64, input: &Look<'_>) -> Option<u64>;

    /// Looks through a part, which begins at the byte `offset`, whatever lies before it. What it says of the state behind
    /// the part may be a guess, if the decoder [made](Self::fork) for that part consumes the last of it only where the
    /// guess was right; else the part and the rest are decoded in one piece.
    fn survey(&self, bytes: &[u8], offset: u64) -> Survey;

    /// The least bytes that an event takes, if no part depends on what lies before it. Such a part is not surveyed to find its
    /// place: it is decoded first, and put where it belongs when those before it are.
    fn least_record(&self) -> Option<usize> {
        None
    }

    /// Goes past a part that was surveyed, as if it had been decoded.
    ///
    /// # Errors
    /// If the survey is that of another decoder.
    fn pass(&mut self, survey: &Survey) -> Result<()>;

    /// A decoder in the same state; for a part that was surveyed, it may take what the survey found out.
    fn fork(&self, part: Option<&mut Survey>) -> Box<dyn Decoder>;
}

/// What is in a part of a stream.
#[derive(Debug)]
pub struct Survey {
    /// How many events it has, whatever lies before it; never too few. A part with fewer costs a copy.
    pub events: usize,
    /// What it changes of the decoder's state; only the decoder knows its type.
    pub effect: Box<dyn Any + Send>,
}

/// A file that changed later than that may change again without a sign of it.
const SETTLED: Duration = Duration::from_secs(2);

/// An input of which any bytes can be had.
#[derive(Clone, Copy)]
pub struct Look<'a>(pub(crate) Shared<'a>, pub(crate) Option<&'a SeekIndex>);

impl<'a> Look<'a> {
    /// How many bytes there are.
    pub(crate) fn size(&self) -> u64 {
        self.0.len() as u64
    }

    /// A few bytes from `offset` on, if they are there; their memory is not mapped for that.
    pub(crate) fn peek<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        self.0.peek(usize::try_from(offset).ok()?)
    }

    /// Lets go of the memory behind bytes that were looked at.
    pub(crate) fn release(&self, offset: u64, count: usize) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.0
            .release(start..start.saturating_add(count).min(self.0.len()));
    }

    /// What `look` finds out of the input from `from` on, or found out at an earlier read, if the file is still the same.
    pub(crate) fn recall<T: Send + Sync + 'static>(&self, from: u64, look: impl FnOnce() -> T) -> Arc<T> {
        match (self.0, self.1) {
            (Shared::Mapped(file), Some(index)) => index.recall(|| file.version(SETTLED), from, look),
            _ => Arc::new(look()),
        }
    }

    /// What `work` says of each stretch of `count` bytes from `from` on, in their order, on the threads of `pool`; their memory
    /// is let go afterwards.
    pub(crate) fn map<R: Send>(
        &self,
        from: u64,
        count: usize,
        pool: Pool<'_>,
        work: impl Fn(&'a [u8]) -> R + Sync + Send,
    ) -> Vec<R> {
        /// So many stretches are let go at once, which interrupts all threads.
        const TOGETHER: usize = 8;
        let count = count.max(1);
        let starts: Vec<u64> = (from..self.size()).step_by(count * TOGETHER).collect();
        let work = |start: u64| {
            let end = self.size().min(start + (count * TOGETHER) as u64);
            let done = (start..end)
                .step_by(count)
                .map(|start| work(self.bytes(start, count)));
            let done: Vec<R> = done.collect();
            self.release(start, count * TOGETHER);
            done
        };
        #[cfg(feature = "parallel")]
        // A pool that we are part of could be waiting for us.
        if let Some(threads) = pool.rayon().filter(|pool| pool.current_thread_index().is_none()) {
            use rayon::iter::{IntoParallelIterator, ParallelIterator};
            return threads.install(|| starts.into_par_iter().flat_map_iter(work).collect());
        }
        let _ = pool;
        starts.into_iter().flat_map(work).collect()
    }

    /// Up to `count` bytes from `offset` on: fewer at the end, none behind it or where they cannot be had.
    pub fn bytes(&self, offset: u64, count: usize) -> &'a [u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.0
            .bytes(start..start.saturating_add(count))
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look").field("bytes", &self.0.len()).finish()
    }
}

/// Where a decoder puts its events: room in a batch, the triggers beside it, and the report of what was odd.
#[derive(Debug)]
pub struct EventSink<'a> {
    place: &'a mut (dyn Room + 'a),
    report: &'a mut Report,
    /// Events of the stream before this batch.
    before: u64,
    fallback: Option<Geometry>,
    time: Option<TimeRange>,
    triggers: Option<&'a mut TriggerIntake>,
}

/// A batch or a part of one.
pub(crate) trait Room: std::fmt::Debug {
    fn len(&self) -> usize;
    fn room(&self) -> usize;
    fn spare(&mut self) -> SpareColumns<'_>;
    fn commit(&mut self, written: usize) -> Result<Committed>;
    fn keeps_time(&self, t: i64) -> Option<bool>;
    fn set_facts(&mut self, geometry: Option<Geometry>, time: Option<TimeRange>, unit: TimeUnit);
}

macro_rules! rooms {
    ($($place:ty)*) => {
        $(
            impl Room for $place {
                fn len(&self) -> usize {
                    <$place>::len(self)
                }

                fn room(&self) -> usize {
                    <$place>::room(self)
                }

                fn spare(&mut self) -> SpareColumns<'_> {
                    <$place>::spare(self)
                }

                fn commit(&mut self, written: usize) -> Result<Committed> {
                    <$place>::commit(self, written)
                }

                fn keeps_time(&self, t: i64) -> Option<bool> {
                    <$place>::keeps_time(self, t)
                }

                fn set_facts(&mut self, geometry: Option<Geometry>, time: Option<TimeRange>, unit: TimeUnit) {
                    self.set_geometry(geometry);
                    self.set_time(time, unit);
                }
            }
        )*
    };
}
rooms!(BatchBuilder BatchPart<'_>);

impl<'a> EventSink<'a> {
    /// Decoders write at most so many events between commits, so that they are checked while in the cache.
    pub const BLOCK: usize = 8 << 10;

    /// A sink into `builder`, whose batch starts `before` events into the stream.
    pub fn new(
        builder: &'a mut BatchBuilder,
        report: &'a mut Report,
        before: u64,
        options: &ReadOptions,
    ) -> Self {
        Self {
            place: builder,
            report,
            before,
            fallback: options.geometry,
            time: options.time,
            triggers: None,
        }
    }

    /// The same, for a reader that may want triggers.
    pub(crate) fn with_triggers(mut self, intake: &'a mut TriggerIntake) -> Self {
        self.triggers = intake.is_wanted().then_some(intake);
        self
    }

    /// A sink into a part of a batch; its report counts events from the start of the part.
    pub(crate) fn into_part(
        part: &'a mut (dyn Room + 'a),
        report: &'a mut Report,
        options: &ReadOptions,
    ) -> Self {
        Self {
            place: part,
            report,
            before: 0,
            fallback: options.geometry,
            time: options.time,
            triggers: None,
        }
    }

    /// How many more events the batch takes.
    pub fn room(&self) -> usize {
        self.place.room()
    }

    /// Where the next events go: up to [`BLOCK`](Self::BLOCK) of them, fewer at the end of the batch.
    pub fn spare(&mut self) -> SpareColumns<'_> {
        self.place.spare().first(Self::BLOCK)
    }

    /// Takes in the first `written` events of the spare room and reports what was odd about them.
    ///
    /// # Errors
    /// If more are claimed than there was room for.
    pub fn commit(&mut self, written: usize) -> Result<()> {
        let start = self.next_event();
        let Committed {
            outside,
            first_outside,
            steps_back,
            first_step_back,
            ..
        } = self.place.commit(written)?;
        let place = |index: Option<usize>| index.map(|index| start + index as u64);
        let mut note = |kind, count, first: Option<usize>| {
            self.report.note(kind, count, None, place(first), String::new);
        };
        // In the order of the stream, so that the report does not depend on how it is cut into blocks.
        let time_first = first_step_back
            .zip(first_outside)
            .is_some_and(|(step, outside)| step < outside);
        if time_first {
            note(FindingKind::TimeBack, steps_back, first_step_back);
        }
        note(FindingKind::OutsideGeometry, outside as u64, first_outside);
        if !time_first {
            note(FindingKind::TimeBack, steps_back, first_step_back);
        }
        Ok(())
    }

    /// Appends one event. For formats where that is fast enough.
    ///
    /// # Errors
    /// If the batch is full.
    pub fn push(&mut self, t: i64, x: u16, y: u16, p: u8) -> Result<()> {
        let spare = self.spare();
        if let (Some(st), Some(sx), Some(sy), Some(sp)) = (
            spare.t.first_mut(),
            spare.x.first_mut(),
            spare.y.first_mut(),
            spare.p.first_mut(),
        ) {
            (*st, *sx, *sy, *sp) = (t, x, y, p);
        }
        self.commit(1)
    }

    /// Whether external triggers are asked for. If not, a decoder counts them with [`note`](Self::note).
    pub fn wants_triggers(&self) -> bool {
        self.triggers.is_some()
    }

    /// How many more triggers this batch takes, where they are asked for. A decoder stops behind the trigger that
    /// fills it: the batch then ends early, so that a recording of triggers alone takes no more memory than one of
    /// events.
    pub fn trigger_room(&self) -> usize {
        self.triggers.as_ref().map_or(usize::MAX, |intake| intake.room())
    }

    /// Takes in an external trigger; all events before it are committed. One that lies outside the range of time that
    /// the caller asked for is dropped, and all of them if none are asked for.
    ///
    /// # Errors
    /// If there are more than the limits allow.
    pub fn trigger(&mut self, trigger: Trigger) -> Result<()> {
        match &mut self.triggers {
            Some(intake) => intake.accept(trigger, |t| self.place.keeps_time(t)),
            None => Ok(()),
        }
    }

    /// The index in the stream of the next event.
    pub fn next_event(&self) -> u64 {
        self.before + self.place.len() as u64
    }

    /// Notes something odd at the byte `offset` of the input; see [`Report::note`].
    pub fn note(&mut self, kind: FindingKind, count: u64, offset: u64, detail: impl FnOnce() -> String) {
        let event = self.next_event();
        self.report.note(kind, count, Some(offset), Some(event), detail);
    }

    /// States the facts as soon as they are known and before the first event: events outside the sensor are
    /// dropped from now on, as are those outside the range of time that the caller asked for.
    pub fn set_meta(&mut self, meta: &Meta) {
        let geometry = meta.geometry.or(self.fallback);
        self.place.set_facts(geometry, self.time, meta.time_unit);
    }
}
