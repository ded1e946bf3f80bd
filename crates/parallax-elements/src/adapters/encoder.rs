//! `<format>enc`: event batches in, the bytes of a file out.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parallax_events::{Error, Meta, Params, Result};
use parallax_formats::{EventWriter, WriteOptions, create};
use parallax_memory::Bytes;
use parallax_pipeline::{Built, Caps, Element, Media, Out, Packet, Payload};

use super::decoder::format_text;

/// Makes the encoder of the format that the id names.
pub(super) fn build(params: Params) -> Result<Built> {
    let id = params.id().strip_suffix("enc").unwrap_or(params.id());
    let options = WriteOptions {
        format: Some(format_text(id, &params)),
    };
    Ok(Built::element(Encoder {
        options,
        id: id.to_owned(),
        written: Shelf::default(),
        writer: None,
    }))
}

struct Encoder {
    options: WriteOptions,
    id: String,
    written: Shelf,
    writer: Option<Box<dyn EventWriter>>,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("format", &self.id)
            .finish_non_exhaustive()
    }
}

/// Where the writer puts its bytes until they are handed on.
#[derive(Debug, Default, Clone)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Shelf {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoder {
    fn writer(&mut self, meta: &Meta) -> Result<&mut Box<dyn EventWriter>> {
        if self.writer.is_none() {
            self.writer = Some(create(Box::new(self.written.clone()), None, meta, &self.options)?);
        }
        self.writer
            .as_mut()
            .ok_or_else(|| Error::internal("a writer that was just made is gone"))
    }

    fn hand_on(&self, out: &mut Out<'_>) -> Result<()> {
        let bytes = self.written.take();
        if bytes.is_empty() {
            Ok(())
        } else {
            out.push(Bytes::from(bytes))
        }
    }
}

impl Element for Encoder {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn offers(&self, _: &Caps) -> Caps {
        Caps::of(Media::Bytes).with_word("format", &self.id)
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let Payload::Events(batch) = packet.payload else {
            return Err(Error::param(format!(
                "an encoder takes events, not {}",
                packet.payload.media()
            )));
        };
        self.writer(batch.meta())?.write(&batch)?;
        self.hand_on(out)
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        // A stream without events is a file without events.
        self.writer(&Meta::default())?;
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        self.hand_on(out)
    }

    fn flush(&mut self) {
        self.writer = None;
        self.written.take();
    }
}
