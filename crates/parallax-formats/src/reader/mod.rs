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
    BatchBuilder, DvsColumns, Error, EventBatch, Meta, OrderPolicy, OwnedColumns, Report, Result,
    StrictCheck, Triggers, ensure_strict_order,
};
use parallax_memory::{Bytes, MemoryPool};

use crate::source::Source;
use crate::{
    BatchSource, Decoder, Evidence, Format, Open, Probe, Progress, ReadOptions, SeekInput, registry,
};

mod ahead;
mod engine;
mod intake;
#[cfg(feature = "parallel")]
mod parallel;
mod passing;
mod push;
mod seek;

use engine::{Engine, Filled};
pub(crate) use intake::TriggerIntake;
pub use push::PushReader;

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
    /// Memory for all events, if the caller has some.
    room: Option<BatchBuilder>,
    triggers: TriggerIntake,
    /// Events handed out.
    events: u64,
    /// An error that waits until the events before it are handed out.
    waiting: Option<Error>,
    ended: bool,
    /// Whether the batch in the builder has been lent and is to be forgotten.
    lent: bool,
    /// A batch that was lent as it came from its table.
    passed: Option<EventBatch>,
    order: StrictCheck,
    /// How many events in the builder have been checked for their order.
    checked: usize,
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
            triggers: TriggerIntake::new(options),
            options: options.clone(),
            builder: BatchBuilder::with_capacity(options.effective_chunk())?,
            room: None,
            events: 0,
            waiting: None,
            ended: false,
            lent: false,
            passed: None,
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
        self.seek_time()?;
        self.sort_if_asked()
    }

    fn sort_if_asked(&mut self) -> Result<()> {
        if self.options.order != OrderPolicy::Strict || matches!(self.engine, Engine::Sorted { .. }) {
            return Ok(());
        }
        if self.waits_for_the_end() {
            return Ok(());
        }
        self.gather()?;
        self.triggers.sort();
        let meta = self.meta();
        let all = self.builder.finish(&meta)?;
        // Room for one event, or nobody would ask for the next batch; the step brings its own memory.
        self.builder = BatchBuilder::with_capacity(1)?;
        self.ended = false;
        self.engine = Engine::Sorted {
            rest: ensure_strict_order(&all, self.options.pool.pool())?,
        };
        Ok(())
    }

    /// Whether nothing can be handed out yet, since all of a pushed input must be there before it can be sorted.
    fn waits_for_the_end(&self) -> bool {
        let is_open = matches!(&self.engine, Engine::Stream { source, .. } if source.is_starved());
        is_open && self.options.order == OrderPolicy::Strict
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

    /// The external triggers that were read since the last call, if [`ReadOptions::triggers`] asks for them: those
    /// that stand in the recording before the end of the last batch. Call it after every batch, and once more at the
    /// end or after an error; what is not taken gathers.
    ///
    /// They are in the recorded order, under `order=strict` in order of time. A batch ends early if as many triggers
    /// as [`ReadOptions::chunk`] events came with it, and may then have no events at all.
    pub fn take_triggers(&mut self) -> Triggers {
        self.triggers.take()
    }

    /// The next events, lent until the next call; the memory is used again and again. `None` at the end.
    ///
    /// # Errors
    /// If the input is damaged beyond reading on, a limit is met, or the caller's progress call-back stops it.
    /// Everything before was handed out.
    pub fn next_columns(&mut self) -> Result<Option<DvsColumns<'_>>> {
        self.forget_lent();
        self.passed = self.pass_on();
        if self.passed.is_some() {
            return Ok(self.passed.as_ref().map(EventBatch::columns));
        }
        if !self.fill()? {
            return Ok(None);
        }
        self.lent = true;
        self.events += self.builder.len() as u64;
        Ok(Some(self.builder.columns()))
    }

    /// The next events as a batch that owns its memory, or shares that of the table it is read from: columns of Arrow
    /// and Parquet files are not copied where their types are ours. `None` at the end.
    ///
    /// # Errors
    /// As [`next_columns`](Self::next_columns).
    pub fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.forget_lent();
        if let Some(batch) = self.pass_on() {
            return Ok(Some(batch));
        }
        if !self.fill()? {
            return Ok(None);
        }
        self.events += self.builder.len() as u64;
        let meta = self.meta();
        Ok(Some(self.builder.finish(&meta)?))
    }

    /// Batches from now on lie in slots of `pool`, as [`BatchBuilder::set_pool`] says.
    pub fn set_memory(&mut self, pool: MemoryPool) {
        self.builder.set_pool(pool);
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

    /// As [`read_all`](Self::read_all), into memory that the caller has: a builder that
    /// [grows](BatchBuilder::growing), whose room is used before it does.
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    pub fn read_all_into(&mut self, room: BatchBuilder) -> Result<EventBatch> {
        self.room = Some(room);
        self.read_all()
    }

    /// As [`read_all`](Self::read_all), as columns that may be changed in place.
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    pub fn read_all_columns(&mut self) -> Result<OwnedColumns> {
        if matches!(self.engine, Engine::Sorted { .. }) {
            return OwnedColumns::copied(&self.read_all()?);
        }
        self.gather()?;
        self.events += self.builder.len() as u64;
        let columns = self.builder.finish_columns(&self.meta())?;
        self.waiting.take().map_or(Ok(columns), Err)
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

    /// Decodes all that is left into a builder that grows: in parts at the same time where that is possible.
    fn gather(&mut self) -> Result<()> {
        self.forget_lent();
        let mut growing = match self.room.take() {
            Some(room) => room,
            None => BatchBuilder::growing()?,
        };
        growing.continue_from(&self.builder)?;
        self.builder = growing;
        #[cfg(feature = "parallel")]
        self.gather_in_parts()?;
        while !self.ended {
            self.builder.reserve(GROWTH)?;
            self.triggers.end_batch();
            if self.step()? == Filled::Starved {
                break;
            }
        }
        Ok(())
    }

    fn forget_lent(&mut self) {
        self.passed = None;
        if std::mem::take(&mut self.lent) {
            self.builder.clear();
        }
        self.checked = self.builder.len();
    }

    /// Fills the builder; returns whether there is a batch to hand out.
    fn fill(&mut self) -> Result<bool> {
        self.forget_lent();
        if self.waits_for_the_end() {
            return Ok(false);
        }
        self.builder.provide()?;
        while !self.ended && self.builder.room() > 0 && !self.triggers.is_full() {
            if self.step()? == Filled::Starved {
                // A pushed source hands out full batches only, until it ends.
                return Ok(false);
            }
        }
        let is_full = self.triggers.is_full();
        self.triggers.end_batch();
        if self.builder.is_empty() && !is_full {
            return self.waiting.take().map_or(Ok(false), Err);
        }
        Ok(true)
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

fn cannot_read(format: &Format) -> Error {
    Error::unsupported(format!("the format {} can be written, not read", format.id()))
}
