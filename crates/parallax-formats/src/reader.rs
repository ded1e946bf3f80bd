//! Reading: one reader for every format, with two doors.
//!
//! [`EventReader`] reads a file (mapped where that is safe) or bytes in memory; [`PushReader`] takes bytes as
//! they come. Both give the same events for the same bytes. What was readable before an error is delivered
//! first; then the error; the [`Report`] says what was odd.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use parallax_events::{
    BatchBuilder, DvsColumns, Error, ErrorKind, EventBatch, FindingKind, Meta, OrderPolicy, Pool, Report,
    Result, StrictCheck, ensure_strict_order,
};
use parallax_memory::Bytes;

use crate::source::Source;
use crate::{
    BatchSource, Decoder, EventSink, Evidence, Format, Open, Probe, Progress, ReadOptions, SeekInput,
    registry,
};

/// Room that is made ahead of the decoder when a whole recording is read.
const GROWTH: usize = 64 << 10;

/// Reads the events of one recording, in batches or whole.
///
/// ```no_run
/// use parallax_formats::{EventReader, ReadOptions};
///
/// let mut reader = EventReader::open("recording.raw", &ReadOptions::default())?;
/// while let Some(events) = reader.next_columns()? {
///     println!("{} events from t = {}", events.len(), events.t[0]);
/// }
/// println!("{} oddities", reader.report().findings().len());
/// # Ok::<(), parallax_events::Error>(())
/// ```
pub struct EventReader {
    format: &'static Format,
    evidence: Evidence,
    engine: Engine,
    meta: Option<Arc<Meta>>,
    report: Report,
    options: ReadOptions,
    builder: BatchBuilder,
    /// Events handed out.
    events: u64,
    /// An error that waits until the events before it are handed out.
    waiting: Option<Error>,
    ended: bool,
    /// Whether the batch in the builder has been lent and is to be forgotten.
    lent: bool,
    order: StrictCheck,
    /// How many events in the builder have been checked for their order.
    checked: usize,
}

enum Engine {
    Stream {
        source: Source,
        decoder: Box<dyn Decoder>,
    },
    Table {
        source: Box<dyn BatchSource>,
        rest: Option<EventBatch>,
        total: Option<u64>,
    },
    /// All events, in canonical order, for `order=strict`.
    Sorted { rest: EventBatch },
}

/// How far [`EventReader::fill`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    Full,
    End,
    /// A pushed source has no more for now.
    Starved,
}

impl EventReader {
    /// Opens a recording: recognises its format, reads its header.
    ///
    /// # Errors
    /// If there is no such file, it is a directory, its format is not recognised, or its header is damaged; each
    /// error names the file.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        let path = path.as_ref();
        Self::open_file(path, options).map_err(|error| error.with_context("file", path.display()))
    }

    fn open_file(path: &Path, options: &ReadOptions) -> Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Error::param("it is a directory").with_hint("name a recording inside it"));
        }
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .map(str::to_ascii_lowercase);
        let mut head = Vec::new();
        file.by_ref().take(Probe::BYTES as u64).read_to_end(&mut head)?;
        let whole = head.len() < Probe::BYTES;
        let probe = Probe {
            head: &head,
            whole,
            extension: extension.as_deref(),
        };
        let (format, params, evidence) = registry::choose(&probe, options)?;
        if metadata.is_file() {
            file.rewind()?;
            return match format.open {
                Open::Stream(new) => Self::stream(
                    format,
                    evidence,
                    Source::file(file, options.mmap)?,
                    new(&params, options)?,
                    options,
                ),
                Open::Seekable(new) => Self::table(
                    format,
                    evidence,
                    new(SeekInput::File(file), &params, options)?,
                    options,
                    Some(metadata.len()),
                ),
                Open::Never => Err(cannot_read(format)),
            };
        }
        // A pipe or a device: what was looked at cannot be read again.
        match format.open {
            Open::Stream(new) => {
                let source = Source::read(Box::new(std::io::Cursor::new(head).chain(file)));
                Self::stream(format, evidence, source, new(&params, options)?, options)
            }
            Open::Seekable(new) => {
                let most = options.limits.block_bytes;
                file.take(most.saturating_add(1)).read_to_end(&mut head)?;
                options.limits.check_block(head.len() as u64, 0)?;
                let total = head.len() as u64;
                let source = new(SeekInput::Bytes(head.into()), &params, options)?;
                Self::table(format, evidence, source, options, Some(total))
            }
            Open::Never => Err(cannot_read(format)),
        }
    }

    /// Reads a recording that is in memory. `extension` helps to recognise it, as a file's name would.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(
        bytes: impl Into<Bytes>,
        extension: Option<&str>,
        options: &ReadOptions,
    ) -> Result<Self> {
        let bytes = bytes.into();
        let head = &bytes[..bytes.len().min(Probe::BYTES)];
        let probe = Probe {
            head,
            whole: head.len() == bytes.len(),
            extension,
        };
        let (format, params, evidence) = registry::choose(&probe, options)?;
        match format.open {
            Open::Stream(new) => Self::stream(
                format,
                evidence,
                Source::bytes(bytes),
                new(&params, options)?,
                options,
            ),
            Open::Seekable(new) => {
                let total = bytes.len() as u64;
                let source = new(SeekInput::Bytes(bytes), &params, options)?;
                Self::table(format, evidence, source, options, Some(total))
            }
            Open::Never => Err(cannot_read(format)),
        }
    }

    fn stream(
        format: &'static Format,
        evidence: Evidence,
        source: Source,
        decoder: Box<dyn Decoder>,
        options: &ReadOptions,
    ) -> Result<Self> {
        let engine = Engine::Stream { source, decoder };
        let mut reader = Self::of(format, evidence, engine, options)?;
        // The header is read now, so that a damaged one is an error of opening.
        reader.read_ahead()?;
        Ok(reader)
    }

    fn table(
        format: &'static Format,
        evidence: Evidence,
        source: Box<dyn BatchSource>,
        options: &ReadOptions,
        total: Option<u64>,
    ) -> Result<Self> {
        let mut meta = source.meta().clone();
        meta.geometry = meta.geometry.or(options.geometry);
        let mut reader = Self::of(
            format,
            evidence,
            Engine::Table {
                source,
                rest: None,
                total,
            },
            options,
        )?;
        reader.builder.set_geometry(meta.geometry);
        reader.builder.set_time(options.time, meta.time_unit);
        reader.meta = Some(Arc::new(meta));
        reader.sort_if_asked()?;
        Ok(reader)
    }

    fn of(
        format: &'static Format,
        evidence: Evidence,
        engine: Engine,
        options: &ReadOptions,
    ) -> Result<Self> {
        Ok(Self {
            format,
            evidence,
            engine,
            meta: None,
            report: Report::default(),
            options: options.clone(),
            builder: BatchBuilder::with_capacity(options.effective_chunk())?,
            events: 0,
            waiting: None,
            ended: false,
            lent: false,
            order: StrictCheck::default(),
            checked: 0,
        })
    }

    /// Decodes up to the end of the header.
    fn read_ahead(&mut self) -> Result<()> {
        while self.meta.is_none() && !self.ended {
            if self.step()? == Filled::Starved {
                return Ok(());
            }
        }
        if self.meta.is_none()
            && let Some(error) = self.waiting.take()
        {
            return Err(error);
        }
        self.sort_if_asked()
    }

    fn sort_if_asked(&mut self) -> Result<()> {
        if self.options.order != OrderPolicy::Strict || matches!(self.engine, Engine::Sorted { .. }) {
            return Ok(());
        }
        if let Engine::Stream { source, .. } = &self.engine
            && source.is_starved()
        {
            return Ok(());
        }
        self.gather()?;
        let meta = self.meta();
        let all = self.builder.finish(&meta)?;
        self.builder = BatchBuilder::with_capacity(0)?;
        self.ended = false;
        self.engine = Engine::Sorted {
            rest: ensure_strict_order(&all, Pool::serial())?,
        };
        Ok(())
    }

    /// The format that the input was recognised as.
    pub fn format(&self) -> &'static Format {
        self.format
    }

    /// How the format was recognised.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The facts of the stream.
    pub fn meta(&self) -> Arc<Meta> {
        self.meta.clone().unwrap_or_default()
    }

    /// What was odd in what has been read so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How far the read has come.
    pub fn progress(&self) -> Progress {
        let (bytes, total_bytes) = match &self.engine {
            Engine::Stream { source, .. } => (source.at(), source.len()),
            Engine::Table { source, total, .. } => (source.bytes_done(), *total),
            Engine::Sorted { .. } => (0, None),
        };
        Progress {
            bytes,
            total_bytes,
            events: self.events + if self.lent { 0 } else { self.builder.len() as u64 },
        }
    }

    /// The next events, lent until the next call; the memory is used again and again. `None` at the end.
    ///
    /// # Errors
    /// If the input is damaged beyond reading on, a limit is met, or the caller's progress call-back stops it.
    /// Everything before was handed out.
    pub fn next_columns(&mut self) -> Result<Option<DvsColumns<'_>>> {
        if self.fill()? == 0 {
            return Ok(None);
        }
        self.lent = true;
        self.events += self.builder.len() as u64;
        Ok(Some(self.builder.columns()))
    }

    /// The next events as a batch that owns its memory. `None` at the end.
    ///
    /// # Errors
    /// As [`next_columns`](Self::next_columns).
    pub fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        if self.fill()? == 0 {
            return Ok(None);
        }
        self.events += self.builder.len() as u64;
        let meta = self.meta();
        Ok(Some(self.builder.finish(&meta)?))
    }

    /// All events that are left, as one batch: 13 bytes an event, decoded in place.
    ///
    /// # Errors
    /// As [`next_columns`](Self::next_columns); [`read_all_readable`](Self::read_all_readable) keeps what was read.
    pub fn read_all(&mut self) -> Result<EventBatch> {
        let (batch, error) = self.read_all_readable()?;
        match error {
            None => Ok(batch),
            Some(error) => Err(error),
        }
    }

    /// All events that are left and, if the input is damaged, the error that ended them.
    ///
    /// # Errors
    /// Only if memory runs out.
    pub fn read_all_readable(&mut self) -> Result<(EventBatch, Option<Error>)> {
        if let Engine::Sorted { rest } = &mut self.engine {
            let all = rest.slice(..);
            *rest = rest.slice(..0);
            self.events += all.len() as u64;
            return Ok((all, self.waiting.take()));
        }
        self.gather()?;
        self.events += self.builder.len() as u64;
        let meta = self.meta();
        let batch = self.builder.finish(&meta)?;
        Ok((batch, self.waiting.take()))
    }

    /// Decodes all that is left into a builder that grows.
    fn gather(&mut self) -> Result<()> {
        self.forget_lent();
        let mut growing = BatchBuilder::growing()?;
        growing.continue_from(&self.builder)?;
        self.builder = growing;
        while !self.ended {
            self.builder.reserve(GROWTH)?;
            if self.step()? == Filled::Starved {
                break;
            }
        }
        Ok(())
    }

    fn forget_lent(&mut self) {
        if std::mem::take(&mut self.lent) {
            self.builder.clear();
        }
        self.checked = self.builder.len();
    }

    /// Fills the builder; returns how many events it holds.
    fn fill(&mut self) -> Result<usize> {
        self.forget_lent();
        self.builder.provide()?;
        while !self.ended && self.builder.room() > 0 {
            if self.step()? == Filled::Starved {
                // A pushed source hands out full batches only, until it ends.
                return Ok(0);
            }
        }
        if self.builder.is_empty()
            && let Some(error) = self.waiting.take()
        {
            return Err(error);
        }
        Ok(self.builder.len())
    }

    /// One step of decoding into the builder. Errors of the input are kept until the events are out.
    fn step(&mut self) -> Result<Filled> {
        let outcome = self.try_step();
        let outcome = outcome.and_then(|filled| self.police().map(|()| filled));
        match outcome {
            Ok(Filled::End) => {
                self.ended = true;
                Ok(Filled::End)
            }
            Ok(filled) => Ok(filled),
            Err(error) => {
                self.ended = true;
                self.waiting = Some(error);
                Ok(Filled::End)
            }
        }
    }

    fn try_step(&mut self) -> Result<Filled> {
        match &mut self.engine {
            Engine::Stream { source, decoder } => {
                let mut want = decoder.wants_bytes();
                loop {
                    let piece = source.piece(want, &self.options.limits)?;
                    let (len, last, offset) = (piece.bytes.len(), piece.last, piece.offset);
                    let held = self.builder.len();
                    let mut sink =
                        EventSink::new(&mut self.builder, &mut self.report, self.events, &self.options);
                    let result = decoder.decode(piece, &mut sink);
                    if self.meta.is_none()
                        && let Some(meta) = decoder.meta()
                    {
                        let mut meta = meta.clone();
                        if let Some(geometry) = meta.geometry {
                            self.options
                                .limits
                                .check_geometry(geometry.width.into(), geometry.height.into())?;
                        }
                        meta.geometry = meta.geometry.or(self.options.geometry);
                        self.meta = Some(Arc::new(meta));
                    }
                    let consumed = result?.min(len);
                    source.consume(consumed);
                    if consumed > 0 || self.builder.len() > held {
                        return Ok(Filled::Full);
                    }
                    if last {
                        if len > 0 {
                            self.report.note(
                                FindingKind::TruncatedTail,
                                1,
                                Some(offset),
                                Some(self.events + self.builder.len() as u64),
                                || format!("{len} bytes that make no whole record"),
                            );
                        }
                        return Ok(Filled::End);
                    }
                    if source.is_starved() {
                        self.options.limits.check_block(len as u64, offset)?;
                        return Ok(Filled::Starved);
                    }
                    want = decoder.wants_bytes().max(len.saturating_mul(2)).max(1);
                }
            }
            Engine::Table { source, rest, .. } => {
                let batch = match rest.take() {
                    Some(batch) => batch,
                    None => match source.next_batch()? {
                        Some(batch) => batch,
                        None => return Ok(Filled::End),
                    },
                };
                let count = batch.len().min(self.builder.room());
                copy_in(
                    &batch.slice(..count),
                    &mut self.builder,
                    &mut self.report,
                    self.events,
                    &self.options,
                )?;
                if count < batch.len() {
                    *rest = Some(batch.slice(count..));
                }
                Ok(Filled::Full)
            }
            Engine::Sorted { rest } => {
                let count = rest.len().min(self.options.effective_chunk());
                if count == 0 {
                    return Ok(Filled::End);
                }
                self.builder = BatchBuilder::with_capacity(count)?;
                // What was odd was reported when the events were gathered.
                copy_in(
                    &rest.slice(..count),
                    &mut self.builder,
                    &mut Report::default(),
                    0,
                    &ReadOptions::default(),
                )?;
                *rest = rest.slice(count..);
                Ok(Filled::Full)
            }
        }
    }

    /// Limits, strictness, order and the progress call-back.
    fn police(&mut self) -> Result<()> {
        self.options
            .limits
            .check_events(self.events + self.builder.len() as u64)?;
        if self.options.strict {
            self.report.check_strict()?;
        }
        if self.options.order == OrderPolicy::Check {
            let columns = self.builder.columns();
            self.order
                .push_columns(columns.slice(self.checked..columns.len()))?;
            self.checked = columns.len();
        }
        if let Some(callback) = &self.options.progress
            && callback(self.progress()).is_break()
        {
            return Err(Error::new(ErrorKind::Closed, "stopped on request"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for EventReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventReader")
            .field("format", &self.format.id())
            .field("meta", &self.meta)
            .field("events", &self.events)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Iterator for EventReader {
    type Item = Result<EventBatch>;

    /// As [`next_batch`](EventReader::next_batch); ends after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

fn copy_in(
    batch: &EventBatch,
    builder: &mut BatchBuilder,
    report: &mut Report,
    before: u64,
    options: &ReadOptions,
) -> Result<()> {
    let mut rest = batch.columns();
    let mut sink = EventSink::new(builder, report, before, options);
    while !rest.is_empty() {
        let spare = sink.spare();
        let count = spare.t.len().min(rest.len());
        let part = rest.slice(0..count);
        spare.t[..count].copy_from_slice(part.t);
        spare.x[..count].copy_from_slice(part.x);
        spare.y[..count].copy_from_slice(part.y);
        spare.p[..count].copy_from_slice(part.p);
        sink.commit(count)?;
        rest = rest.slice(count..rest.len());
    }
    Ok(())
}

fn cannot_read(format: &Format) -> Error {
    Error::unsupported(format!("the format {} can be written, not read", format.id()))
}

/// Reads a recording that comes in pieces: over a network, from a driver, out of an archive.
///
/// Push, then take batches until there is none; the memory held is what was pushed and not taken.
///
/// ```
/// use parallax_formats::{PushReader, ReadOptions};
///
/// let mut reader = PushReader::new(Some("csv"), &ReadOptions::default());
/// for piece in ["t,x,y,p\n10,3", ",4,1\n12,5,6,0\n"] {
///     reader.push(piece.as_bytes())?;
///     assert!(reader.next_batch()?.is_none()); // No batch of 1 Mi events is complete.
/// }
/// reader.finish()?;
/// let events = reader.next_batch()?.ok_or(parallax_events::Error::internal("no events"))?;
/// assert_eq!(events.columns().x, [3, 5]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct PushReader {
    options: ReadOptions,
    extension: Option<String>,
    gathered: Vec<u8>,
    reader: Option<EventReader>,
    ended: bool,
}

impl PushReader {
    /// A reader that recognises the format from the first bytes. `extension` helps, as a file's name would.
    pub fn new(extension: Option<&str>, options: &ReadOptions) -> Self {
        Self {
            options: options.clone(),
            extension: extension.map(str::to_owned),
            gathered: Vec::new(),
            reader: None,
            ended: false,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If the format is not recognised, the header is damaged, or the input has ended.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.ended {
            return Err(Error::param("bytes were pushed after the end"));
        }
        if let Some(reader) = &mut self.reader {
            return reader.push(Some(bytes));
        }
        self.gathered.extend_from_slice(bytes);
        self.options.limits.check_block(self.gathered.len() as u64, 0)?;
        if self.gathered.len() >= Probe::BYTES {
            self.recognise(false)
        } else {
            Ok(())
        }
    }

    /// States that the input has ended.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        match &mut self.reader {
            Some(reader) => reader.push(None),
            None => self.recognise(true),
        }
    }

    /// The next full batch, or any at the end; `None` if more must be pushed first, or after the end.
    ///
    /// # Errors
    /// As [`EventReader::next_columns`].
    pub fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        match &mut self.reader {
            Some(reader) => reader.next_batch(),
            None => Ok(None),
        }
    }

    /// The reader behind, once the format is recognised: for its facts, its report and its progress.
    pub fn reader(&self) -> Option<&EventReader> {
        self.reader.as_ref()
    }

    fn recognise(&mut self, whole: bool) -> Result<()> {
        let head = self.gathered.get(..Probe::BYTES).unwrap_or(&self.gathered);
        let whole_head = whole && head.len() == self.gathered.len();
        let probe = Probe {
            head,
            whole: whole_head,
            extension: self.extension.as_deref(),
        };
        let (format, params, evidence) = registry::choose(&probe, &self.options)?;
        let reader = match format.open {
            Open::Stream(new) => {
                let mut source = Source::pushed();
                source.push(Some(&std::mem::take(&mut self.gathered)))?;
                if whole {
                    source.push(None)?;
                }
                EventReader::stream(
                    format,
                    evidence,
                    source,
                    new(&params, &self.options)?,
                    &self.options,
                )?
            }
            Open::Seekable(new) if whole => {
                let bytes = std::mem::take(&mut self.gathered);
                let total = bytes.len() as u64;
                let source = new(SeekInput::Bytes(bytes.into()), &params, &self.options)?;
                EventReader::table(format, evidence, source, &self.options, Some(total))?
            }
            // Its index is at the end: wait for all of it, within the limits.
            Open::Seekable(_) => return Ok(()),
            Open::Never => return Err(cannot_read(format)),
        };
        self.reader = Some(reader);
        Ok(())
    }
}

impl EventReader {
    fn push(&mut self, bytes: Option<&[u8]>) -> Result<()> {
        let Engine::Stream { source, .. } = &mut self.engine else {
            return Err(Error::internal("bytes were pushed into a table"));
        };
        source.push(bytes)?;
        if self.meta.is_none() || self.options.order == OrderPolicy::Strict {
            self.read_ahead()
        } else {
            Ok(())
        }
    }
}
