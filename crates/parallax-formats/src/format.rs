//! What a format is: one static row that describes itself, beside its decoder.
//!
//! Everything that knows formats goes through the rows in [`FORMATS`](crate::FORMATS): probing, the command,
//! the docs table, the laws. Adding one is one file and one line; nothing else in the tree knows it.

use std::io::Write;

use parallax_events::{Declaration, Error, Event, EventBatch, Meta, Params, Report, Result, Triggers};
use parallax_memory::Bytes;

use crate::{Decoder, ReadOptions, WriteOptions};

/// One format. The rows are `static` and listed in `formats/mod.rs`.
#[derive(Debug)]
pub struct Format {
    /// The name everywhere: file, pipeline string, command, docs; and the parameters that reading or writing
    /// takes, as in `csv columns=t,x,y,p unit=s`.
    pub declaration: &'static Declaration,
    /// File name extensions, lower case, without the dot; the first is the usual one.
    pub extensions: &'static [&'static str],
    /// How sure the format is that these bytes are its own.
    pub sniff: fn(&Probe<'_>) -> Option<Evidence>,
    /// How it is read, if it is.
    pub open: Open,
    /// How it is written, if it is.
    pub create: Option<Create>,
    /// Whether external triggers come along.
    pub triggers: TriggerSupport,
    /// A small file of it, at most 4 KiB, with the events in it: written from the specification by hand (or, for
    /// containers, by the library that defines them), so the laws have something that is not our own output.
    pub sample: fn() -> Sample,
}

impl Format {
    /// The id: `evt3`, `csv`, `parquet`.
    pub fn id(&self) -> &'static str {
        self.declaration.id()
    }

    /// One line for a person.
    pub fn title(&self) -> &'static str {
        self.declaration.title()
    }
}

/// The tag of a format whose own order of events of one time is not that in which they are handed to the writer. All other
/// formats keep the order.
pub const REORDERS_TIES: &str = "reorders_ties";

/// Whether a format carries external triggers beside its events, on which ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerSupport {
    /// They are not read, and cannot be written.
    No,
    /// They are read.
    Read,
    /// They are read and written.
    ReadWrite,
}

impl TriggerSupport {
    /// Whether reading gives them.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether they can be written.
    pub const fn is_written(self) -> bool {
        matches!(self, Self::ReadWrite)
    }
}

/// How a format is read.
#[derive(Debug, Clone, Copy)]
pub enum Open {
    /// From bytes in order, pushed in chunks of any size: both doors are this decoder.
    Stream(fn(&Params, &ReadOptions) -> Result<Box<dyn Decoder>>),
    /// From a file that can be sought, because its index is at the end. Through the push door the bytes are
    /// gathered first.
    Seekable(fn(SeekInput, &Params, &ReadOptions) -> Result<Box<dyn BatchSource>>),
    /// Not at all.
    Never,
}

/// Starts writing a stream of such facts.
pub type Create = fn(Box<dyn Write + Send>, &Meta, &Params, &WriteOptions) -> Result<Box<dyn EventWriter>>;

/// A recording that can be read at any place.
#[derive(Debug)]
pub enum SeekInput {
    /// A regular file.
    File(std::fs::File),
    /// The whole content in memory.
    Bytes(Bytes),
}

/// Yields a recording's events as batches that own (or share) their memory.
pub trait BatchSource: Send {
    /// The facts of the stream.
    fn meta(&self) -> &Meta;
    /// The next batch, of any size that the format finds natural; `None` at the end.
    ///
    /// # Errors
    /// If the input is damaged; what was handed out before stays valid.
    fn next_batch(&mut self) -> Result<Option<EventBatch>>;
    /// The next external triggers, `most` of them at most: those up to the time of the last event handed out, after
    /// the last batch all. Only called if the options ask for them.
    ///
    /// # Errors
    /// If they are damaged.
    fn take_triggers(&mut self, most: usize) -> Result<Triggers> {
        let _ = most;
        Ok(Triggers::default())
    }
    /// What was odd in the batches handed out since the last call; places count from the first event of the stream.
    fn take_findings(&mut self) -> Report {
        Report::default()
    }
    /// How many bytes of the input are behind the batches handed out, for progress.
    fn bytes_done(&self) -> u64;
}

/// Writes one stream of events. Nothing is complete until [`finish`](Self::finish).
pub trait EventWriter: Send {
    /// Appends a batch.
    ///
    /// # Errors
    /// If the format cannot hold an event (a time out of its range, a step back in time where it has none), or
    /// the output fails.
    fn write(&mut self, batch: &EventBatch) -> Result<()>;
    /// Takes external triggers, to be called before [`write`](Self::write) of the batch that they came with. A format
    /// that has one stream for both puts each before the first event with a later t; it may hold back as many as it
    /// takes to find that place, up to a fixed number.
    ///
    /// # Errors
    /// [`Unsupported`](parallax_events::ErrorKind::Unsupported) if the format has no triggers and there are some; else
    /// as `write`.
    fn write_triggers(&mut self, triggers: &Triggers) -> Result<()> {
        if triggers.is_empty() {
            return Ok(());
        }
        Err(Error::unsupported("the format holds no external triggers")
            .with_hint("leave them out, or choose a format that holds them"))
    }
    /// Writes what is held back and the trailer, and flushes.
    ///
    /// # Errors
    /// If the output fails.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A small file and what is in it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The file, at most 4 KiB.
    pub bytes: Vec<u8>,
    /// Its events.
    pub events: Vec<Event>,
}

/// The beginning of an input, as a format's `sniff` sees it.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// The first bytes, up to [`Probe::BYTES`].
    pub head: &'a [u8],
    /// Whether `head` is the whole input.
    pub whole: bool,
    /// The file name's extension, lower case, without the dot.
    pub extension: Option<&'a str>,
}

impl Probe<'_> {
    /// How much of the input is looked at.
    pub const BYTES: usize = 16 << 10;
}

/// How sure a format is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// 1 to 100. 90 and above: a magic number or a header that names the format. 50 to 89: the content parses.
    /// Below 50: the extension alone.
    pub score: u8,
    /// What was seen: "the header says evt 3.0".
    pub reason: String,
}

impl Evidence {
    /// So sure, for this reason.
    pub fn new(score: u8, reason: impl Into<String>) -> Self {
        Self {
            score,
            reason: reason.into(),
        }
    }
}
