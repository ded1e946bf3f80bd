//! The contract of a stream decoder: bytes in order, in pieces of any size, to events in place.

use parallax_events::{
    BatchBuilder, Committed, FindingKind, Geometry, Meta, Report, Result, SpareColumns, TimeRange, Trigger,
};

use crate::ReadOptions;
use crate::reader::TriggerIntake;

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
}

/// Where a decoder puts its events: room in a batch, the triggers beside it, and the report of what was odd.
#[derive(Debug)]
pub struct EventSink<'a> {
    builder: &'a mut BatchBuilder,
    report: &'a mut Report,
    /// Events of the stream before this batch.
    before: u64,
    fallback: Option<Geometry>,
    time: Option<TimeRange>,
    triggers: Option<&'a mut TriggerIntake>,
}

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
            builder,
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

    /// How many more events the batch takes.
    pub fn room(&self) -> usize {
        self.builder.room()
    }

    /// Where the next events go: up to [`BLOCK`](Self::BLOCK) of them, fewer at the end of the batch.
    pub fn spare(&mut self) -> SpareColumns<'_> {
        let spare = self.builder.spare();
        let room = spare.t.len().min(Self::BLOCK);
        SpareColumns {
            t: &mut spare.t[..room],
            x: &mut spare.x[..room],
            y: &mut spare.y[..room],
            p: &mut spare.p[..room],
        }
    }

    /// Takes in the first `written` events of the spare room and reports what was odd about them.
    ///
    /// # Errors
    /// If more are claimed than there was room for.
    pub fn commit(&mut self, written: usize) -> Result<()> {
        let start = self.before + self.builder.len() as u64;
        let Committed {
            outside,
            first_outside,
            steps_back,
            first_step_back,
            ..
        } = self.builder.commit(written)?;
        if outside > 0 {
            let place = first_outside.map(|index| start + index as u64);
            self.report.note(
                FindingKind::OutsideGeometry,
                outside as u64,
                None,
                place,
                String::new,
            );
        }
        if steps_back > 0 {
            let place = first_step_back.map(|index| start + index as u64);
            self.report
                .note(FindingKind::TimeBack, steps_back, None, place, String::new);
        }
        Ok(())
    }

    /// Appends one event. For formats where that is fast enough.
    ///
    /// # Errors
    /// If the batch is full.
    pub fn push(&mut self, t: i64, x: u16, y: u16, p: u8) -> Result<()> {
        let spare = self.builder.spare();
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
            Some(intake) => intake.accept(trigger, self.builder),
            None => Ok(()),
        }
    }

    /// The index in the stream of the next event.
    pub fn next_event(&self) -> u64 {
        self.before + self.builder.len() as u64
    }

    /// Notes something odd at the byte `offset` of the input; see [`Report::note`].
    pub fn note(&mut self, kind: FindingKind, count: u64, offset: u64, detail: impl FnOnce() -> String) {
        let event = self.next_event();
        self.report.note(kind, count, Some(offset), Some(event), detail);
    }

    /// States the facts as soon as they are known and before the first event: events outside the sensor are
    /// dropped from now on, as are those outside the range of time that the caller asked for.
    pub fn set_meta(&mut self, meta: &Meta) {
        self.builder.set_geometry(meta.geometry.or(self.fallback));
        self.builder.set_time(self.time, meta.time_unit);
    }
}
