//! Events as text, the inverse of the decoder: what is written is read back as it was.

use std::io::Write;

use parallax_events::{Error, EventBatch, Geometry, Meta, Origin, Result, TimeUnit};

use super::plan::{Column, Layout, Unit};
use crate::EventWriter;

/// How many bytes are gathered before they are written.
const BLOCK: usize = 64 << 10;

/// The most bytes that one line takes: a time of 20 digits with its point and sign, the other columns with their
/// separators. A column that is skipped on reading is written as 0.
const COLUMN: usize = 24;

/// Writes a text stream.
pub(crate) struct TextWriter {
    output: Box<dyn Write + Send>,
    buffer: Vec<u8>,
    layout: Layout,
    separator: u8,
    time: Time,
    geometry: Option<Geometry>,
    /// What y is subtracted from: text has its origin at the top left.
    turn: Option<u16>,
}

/// How a time is written: `t * multiply`, with a point before the last `places` digits.
#[derive(Debug, Clone, Copy)]
struct Time {
    multiply: i64,
    places: u32,
}

impl Time {
    fn new(from: TimeUnit, to: Unit) -> Result<Self> {
        let per_second = i64::from(from.per_second().ilog10());
        let wanted = match to {
            Unit::Seconds => 0,
            Unit::Millis => 3,
            Unit::Micros => 6,
            Unit::Nanos => 9,
        };
        if wanted >= per_second {
            let up = u32::try_from(wanted - per_second).unwrap_or(0);
            return Ok(Self {
                multiply: 10_i64.pow(up),
                places: 0,
            });
        }
        match to {
            // Readers take a text without a point as whole microseconds, so a point in them would mislead.
            Unit::Micros => Err(
                Error::param(format!("times in {from} do not fit into whole microseconds"))
                    .with_hint("write with unit=ns"),
            ),
            _ => Ok(Self {
                multiply: 1,
                places: u32::try_from(per_second - wanted).unwrap_or(0),
            }),
        }
    }
}

impl TextWriter {
    /// A writer of streams with such facts.
    ///
    /// # Errors
    /// If times of `meta` cannot be written in `unit`, or y must be turned and the sensor's height is not known.
    pub(crate) fn new(
        output: Box<dyn Write + Send>,
        meta: &Meta,
        layout: Layout,
        separator: u8,
        unit: Unit,
    ) -> Result<Self> {
        let time = Time::new(meta.time_unit, unit)?;
        let turn = match meta.origin {
            Origin::TopLeft => None,
            Origin::BottomLeft => Some(meta.require_geometry()?.height - 1),
        };
        let buffer = Vec::with_capacity(BLOCK);
        Ok(Self {
            output,
            buffer,
            layout,
            separator,
            time,
            geometry: meta.geometry,
            turn,
        })
    }

    /// Names the columns in a first line, with the sensor's size: `t,x@320,y@240,on`.
    pub(crate) fn with_header(mut self, unit: Unit) -> Self {
        for (index, column) in self.layout.0.clone().into_iter().enumerate() {
            if index > 0 {
                self.buffer.push(self.separator);
            }
            let name = match (column, self.geometry) {
                (Column::T, _) if unit == Unit::Micros => "t".to_owned(),
                (Column::T, _) => format!("t_{}", unit.name()),
                (Column::X, Some(geometry)) => format!("x@{}", geometry.width),
                (Column::X, None) => "x".to_owned(),
                (Column::Y, Some(geometry)) => format!("y@{}", geometry.height),
                (Column::Y, None) => "y".to_owned(),
                (Column::P, _) => "on".to_owned(),
                (Column::Other, _) => "_".to_owned(),
            };
            self.buffer.extend_from_slice(name.as_bytes());
        }
        self.buffer.push(b'\n');
        self
    }

    /// Writes `t`, with its point.
    fn push_time(&mut self, t: i64) -> Result<()> {
        let t = t.checked_mul(self.time.multiply).ok_or_else(|| {
            Error::param(format!(
                "the time {t} does not fit into 64 bits of the unit that is written"
            ))
        })?;
        if t < 0 {
            self.buffer.push(b'-');
        }
        let size = t.unsigned_abs();
        let unit = 10_u64.pow(self.time.places);
        push_number(&mut self.buffer, size / unit, 1);
        if self.time.places > 0 {
            self.buffer.push(b'.');
            push_number(&mut self.buffer, size % unit, self.time.places as usize);
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl EventWriter for TextWriter {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        let columns = batch.columns();
        let layout = std::mem::replace(&mut self.layout, Layout(Vec::new()));
        let mut outcome = Ok(());
        for event in columns.iter() {
            if self.buffer.len() + COLUMN * layout.0.len() > BLOCK {
                outcome = self.drain();
            }
            for (index, column) in layout.0.iter().enumerate() {
                if index > 0 {
                    self.buffer.push(self.separator);
                }
                match column {
                    Column::T => outcome = outcome.and(self.push_time(event.t)),
                    Column::X => push_number(&mut self.buffer, event.x.into(), 1),
                    Column::Y => {
                        // Every y is below the height that `turn` was taken from.
                        let y = self.turn.map_or(event.y, |last| last.saturating_sub(event.y));
                        push_number(&mut self.buffer, y.into(), 1);
                    }
                    Column::P => self.buffer.push(b'0' + event.p),
                    Column::Other => self.buffer.push(b'0'),
                }
            }
            self.buffer.push(b'\n');
            if outcome.is_err() {
                break;
            }
        }
        self.layout = layout;
        outcome
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.drain()?;
        self.output.flush()?;
        Ok(())
    }
}

/// Appends `value` with at least `width` digits, at most 20.
fn push_number(buffer: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    let start = start.min(digits.len().saturating_sub(width));
    buffer.extend_from_slice(&digits[start..]);
}
