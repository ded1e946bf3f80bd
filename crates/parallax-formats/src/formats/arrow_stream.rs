//! Arrow IPC streams: the messages of an Arrow file without its index, as they go through pipes and sockets.
//!
//! In and out as for Arrow files. It is read in order, but from a place that can be sought or from memory: through
//! the push door the bytes are gathered first. A stream that ends between two messages is taken as complete, as
//! the specification has it.
//!
//! Source: the Apache Arrow columnar format, "IPC Streaming Format".

use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{MessageHeader, root_as_message};
use parallax_events::{Declaration, Event, ParamSpec};

use crate::columnar::ipc_read;
use crate::columnar::ipc_write::{self, Form};
use crate::columnar::{COMPRESSION, TIME_UNIT, library_sample};
use crate::{Evidence, Format, Open, Probe, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["arrows"],
    sniff,
    open: Open::Seekable(|input, params, options| ipc_read::open(input, params, options, Form::Stream)),
    create: Some(|output, meta, params, _| ipc_write::create(output, meta, params, Form::Stream)),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new("arrow_stream", "Arrow IPC stream", PARAMS)
    .with_doc("The messages of an Arrow file without its index. Record batches of 2^20 events.");

static PARAMS: &[ParamSpec] = &[COMPRESSION, TIME_UNIT];

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let rest = probe.head.strip_prefix(&[0xff; 4])?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let header = rest.get(..usize::try_from(i32::from_le_bytes(*len)).ok()?)?;
    let is_schema = root_as_message(header).ok()?.header_type() == MessageHeader::Schema;
    is_schema.then(|| Evidence::new(95, "it begins with an Arrow schema"))
}

fn sample() -> Sample {
    let events = vec![Event::new(-5, 0, 0, 0), Event::new(7, 319, 239, 1)];
    library_sample(events, (320, 240), |table| {
        let mut writer = StreamWriter::try_new(Vec::new(), &table.schema())?;
        writer.write(table)?;
        Ok(writer.into_inner()?)
    })
}
