//! What the writers of binary records share: events as a format stores them, gathered into blocks.
//!
//! In go events as a batch holds them, in the unit and with the origin of its stream. [`Storing`] turns each into
//! microseconds and the origin of the format, or refuses: nothing is rounded, clipped or wrapped. [`Outlet`] is the
//! output behind a block of memory, [`HeldTriggers`] the external triggers that wait for their place among the events.

use std::collections::VecDeque;
use std::io::{self, Write};

use parallax_events::{Error, Event, Meta, Origin, Result, TimeUnit, Trigger, Triggers};

/// How many bytes are gathered before they are written.
const BLOCK: usize = 64 << 10;

/// How the events of a stream become those of a format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storing {
    format: &'static str,
    unit: TimeUnit,
    /// What the format counts in.
    stored_unit: TimeUnit,
    /// The last row, if rows are counted from the other end.
    turn: Option<u16>,
    /// The largest column and the largest row that the format has.
    largest: (u16, u16),
}

impl Storing {
    /// For streams with such facts, to be stored by `format` with this origin and addresses up to `largest`.
    ///
    /// # Errors
    /// If rows must be turned and the sensor's height is not known, or the sensor is too large.
    pub(crate) fn new(
        format: &'static str,
        meta: &Meta,
        origin: Origin,
        largest: (u16, u16),
    ) -> Result<Self> {
        if let Some(size) = meta.geometry
            && (size.width - 1 > largest.0 || size.height - 1 > largest.1)
        {
            let most = (u32::from(largest.0) + 1, u32::from(largest.1) + 1);
            return Err(Error::param(format!(
                "a sensor of {size}: {format} has {} x {} pixels",
                most.0, most.1
            ))
            .with_hint("crop the events first, or choose another format"));
        }
        let turn = if meta.origin == origin {
            None
        } else {
            let size = meta.geometry.ok_or_else(|| {
                Error::param(format!(
                    "{format} counts rows from the other end, and the sensor's height is not known"
                ))
                .with_hint("state the sensor's size")
            })?;
            Some(size.height - 1)
        };
        Ok(Self {
            format,
            unit: meta.time_unit,
            stored_unit: TimeUnit::Micros,
            turn,
            largest,
        })
    }

    /// The same for a format that counts in this unit instead of microseconds.
    #[must_use]
    pub(crate) fn in_unit(mut self, unit: TimeUnit) -> Self {
        self.stored_unit = unit;
        self
    }

    /// The event with t in the format's unit and y counted as the format does.
    ///
    /// # Errors
    /// If t is no whole number of that unit or does not fit, or the format has no such pixel.
    #[inline]
    pub(crate) fn event(&self, event: Event) -> Result<Event> {
        let t = if self.unit == self.stored_unit {
            event.t
        } else {
            self.unit.rescale(event.t, self.stored_unit)?
        };
        let y = match self.turn {
            None => Some(event.y),
            Some(last) => last.checked_sub(event.y),
        };
        match y {
            Some(y) if event.x <= self.largest.0 && y <= self.largest.1 => {
                Ok(Event::new(t, event.x, y, event.p))
            }
            _ => Err(self.no_pixel(event)),
        }
    }

    /// The trigger with t in microseconds.
    ///
    /// # Errors
    /// If t is no whole number of microseconds or does not fit, or the format has no such input or value.
    fn trigger(&self, trigger: Trigger, largest_id: u16) -> Result<Trigger> {
        let Trigger { t, id, value } = trigger;
        if id > largest_id || value > 1 {
            return Err(Error::param(format!(
                "{} has no trigger input {id} of the value {value}: inputs are 0 to {largest_id}, values 0 and 1",
                self.format
            ))
            .with_hint("leave the triggers out, or choose another format"));
        }
        Ok(Trigger::new(self.unit.rescale(t, TimeUnit::Micros)?, id, value))
    }

    #[cold]
    fn no_pixel(&self, event: Event) -> Error {
        Error::param(format!("{} has no pixel ({}, {})", self.format, event.x, event.y))
            .with_hint("crop the events first, or choose another format")
    }

    /// That a time cannot be stored; `why` says what the format has instead.
    #[cold]
    pub(crate) fn no_time(&self, t: i64, why: &str) -> Error {
        Error::param(format!("{} cannot hold the time {t} us here: {why}", self.format))
            .with_hint("cut or shift the recording, or choose another format")
    }
}

/// How many triggers wait for an event with a later t. Beyond, the oldest is written where the output stands.
const HELD: usize = 1 << 20;

/// External triggers as a format stores them, in the order in which they came, waiting for the first event with a
/// later t.
#[derive(Debug, Default)]
pub(crate) struct HeldTriggers(VecDeque<Trigger>);

impl HeldTriggers {
    /// Takes in triggers of inputs up to `largest_id`.
    ///
    /// # Errors
    /// If the format does not have one of them.
    pub(crate) fn hold(&mut self, triggers: &Triggers, storing: &Storing, largest_id: u16) -> Result<()> {
        for trigger in triggers.iter() {
            self.0.push_back(storing.trigger(trigger, largest_id)?);
        }
        Ok(())
    }

    /// The next trigger that goes before an event at `t`.
    #[inline]
    pub(crate) fn before(&mut self, t: i64) -> Option<Trigger> {
        if self.0.front()?.t < t {
            self.0.pop_front()
        } else {
            None
        }
    }

    /// The next one of those that are too many to wait.
    pub(crate) fn beyond(&mut self) -> Option<Trigger> {
        if self.0.len() > HELD {
            self.0.pop_front()
        } else {
            None
        }
    }

    /// The next one, at the end.
    pub(crate) fn next(&mut self) -> Option<Trigger> {
        self.0.pop_front()
    }
}

/// An output that is written in blocks.
pub(crate) struct Outlet {
    output: Box<dyn Write + Send>,
    block: Vec<u8>,
}

impl Outlet {
    /// An outlet to `output`.
    pub(crate) fn new(output: Box<dyn Write + Send>) -> Self {
        Self {
            output,
            block: Vec::with_capacity(BLOCK + 64),
        }
    }

    /// Appends a few bytes.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK {
            self.drain()?;
        }
        Ok(())
    }

    /// Writes all that is held back.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.drain()?;
        self.output.flush()?;
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        self.output.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

/// For what is in large pieces already.
impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.drain()?;
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.output.flush()
    }
}
