//! EventFlow's Event Tensor as JSON Lines, for events of vision sensors: both ways.
//!
//! The first line is a header, `{"header": {..}}`; every other is a record, `{"ts": 17, "idx": [x, y, polarity], "val": 1}`.
//! Source: the EventFlow specification 0.1.0. Written is the canonical order of that specification: by ts, then by idx,
//! which is (t, x, y, p), so events of one time are not in the order in which Parallax sorts them, (t, y, x, p).
//!
//! - Writing asks for ordered times that are not negative; events of one time are held until it has passed.
//! - Reading takes keys that the specification does not name for damage, and other dims for unsupported. A line has
//!   `Limits::header_bytes` at most.

mod decoder;
mod writer;

use std::io::{BufRead, Read};
use std::sync::Arc;

pub(crate) use decoder::EventTensorDecoder;
use parallax_events::{Error, Event, EventBatch, Geometry, Limits, Meta, Result, TimeUnit};
use serde::Deserialize;
use serde_json::{Map, Number, Value};
pub use writer::EventTensorWriter;

const VERSION: &str = "0.1.0";
const DIMS: [&str; 3] = ["x", "y", "polarity"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    header: Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema_version: String,
    dims: Vec<String>,
    units: Units,
    dtype: String,
    layout: String,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default, rename = "origin")]
    _origin: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    time: String,
    #[serde(rename = "value")]
    _value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    ts: i64,
    idx: [u64; 3],
    val: Number,
    #[serde(default, rename = "meta")]
    _meta: Option<Map<String, Value>>,
}

/// Reads the events of an Event Tensor, in the order of its lines.
///
/// # Errors
/// [`ErrorKind::Malformed`](parallax_events::ErrorKind) at the byte of the first line that is not what the
/// specification asks for; [`Unsupported`](parallax_events::ErrorKind::Unsupported) for tensors of other dims, values other
/// than 1 and versions other than 0.x; [`Limit`](parallax_events::ErrorKind::Limit).
pub fn read_event_tensor(input: &mut dyn BufRead, limits: &Limits) -> Result<EventBatch> {
    let mut lines = Lines {
        input,
        offset: 0,
        limit: limits.header_bytes,
    };
    let Some((text, offset)) = lines.next()? else {
        return Err(Error::malformed("an Event Tensor begins with a header; there is none").at_byte(0));
    };
    let meta = Arc::new(header(&text, offset, limits)?);
    let mut events = Vec::new();
    while let Some((text, offset)) = lines.next()? {
        events.push(record(&text, offset)?);
        limits.check_events(events.len() as u64)?;
    }
    EventBatch::from_events(&events, meta)
}

/// What the first line says.
fn header(text: &[u8], offset: u64, limits: &Limits) -> Result<Meta> {
    let Line { header } = parsed(text, offset)?;
    facts(header, limits).map_err(|error| error.at_byte(offset))
}

/// The event of any other line.
fn record(text: &[u8], offset: u64) -> Result<Event> {
    let record: Record = parsed(text, offset)?;
    let wrong = |what: String| Error::malformed(what).at_byte(offset);
    if record.ts < 0 {
        return Err(wrong(format!("the time {} is negative", record.ts)));
    }
    if record.val.as_f64() != Some(1.0) {
        return Err(Error::unsupported(format!("an event of the value {}", record.val)).at_byte(offset));
    }
    let [column, row, polarity] = record.idx;
    let pixel = |at: u64| u16::try_from(at).map_err(|_| wrong(format!("the index {at} is no pixel")));
    if polarity > 1 {
        return Err(wrong(format!("polarity {polarity} is neither 0 nor 1")));
    }
    Ok(Event::new(record.ts, pixel(column)?, pixel(row)?, polarity as u8))
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a [u8], offset: u64) -> Result<T> {
    serde_json::from_slice(text)
        .map_err(|error| Error::malformed(format!("no line of an Event Tensor: {error}")).at_byte(offset))
}

fn facts(header: Header, limits: &Limits) -> Result<Meta> {
    let Header {
        schema_version,
        dims,
        units,
        dtype,
        layout,
        metadata,
        ..
    } = header;
    if !schema_version.starts_with("0.") {
        return Err(Error::unsupported(format!(
            "Event Tensors of version {schema_version}"
        )));
    }
    if dims != DIMS {
        return Err(
            Error::unsupported(format!("an Event Tensor of the dims {}", dims.join(", ")))
                .with_hint("events have x, y, polarity"),
        );
    }
    if !["f32", "f16", "i16", "u8"].contains(&dtype.as_str()) || !["coo", "block"].contains(&layout.as_str())
    {
        return Err(Error::malformed(format!(
            "an Event Tensor of dtype {dtype} and layout {layout}"
        )));
    }
    let time_unit = TimeUnit::from_name(&units.time).map_err(|error| Error::malformed(error.message()))?;
    let side = |name: &str| metadata.get(name).and_then(Value::as_u64);
    let geometry = match (side("width"), side("height")) {
        (Some(width), Some(height)) => {
            let side = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
            limits.check_geometry(side(width), side(height))?;
            let side = |side: u64| u16::try_from(side).unwrap_or(0);
            Some(
                Geometry::new(side(width), side(height))
                    .map_err(|error| Error::malformed(error.message()))?,
            )
        }
        _ => None,
    };
    let sensor = metadata
        .get("model")
        .and_then(Value::as_str)
        .map(ToOwned::to_owned);
    Ok(Meta {
        time_unit,
        geometry,
        sensor,
        ..Meta::default()
    })
}

/// The lines that are not blank, each with the byte it begins at.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    offset: u64,
    limit: u64,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<(Vec<u8>, u64)>> {
        loop {
            let (mut line, start) = (Vec::new(), self.offset);
            let read = (&mut *self.input)
                .take(self.limit.saturating_add(1))
                .read_until(b'\n', &mut line)?;
            self.offset += read as u64;
            if read as u64 > self.limit {
                return Err(Error::limit(format!("a line of more than {} bytes", self.limit)).at_byte(start));
            }
            if read == 0 {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((line, start)));
            }
        }
    }
}
