//! Writes files: bytes as they are, events in the format that `format=` or the extension names, tensors as NPY, NPZ,
//! Parquet or Arrow by the same.
//!
//! With a number in the location, such as `part-%05d.raw`, each packet is a file of its own: `window` before it says what
//! is in one. A file appears whole when its content has ended, or not at all: a stream that fails or is stopped leaves
//! what was there before. Of tensors there is one in a file `.npy`, or several of one shape, one behind another on a new
//! first axis.

use std::io::Write;

use parallax_events::{Declaration, Error, Meta, ParamSpec, Params, Result};
use parallax_formats::{
    EventWriter, OutputFile, Stacking, TensorFile, TensorFormat, WriteOptions, create, writable,
};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

use crate::location::Location;

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "filesink",
    "Writes a file, or one for each packet",
    &[
        ParamSpec::text("location").doc("Path of the file, with %05d in it of one file a packet"),
        ParamSpec::text("format").optional().doc("Format of events, as `id` or `id key=value`, or of tensors; else by the extension"),
        ParamSpec::bool("overwrite").default(false).doc("Whether files that are there already are replaced"),
    ],
)
.with_doc(
    "With a number in the location each packet is a file. A file appears whole when its content has \
     ended, or not at all. Tensors are written as npy, npz, parquet or arrow.",
);

fn build(params: Params) -> Result<Built> {
    Ok(FileSink {
        location: Location::parse(params.text("location")?)?,
        format: params.optional_text("format")?.map(str::to_owned),
        overwrite: params.bool("overwrite")?,
        count: 0,
        file: None,
    }
    .into())
}

/// Writes a file.
pub struct FileSink {
    location: Location,
    format: Option<String>,
    overwrite: bool,
    /// Files so far.
    count: u64,
    file: Option<(OutputFile, Content)>,
}

enum Content {
    Nothing,
    Bytes,
    Events(Box<dyn EventWriter>),
    Tensors(TensorFile),
}

impl FileSink {
    /// Writes this file, which must not be there.
    pub fn new(location: impl Into<std::path::PathBuf>) -> Self {
        Self { location: Location::One(location.into()), format: None, overwrite: false, count: 0, file: None }
    }

    fn options(&self) -> WriteOptions {
        WriteOptions { format: self.format.clone() }
    }

    fn open(&self) -> Result<OutputFile> {
        let path = self.location.path(self.count);
        let is_there = !self.overwrite && path.exists();
        OutputFile::create(&path, self.overwrite).map_err(|error| match is_there {
            true => error.with_hint("choose another name, or say overwrite=true"),
            false => error,
        })
    }

    /// Begins the content with its first packet; bytes and events and tensors do not mix.
    fn begin(&self, output: &OutputFile, payload: &Payload) -> Result<Content> {
        let writer = || Box::new(output.buffered());
        let extension = self.location.extension();
        match payload {
            Payload::Bytes(_) => Ok(Content::Bytes),
            Payload::Events(batch) => {
                Ok(Content::Events(create(writer(), extension.as_deref(), batch.meta(), &self.options())?))
            }
            Payload::Tensor(_) => {
                let word = self.format.as_deref().or(extension.as_deref());
                let format = word.and_then(TensorFormat::from_word).ok_or_else(|| {
                    let known: Vec<&str> = TensorFormat::names().collect();
                    Error::unsupported(match word {
                        Some(word) => format!("tensors are not written as `{word}`"),
                        None => "tensors, and the location has no extension that tells how to write them".to_owned(),
                    })
                    .with_hint(format!("choose one of {} with the extension or format=, or `pngsink`", known.join(", ")))
                })?;
                Ok(Content::Tensors(TensorFile::new(format, writer(), Stacking::IfSeveral)))
            }
            other => Err(Error::unsupported(format!("a file of {}", other.media()))),
        }
    }

    fn write(&mut self, payload: &Payload) -> Result<()> {
        if self.file.is_none() && self.location.is_numbered() {
            self.file = Some((self.open()?, Content::Nothing));
        }
        let Some((mut output, mut content)) = self.file.take() else {
            return Err(Error::internal("the sink has not started"));
        };
        if let Content::Nothing = content {
            content = self.begin(&output, payload)?;
        }
        match (&mut content, payload) {
            (Content::Bytes, Payload::Bytes(bytes)) => output.write_all(bytes)?,
            (Content::Events(writer), Payload::Events(batch)) => writer.write(batch)?,
            (Content::Tensors(file), Payload::Tensor(tensor)) => file.push(tensor)?,
            (_, payload) => {
                return Err(Error::param(format!("{} after something else in one file", payload.media())));
            }
        }
        self.file = Some((output, content));
        if self.location.is_numbered() { self.complete() } else { Ok(()) }
    }

    fn complete(&mut self) -> Result<()> {
        let Some((output, content)) = self.file.take() else { return Ok(()) };
        match content {
            Content::Bytes => {}
            Content::Events(writer) => writer.finish()?,
            Content::Tensors(file) => file.finish()?,
            Content::Nothing => {
                // Nothing came. If the file is one of events, it is one without events.
                let (options, extension) = (self.options(), self.location.extension());
                if writable(extension.as_deref(), &options).is_ok() {
                    let writer = Box::new(output.writer());
                    create(writer, extension.as_deref(), &Meta::default(), &options)?.finish()?;
                }
            }
        }
        output.commit()?;
        self.count += 1;
        Ok(())
    }

    fn named(&self, error: Error) -> Error {
        if error.context().any(|(key, _)| key == "output") {
            return error;
        }
        error.with_context("output", self.location.path(self.count).display())
    }
}

impl Sink for FileSink {
    fn accepts(&self) -> Caps {
        // A format that is asked for is one of events or tensors.
        match self.format.as_deref() {
            None => Caps::ANY,
            Some(word) if TensorFormat::from_word(word).is_some() => Caps::of(Media::Events).or(Caps::of(Media::Tensor)),
            Some(_) => Caps::of(Media::Events),
        }
    }

    fn start(&mut self, _: &Context) -> Result<()> {
        let extension = self.location.extension();
        if self.format.is_some() {
            writable(extension.as_deref(), &self.options()).map_err(|error| self.named(error))?;
        }
        self.count = 0;
        // One file of many is opened with its packet.
        self.file = if self.location.is_numbered() { None } else { Some((self.open()?, Content::Nothing)) };
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        self.write(&packet.payload).map_err(|error| self.named(error))
    }

    fn end(&mut self) -> Result<()> {
        self.complete().map_err(|error| self.named(error))
    }

    fn stop(&mut self) {
        self.file = None;
    }
}

impl std::fmt::Debug for FileSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSink").field("location", &self.location).finish_non_exhaustive()
    }
}

impl From<FileSink> for Built {
    fn from(sink: FileSink) -> Self {
        Self::sink(sink)
    }
}
