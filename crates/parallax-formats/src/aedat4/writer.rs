//! Writes AEDAT 4.0: a header, then packets of events and of external triggers.
//!
//! In go events with columns and rows below 32,768 and any time, which the format takes for microseconds since 1970, and
//! triggers that it has a source for. Packets have a fixed number of events, so the bytes do not depend on how the events
//! came. The header says where the table of packets begins and the output need not be one that can be sought, so packets
//! are held back ([`Spool`]) until the end. With `table=false` they are written as they come, and there is no table: readers
//! make their own, as for a recording that was never closed.

use std::io::Write;

use parallax_events::{Error, Event, EventBatch, Meta, Origin, Params, Result, Trigger, Triggers};

use super::MAGIC;
use super::compression::Compression;
use super::header::NO_SOURCE;
use super::packet::{EventPacket, of_triggers};
use super::table::{Entry, of_entries};
use super::triggers::source;
use crate::spool::Spool;
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
    let mut packets = Packets {
        outlet: Outlet::new(output),
        header: header(meta, compression),
        spool: params.bool("table")?.then(Spool::new),
        entries: Vec::new(),
        compression,
        packed: Vec::new(),
    };
    if packets.spool.is_none() {
        packets.outlet.put(&packets.header)?;
    }
    Ok(Box::new(Aedat4Writer {
        packets,
        storing,
        events: EventPacket::new(PACKET),
        triggers: Vec::new(),
        held: HeldTriggers::default(),
    }))
}

struct Aedat4Writer {
    packets: Packets,
    storing: Storing,
    events: EventPacket,
    /// Triggers of the next packet, with their sources.
    triggers: Vec<(Trigger, u8)>,
    held: HeldTriggers,
}

/// Where packets go.
struct Packets {
    outlet: Outlet,
    header: Vec<u8>,
    /// Packets that wait until it is known where the table is, and the table; `None` if there is none.
    spool: Option<Spool>,
    entries: Vec<Entry>,
    compression: Compression,
    packed: Vec<u8>,
}

impl Packets {
    /// Packs and writes a packet of `count` events or triggers.
    fn put(&mut self, stream: i32, packet: &[u8], count: usize, times: (i64, i64)) -> Result<()> {
        self.packed.clear();
        self.compression.pack(packet, &mut self.packed)?;
        let size = self.packed.len() as u32;
        let head = [stream.to_le_bytes(), size.to_le_bytes()];
        let Some(spool) = &mut self.spool else {
            self.outlet.put(head.as_flattened())?;
            return self.outlet.put(&self.packed);
        };
        spool.put(head.as_flattened())?;
        self.entries.push(Entry {
            offset: self.header.len() as u64 + spool.len(),
            stream,
            size,
            count,
            times,
        });
        spool.put(&self.packed)
    }

    fn finish(mut self) -> Result<()> {
        if let Some(spool) = self.spool {
            let table_at = self.header.len() as u64 + spool.len();
            if let Some(place) = self.header.get_mut(TABLE_AT..TABLE_AT + 8) {
                place.copy_from_slice(&table_at.to_le_bytes());
            }
            self.outlet.put(&self.header)?;
            spool.pour(&mut self.outlet)?;
            self.packed.clear();
            self.compression
                .pack(&of_entries(&self.entries), &mut self.packed)?;
            self.outlet.put(&self.packed)?;
        }
        self.outlet.finish()
    }
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
        let times = |(trigger, _): &(Trigger, u8)| trigger.t;
        let (first, last) = (
            self.triggers.first().map_or(0, times),
            self.triggers.last().map_or(0, times),
        );
        let packet = of_triggers(&self.triggers);
        self.packets
            .put(TRIGGERS, &packet, self.triggers.len(), (first, last))?;
        self.triggers.clear();
        Ok(())
    }

    /// Writes the events so far, and before them the triggers.
    fn put_packets(&mut self) -> Result<()> {
        self.put_triggers()?;
        let (count, times) = (self.events.len(), self.events.times());
        if count > 0 {
            self.packets.put(EVENTS, self.events.bytes(), count, times)?;
            self.events.clear();
        }
        Ok(())
    }
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
        self.packets.finish()
    }
}

/// Where in the start of a file the place of the table stands.
const TABLE_AT: usize = MAGIC.len() + 4 + 36;

/// The start of a file: the line, the size of the header, the header, a FlatBuffer of the type `IOHE`, whose eight-byte field lies on a multiple of eight.
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
    [MAGIC.as_slice(), &size, &flat].concat()
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
