//! Reads the events of an NPZ archive.
//!
//! They are arrays t, x, y and p of one length, or one array of records or of N x 4 numbers. Each array that is read is
//! a stream of its own, so memory stays constant whatever the archive's size; an array that lies column after column is
//! read by four streams at once.

use std::sync::Arc;

use parallax_events::{
    Error, EventBatch, FindingKind, Geometry, Limits, Meta, Params, Report, Result, SpareColumns, Triggers,
};

use super::columns::{Cell, Timing};
use super::dtype::Dtype;
use super::header::{Header, Parsed};
use super::npy_read::{bad_record, wanted};
use super::plan::{Order, Plan, Wanted};
use super::text_table;
use super::trigger_arrays::{self, TriggerArrays};
use super::zip_read::{self, Entry, Member};
use crate::columnar::{Content, read_batch};
use crate::text::{Column, Unit, named};
use crate::{BatchSource, ReadOptions, SeekInput};

/// What arrays of events are called, best first.
const NAMES: [&str; 3] = ["events", "event_data", "arr_0"];

/// The reader behind the row `npz`.
struct NpzSource {
    plan: Plan,
    meta: Meta,
    streams: Streams,
    triggers: Option<TriggerArrays>,
    /// Records that are read.
    done: u64,
    /// Events that are handed out.
    events: u64,
    batch: usize,
    bytes: u64,
    report: Report,
    bad: Vec<bool>,
}

/// Where the records come from.
enum Streams {
    /// All four cells from one.
    One(Stream),
    /// t, x, y and p.
    Four(Box<[Stream; 4]>),
}

/// Records of one size.
pub(super) struct Stream {
    member: Member,
    size: usize,
    block: Vec<u8>,
}

/// An array of the archive.
struct Array {
    entry: Entry,
    header: Header,
}

/// See [`Open::Seekable`](crate::Open::Seekable).
pub(crate) fn open(input: SeekInput, params: &Params, options: &ReadOptions) -> Result<Box<dyn BatchSource>> {
    let content = Content::new(input)?;
    let entries = zip_read::entries(&content, &options.limits)?;
    let archive = Contents {
        content,
        entries,
        limits: options.limits,
    };
    Ok(Box::new(archive.events(
        params.optional_text("array")?,
        &wanted(params)?,
        options,
    )?))
}

/// An archive and what is in it.
pub(super) struct Contents {
    pub(super) content: Content,
    pub(super) entries: Vec<Entry>,
    pub(super) limits: Limits,
}

impl Contents {
    /// The names of the arrays.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter_map(|entry| entry.name.strip_suffix(".npy"))
    }

    fn array(&self, name: &str) -> Result<Option<Array>> {
        let is_named = |entry: &&Entry| entry.name.strip_suffix(".npy") == Some(name);
        let Some(entry) = self.entries.iter().find(is_named) else {
            return Ok(None);
        };
        let header = self
            .header(entry)
            .map_err(|error| error.with_context("array", name))?;
        Ok(Some(Array {
            entry: entry.clone(),
            header,
        }))
    }

    pub(super) fn header(&self, entry: &Entry) -> Result<Header> {
        let mut member = entry.open(&self.content)?;
        let mut bytes = Vec::new();
        loop {
            let missing = match Header::parse(&bytes, &self.limits)? {
                Parsed::Header(header) => return Ok(header),
                Parsed::Needs(len) => len - bytes.len(),
            };
            // The parser has held the length against the limits.
            let start = bytes.len();
            bytes.resize(start + missing, 0);
            if member.read(bytes.get_mut(start..).unwrap_or_default())? < missing {
                return Err(Error::malformed("the NPY header is cut off"));
            }
        }
    }

    /// The bytes of an array that is small by its nature.
    pub(super) fn small(&self, entry: &Entry, header: &Header) -> Result<Vec<u8>> {
        let size = header.data_bytes();
        if size > self.limits.header_bytes {
            return Err(Error::limit(format!(
                "an array of facts of {size} bytes, the limit is {}",
                self.limits.header_bytes
            )));
        }
        let mut bytes = vec![0; size as usize];
        let mut member = entry.open(&self.content)?;
        member.skip(header.data as u64)?;
        if member.read(&mut bytes)? < bytes.len() {
            return Err(Error::malformed("the array is cut off").with_context("array", &entry.name));
        }
        Ok(bytes)
    }

    /// The facts that we store, if they are there.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>> {
        let Some(Array { entry, header }) = self.array("meta")? else {
            return Ok(Vec::new());
        };
        // Others may mean something else by the name.
        let Some(width) = text_table::width(&header) else {
            return Ok(Vec::new());
        };
        Ok(text_table::parse(&self.small(&entry, &header)?, width))
    }

    /// A single number, such as `width`.
    fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(Array { entry, header }) = self.array(name)? else {
            return Ok(None);
        };
        let Dtype::Number(number) = header.dtype else {
            return Ok(None);
        };
        if header.shape.iter().any(|&length| length != 1) {
            return Ok(None);
        }
        let cell = Cell {
            number,
            offset: 0,
            stride: number.size,
        };
        Ok(cell.any(&self.small(&entry, &header)?))
    }

    fn geometry(&self) -> Result<Option<Geometry>> {
        let (Some(width), Some(height)) = (self.number("width")?, self.number("height")?) else {
            return Ok(None);
        };
        let side =
            |value: f64| (value.fract() == 0.0 && (1.0..=65_535.0).contains(&value)).then_some(value as u16);
        let (Some(w), Some(h)) = (side(width), side(height)) else {
            return Err(Error::malformed(format!(
                "the arrays width and height claim a sensor of {width} x {height}"
            )));
        };
        self.limits.check_geometry(w.into(), h.into())?;
        Geometry::new(w, h).map(Some)
    }

    fn events(self, array: Option<&str>, wanted: &Wanted, options: &ReadOptions) -> Result<NpzSource> {
        let pairs = self.pairs()?;
        let mut stored = Meta::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
        let states_unit = pairs.iter().any(|(key, _)| key == "parallax.time_unit");
        if let Some(geometry) = stored.geometry {
            self.limits
                .check_geometry(geometry.width.into(), geometry.height.into())?;
        } else {
            stored.geometry = self.geometry()?;
        }
        let columns = if array.is_none() { self.columns()? } else { None };
        let (mut plan, streams, look_at) = match columns {
            Some((arrays, unit)) => {
                let plan = plan_of_arrays(&arrays, wanted.unit.or(unit))?;
                let streams = arrays
                    .each_ref()
                    .map(|array| self.stream(array, 0, array.header.dtype.size()));
                let [t, x, y, p] = streams;
                let look = self.stream(&arrays[0], 0, arrays[0].header.dtype.size())?;
                (plan, Streams::Four(Box::new([t?, x?, y?, p?])), look)
            }
            None => {
                let array = self.chosen(array)?;
                let plan = Plan::new(&array.header, wanted)
                    .map_err(|error| error.with_context("array", &array.entry.name))?;
                let stride = plan.cells.cells[0].stride;
                match plan.order {
                    Order::Records(_) => {
                        let look = self.stream(&array, 0, stride)?;
                        (plan, Streams::One(self.stream(&array, 0, stride)?), look)
                    }
                    Order::Columns(starts) => {
                        let look = self.stream(&array, starts[0], stride)?;
                        let [t, x, y, p] = starts.map(|start| self.stream(&array, start, stride));
                        (plan, Streams::Four(Box::new([t?, x?, y?, p?])), look)
                    }
                }
            }
        };
        let mut report = Report::default();
        if states_unit {
            // What we wrote counts in the unit that is stored with it.
            plan.keep_as_stored();
        } else {
            let mut look = look_at;
            let bytes = look.read(plan.look_bytes().div_ceil(look.size.max(1) as u64) as usize)?;
            if let Some(assumed) = plan.settle(bytes) {
                report.note(FindingKind::Assumed, 1, None, Some(0), || assumed.to_owned());
            }
            stored.time_unit = plan.meta.time_unit;
            stored.time_origin = plan.meta.time_origin;
        }
        let triggers = if options.triggers {
            self.triggers(plan.cells.timing)?
        } else {
            None
        };
        Ok(NpzSource {
            triggers,
            plan,
            meta: stored,
            streams,
            done: 0,
            events: 0,
            batch: read_batch(options),
            bytes: self.content.len(),
            report,
            bad: Vec::new(),
        })
    }

    fn triggers(&self, timing: Timing) -> Result<Option<TriggerArrays>> {
        let [t, id, value] = trigger_arrays::NAMES.map(|name| self.array(name));
        let (Some(t), Some(id), Some(value)) = (t?, id?, value?) else {
            return Ok(None);
        };
        let arrays = [t, id, value];
        let (cells, count) = cells_of(&arrays)?;
        let cells = <[Cell; 3]>::try_from(cells).map_err(|_| Error::internal("not three arrays"))?;
        let [t, id, value] = arrays
            .each_ref()
            .map(|array| self.stream(array, 0, array.header.dtype.size()));
        Ok(Some(TriggerArrays::new(cells, [t?, id?, value?], count, timing)))
    }

    /// Four arrays called t, x, y and p, or by other names for them, and the unit that the name of t states.
    fn columns(&self) -> Result<Option<([Array; 4], Option<Unit>)>> {
        let mut names: [Option<&str>; 4] = [None; 4];
        let mut unit = None;
        for name in self.names() {
            let (place, stated) = match named(&name.to_ascii_lowercase()) {
                Some((Column::T, stated)) => (0, stated),
                Some((Column::X, _)) => (1, None),
                Some((Column::Y, _)) => (2, None),
                Some((Column::P, _)) => (3, None),
                Some((Column::Other, _)) | None => continue,
            };
            if names[place].is_none() {
                names[place] = Some(name);
                unit = unit.or(stated);
            }
        }
        let [Some(t), Some(x), Some(y), Some(p)] = names else {
            return Ok(None);
        };
        match [self.array(t)?, self.array(x)?, self.array(y)?, self.array(p)?] {
            [Some(t), Some(x), Some(y), Some(p)] => Ok(Some(([t, x, y, p], unit))),
            _ => Ok(None),
        }
    }

    /// The one array with the events.
    fn chosen(&self, name: Option<&str>) -> Result<Array> {
        let names: Vec<&str> = self.names().take(64).collect();
        let found = match name {
            Some(name) => self.array(name)?,
            None => {
                let usual = NAMES.into_iter().find(|name| names.contains(name));
                let only = match names[..] {
                    [only] => Some(only),
                    _ => None,
                };
                match usual.or(only) {
                    Some(name) => self.array(name)?,
                    None => None,
                }
            }
        };
        found.ok_or_else(|| {
            let message = match name {
                Some(name) => format!("the archive has no array \"{name}\""),
                None => "the archive has no arrays t, x, y and p, nor one called events".to_owned(),
            };
            Error::not_found(message).with_hint(format!(
                "its arrays are: {}; name the one with the events: array=NAME",
                names.join(", ")
            ))
        })
    }

    fn stream(&self, array: &Array, start: u64, size: usize) -> Result<Stream> {
        self.limits.check_block(size as u64, 0)?;
        let mut member = array.entry.open(&self.content)?;
        member.skip(array.header.data as u64 + start)?;
        Ok(Stream {
            member,
            size,
            block: Vec::new(),
        })
    }
}

/// The plan of four arrays of one length.
fn plan_of_arrays(arrays: &[Array; 4], unit: Option<Unit>) -> Result<Plan> {
    let (cells, count) = cells_of(arrays)?;
    let cells = <[Cell; 4]>::try_from(cells).map_err(|_| Error::internal("not four arrays"))?;
    Plan::of_columns(cells, count, unit)
}

/// The numbers in arrays of one length, and that length.
fn cells_of(arrays: &[Array]) -> Result<(Vec<Cell>, u64)> {
    let mut cells = Vec::with_capacity(arrays.len());
    let mut count = None;
    for Array { entry, header } in arrays {
        let Dtype::Number(number) = header.dtype else {
            return Err(Error::unsupported(format!(
                "the array {} does not hold numbers",
                entry.name
            )));
        };
        if header.shape.iter().filter(|&&length| length != 1).count() > 1 || header.shape.is_empty() {
            return Err(Error::unsupported(format!(
                "the array {} has {} axes, an event column has one",
                entry.name,
                header.shape.len()
            )));
        }
        let length = header.shape.iter().product::<u64>();
        if *count.get_or_insert(length) != length {
            return Err(Error::malformed(format!(
                "the array {} has {length} elements, the one before {}",
                entry.name,
                count.unwrap_or_default()
            )));
        }
        cells.push(Cell {
            number,
            offset: 0,
            stride: number.size,
        });
    }
    Ok((cells, count.unwrap_or_default()))
}

impl Stream {
    /// The next `count` records, or as many as there are.
    pub(super) fn read(&mut self, count: usize) -> Result<&[u8]> {
        self.block.resize(count * self.size, 0);
        let got = self.member.read(&mut self.block)?;
        Ok(self.block.get(..got - got % self.size.max(1)).unwrap_or_default())
    }
}

impl Streams {
    /// Calls `work` with the bytes of the next `count` records of each cell.
    fn read<T>(&mut self, count: usize, work: impl FnOnce([&[u8]; 4]) -> T) -> Result<T> {
        match self {
            Self::One(stream) => Ok(work([stream.read(count)?; 4])),
            Self::Four(streams) => {
                let [t, x, y, p] = streams.as_mut();
                let bytes = [t.read(count)?, x.read(count)?, y.read(count)?, p.read(count)?];
                Ok(work(bytes))
            }
        }
    }

    fn size(&self) -> [usize; 4] {
        match self {
            Self::One(stream) => [stream.size; 4],
            Self::Four(streams) => streams.as_ref().each_ref().map(|stream| stream.size),
        }
    }
}

impl BatchSource for NpzSource {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        loop {
            let left = self.plan.count - self.done;
            let largest = self.streams.size().into_iter().max().unwrap_or(1).max(1);
            // Records may be large.
            let batch = self.batch.min(BLOCK_BYTES / largest).max(1);
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(batch);
            if wanted == 0 {
                if let Some(triggers) = &mut self.triggers {
                    triggers.advance(i64::MAX);
                }
                return Ok(None);
            }
            let (mut t, mut x, mut y, mut p) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let (cells, bad, sizes) = (self.plan.cells, &mut self.bad, self.streams.size());
            let (count, filled) = self.streams.read(wanted, |bytes| {
                let counts = bytes
                    .iter()
                    .zip(sizes)
                    .map(|(bytes, size)| bytes.len() / size.max(1));
                let count = counts.min().unwrap_or_default();
                t.resize(count, 0);
                x.resize(count, 0);
                y.resize(count, 0);
                p.resize(count, 0);
                let out = SpareColumns {
                    t: &mut t,
                    x: &mut x,
                    y: &mut y,
                    p: &mut p,
                };
                (count, cells.fill(bytes, out, bad))
            })?;
            if let Some(first) = filled.first_bad {
                let place = Some(self.events + first as u64);
                let bad = (count - filled.kept) as u64;
                self.report
                    .note(FindingKind::BadRecord, bad, None, place, bad_record);
            }
            self.done += count as u64;
            self.events += filled.kept as u64;
            if count < wanted {
                let missing = self.plan.count - self.done;
                self.report
                    .note(FindingKind::TruncatedTail, 1, None, Some(self.events), || {
                        format!("{missing} records less than the headers claim")
                    });
                self.plan.count = self.done;
            }
            if filled.kept == 0 {
                continue;
            }
            t.truncate(filled.kept);
            x.truncate(filled.kept);
            y.truncate(filled.kept);
            p.truncate(filled.kept);
            if let (Some(triggers), Some(&t)) = (&mut self.triggers, t.last()) {
                triggers.advance(t);
            }
            // Under no facts: events outside the sensor are the reader's to drop and to count.
            return EventBatch::try_new(t, x, y, p, Arc::default()).map(Some);
        }
    }

    fn bytes_done(&self) -> u64 {
        let share = u128::from(self.bytes) * u128::from(self.done) / u128::from(self.plan.count.max(1));
        u64::try_from(share).unwrap_or(self.bytes)
    }

    fn take_triggers(&mut self, most: usize) -> Result<Triggers> {
        self.triggers
            .as_mut()
            .map_or_else(|| Ok(Triggers::default()), |triggers| triggers.take(most))
    }

    fn take_findings(&mut self) -> Report {
        std::mem::take(&mut self.report)
    }
}

/// How many bytes are read of a stream at once.
const BLOCK_BYTES: usize = 1 << 20;
