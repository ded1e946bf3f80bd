//! Writes AEDAT 4.0: a header, then packets of events and of external triggers.
//!
//! In go events with columns and rows below 32,768 and any time, which the format takes for microseconds since 1970, and
//! triggers that it has a source for. Packets have a fixed number of events, so the bytes do not depend on how the events
//! came. The output need not be one that can be sought, so there is no table of packets at the end: readers make their own,
//! as for a recording that was never closed.

use std::io::Write;

use parallax_events::{Error, Event, EventBatch, Meta, Origin, Params, Result, Trigger, Triggers};

use super::MAGIC;
use super::compression::Compression;
use super::header::NO_SOURCE;
use super::packet::{EventPacket, of_triggers};
use super::triggers::source;
use crate::stored::{HeldTriggers, Outlet, Storing};
use crate::{EventWriter, WriteOptions};

/// Events in a packet, and triggers.
const PACKET: usize = 8192;

/// The numbers of the two streams.
const EVENTS: i32 = 0;
const TRIGGERS: i32 = 1;

const ADDRESS: u16 = 0x7FFF;

/// Starts writing AEDAT 4.0; see the [module](self).
pub(crate) fn write_aedat4(
    output: Box<dyn Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    if meta.geometry.is_none() {
        return Err(
            Error::param("AEDAT 4.0 files state the sensor's size, which is not known")
                .with_hint("state it when reading, as with --geometry 1280x720"),
        );
    }
    let storing = Storing::new("AEDAT 4.0", meta, Origin::TopLeft, (ADDRESS, ADDRESS))?;
    let compression = Compression::from_name(params.choice("compression")?);
    let mut outlet = Outlet::new(output);
    outlet.put(MAGIC)?;
    outlet.put(&header(meta, compression))?;
    Ok(Box::new(Aedat4Writer {
        outlet,
        storing,
        compression,
        events: EventPacket::new(PACKET),
        triggers: Vec::new(),
        held: HeldTriggers::default(),
        packed: Vec::new(),
    }))
}

struct Aedat4Writer {
    outlet: Outlet,
    storing: Storing,
    compression: Compression,
    events: EventPacket,
    /// Triggers of the next packet, with their sources.
    triggers: Vec<(Trigger, u8)>,
    held: HeldTriggers,
    packed: Vec<u8>,
}

impl Aedat4Writer {
    fn trigger(&mut self, trigger: Trigger) -> Result<()> {
        self.triggers.push((trigger, source(trigger)?));
        if self.triggers.len() >= PACKET {
            self.put_triggers()?;
        }
        Ok(())
    }

    fn put_triggers(&mut self) -> Result<()> {
        if self.triggers.is_empty() {
            return Ok(());
        }
        self.packed.clear();
        self.compression
            .pack(&of_triggers(&self.triggers), &mut self.packed)?;
        self.triggers.clear();
        put(&mut self.outlet, TRIGGERS, &self.packed)
    }

    /// Writes the events so far, and before them the triggers.
    fn put_packets(&mut self) -> Result<()> {
        self.put_triggers()?;
        if self.events.len() > 0 {
            self.packed.clear();
            self.compression.pack(self.events.bytes(), &mut self.packed)?;
            self.events.clear();
            put(&mut self.outlet, EVENTS, &self.packed)?;
        }
        Ok(())
    }
}

fn put(outlet: &mut Outlet, stream: i32, packet: &[u8]) -> Result<()> {
    outlet.put(&stream.to_le_bytes())?;
    outlet.put(&(packet.len() as u32).to_le_bytes())?;
    outlet.put(packet)
}

impl EventWriter for Aedat4Writer {
    fn write(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.columns().iter() {
            let Event { t, x, y, p, .. } = self.storing.event(event)?;
            while let Some(trigger) = self.held.before(t) {
                self.trigger(trigger)?;
            }
            self.events.push(t, x, y, p);
            if self.events.len() >= PACKET {
                self.put_packets()?;
            }
        }
        Ok(())
    }

    fn write_triggers(&mut self, triggers: &Triggers) -> Result<()> {
        triggers
            .iter()
            .try_for_each(|trigger| source(trigger).map(drop))?;
        self.held.hold(triggers, &self.storing, u8::MAX.into())?;
        while let Some(trigger) = self.held.beyond() {
            self.trigger(trigger)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        while let Some(trigger) = self.held.next() {
            self.trigger(trigger)?;
        }
        self.put_packets()?;
        self.outlet.finish()
    }
}

/// The header behind its size: a FlatBuffer of the type `IOHE`, whose eight-byte field lies on a multiple of eight.
fn header(meta: &Meta, compression: Compression) -> Vec<u8> {
    let text = info(meta, compression);
    let mut flat = vec![24, 0, 0, 0];
    flat.extend_from_slice(b"IOHE\0\0\0\0\0\0");
    // The list of fields: its size, the table's, where compression, table and text are.
    flat.extend_from_slice(&[10, 0, 24, 0, 4, 0, 12, 0, 8, 0]);
    flat.extend_from_slice(&10_i32.to_le_bytes());
    flat.extend_from_slice(&compression.number().to_le_bytes());
    flat.extend_from_slice(&16_u32.to_le_bytes());
    flat.extend_from_slice(&(-1_i64).to_le_bytes());
    flat.extend_from_slice(&[0; 4]);
    flat.extend_from_slice(&(text.len() as u32).to_le_bytes());
    flat.extend_from_slice(text.as_bytes());
    flat.push(0);
    let size = (flat.len() as u32).to_le_bytes();
    [size.as_slice(), &flat].concat()
}

/// The streams, as the DV software describes them.
fn info(meta: &Meta, compression: Compression) -> String {
    let mut text = String::from(
        "<dv version=\"2.0\">\n    <node name=\"outInfo\" path=\"/mainloop/Recorder/outInfo/\">\n",
    );
    let streams = [
        (EVENTS, "EVTS", "events", "Array of events (polarity ON/OFF)."),
        (
            TRIGGERS,
            "TRIG",
            "triggers",
            "External triggers and special signals.",
        ),
    ];
    for (id, kind, name, description) in streams {
        text.push_str(&format!(
            "        <node name=\"{id}\" path=\"/mainloop/Recorder/outInfo/{id}/\">\n"
        ));
        for (key, value) in [
            ("compression", compression.name()),
            ("originalModuleName", "capture"),
            ("originalOutputName", name),
            ("typeDescription", description),
            ("typeIdentifier", kind),
        ] {
            text.push_str(&format!(
                "            <attr key=\"{key}\" type=\"string\">{value}</attr>\n"
            ));
        }
        text.push_str(&format!(
            "            <node name=\"info\" path=\"/mainloop/Recorder/outInfo/{id}/info/\">\n"
        ));
        if let Some(size) = meta.geometry.filter(|_| id == EVENTS) {
            for (key, side) in [("sizeX", size.width), ("sizeY", size.height)] {
                text.push_str(&format!(
                    "                <attr key=\"{key}\" type=\"int\">{side}</attr>\n"
                ));
            }
        }
        let sensor = meta.sensor.as_deref().map(escaped);
        let source = sensor.filter(|source| !source.is_empty());
        text.push_str(&format!(
            "                <attr key=\"source\" type=\"string\">{}</attr>\n",
            source.as_deref().unwrap_or(NO_SOURCE)
        ));
        text.push_str("                <attr key=\"tsOffset\" type=\"long\">0</attr>\n            </node>\n        </node>\n");
    }
    text.push_str("    </node>\n</dv>\n");
    text
}

/// A text as XML holds it, without the characters that it cannot.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.trim().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}
