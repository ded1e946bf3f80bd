//! Arrow IPC files: the columns of Arrow as they are in memory, with an index at the end. Also known as Feather
//! version 2.
//!
//! In and out: `t: Duration(unit), x: UInt16, y: UInt16, p: UInt8`, the stream's facts in the schema's metadata
//! under `parallax.*`. Written in record batches of 2^20 events, so the same stream gives the same file. Not
//! compressed unless asked for, so that it can be mapped and used without a copy. Files of others are read if
//! their columns are recognisable: `t`, `timestamp`, `time` or `ts`; `x`; `y`; `p`, `pol`, `polarity` or `on`.
//!
//! Source: the Apache Arrow columnar format, "IPC File Format".

use arrow_ipc::writer::FileWriter;
use parallax_events::{Declaration, Event, ParamSpec};

use crate::columnar::ipc_read::{self, MAGIC};
use crate::columnar::ipc_write::{self, Form};
use crate::columnar::{COMPRESSION, TIME_UNIT, library_sample};
use crate::{Evidence, Format, Open, Probe, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["arrow", "feather", "ipc"],
    sniff,
    open: Open::Seekable(|input, params, options| ipc_read::open(input, params, options, Form::File)),
    create: Some(|output, meta, params, _| ipc_write::create(output, meta, params, Form::File)),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new("arrow", "Arrow IPC file (Feather 2)", PARAMS).with_doc(
    "Columns as Arrow has them in memory: 13 bytes an event, mapped without a copy by pyarrow, Polars and others. \
     Record batches of 2^20 events; the stream's facts are in the schema's metadata.",
);

static PARAMS: &[ParamSpec] = &[COMPRESSION, TIME_UNIT];

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    probe
        .head
        .starts_with(MAGIC)
        .then(|| Evidence::new(98, "it begins with ARROW1"))
}

fn sample() -> Sample {
    let events = vec![
        Event::new(10, 1, 2, 1),
        Event::new(12, 639, 0, 0),
        Event::new(12, 0, 479, 1),
    ];
    library_sample(events, (640, 480), |table| {
        let mut writer = FileWriter::try_new(Vec::new(), &table.schema())?;
        writer.write(table)?;
        Ok(writer.into_inner()?)
    })
}
