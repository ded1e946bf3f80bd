//! A format as the laws see it, and what came out of reading through one of its doors.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use parallax_events::{Error, Event, EventBatch, Meta, Report, Triggers};
use parallax_formats::{EventReader, Format, Open, PushReader, ReadOptions, Sample, WriteOptions};

use crate::Scene;
use crate::laws::{Broken, Lawful, Subject, ensure, sound, sound_columns};

/// A way to hand bytes to a reader and to take events from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Bytes in memory; events are lent as columns.
    Bytes,
    /// A mapped file; everything is read at once.
    Mapped,
    /// A file that is read; events come as batches.
    Plain,
    /// Bytes pushed in pieces of so many; events come as batches.
    Push(usize),
}

/// What came out of one read.
#[derive(Debug)]
pub struct Outcome {
    /// The facts, if it got past the header.
    pub meta: Option<Arc<Meta>>,
    /// The events that were handed out.
    pub events: Vec<Event>,
    /// What was odd.
    pub report: Report,
    /// The error that ended the read, if one did.
    pub error: Option<Error>,
    /// The largest batch.
    pub largest: usize,
    /// The external triggers that were handed out.
    pub triggers: Triggers,
    /// The most of them that came with one batch.
    pub most_triggers: usize,
}

impl Outcome {
    /// The error's kind and text, for comparison. The temporary file's name is no part of it.
    pub fn failure(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        Some(format!(
            "{} at {:?}: {}",
            error.kind(),
            error.offset(),
            error.message()
        ))
    }

    /// Whether strict reading must refuse.
    pub fn has_fault(&self) -> bool {
        self.report.first_fault().is_some()
    }

    /// Whether two reads of the same bytes agree in everything; says where they do not. Of a read that never got past the
    /// header, only some doors leave facts and a report behind: then the error alone counts.
    pub(crate) fn agree(&self, other: &Self, who: &str) -> Lawful {
        crate::laws::same_events(&self.events, &other.events, who)?;
        ensure!(
            self.triggers == other.triggers,
            "{who}: {} triggers instead of {}, or others",
            self.triggers.len(),
            other.triggers.len()
        );
        let (a, b) = (self.failure(), other.failure());
        ensure!(a == b, "{who}: ends with {a:?} instead of {b:?}");
        if self.meta.is_none() || other.meta.is_none() {
            return Ok(());
        }
        ensure!(
            self.report == other.report,
            "{who}: the report is {:?} instead of {:?}",
            self.report,
            other.report
        );
        ensure!(
            self.meta == other.meta,
            "{who}: the facts are {:?} instead of {:?}",
            self.meta,
            other.meta
        );
        Ok(())
    }
}

type Read = dyn Fn(&[u8], Option<&str>, &ReadOptions, Door) -> Result<Outcome, Broken> + Send + Sync;
type WriteTriggers = dyn Fn(&[(Triggers, EventBatch)], &Meta) -> Result<Vec<u8>, Error> + Send + Sync;
type WriteAll = dyn Fn(&[EventBatch], &Meta) -> Result<Vec<u8>, Error> + Send + Sync;

/// One format: its row, and the three things that laws do with it. A test that must see a law fail replaces one of
/// them; the laws know nothing else of a format.
pub struct FormatRow {
    /// The row.
    pub format: &'static Format,
    /// Reads bytes with these options through this door; the batches are checked on the way.
    pub read: Box<Read>,
    /// Writes batches; `None` if the format is not written.
    pub write: Option<Box<WriteAll>>,
    /// Writes batches, each with the external triggers that came with it.
    pub write_triggers: Option<Box<WriteTriggers>>,
}

impl std::fmt::Debug for FormatRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FormatRow")
            .field("format", &self.format.id())
            .finish_non_exhaustive()
    }
}

impl Subject for FormatRow {
    const KIND: &'static str = "format";

    fn id(&self) -> &str {
        self.format.id()
    }
}

impl FormatRow {
    /// The row as it is.
    pub fn new(format: &'static Format) -> Self {
        let write_triggers =
            move |parts: &[(Triggers, EventBatch)], meta: &Meta| write_all(format, parts, meta);
        let write = move |batches: &[EventBatch], meta: &Meta| {
            let parts: Vec<_> = batches
                .iter()
                .map(|batch| (Triggers::default(), batch.clone()))
                .collect();
            write_all(format, &parts, meta)
        };
        Self {
            format,
            read: Box::new(read),
            write: format.create.map(|_| Box::new(write) as Box<WriteAll>),
            write_triggers: format
                .create
                .map(|_| Box::new(write_triggers) as Box<WriteTriggers>),
        }
    }

    /// Every row that can be read.
    pub fn all(rows: &[&'static Format]) -> Vec<Self> {
        rows.iter()
            .filter(|row| !matches!(row.open, Open::Never))
            .map(|row| Self::new(row))
            .collect()
    }

    /// Its sample.
    pub fn sample(&self) -> Sample {
        (self.format.sample)()
    }

    /// Whether its index is at the end of the file, so that a part of it may be nothing at all.
    pub fn is_table(&self) -> bool {
        matches!(self.format.open, Open::Seekable(_))
    }

    /// Options that name this format; batches of 4096 events, since samples are small.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            format: Some(self.format.id().to_owned()),
            chunk: 4096,
            ..ReadOptions::default()
        }
    }

    /// Reads with the format named.
    pub fn read(&self, bytes: &[u8], options: &ReadOptions, door: Door) -> Result<Outcome, Broken> {
        (self.read)(bytes, None, options, door)
    }

    /// The inputs on which options and cuts are tried: the sample, and a scene as the format itself writes it.
    pub fn inputs(&self) -> Result<Vec<Vec<u8>>, Broken> {
        let mut inputs = vec![self.sample().bytes];
        if let Some(write) = &self.write {
            let scene = Scene::builder()
                .geometry(40, 30)
                .noise_rate(20.0)
                .hot_pixels(2, 300.0)
                .build()?;
            inputs.push(write(std::slice::from_ref(scene.batch()), scene.batch().meta())?);
        }
        Ok(inputs)
    }
}

/// Reads the bytes through a door and checks every batch on the way.
fn read(bytes: &[u8], extension: Option<&str>, options: &ReadOptions, door: Door) -> Result<Outcome, Broken> {
    match door {
        Door::Bytes => Ok(take(
            EventReader::from_bytes(bytes.to_vec(), extension, options),
            Taking::Lent,
            options,
        )?),
        Door::Mapped | Door::Plain => {
            let name = format!(".{}", extension.unwrap_or("bin"));
            let mut file = tempfile::Builder::new().suffix(&name).tempfile()?;
            file.write_all(bytes)?;
            let options = ReadOptions {
                mmap: door == Door::Mapped,
                ..options.clone()
            };
            let taking = if door == Door::Mapped {
                Taking::Whole
            } else {
                Taking::Owned
            };
            take(EventReader::open(file.path(), &options), taking, &options)
        }
        Door::Push(piece) => push(bytes, extension, options, piece),
    }
}

/// How events are taken from a reader.
#[derive(Clone, Copy)]
enum Taking {
    Lent,
    Owned,
    Whole,
}

fn take(
    opened: parallax_events::Result<EventReader>,
    taking: Taking,
    options: &ReadOptions,
) -> Result<Outcome, Broken> {
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => {
            let report = Report::default();
            return Ok(Outcome {
                meta: None,
                events: Vec::new(),
                report,
                error: Some(error),
                largest: 0,
                triggers: Triggers::default(),
                most_triggers: 0,
            });
        }
    };
    let meta = reader.meta();
    let mut events: Vec<Event> = Vec::new();
    let mut largest = 0;
    let (mut triggers, mut most_triggers) = (Triggers::default(), 0);
    let error = loop {
        let got = match taking {
            Taking::Lent => match reader.next_columns() {
                Ok(Some(columns)) => {
                    sound_columns(columns, meta.geometry.map(|g| (g.width, g.height)))?;
                    events.extend(columns.iter());
                    Ok(Some(columns.len()))
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
            Taking::Owned => match reader.next_batch() {
                Ok(batch) => batch
                    .map(|batch| keep(&batch, &meta, &mut events))
                    .transpose()
                    .map(Ok)?,
                Err(error) => Err(error),
            },
            Taking::Whole => {
                let (batch, error) = reader.read_all_readable()?;
                keep(&batch, &meta, &mut events)?;
                gather(reader.take_triggers(), &mut triggers);
                break error;
            }
        };
        most_triggers = most_triggers.max(gather(reader.take_triggers(), &mut triggers));
        match got {
            Ok(Some(0)) if !options.triggers => {
                return Err(Broken("a reader handed out an empty batch".to_owned()));
            }
            Ok(Some(len)) => largest = largest.max(len),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    ensure!(
        matches!(reader.next_batch(), Ok(None)),
        "a reader that has ended goes on"
    );
    Ok(Outcome {
        meta: Some(reader.meta()),
        events,
        report: reader.report().clone(),
        error,
        largest,
        triggers,
        most_triggers,
    })
}

fn gather(more: Triggers, all: &mut Triggers) -> usize {
    all.extend(more.iter());
    more.len()
}

fn push(
    bytes: &[u8],
    extension: Option<&str>,
    options: &ReadOptions,
    piece: usize,
) -> Result<Outcome, Broken> {
    let mut reader = PushReader::new(extension, options);
    let (mut events, mut largest, mut error) = (Vec::new(), 0, None);
    let (mut triggers, mut most_triggers) = (Triggers::default(), 0);
    let mut pieces = bytes.chunks(piece.max(1));
    let mut ended = false;
    while !ended && error.is_none() {
        let pushed = match pieces.next() {
            Some(piece) => reader.push(piece),
            None => {
                ended = true;
                reader.finish()
            }
        };
        error = pushed.err();
        while error.is_none() {
            let next = reader.next_batch();
            most_triggers = most_triggers.max(gather(reader.take_triggers(), &mut triggers));
            match next {
                Ok(None) => break,
                Ok(Some(batch)) => {
                    let meta = reader.reader().map(EventReader::meta).unwrap_or_default();
                    largest = largest.max(keep(&batch, &meta, &mut events)?);
                }
                Err(wrong) => error = Some(wrong),
            }
        }
    }
    let behind = reader.reader();
    Ok(Outcome {
        meta: behind.map(EventReader::meta),
        report: behind.map(|reader| reader.report().clone()).unwrap_or_default(),
        events,
        error,
        largest,
        triggers,
        most_triggers,
    })
}

fn keep(batch: &EventBatch, meta: &Meta, events: &mut Vec<Event>) -> Result<usize, Broken> {
    sound(batch)?;
    ensure!(
        batch.meta().as_ref() == meta,
        "a batch states other facts than its reader"
    );
    events.extend(batch.columns().iter());
    Ok(batch.len())
}

/// An output that everybody who holds it can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(
    format: &'static Format,
    parts: &[(Triggers, EventBatch)],
    meta: &Meta,
) -> Result<Vec<u8>, Error> {
    let output = Shared::default();
    let options = WriteOptions {
        format: Some(format.id().to_owned()),
    };
    let mut writer = parallax_formats::create(Box::new(output.clone()), None, meta, &options)?;
    for (triggers, batch) in parts {
        writer.write_triggers(triggers)?;
        writer.write(batch)?;
    }
    writer.finish()?;
    let mut bytes = output
        .0
        .lock()
        .map_err(|_| Error::internal("a writer panicked"))?;
    Ok(std::mem::take(&mut *bytes))
}
