//! Writes EVT 3.0: a header, then words for the time, the row and the columns where they change.
//!
//! In go events with columns and rows below 2048 and times from 0 to 2^40 us. Times may go back by less than 8.4 s, and
//! not across the end of the 16.8 s after which the counter starts again. Five or more events of one row, time and
//! polarity, in rising order within 32 columns, become a vector; their order is kept. A pause gets the TIME_HIGH words
//! that a reader needs to count the starts of the counter. External triggers of the inputs 0 to 15 are put before the
//! first event with a later time.

use std::io::Write;

use parallax_events::{Event, EventBatch, Meta, Origin, Params, Result, Trigger, Triggers};

use super::write_header::header;
use crate::stored::{HeldTriggers, Outlet, Storing};
use crate::{EventWriter, WriteOptions};

/// The types of words.
mod kind {
    pub(super) const ADDR_Y: u16 = 0x0;
    pub(super) const ADDR_X: u16 = 0x2;
    pub(super) const VECT_BASE_X: u16 = 0x3;
    pub(super) const VECT_12: u16 = 0x4;
    pub(super) const VECT_8: u16 = 0x5;
    pub(super) const TIME_LOW: u16 = 0x6;
    pub(super) const TIME_HIGH: u16 = 0x8;
    pub(super) const EXT_TRIGGER: u16 = 0xA;
}

const ADDRESS: u16 = 0x7FF;
const LARGEST_INPUT: u16 = 15;

/// The latest time: the words that it takes to get there are 256 KiB.
const LATEST: i64 = 1 << 40;

/// A vector's columns, and from how many events on it takes less than single words.
const VECTOR: u16 = 32;
const WORTH: u32 = 5;

/// Starts writing EVT 3.0; see the [module](self).
pub(crate) fn write_evt3(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    _: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let storing = Storing::new("EVT 3.0", meta, Origin::TopLeft, (ADDRESS, ADDRESS))?;
    let mut outlet = Outlet::new(output);
    outlet.put(header(meta, "EVT3", "3.0", None).as_bytes())?;
    Ok(Box::new(Evt3Writer {
        outlet,
        storing,
        clock: None,
        low: None,
        row: None,
        run: None,
        triggers: HeldTriggers::default(),
    }))
}

struct Evt3Writer {
    outlet: Outlet,
    storing: Storing,
    /// What a reader has made of the words so far.
    clock: Option<Clock>,
    low: Option<u16>,
    row: Option<u16>,
    /// Events that may become a vector. They are held back across batches.
    run: Option<Run>,
    triggers: HeldTriggers,
}

/// Events of one time, row and polarity in rising order.
#[derive(Clone, Copy)]
struct Run {
    first: Event,
    /// Bit k: an event k columns after the first.
    mask: u32,
}

/// A reader's time without its low 12 bits, in units of 2^12 us.
#[derive(Clone, Copy)]
struct Clock(i64);

impl Clock {
    /// The same after a TIME_HIGH.
    fn after(self, high: u16) -> Self {
        let now = (self.0 & 0xFFF) as u16;
        let wrapped = now >= 0x800 + high;
        Self(self.0 - i64::from(now) + i64::from(high) + if wrapped { 0x1000 } else { 0 })
    }
}

impl Evt3Writer {
    fn word(&mut self, kind: u16, content: u16) -> Result<()> {
        self.outlet.put(&(kind << 12 | content).to_le_bytes())
    }

    /// Writes words until a reader is at `t`.
    fn reach(&mut self, t: i64) -> Result<()> {
        if !(0..=LATEST).contains(&t) {
            return Err(self.storing.no_time(t, "times are from 0 to 2^40 us"));
        }
        let coarse = t >> 12;
        while self.clock.is_none_or(|clock| clock.0 != coarse) {
            let direct = (coarse & 0xFFF) as u16;
            let high = match self.clock {
                None if coarse < 0x1000 => direct,
                None => 0,
                // The end of the range, then its start: a fall that every reader takes for a new start.
                Some(clock) if clock.0 >> 12 < coarse >> 12 => {
                    if clock.0 & 0xFFF == 0xFFF {
                        0
                    } else {
                        0xFFF
                    }
                }
                Some(clock) if clock.after(direct).0 == coarse => direct,
                Some(clock) => {
                    let seen = clock.after(direct).0 << 12 | t & 0xFFF;
                    return Err(self.storing.no_time(t, &format!("it would be read as {seen} us")));
                }
            };
            self.word(kind::TIME_HIGH, high)?;
            self.clock = Some(self.clock.map_or(Clock(high.into()), |clock| clock.after(high)));
            self.low = None;
        }
        let low = (t & 0xFFF) as u16;
        if self.low.replace(low) != Some(low) {
            self.word(kind::TIME_LOW, low)?;
        }
        Ok(())
    }

    fn trigger(&mut self, Trigger { t, id, value }: Trigger) -> Result<()> {
        self.reach(t)?;
        self.word(kind::EXT_TRIGGER, id << 8 | u16::from(value))
    }

    /// Writes the events that were held back.
    fn settle(&mut self) -> Result<()> {
        let Some(Run {
            first: Event { t, x, y, p, .. },
            mut mask,
        }) = self.run.take()
        else {
            return Ok(());
        };
        self.reach(t)?;
        if self.row.replace(y) != Some(y) {
            self.word(kind::ADDR_Y, y)?;
        }
        let polarity = u16::from(p) << 11;
        if mask.count_ones() >= WORTH {
            self.word(kind::VECT_BASE_X, polarity | x)?;
            self.word(kind::VECT_12, (mask & 0xFFF) as u16)?;
            self.word(kind::VECT_12, (mask >> 12 & 0xFFF) as u16)?;
            return self.word(kind::VECT_8, (mask >> 24) as u16);
        }
        while mask != 0 {
            self.word(kind::ADDR_X, polarity | (x + mask.trailing_zeros() as u16))?;
            mask &= mask - 1;
        }
        Ok(())
    }
}

impl EventWriter for Evt3Writer {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let event = self.storing.event(event)?;
            while let Some(trigger) = self.triggers.before(event.t) {
                self.settle()?;
                self.trigger(trigger)?;
            }
            if let Some(Run { first, mask }) = &mut self.run
                && (event.t, event.y, event.p) == (first.t, first.y, first.p)
                && let Some(bit @ 0..VECTOR) = event.x.checked_sub(first.x)
                && *mask >> bit == 0
            {
                *mask |= 1 << bit;
                continue;
            }
            self.settle()?;
            self.run = Some(Run {
                first: event,
                mask: 1,
            });
        }
        Ok(())
    }

    fn write_triggers(&mut self, triggers: &Triggers) -> Result<()> {
        self.triggers.hold(triggers, &self.storing, LARGEST_INPUT)?;
        while let Some(trigger) = self.triggers.beyond() {
            self.settle()?;
            self.trigger(trigger)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.settle()?;
        while let Some(trigger) = self.triggers.next() {
            self.trigger(trigger)?;
        }
        self.outlet.finish()
    }
}
