//! Writing: the header, then the events, those of one time in EventFlow's order.

use std::io::Write;

use parallax_events::{Error, Event, EventBatch, Geometry, Meta, Origin, Result};
use serde_json::{Value, json};

use super::{DIMS, VERSION};

/// Writes events as an Event Tensor.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Event, EventBatch, Limits, Meta};
/// use parallax_formats::{EventTensorWriter, read_event_tensor};
///
/// let meta = Arc::new(Meta::with_geometry(4, 4)?);
/// let batch = EventBatch::from_events(&[Event::new(5, 3, 0, 1), Event::new(5, 0, 1, 0)], meta)?;
/// let mut bytes = Vec::new();
/// let mut writer = EventTensorWriter::new(&mut bytes, batch.meta())?;
/// writer.write(&batch)?;
/// writer.finish()?;
/// let text = String::from_utf8_lossy(&bytes);
/// assert_eq!(text.lines().nth(1), Some(r#"{"ts":5,"idx":[0,1,0],"val":1}"#));
/// assert_eq!(read_event_tensor(&mut bytes.as_slice(), &Limits::default())?.columns().x, [0, 3]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct EventTensorWriter<W: Write> {
    output: W,
    /// Events of the latest time.
    held: Vec<Event>,
    /// What y is subtracted from: the origin is at the top left.
    turn: Option<u16>,
}

impl<W: Write> EventTensorWriter<W> {
    /// Writes the header of a stream with these facts.
    ///
    /// # Errors
    /// If y must be turned and the sensor's height is not known, or the output fails.
    pub fn new(mut output: W, meta: &Meta) -> Result<Self> {
        let turn = match meta.origin {
            Origin::TopLeft => None,
            Origin::BottomLeft => Some(meta.require_geometry()?.height - 1),
        };
        let mut metadata = json!({"sensor": "dvs"});
        if let Some(Geometry { width, height }) = meta.geometry {
            metadata = json!({"sensor": "dvs", "width": width, "height": height});
        }
        if let (Some(model), Value::Object(metadata)) = (&meta.sensor, &mut metadata) {
            metadata.insert("model".to_owned(), model.as_str().into());
        }
        let header = json!({"header": {
            "schema_version": VERSION,
            "dims": DIMS,
            "units": {"time": meta.time_unit.name(), "value": "dimensionless"},
            "dtype": "u8",
            "layout": "coo",
            "metadata": metadata,
        }});
        writeln!(output, "{header}")?;
        Ok(Self {
            output,
            held: Vec::new(),
            turn,
        })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if time goes back or is negative; if the output fails.
    pub fn write(&mut self, batch: &EventBatch) -> Result<()> {
        batch.require_time_order()?;
        for event in batch.columns().iter() {
            if event.t < 0 {
                return Err(Error::param(format!(
                    "the time {} is negative, which no Event Tensor holds",
                    event.t
                )));
            }
            match self.held.last() {
                Some(last) if event.t < last.t => {
                    return Err(Error::param(format!(
                        "a batch starts at t = {}, the one before ended at {}",
                        event.t, last.t
                    ))
                    .with_hint("read with order=strict"));
                }
                Some(last) if event.t > last.t => self.flush_held()?,
                _ => {}
            }
            let y = self.turn.map_or(event.y, |last| last.saturating_sub(event.y));
            self.held.push(Event::new(event.t, event.x, y, event.p));
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// If the output fails.
    pub fn finish(mut self) -> Result<()> {
        self.end()
    }

    /// Writes what is held back, and flushes.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.flush_held()?;
        Ok(self.output.flush()?)
    }

    fn flush_held(&mut self) -> Result<()> {
        self.held.sort_by_key(|event| (event.x, event.y, event.p));
        for Event { t, x, y, p, .. } in self.held.drain(..) {
            writeln!(self.output, "{{\"ts\":{t},\"idx\":[{x},{y},{p}],\"val\":1}}")?;
        }
        Ok(())
    }
}
