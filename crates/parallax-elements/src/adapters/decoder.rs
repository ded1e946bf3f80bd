//! `decode` and `<format>dec`: bytes in, event batches out.
//!
//! The events do not depend on how the bytes are cut into packets or the events into batches. A format whose index is
//! at its end is gathered first, within the limits. What was odd about the data is said on the bus at the end.
//!
//! Batches lie in slots of a pool, as [`memory`](super::memory) says.

use parallax_events::chain::quote;
use parallax_events::{Declaration, Error, EventBatch, Geometry, ParamSpec, Params, Result};
use parallax_formats::{PushReader, ReadOptions};
use parallax_memory::MemoryPool;
use parallax_pipeline::{Built, Caps, Context, Element, ElementRow, Media, Out, Packet, Payload, Ports};

use super::events::timed;
use super::memory::batch_pool;

pub(super) static DECODE: ElementRow = ElementRow {
    aliases: &["evtdec"],
    converts: Some((Media::Bytes, Media::Events)),
    copies: COPIES,
    ..ElementRow::plain(&DECLARATION, Ports::FILTER, build)
};

static DECLARATION: Declaration = Declaration::new(
    "decode",
    "Decodes events of any format, recognised by their content",
    PARAMS,
);

/// For the plan of a pipeline.
pub(super) const COPIES: &str = "the format's words into columns of events, which is the decoding";

/// What every decoder takes besides its format's own parameters.
pub(super) const PARAMS: &[ParamSpec] = &[
    ParamSpec::int("batch")
        .unit("events")
        .range(1, 1 << 24)
        .default(65_536)
        .doc("The most events in one packet"),
    ParamSpec::bool("strict")
        .default(false)
        .doc("Whether the first fault of the data is an error"),
    ParamSpec::int("sensor_width")
        .unit("px")
        .range(1, 65_535)
        .optional()
        .doc("Width of the sensor, where the data do not state it"),
    ParamSpec::int("sensor_height")
        .unit("px")
        .range(1, 65_535)
        .optional()
        .doc("Height of the sensor, where the data do not state it"),
];

/// Makes `decode`, or the decoder of the format that the id names.
pub(super) fn build(params: Params) -> Result<Built> {
    let geometry = match (
        params.optional_int("sensor_width")?,
        params.optional_int("sensor_height")?,
    ) {
        (Some(width), Some(height)) => {
            let side =
                |number: i64| u16::try_from(number).map_err(|_| Error::param("a side of more than 65535 px"));
            Some(Geometry::new(side(width)?, side(height)?)?)
        }
        (None, None) => None,
        _ => return Err(Error::param("`sensor_width` and `sensor_height` go together")),
    };
    let options = ReadOptions {
        format: params.id().strip_suffix("dec").map(|id| format_text(id, &params)),
        chunk: usize::try_from(params.int("batch")?).unwrap_or(1),
        strict: params.bool("strict")?,
        geometry,
        ..ReadOptions::default()
    };
    Ok(Built::element(Decoder {
        options,
        reader: None,
        memory: None,
        context: None,
    }))
}

/// The format and its own parameters, as readers and writers take them.
pub(super) fn format_text(id: &str, params: &Params) -> String {
    let ours = |name: &str| PARAMS.iter().any(|spec| spec.name() == name);
    let values = params.iter().filter(|(name, _)| !ours(name));
    values.fold(id.to_owned(), |text, (name, value)| {
        format!("{text} {name}={}", quote(&value.to_string()))
    })
}

#[derive(Debug)]
struct Decoder {
    options: ReadOptions,
    reader: Option<PushReader>,
    memory: Option<MemoryPool>,
    context: Option<Context>,
}

impl Decoder {
    fn reader(&mut self) -> &mut PushReader {
        self.reader.get_or_insert_with(|| {
            let mut reader = PushReader::new(None, &self.options);
            if let Some(memory) = &self.memory {
                reader.set_memory(memory.clone());
            }
            reader
        })
    }

    fn hand_on(&mut self, out: &mut Out<'_>) -> Result<()> {
        while let Some(batch) = self.reader().next_batch()? {
            push(batch, out)?;
        }
        Ok(())
    }
}

fn push(batch: EventBatch, out: &mut Out<'_>) -> Result<()> {
    if batch.is_empty() {
        Ok(())
    } else {
        out.push(timed(batch))
    }
}

impl Element for Decoder {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn offers(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        self.memory = batch_pool(context, self.options.chunk)?;
        Ok(())
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let Payload::Bytes(bytes) = packet.payload else {
            return Err(Error::param(format!(
                "a decoder takes bytes, not {}",
                packet.payload.media()
            )));
        };
        self.reader().push(&bytes)?;
        self.hand_on(out)
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        if self.reader.is_none() {
            return Ok(());
        }
        self.reader().finish()?;
        self.hand_on(out)?;
        if let (Some(context), Some(reader)) =
            (&self.context, self.reader.as_ref().and_then(PushReader::reader))
        {
            for finding in reader.report().findings() {
                context.warn(format!("{finding}"));
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.reader = None;
    }

    fn stop(&mut self) {
        self.memory = None;
    }
}
