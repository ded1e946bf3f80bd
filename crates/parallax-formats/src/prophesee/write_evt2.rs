//! Writes EVT 2.0: a header, then a word for each event and a TIME_HIGH where the upper 28 bits of the time change.
//!
//! In go events with columns and rows below 2048 and times from 0 to 2^52 us, and external triggers of the inputs 0 to 31,
//! each of which is put before the first event with a later time. Times may go back, but by less than the
//! 4.8 h after which the counter starts again. What comes out is what a camera would have sent, but for its regular
//! TIME_HIGH words: there are none without an event, except where the counter must be seen to start again.

use std::io::Write;

use parallax_events::{Event, EventBatch, Meta, Origin, Params, Result, Trigger, Triggers};

use super::write_clock::WrittenClock;
use super::write_header::header;
use crate::stored::{HeldTriggers, Outlet, Storing};
use crate::{EventWriter, WriteOptions};

const TIME_HIGH: u32 = 0x8;
const EXT_TRIGGER: u32 = 0xA;
const LARGEST_INPUT: u16 = 31;
const ADDRESS: u16 = 0x7FF;

/// Starts writing EVT 2.0; see the [module](self).
pub(crate) fn write_evt2(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    _: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let storing = Storing::new("EVT 2.0", meta, Origin::TopLeft, (ADDRESS, ADDRESS))?;
    let mut outlet = Outlet::new(output);
    outlet.put(header(meta, "EVT2", "2.0", None).as_bytes())?;
    Ok(Box::new(Evt2Writer {
        outlet,
        storing,
        clock: WrittenClock::default(),
        triggers: HeldTriggers::default(),
    }))
}

struct Evt2Writer {
    outlet: Outlet,
    storing: Storing,
    clock: WrittenClock,
    triggers: HeldTriggers,
}

impl Evt2Writer {
    /// Writes TIME_HIGH words until a reader is at `t` but for its low 6 bits.
    fn reach(&mut self, t: i64) -> Result<()> {
        self.clock.reach(t, &self.storing, |content| {
            self.outlet.put(&(TIME_HIGH << 28 | content).to_le_bytes())
        })
    }

    fn trigger(&mut self, Trigger { t, id, value }: Trigger) -> Result<()> {
        self.reach(t)?;
        let word = EXT_TRIGGER << 28 | (t as u32 & 63) << 22 | u32::from(id) << 8 | u32::from(value);
        self.outlet.put(&word.to_le_bytes())
    }
}

impl EventWriter for Evt2Writer {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            while let Some(trigger) = self.triggers.before(t) {
                self.trigger(trigger)?;
            }
            self.reach(t)?;
            let word = u32::from(p) << 28 | (t as u32 & 63) << 22 | u32::from(x) << 11 | u32::from(y);
            self.outlet.put(&word.to_le_bytes())?;
        }
        Ok(())
    }

    fn write_triggers(&mut self, triggers: &Triggers) -> Result<()> {
        self.triggers.hold(triggers, &self.storing, LARGEST_INPUT)?;
        while let Some(trigger) = self.triggers.beyond() {
            self.trigger(trigger)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        while let Some(trigger) = self.triggers.next() {
            self.trigger(trigger)?;
        }
        self.outlet.finish()
    }
}
