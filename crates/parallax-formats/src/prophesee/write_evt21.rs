//! Writes EVT 2.1: a header, then a word for up to 32 events, and a TIME_HIGH where the upper 28 bits of the time change.
//!
//! In go events with columns and rows below 2048 and times from 0 to 2^52 us, and external triggers of the inputs 0 to 31,
//! each of which is put before the first event with a later time. Times may go back, but by less than the 4.8 h after which
//! the counter starts again. Events of one time, row and polarity in one block of 32 columns, as cameras align them,
//! become one word if they are in rising order: their order is kept. The halves of a word are in the order that
//! `endianness` says.

use std::io::Write;

use parallax_events::{Event, EventBatch, Meta, Origin, ParamSpec, Params, Result, Trigger, Triggers};

use super::write_clock::WrittenClock;
use super::write_header::header;
use crate::stored::{HeldTriggers, Outlet, Storing};
use crate::{EventWriter, WriteOptions};

/// Which half of a word comes first.
pub(crate) const ENDIANNESS: ParamSpec = ParamSpec::choice("endianness", &["little", "legacy"])
    .default("little")
    .doc("For writing: whether a word is one little-endian number, or its upper half comes first, as in early cameras");

const TIME_HIGH: u32 = 0x8;
const EXT_TRIGGER: u32 = 0xA;
const LARGEST_INPUT: u16 = 31;
const ADDRESS: u16 = 0x7FF;

/// The columns of a word.
const BLOCK: u16 = 32;

/// Starts writing EVT 2.1; see the [module](self).
pub(crate) fn write_evt21(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let endianness = params.choice(ENDIANNESS.name())?;
    let storing = Storing::new("EVT 2.1", meta, Origin::TopLeft, (ADDRESS, ADDRESS))?;
    let mut outlet = Outlet::new(output);
    outlet.put(header(meta, "EVT21", "2.1", Some(endianness)).as_bytes())?;
    Ok(Box::new(Evt21Writer {
        outlet,
        legacy: endianness == "legacy",
        storing,
        clock: WrittenClock::default(),
        run: None,
        triggers: HeldTriggers::default(),
    }))
}

struct Evt21Writer {
    outlet: Outlet,
    legacy: bool,
    storing: Storing,
    clock: WrittenClock,
    /// Events that may become one word. They are held back across batches.
    run: Option<Run>,
    triggers: HeldTriggers,
}

/// Events of one time, row, polarity and block of columns, in rising order.
#[derive(Clone, Copy)]
struct Run {
    /// The first of them, with the first column of the block.
    base: Event,
    /// Bit k: an event in column k of the block.
    mask: u32,
}

/// The bytes of a word of the half with the type and a mask.
#[inline]
fn word(half: u32, mask: u32, legacy: bool) -> [u8; 8] {
    let (upper, lower) = if legacy { (mask, half) } else { (half, mask) };
    (u64::from(upper) << 32 | u64::from(lower)).to_le_bytes()
}

impl Evt21Writer {
    /// Writes words until a reader is at `t` but for its low 6 bits.
    fn reach(&mut self, t: i64) -> Result<()> {
        self.clock.reach(t, &self.storing, |content| {
            self.outlet.put(&word(TIME_HIGH << 28 | content, 0, self.legacy))
        })
    }

    fn trigger(&mut self, Trigger { t, id, value }: Trigger) -> Result<()> {
        self.settle()?;
        self.reach(t)?;
        let half = EXT_TRIGGER << 28 | (t as u32 & 63) << 22 | u32::from(id) << 8 | u32::from(value);
        self.outlet.put(&word(half, 0, self.legacy))
    }

    /// Writes the events that were held back.
    fn settle(&mut self) -> Result<()> {
        let Some(Run {
            base: Event { t, x, y, p, .. },
            mask,
        }) = self.run.take()
        else {
            return Ok(());
        };
        self.reach(t)?;
        let half = u32::from(p) << 28 | (t as u32 & 63) << 22 | u32::from(x) << 11 | u32::from(y);
        self.outlet.put(&word(half, mask, self.legacy))
    }
}

impl EventWriter for Evt21Writer {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            while let Some(trigger) = self.triggers.before(t) {
                self.trigger(trigger)?;
            }
            let base = Event::new(t, x - x % BLOCK, y, p);
            let bit = x % BLOCK;
            if let Some(run) = &mut self.run
                && run.base == base
                && run.mask >> bit == 0
            {
                run.mask |= 1 << bit;
                continue;
            }
            self.settle()?;
            self.run = Some(Run { base, mask: 1 << bit });
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
        self.settle()?;
        while let Some(trigger) = self.triggers.next() {
            self.trigger(trigger)?;
        }
        self.outlet.finish()
    }
}
