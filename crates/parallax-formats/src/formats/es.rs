//! Event Stream (ES) version 2: events of a few bytes, each with the time since the one before.
//!
//! In: `Event Stream`, three bytes of version, one that says what the events are, the sensor's width and height; then for
//! each event a byte with the time since the last and the polarity, and column and row in two bytes each,
//! little-endian. Bytes without an event stand for a longer time. Out: events in the recorded order, t in
//! microseconds from 0. Source: the Event Stream specification, version 2.0.
//!
//! - The format counts rows upwards; they are turned, so that row 0 is the upmost. `origin=raw` keeps them.
//! - Read are change detections of the types DVS and ATIS; an ATIS file's exposure measurements are counted, not
//!   handed out. Generic, colour and AMD (display) streams hold no such events: their records are counted, then the stream
//!   is refused, by name.
//! - Reset bytes, with which a live stream lets a reader find its place, mean nothing in a file and are skipped.
//! - Written are both types. Times start at 0 or later, by 71.6 minutes at most (a byte for each 127 or 189 us), and
//!   cannot go back. The sensor's size must be known.

use std::io::Write;

use parallax_events::{
    Declaration, Error, Event, EventBatch, FindingKind, Geometry, Meta, Origin, ParamSpec, Params, Result,
    SpareColumns,
};
use parallax_simd::{Columns, es};

use crate::event_stream::{Described, Other};
use crate::stored::{Outlet, Storing};
use crate::{
    Decoder, EventSink, EventWriter, Evidence, Format, Look, Open, Parts, Piece, Probe, Sample, Survey, TriggerSupport,
    WriteOptions,
};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["es"],
    sniff,
    open: Open::Stream(|params, _| Ok(Box::new(EsDecoder::new(params)?))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "es",
    "Event Stream (ES) 2: DVS and ATIS",
    &[
        ParamSpec::choice("origin", &["top-left", "raw"])
            .default("top-left")
            .doc("Whether reading turns the rows, which the format counts upwards, or keeps what is stored"),
        ParamSpec::choice("events", &["dvs", "atis"]).default("dvs").doc("The type of events, for writing"),
    ],
)
.with_doc(
    "Rows are stored upwards and turned when read. A file of the type ATIS also has exposure measurements, which are \
     counted only; the records of generic, colour and AMD files are counted, and reading them ends with an error.",
);

const MAGIC: &[u8; 12] = b"Event Stream";

/// What the events are, and where that stands.
mod kind {
    pub(super) const GENERIC: u8 = 0;
    pub(super) const DVS: u8 = 1;
    pub(super) const ATIS: u8 = 2;
    pub(super) const AMD: u8 = 3;
    pub(super) const COLOR: u8 = 4;
}
const VERSION_AT: u64 = 12;
const KIND_AT: u64 = 15;
const SIZE_AT: u64 = 16;

/// The bytes of a header with a size, of an event, and those that are looked at together with one.
const HEADER: usize = 20;
const EVENT: usize = 5;
const LOAD: usize = 8;

/// A first byte of the type ATIS from here on stands for time alone.
const LONGER: u8 = 0xFC;

/// So many bytes are looked at for a place where an event begins.
const LOOK: usize = 2048;

/// The largest step between two events that is written: what it takes is less than 34 MB.
const LONGEST_STEP: i64 = 1 << 32;

/// Which of the two types with events of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dvs,
    Atis,
}

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    probe
        .head
        .starts_with(MAGIC)
        .then(|| Evidence::new(98, "it begins with `Event Stream`"))
}

/// Reads the header, then events.
#[derive(Debug, Clone)]
struct EsDecoder {
    raw: bool,
    /// Known once the header is behind.
    meta: Option<Meta>,
    kind: Kind,
    state: State,
    /// Instead of all that, if the stream holds something else.
    other: Option<Described>,
}

/// The state between two bytes that begin something.
#[derive(Debug, Clone, Default)]
struct State {
    t: i64,
    /// The last row, if rows are turned.
    turn: Option<u16>,
    /// Exposure measurements: whether one has been noted, and how many have come since.
    exposure_noted: bool,
    exposures: u64,
}

/// What a call of [`State::events`] did.
struct Step {
    consumed: usize,
    written: usize,
    /// Where the first exposure measurement begins; everything before it is done.
    first_exposure: Option<usize>,
}

impl EsDecoder {
    fn new(params: &Params) -> Result<Self> {
        let raw = params.choice("origin")? == "raw";
        Ok(Self {
            raw,
            meta: None,
            kind: Kind::Dvs,
            state: State::default(),
            other: None,
        })
    }

    /// Reads the header from the front of `bytes`, or says why it cannot be.
    fn header(&mut self, bytes: &[u8; HEADER]) -> Result<Meta> {
        let [
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            major,
            minor,
            patch,
            kind,
            w0,
            w1,
            h0,
            h1,
        ] = *bytes;
        if !bytes.starts_with(MAGIC) {
            return Err(Error::malformed("the input does not begin with `Event Stream`").at_byte(0));
        }
        if major != 2 {
            return Err(Error::unsupported(format!(
                "Event Stream version {major}.{minor}.{patch}; 2 is known"
            ))
            .at_byte(VERSION_AT));
        }
        self.kind = match kind {
            kind::DVS => Kind::Dvs,
            kind::ATIS => Kind::Atis,
            kind::AMD | kind::COLOR => {
                let other = if kind == kind::AMD { Other::Amd } else { Other::Color };
                self.other = Some(Described::new(other, KIND_AT));
                self.kind
            }
            _ => {
                return Err(
                    Error::unsupported(format!("an Event Stream of the unknown type {kind}"))
                        .at_byte(KIND_AT),
                );
            }
        };
        let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
        let geometry = Geometry::new(width, height).map_err(|error| {
            Error::malformed("the header states no sensor")
                .at_byte(SIZE_AT)
                .with_source(error)
        })?;
        self.state.turn = if self.raw { None } else { Some(height - 1) };
        let origin = if self.raw {
            Origin::BottomLeft
        } else {
            Origin::TopLeft
        };
        Ok(Meta {
            geometry: Some(geometry),
            origin,
            ..Meta::default()
        })
    }
}

impl Decoder for EsDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        if self.meta.is_none() {
            // A generic stream has no size, so it may be whole with less.
            if let Some(&kind) = piece.bytes.get(KIND_AT as usize)
                && piece.bytes.starts_with(MAGIC)
                && piece.bytes.get(VERSION_AT as usize) == Some(&2)
                && kind == kind::GENERIC
            {
                self.other = Some(Described::new(Other::Generic, KIND_AT));
                self.meta = Some(Meta::default());
                return Ok(SIZE_AT as usize);
            }
            let Some(header) = piece.bytes.first_chunk::<HEADER>() else {
                if piece.last {
                    let end = piece.offset + piece.bytes.len() as u64;
                    return Err(Error::malformed("the input ends inside its header")
                        .at_byte(end)
                        .with_hint("is the recording complete?"));
                }
                return Ok(0);
            };
            let meta = self.header(header)?;
            sink.set_meta(&meta);
            self.meta = Some(meta);
            if self.other.is_none() {
                // From here on the rest can be decoded in parts, if the caller likes.
                return Ok(HEADER);
            }
            at = HEADER;
        }
        if let Some(other) = &mut self.other {
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            other.count(bytes, piece.offset + at as u64, piece, sink)?;
            return Ok(piece.bytes.len());
        }
        let mut outcome = Ok(());
        while outcome.is_ok() && sink.room() > 0 {
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            let out = sink.spare();
            let step = match self.kind {
                Kind::Dvs => self.state.dvs(bytes, out),
                Kind::Atis => self.state.atis(bytes, out),
            };
            outcome = sink.commit(step.written);
            if let Some(first) = step.first_exposure {
                sink.note(
                    FindingKind::OtherData,
                    1,
                    piece.offset + (at + first) as u64,
                    exposures,
                );
            }
            at += step.consumed;
            if step.consumed == 0 {
                break;
            }
        }
        // Their kind is known, so neither offset nor place is looked at.
        sink.note(
            FindingKind::OtherData,
            std::mem::take(&mut self.state.exposures),
            0,
            exposures,
        );
        outcome.map(|()| at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn parts(&mut self) -> Option<&mut dyn Parts> {
        let is_dvs = self.meta.is_some() && self.kind == Kind::Dvs && self.other.is_none();
        if is_dvs { Some(self) } else { None }
    }
}

/// For change detections alone. Nothing in the bytes says where an event begins, so a border is a guess: a place from
/// which so many events make sense. The part in front shows whether it is one.
impl Parts for EsDecoder {
    fn border(&self, from: u64, least: u64, input: &Look<'_>) -> Option<u64> {
        let size = self.meta.as_ref()?.geometry?;
        let at = from.checked_add(least)?;
        let bytes = input.bytes(at, LOOK);
        let ahead = (0..EVENT).find(|ahead| makes_sense(bytes.get(*ahead..).unwrap_or_default(), size))?;
        Some(at + ahead as u64)
    }

    fn survey(&self, bytes: &[u8], _: u64) -> Survey {
        let mut ticks = 0;
        let done = es::survey(bytes, &mut ticks);
        Survey {
            events: done.events,
            effect: Box::new(ticks),
        }
    }

    fn pass(&mut self, survey: &Survey) -> Result<()> {
        let Some(ticks) = survey.effect.downcast_ref::<i64>() else {
            return Err(Error::internal("a survey of another format"));
        };
        self.state.t += ticks;
        Ok(())
    }

    fn fork(&self, _: Option<&mut Survey>) -> Box<dyn Decoder> {
        Box::new(self.clone())
    }
}

/// Whether all that `bytes` hold, from the first on, are events of such a sensor and bytes that stand for time.
fn makes_sense(mut bytes: &[u8], size: Geometry) -> bool {
    let mut events = 0;
    loop {
        match *bytes {
            [0xFE | 0xFF, ref rest @ ..] => bytes = rest,
            [_, x0, x1, y0, y1, ref rest @ ..] => {
                if u16::from_le_bytes([x0, x1]) >= size.width || u16::from_le_bytes([y0, y1]) >= size.height {
                    return false;
                }
                events += 1;
                bytes = rest;
            }
            _ => return events > 0,
        }
    }
}

fn exposures() -> String {
    "exposure measurements of the ATIS".to_owned()
}

impl State {
    /// Decodes change detections from the front of `bytes` until they or `out` are used up.
    fn dvs(&mut self, bytes: &[u8], out: SpareColumns<'_>) -> Step {
        let SpareColumns { t, x, y, p } = out;
        let done = es::decode(bytes, &mut self.t, self.turn, Columns { t, x, y, p });
        Step {
            consumed: done.bytes,
            written: done.events,
            first_exposure: None,
        }
    }

    /// Decodes from the front of `bytes` until they or `out` are used up, or the first exposure measurement is behind.
    fn atis(&mut self, bytes: &[u8], out: SpareColumns<'_>) -> Step {
        let room = out.t.len();
        let (t, x, y, p) = (out.t, &mut out.x[..room], &mut out.y[..room], &mut out.p[..room]);
        let last_row = self.turn.unwrap_or(u16::MAX);
        // Either y or last - y; beyond the last row it wraps to one that is outside.
        let row = |y: u16| {
            if self.turn.is_some() {
                last_row.wrapping_sub(y)
            } else {
                y
            }
        };
        let mut time = self.t;
        let (mut at, mut n) = (0, 0);
        let mut first_exposure = None;
        while n < room {
            let Some(rest) = bytes.get(at..) else { break };
            let event = match rest.first_chunk::<LOAD>() {
                Some(load) => u64::from_le_bytes(*load),
                None => match (rest.first_chunk::<EVENT>(), rest.first()) {
                    (Some(&[b, x0, x1, y0, y1]), _) => u64::from_le_bytes([b, x0, x1, y0, y1, 0, 0, 0]),
                    (None, Some(&b)) if b >= LONGER => b.into(),
                    _ => break,
                },
            };
            let byte = event as u8;
            if byte >= LONGER {
                time += 63 * i64::from(byte & 3);
                at += 1;
                continue;
            }
            let start = at;
            at += EVENT;
            time += i64::from(byte >> 2);
            if byte & 1 != 0 {
                if self.exposure_noted {
                    self.exposures += 1;
                    continue;
                }
                self.exposure_noted = true;
                first_exposure = Some(start);
                break;
            }
            t[n] = time;
            x[n] = (event >> 8) as u16;
            y[n] = row((event >> 24) as u16);
            p[n] = byte >> 1 & 1;
            n += 1;
        }
        self.t = time;
        Step {
            consumed: at,
            written: n,
            first_exposure,
        }
    }
}

fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let Some(size) = meta.geometry else {
        return Err(
            Error::param("Event Stream files state the sensor's size, which is not known")
                .with_hint("state it when reading, as with --geometry 1280x720"),
        );
    };
    let storing = Storing::new("ES", meta, Origin::BottomLeft, (size.width - 1, size.height - 1))?;
    let kind = if params.choice("events")? == "atis" {
        Kind::Atis
    } else {
        Kind::Dvs
    };
    let mut outlet = Outlet::new(output);
    outlet.put(MAGIC)?;
    outlet.put(&[2, 0, 0, if kind == Kind::Atis { kind::ATIS } else { kind::DVS }])?;
    outlet.put(&size.width.to_le_bytes())?;
    outlet.put(&size.height.to_le_bytes())?;
    Ok(Box::new(EsWriter {
        outlet,
        storing,
        kind,
        t: 0,
    }))
}

struct EsWriter {
    outlet: Outlet,
    storing: Storing,
    kind: Kind,
    /// The time of the last event.
    t: i64,
}

impl EventWriter for EsWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            let mut step = match t.checked_sub(self.t) {
                Some(step @ 0..=LONGEST_STEP) => step,
                Some(..0) => {
                    let why = format!("it is before {} us, and times cannot go back", self.t);
                    return Err(self.storing.no_time(t, &why));
                }
                _ => {
                    return Err(self
                        .storing
                        .no_time(t, &format!("it is more than 2^32 us after {} us", self.t)));
                }
            };
            self.t = t;
            let first = match self.kind {
                Kind::Dvs => {
                    while step >= 127 {
                        self.outlet.put(&[0xFF])?;
                        step -= 127;
                    }
                    (step as u8) << 1 | p
                }
                Kind::Atis => {
                    while step >= 63 {
                        let times = (step / 63).min(3);
                        self.outlet.put(&[0xFC | times as u8])?;
                        step -= 63 * times;
                    }
                    (step as u8) << 2 | p << 1
                }
            };
            let ([x0, x1], [y0, y1]) = (x.to_le_bytes(), y.to_le_bytes());
            self.outlet.put(&[first, x0, x1, y0, y1])?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.outlet.finish()
    }
}

/// A small file with what is special: a reset, a long time, the longest time in an event, the corners.
fn sample() -> Sample {
    let mut bytes = b"Event Stream\x02\x00\x00\x01\x40\x01\xF0\x00".to_vec();
    let mut event = |before: &[u8], step: u8, on: u8, x: u16, y: u16| {
        bytes.extend_from_slice(before);
        bytes.push(step << 1 | on);
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
    };
    event(&[], 0, 1, 0, 239);
    event(&[], 0, 0, 319, 0);
    event(&[0xFE], 5, 1, 10, 20);
    event(&[], 126, 0, 11, 21);
    // Three times 127 us and 2.
    event(&[0xFF, 0xFF, 0xFE, 0xFF], 2, 1, 12, 22);
    let mut events = vec![
        Event::new(0, 0, 0, 1),
        Event::new(0, 319, 239, 0),
        Event::new(5, 10, 219, 1),
        Event::new(131, 11, 218, 0),
        Event::new(514, 12, 217, 1),
    ];
    for i in 0..40_u16 {
        let on = (i % 2) as u8;
        event(&[], 1, on, i * 8, i * 6);
        events.push(Event::new(515 + i64::from(i), i * 8, 239 - i * 6, on));
    }
    Sample { bytes, events }
}
