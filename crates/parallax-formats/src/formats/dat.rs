//! DAT: 8-byte records of Prophesee's tools, version 1 and 2, behind a text header.
//!
//! In: header lines `% key value`, then a byte with the type of the events and one with their size, then records of a
//! 32-bit time in microseconds and 32 bits of address and polarity, little-endian. Out: events in the recorded
//! order, t in microseconds. Sources: the maker's file format pages and its MATLAB and Python loaders.
//!
//! - Time wraps every 2^32 us (71.6 min): a fall by more than 2^31 is a wrap; a smaller one is taken as it is, and
//!   reported as a step back. `% T0` (written by faery) is added to every time.
//! - The size may be missing, and lines may be free text. Version 1 files may lack the two bytes behind the header;
//!   files without a header do. A header without a version means version 1, as in the maker's loader.
//! - Files of triggers or of optical flow have the same name; they are refused, by type.
//! - Written is version 2. It holds 14 bits of column and row, and no gap in time of 2^31 us or more. A recording
//!   that does not start within the first 2^32 us gets a `% T0`, which other readers than faery ignore.

use std::io::Write;
use std::ops::Range;

use parallax_events::{
    Declaration, Error, Event, EventBatch, FindingKind, Limits, Meta, Origin, ParamSpec, Params, Pool, Result,
    SpareColumns,
};
use parallax_simd::dat::{self, Packing};
use parallax_simd::Columns;

use crate::prophesee::{RawHeader, places};
use crate::stored::{Outlet, Storing};
use crate::{
    Decoder, EventSink, EventWriter, Evidence, Format, Found, Look, Open, Parts, Piece, Probe, ReadOptions, Sample, Survey,
    TimeSeek, TriggerSupport, WriteOptions,
};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["dat"],
    sniff,
    open: Open::Stream(|params, options| Ok(Box::new(DatDecoder::new(params, options)?))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "dat",
    "Prophesee DAT 1 and 2",
    &[ParamSpec::choice("version", &["auto", "1", "2"])
        .default("auto")
        .doc("How addresses are stored, for reading; auto: as the header says, else 1")],
)
.with_doc(
    "Records of 8 bytes behind a text header. Version 2 is written. Times that do not start within the first 71.6 \
     minutes are counted from a `% T0` in the header, which few other programs know.",
);

/// What lies in the bytes behind the header.
mod kind {
    pub(super) const EVENT_2D: u8 = 0x00;
    pub(super) const EVENT_CD: u8 = 0x0C;
    pub(super) const EXT_TRIGGER: u8 = 0x0E;
    pub(super) const OPTICAL_FLOW: u8 = 0x28;
}

/// The bytes of a record, and a fall of time that is a wrap.
const RECORD: usize = 8;
const LOOP: i64 = 1 << 32;
const WRAP: u32 = 1 << 31;

/// Columns and rows of version 2 have 14 bits.
const ADDRESS: u16 = 0x3FFF;

/// The latest start that a header may state, so that no time overflows.
const LATEST_START: i64 = 1 << 62;
const LATEST_BASE: i64 = i64::MAX - LOOP;

/// Reads the header, then records.
#[derive(Debug, Clone)]
struct DatDecoder {
    header: RawHeader,
    asked: Option<Packing>,
    limits: Limits,
    /// Known once the header is behind.
    meta: Option<Meta>,
    packing: Packing,
    clock: Clock,
    /// Where the part ends that this decodes, and the state behind it, which was guessed.
    guess: Option<(u64, Clock)>,
}

/// Makes 32-bit times whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Clock {
    /// What is added to a stored time: wraps and the start.
    base: i64,
    /// The last stored time.
    last: u32,
}

impl Clock {
    fn time(&mut self, stored: u32) -> i64 {
        if self.last > stored && self.last - stored > WRAP {
            // A forged file can claim more wraps than 64 bits hold.
            self.base = (self.base + LOOP).min(LATEST_BASE);
        }
        self.last = stored;
        self.base + i64::from(stored)
    }

    /// The state behind records that begin with `first` and end with `last`, if time wraps at most once among them.
    fn behind(mut self, first: u32, last: u32) -> Self {
        self.time(first);
        self.time(last);
        self
    }
}

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let mut header = RawHeader::default();
    // What is wrong with a header is the decoder's to say.
    let _ = header.read(probe.head, 0, false, &Limits::default());
    if !header.is_present() || header.encoding_line().is_some() {
        return None;
    }
    let ours = probe.extension == Some("dat");
    match header.meta().extra.get("version").map(String::as_str) {
        Some(version @ ("1" | "2")) => Some(Evidence::new(
            if ours { 92 } else { 80 },
            format!("the header says Version {version}"),
        )),
        _ if ours => Some(Evidence::new(40, "a text header and the extension of DAT")),
        _ => None,
    }
}

impl DatDecoder {
    fn new(params: &Params, options: &ReadOptions) -> Result<Self> {
        Ok(Self {
            header: RawHeader::default(),
            asked: match params.choice("version")? {
                "1" => Some(Packing::Version1),
                "2" => Some(Packing::Version2),
                _ => None,
            },
            limits: options.limits,
            meta: None,
            packing: Packing::Version2,
            clock: Clock::default(),
            guess: None,
        })
    }

    /// The header is behind, and `rest` follows it: checks what follows and states the facts. Returns how many bytes
    /// of `rest` are behind too, or `None` if more are needed.
    fn start(&mut self, rest: Piece<'_>, sink: &mut EventSink<'_>) -> Result<Option<usize>> {
        if let Some((words, offset)) = self.header.encoding_line() {
            return Err(
                Error::malformed(format!("the header says `{words}`, which is not DAT"))
                    .at_byte(offset)
                    .with_hint("leave the format to be recognised"),
            );
        }
        let meta = self.header.meta();
        let kind = match *rest.bytes {
            _ if !self.header.is_present() => None,
            [kind, size, ..] => Some((kind, size)),
            _ if rest.last => {
                return Err(Error::malformed(
                    "the input ends inside its header, before the type of the events",
                )
                .at_byte(rest.offset)
                .with_hint("is the recording complete?"));
            }
            _ => return Ok(None),
        };
        self.packing = match (self.asked, meta.extra.get("version").map(String::as_str)) {
            (Some(version), _) => version,
            (None, Some("1")) => Packing::Version1,
            (None, Some("2")) => Packing::Version2,
            (None, Some(other)) => {
                return Err(Error::unsupported(format!("DAT version {other}"))
                    .at_byte(0)
                    .with_hint("read it with version=1 or version=2"));
            }
            (None, None) => {
                sink.note(FindingKind::Assumed, 1, rest.offset, || {
                    "version 1, as no header states it".to_owned()
                });
                Packing::Version1
            }
        };
        let behind = match kind {
            None => 0,
            Some((kind::EVENT_2D | kind::EVENT_CD, size)) if usize::from(size) == RECORD => 2,
            Some(_) if self.packing == Packing::Version1 => {
                let no_type =
                    || "records right behind the header, as no type of events stands there".to_owned();
                sink.note(FindingKind::Assumed, 1, rest.offset, no_type);
                0
            }
            Some((kind, size)) => return Err(not_events(kind, size).at_byte(rest.offset)),
        };
        if let Some(start) = meta.extra.get("t0") {
            self.clock.base = match start.parse() {
                Ok(start) if (0..=LATEST_START).contains(&start) => start,
                _ => {
                    return Err(
                        Error::malformed(format!("the header line `T0 {start}` does not parse")).at_byte(0),
                    );
                }
            };
        }
        sink.set_meta(&meta);
        self.meta = Some(meta);
        Ok(Some(behind))
    }
}

/// That a file holds something else.
fn not_events(kind: u8, size: u8) -> Error {
    let what = match kind {
        kind::EVENT_2D | kind::EVENT_CD => {
            return Error::malformed(format!("events of {size} bytes; DAT has 8"));
        }
        kind::EXT_TRIGGER => "external triggers".to_owned(),
        kind::OPTICAL_FLOW => "optical flow".to_owned(),
        _ => format!("records of the type {kind:#04x}"),
    };
    Error::unsupported(format!("the file holds {what}, no events of pixels"))
        .with_hint("the events of the recording are in another file, named `.._cd.dat` or `.._td.dat`")
}

impl Decoder for DatDecoder {
    fn decode(&mut self, piece: Piece<'_>, sink: &mut EventSink<'_>) -> Result<usize> {
        let mut at = 0;
        if self.meta.is_none() {
            at = self
                .header
                .read(piece.bytes, piece.offset, piece.last, &self.limits)?;
            if !self.header.is_complete() {
                return Ok(at);
            }
            let bytes = piece.bytes.get(at..).unwrap_or_default();
            let Some(behind) = self.start(
                Piece {
                    bytes,
                    offset: piece.offset + at as u64,
                    ..piece
                },
                sink,
            )?
            else {
                return Ok(at);
            };
            at += behind;
            if at > 0 {
                // From here on the rest can be decoded in parts, if the caller likes.
                return Ok(at);
            }
        }
        let (mut records, _) = piece.bytes.get(at..).unwrap_or_default().as_chunks::<RECORD>();
        while !records.is_empty() && sink.room() > 0 {
            let out = sink.spare();
            let (now, later) = records.split_at(records.len().min(out.t.len()));
            let behind = at + now.len() * RECORD;
            let mut clock = self.clock;
            block(now, self.packing, &mut clock, out);
            // Behind the last part nothing follows that could be wrong.
            if let Some((end, guess)) = self.guess
                && !piece.last
                && end == piece.offset + behind as u64
                && guess != clock
            {
                break;
            }
            self.clock = clock;
            sink.commit(now.len())?;
            at = behind;
            records = later;
        }
        Ok(at)
    }

    fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    fn parts(&mut self) -> Option<&mut dyn Parts> {
        Some(self)
    }

    fn time_seek(&mut self) -> Option<&mut dyn TimeSeek> {
        Some(self)
    }
}

impl TimeSeek for DatDecoder {
    fn seek(&mut self, range: Range<i64>, from: u64, input: &Look<'_>, _: Pool<'_>) -> Option<Found> {
        let record = |place: u64| from + place * RECORD as u64;
        let stored = |place| Some(halves(input.bytes(record(place), RECORD).first_chunk()?).0);
        let base = self.clock.base;
        let range = range.start.saturating_sub(base)..range.end.saturating_sub(base);
        let count = input.size().saturating_sub(from) / RECORD as u64;
        let found = places(count, self.clock.last.into(), &range, LOOP, |place| {
            stored(place).map(i64::from)
        })?;
        if let Some(before) = found.start.checked_sub(1) {
            self.clock.last = stored(before)?;
        }
        Some(Found {
            start: record(found.start),
            end: if found.end < count { record(found.end) } else { input.size() },
            is_certain: false,
        })
    }
}

impl Parts for DatDecoder {
    fn border(&self, from: u64, least: u64, _: &Look<'_>) -> Option<u64> {
        from.checked_add(least.checked_next_multiple_of(RECORD as u64)?)
    }

    fn survey(&self, bytes: &[u8], offset: u64) -> Survey {
        let (records, _) = bytes.as_chunks::<RECORD>();
        let ends = records.first().zip(records.last());
        let effect = Surveyed {
            end: offset + (records.len() * RECORD) as u64,
            times: ends.map(|(first, last)| (halves(first).0, halves(last).0)),
        };
        Survey {
            events: records.len(),
            effect: Box::new(effect),
        }
    }

    fn pass(&mut self, survey: &Survey) -> Result<()> {
        let Some(surveyed) = survey.effect.downcast_ref::<Surveyed>() else {
            return Err(Error::internal("a survey of another format"));
        };
        self.clock = surveyed.behind(self.clock);
        Ok(())
    }

    fn fork(&self, part: Option<&mut Survey>) -> Box<dyn Decoder> {
        let surveyed = part.and_then(|survey| survey.effect.downcast_ref::<Surveyed>());
        let guess = surveyed.map(|surveyed| (surveyed.end, surveyed.behind(self.clock)));
        Box::new(Self { guess, ..self.clone() })
    }
}

/// What a survey finds out, without reading more than the ends.
#[derive(Debug)]
struct Surveyed {
    end: u64,
    /// The first stored time and the last, if there are records.
    times: Option<(u32, u32)>,
}

impl Surveyed {
    /// The state behind, from the one in front: a guess.
    fn behind(&self, clock: Clock) -> Clock {
        self.times.map_or(clock, |(first, last)| clock.behind(first, last))
    }
}

/// Decodes all of `records`, for which `out` has room.
fn block(mut records: &[[u8; RECORD]], packing: Packing, clock: &mut Clock, out: SpareColumns<'_>) {
    let SpareColumns { t, x, y, p } = out;
    let mut n = 0;
    loop {
        let columns = Columns {
            t: &mut t[n..],
            x: &mut x[n..],
            y: &mut y[n..],
            p: &mut p[n..],
        };
        let (run, rest) = records.split_at(dat::run(records, packing, clock.last, clock.base, columns));
        clock.last = run.last().map_or(clock.last, |record| halves(record).0);
        n += run.len();
        if rest.is_empty() {
            return;
        }
        // A block where the time may wrap, or the rest.
        let (by_hand, rest) = rest.split_at(rest.len().min(dat::BLOCK));
        for record in by_hand {
            let (stored, address) = halves(record);
            t[n] = clock.time(stored);
            (x[n], y[n], p[n]) = pixel(packing, address);
            n += 1;
        }
        records = rest;
    }
}

/// The time and the address of a record.
#[inline(always)]
fn halves(record: &[u8; RECORD]) -> (u32, u32) {
    let record = u64::from_le_bytes(*record);
    (record as u32, (record >> 32) as u32)
}

/// Column, row and polarity.
fn pixel(packing: Packing, address: u32) -> (u16, u16, u8) {
    let (columns, rows) = match packing {
        Packing::Version1 => (9, 8),
        Packing::Version2 => (14, 14),
    };
    let bits = |from: u32, count: u32| (address >> from & ((1 << count) - 1)) as u16;
    (bits(0, columns), bits(columns, rows), bits(columns + rows, 1) as u8)
}

fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    _: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let storing = Storing::new("DAT", meta, Origin::TopLeft, (ADDRESS, ADDRESS))?;
    let outlet = Outlet::new(output);
    Ok(Box::new(DatWriter {
        outlet,
        storing,
        meta: meta.clone(),
        start: 0,
        clock: None,
    }))
}

/// Writes version 2.
struct DatWriter {
    outlet: Outlet,
    storing: Storing,
    meta: Meta,
    /// The time that stored ones count from.
    start: i64,
    /// What a reader will have seen; `None` until the header is written.
    clock: Option<Clock>,
}

impl DatWriter {
    /// Writes the header of a recording whose first event is at `first`.
    fn header(&mut self, first: i64) -> Result<Clock> {
        let mut header = String::from("% Data file containing CD events\n% Version 2\n");
        if let Some(date) = self.meta.extra.get("date")
            && !date.contains(|c: char| c.is_control())
        {
            header.push_str(&format!("% Date {date}\n"));
        }
        if let Some(size) = self.meta.geometry {
            header.push_str(&format!("% Width {}\n% Height {}\n", size.width, size.height));
        }
        if !(0..=LATEST_START).contains(&first) {
            return Err(self.storing.no_time(first, "the first time is from 0 to 2^62 us"));
        }
        if first >= LOOP {
            self.start = first;
            header.push_str(&format!("% T0 {first}\n"));
        }
        self.outlet.put(header.as_bytes())?;
        self.outlet.put(&[kind::EVENT_CD, RECORD as u8])?;
        Ok(Clock {
            base: self.start,
            last: 0,
        })
    }
}

impl EventWriter for DatWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            let mut clock = match self.clock {
                Some(clock) => clock,
                None => self.header(t)?,
            };
            // The low half of the time; what a reader makes of it must be the time again.
            let stored = t.wrapping_sub(self.start) as u32;
            let seen = clock.time(stored);
            if seen != t {
                return Err(self
                    .storing
                    .no_time(t, &format!("its 32 bits would be read as {seen} us")));
            }
            self.clock = Some(clock);
            let address = u32::from(x) | u32::from(y) << 14 | u32::from(p) << 28;
            self.outlet
                .put(&(u64::from(stored) | u64::from(address) << 32).to_le_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.clock.is_none() {
            self.header(0)?;
        }
        self.outlet.finish()
    }
}

/// A small file with what is special: free text, a wrap, extra bits of polarity.
fn sample() -> Sample {
    let record = |t: u32, x: u32, y: u32, p: u32| {
        (u64::from(t) | u64::from(x | y << 14 | p << 28) << 32).to_le_bytes()
    };
    let mut records = vec![
        record(0, 0, 0, 0),
        record(3, 1279, 719, 1),
        // A quiet half an hour, then the other half of the range. Only the lowest bit of the polarity counts.
        record(0x7FFF_FFFF, 5, 6, 0b1110),
        record(0xFFFF_FFF0, 7, 8, 0b1111),
    ];
    let mut events = vec![
        Event::new(0, 0, 0, 0),
        Event::new(3, 1279, 719, 1),
        Event::new(0x7FFF_FFFF, 5, 6, 0),
        Event::new(0xFFFF_FFF0, 7, 8, 1),
    ];
    // A stretch, as real files have it, with the wrap in it.
    for i in 0..200_u16 {
        let t = 0xFFFF_FFF4 + i64::from(i);
        records.push(record(
            t as u32,
            u32::from(i) * 6,
            u32::from(i) * 3,
            u32::from(i % 2),
        ));
        events.push(Event::new(t, i * 6, i * 3, (i % 2) as u8));
    }
    let header = b"% Data file containing CD events.\n% Version 2\n% Date 2024-05-06 07:08:09\n% Width 1280\n% Height 720\n\x0C\x08";
    Sample {
        bytes: [header.as_slice(), records.as_flattened()].concat(),
        events,
    }
}
