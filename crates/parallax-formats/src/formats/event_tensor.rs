//! EventFlow's Event Tensor as JSON Lines: a header, then a record for each event.
//!
//! In: lines as the EventFlow specification 0.1.0 has them, with the dims x, y, polarity. Out: events in the order of the
//! lines. Written are events in order of time that is not negative, those of one time in EventFlow's canonical order,
//! (t, x, y, p), which is not that of Parallax, (t, y, x, p). A line that is not what the specification asks for is an
//! error: it allows no unknown keys, so there is nothing to go on with.

use std::io::Write;

use parallax_events::{Declaration, Event, EventBatch, Meta, Params, Result};

use crate::event_tensor::{EventTensorDecoder, EventTensorWriter};
use crate::format::REORDERS_TIES;
use crate::{EventWriter, Evidence, Format, Open, Probe, Sample, TriggerSupport, WriteOptions};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["jsonl"],
    sniff,
    open: Open::Stream(|_, options| Ok(Box::new(EventTensorDecoder::new(options.limits)))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new("event_tensor", "EventFlow Event Tensor, JSON Lines", &[])
    .with_doc(
        "Source: the EventFlow specification 0.1.0. The header keeps the unit of time, the sensor's size and its model. \
         Events of one time are written in the order (t, x, y, p), which that specification asks for.",
    )
    .with_tags(&[REORDERS_TIES]);

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let inside = probe.head.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    inside
        .starts_with(b"\"header\"")
        .then(|| Evidence::new(90, "the first line is an Event Tensor's header"))
}

fn create(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    _: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    Ok(Box::new(EventTensorWriter::new(std::io::BufWriter::new(output), meta)?))
}

impl<W: Write + Send> EventWriter for EventTensorWriter<W> {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        Self::write(self, batch)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.end()
    }
}

/// A header with all that it may have, a blank line, a record with `meta`, ties in EventFlow's order, a value written as
/// 1.0, no line end at the end.
fn sample() -> Sample {
    let bytes = concat!(
        r#"{"header":{"schema_version":"0.1.0","dims":["x","y","polarity"],"#,
        r#""units":{"time":"us","value":"dimensionless"},"dtype":"u8","layout":"coo","#,
        r#""metadata":{"sensor":"dvs","width":640,"height":480,"model":"EVK4"},"origin":{"device_id":"a"}}}"#,
        "\n\n",
        r#"{"ts":5,"idx":[3,7,1],"val":1}"#,
        "\n",
        r#"{"ts":5,"idx":[12,0,0],"val":1.0,"meta":{"k":[1]}}"#,
        "\r\n",
        r#" { "ts" : 900000000000 , "idx" : [ 639 , 479 , 1 ] , "val" : 1 } "#,
    )
    .as_bytes()
    .to_vec();
    let events =
        vec![Event::new(5, 3, 7, 1), Event::new(5, 12, 0, 0), Event::new(900_000_000_000, 639, 479, 1)];
    Sample { bytes, events }
}
