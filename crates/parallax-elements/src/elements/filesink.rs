//! Writes a file: bytes as they are, events in the format that `format=` or the extension names, tensors as `.npy`.
//!
//! The file appears whole when the stream has ended, or not at all: a stream that fails or is stopped leaves what was
//! there before. Of tensors there is one in a file `.npy`, or several of one shape, one behind another on a new first
//! axis.

use std::io::BufWriter;
use std::path::PathBuf;

use parallax_events::{Declaration, Error, Meta, ParamSpec, Params, Result, Tensor};
use parallax_formats::{EventWriter, NpyStack, OutputFile, OutputWriter, WriteOptions, create, writable, write_npy};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "filesink",
    "Writes a file",
    &[
        ParamSpec::text("location").doc("Path of the file"),
        ParamSpec::text("format").optional().doc("Format of events, as `id` or `id key=value`; else by the extension"),
        ParamSpec::bool("overwrite").default(false).doc("Whether a file that is there already is replaced"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let mut sink = FileSink::new(params.text("location")?);
    sink.format = params.optional_text("format")?.map(str::to_owned);
    sink.overwrite = params.bool("overwrite")?;
    Ok(sink.into())
}

/// Writes a file.
pub struct FileSink {
    location: PathBuf,
    format: Option<String>,
    overwrite: bool,
    output: Option<OutputFile>,
    content: Content,
}

enum Content {
    Nothing,
    Bytes,
    Events(Box<dyn EventWriter>),
    Tensor(Tensor),
    Tensors(NpyStack<BufWriter<OutputWriter>>),
}

impl FileSink {
    /// Writes this file, which must not be there.
    pub fn new(location: impl Into<PathBuf>) -> Self {
        Self { location: location.into(), format: None, overwrite: false, output: None, content: Content::Nothing }
    }

    fn extension(&self) -> Option<String> {
        self.location.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase)
    }

    /// Begins the content with its first packet; bytes and events and tensors do not mix.
    fn write(&mut self, payload: &Payload) -> Result<()> {
        let output = self.output.as_mut().ok_or_else(|| Error::internal("the sink has not started"))?;
        if let (Content::Nothing, Payload::Events(batch)) = (&self.content, payload) {
            let writer = BufWriter::with_capacity(1 << 20, output.writer());
            let options = WriteOptions { format: self.format.clone() };
            let extension = self.extension();
            self.content =
                Content::Events(create(Box::new(writer), extension.as_deref(), batch.meta(), &options)?);
        }
        match (&mut self.content, payload) {
            (content @ (Content::Nothing | Content::Bytes), Payload::Bytes(bytes)) => {
                *content = Content::Bytes;
                let output = self.output.as_mut().ok_or_else(|| Error::internal("the sink has not started"))?;
                std::io::Write::write_all(output, bytes)?;
                Ok(())
            }
            (Content::Events(writer), Payload::Events(batch)) => writer.write(batch),
            (content @ Content::Nothing, Payload::Tensor(tensor)) => {
                *content = Content::Tensor(tensor.clone());
                Ok(())
            }
            (content @ Content::Tensor(_), Payload::Tensor(tensor)) => {
                let output = self.output.as_ref().ok_or_else(|| Error::internal("the sink has not started"))?;
                let mut stack = NpyStack::new(BufWriter::with_capacity(1 << 20, output.writer()));
                if let Content::Tensor(first) = content {
                    stack.push(first)?;
                }
                stack.push(tensor)?;
                *content = Content::Tensors(stack);
                Ok(())
            }
            (Content::Tensors(stack), Payload::Tensor(tensor)) => stack.push(tensor),
            (_, payload) => Err(Error::param(format!("{} after something else in one file", payload.media()))),
        }
    }

    fn complete(&mut self) -> Result<()> {
        let Some(mut output) = self.output.take() else { return Ok(()) };
        match std::mem::replace(&mut self.content, Content::Nothing) {
            Content::Bytes => {}
            Content::Events(writer) => writer.finish()?,
            Content::Tensor(tensor) => write_npy(&mut output, &tensor)?,
            Content::Tensors(stack) => stack.finish()?,
            Content::Nothing => {
                // Nothing came. If the file is one of events, it is one without events.
                let options = WriteOptions { format: self.format.clone() };
                let extension = self.extension();
                if writable(extension.as_deref(), &options).is_ok() {
                    let writer = Box::new(output.writer());
                    create(writer, extension.as_deref(), &Meta::default(), &options)?.finish()?;
                }
            }
        }
        output.commit()
    }

    fn named(&self, error: Error) -> Error {
        if error.context().any(|(key, _)| key == "output") {
            return error;
        }
        error.with_context("output", self.location.display())
    }
}

impl Sink for FileSink {
    fn accepts(&self) -> Caps {
        // A format that is asked for is one of events.
        match self.format {
            Some(_) => Caps::of(Media::Events),
            None => Caps::ANY,
        }
    }

    fn start(&mut self, _: &Context) -> Result<()> {
        let extension = self.extension();
        if self.format.is_some() {
            writable(extension.as_deref(), &WriteOptions { format: self.format.clone() })
                .map_err(|error| self.named(error))?;
        }
        self.content = Content::Nothing;
        let is_there = !self.overwrite && self.location.exists();
        let output = OutputFile::create(&self.location, self.overwrite).map_err(|error| match is_there {
            true => error.with_hint("choose another name, or say overwrite=true"),
            false => error,
        })?;
        self.output = Some(output);
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        self.write(&packet.payload).map_err(|error| self.named(error))
    }

    fn end(&mut self) -> Result<()> {
        self.complete().map_err(|error| self.named(error))
    }

    fn stop(&mut self) {
        self.content = Content::Nothing;
        self.output = None;
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
