//! AEDAT 4.0: the recordings of the DV software: events, frames, inertial samples and triggers in one file.
//!
//! In: a line of text, a header with the streams in XML, then packets of one stream each, as FlatBuffers, plain or
//! compressed with LZ4 or Zstandard. Out: the events of one stream in the recorded order, t in microseconds since 1970;
//! the triggers of all streams, if asked for. Source: inivation, "AEDAT 4.0" and the schemas of dv-processing.
//!
//! - `stream=` picks a stream of events by its number; the first one otherwise. What the others hold is counted.
//! - A file without a stream of events is read as no events.
//! - A file that was never closed has no table of packets; it reads the same.
//! - A packet that cannot be unpacked, or whose offsets lead outside, is skipped and reported.
//! - The column and the row of an event are signed; below zero they are outside every sensor.
//! - A trigger's source becomes an input and its value: 0 is the external signal, 1 the signal generator, 2 frames, 3
//!   exposures, each 1 at the rising edge or the start and 0 at the falling edge or the end; 4 is a pulse of the external
//!   signal, 5 a reset of the time stamps.
//! - Written are a stream of events and one of triggers, and a table of packets. The sensor's size must be known. Times
//!   are written as they are, whatever they count from.

use parallax_events::{Declaration, Event, ParamSpec};

use crate::aedat4::{Aedat4Decoder, MAGIC, write_aedat4};
use crate::{Evidence, Format, Open, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["aedat4"],
    sniff: |probe| {
        let begins = probe.head.starts_with(MAGIC);
        begins.then(|| Evidence::new(98, "it begins with `#!AER-DAT4.0`"))
    },
    open: Open::Stream(|params, options| Ok(Box::new(Aedat4Decoder::new(params, options)?))),
    create: Some(write_aedat4),
    triggers: TriggerSupport::ReadWrite,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "aedat4",
    "AEDAT 4.0 (DV)",
    &[
        ParamSpec::int("stream")
            .range(0, i32::MAX as i64)
            .optional()
            .doc("The number of the stream of events to read; the first one if absent"),
        ParamSpec::choice("compression", &["lz4", "zstd", "none"])
            .default("lz4")
            .doc("How packets are compressed, for writing"),
        ParamSpec::bool("table")
            .default(true)
            .doc("Whether a table of packets closes the file, for writing; all packets are held back for it"),
    ],
)
.with_doc(
    "Packets of several streams. Frames, inertial samples and further streams of events are counted; `info --json` lists \
     the streams. Times count microseconds since 1970.",
);

/// A small file with what is special: two streams of events, the other kinds of streams, a stream that is not listed, a
/// packet that is damaged, an event outside, the table at the end.
fn sample() -> Sample {
    let xml = "<dv version=\"2.0\"><node name=\"outInfo\">\
        <node name=\"0\"><attr key=\"typeIdentifier\" type=\"string\">FRME</attr></node>\
        <node name=\"1\"><attr key=\"typeIdentifier\" type=\"string\">EVTS</attr><node name=\"info\">\
        <attr key=\"sizeX\" type=\"int\">1280</attr><attr key=\"sizeY\" type=\"int\">720</attr>\
        <attr key=\"source\" type=\"string\">DVXplorer &amp; lens</attr></node></node>\
        <node name=\"2\"><attr key=\"typeIdentifier\" type=\"string\">EVTS</attr></node>\
        <node name=\"3\"><attr key=\"typeIdentifier\" type=\"string\">TRIG</attr></node>\
        <node name=\"4\"><attr key=\"typeIdentifier\" type=\"string\">IMUS</attr></node>\
        </node></dv>";
    let packet = |stream: i32, body: &[u8]| {
        [&stream.to_le_bytes(), &(body.len() as i32).to_le_bytes(), body].concat()
    };
    let start = 1_589_163_147_368_868_i64;
    let of_events = |events: &[(i64, i16, i16, u8)]| {
        let size = 28 + events.len() as u32 * 16;
        // The table follows its list of one field; the list of events follows the table.
        let mut body = size.to_le_bytes().to_vec();
        body.extend(b"\x10\0\0\0EVTS\0\0\x06\0\x08\0\x04\0\x06\0\0\0\x04\0\0\0");
        body.extend((events.len() as u32).to_le_bytes());
        for (t, x, y, p) in events {
            body.extend((start + t).to_le_bytes());
            body.extend(x.to_le_bytes());
            body.extend(y.to_le_bytes());
            body.extend([*p, 0, 0, 0]);
        }
        body
    };
    // A trigger as the DV software writes it: a rising edge of the external signal.
    let mut trigger = b"\x3C\0\0\0\x14\0\0\0TRIG\0\0\0\0\0\0\x06\0\x08\0\x04\0\x06\0\0\0\x04\0\0\0\x01\0\0\0\x0C\0\0\0\
        \x08\0\x10\0\x08\0\x07\0\x08\0\0\0\0\0\0\x01"
        .to_vec();
    trigger.extend((start + 3).to_le_bytes());
    let mut inertial = trigger.clone();
    inertial[8..12].copy_from_slice(b"IMUS");
    let mut damaged = of_events(&[(1, 1, 1, 1)]);
    damaged[28] = 2;
    let packets = [
        packet(0, b"\x10\0\0\0\x08\0\0\0FRME not looked at"),
        packet(1, &of_events(&[(0, 0, 0, 1), (0, 1279, 719, 0), (5, -1, 3, 1), (5, 1025, 3, 1)])),
        packet(3, &trigger),
        packet(2, &of_events(&[(4, 9, 9, 1)])),
        packet(4, &inertial),
        packet(7, b"anything"),
        packet(1, &damaged),
        packet(1, &of_events(&[])),
        packet(1, &of_events(&[(7, 1, 2, 0)])),
    ]
    .concat();
    let mut header = b"\x18\0\0\0IOHE\0\0\0\0\0\0\x0A\0\x18\0\x04\0\x0C\0\x08\0\x0A\0\0\0\0\0\0\0\x10\0\0\0".to_vec();
    let behind = header.len() + 8 + 4 + 4 + xml.len() + 1;
    let table_at = (MAGIC.len() + 4 + behind + packets.len()) as i64;
    header.extend(table_at.to_le_bytes());
    header.extend([0; 4]);
    header.extend((xml.len() as u32).to_le_bytes());
    header.extend(xml.bytes().chain([0]));
    let table = b"\x18\0\0\0\x0C\0\0\0FTAB not looked at\0\0";
    let size = (header.len() as u32).to_le_bytes();
    Sample {
        bytes: [MAGIC.as_slice(), &size, &header, &packets, table].concat(),
        events: vec![
            Event::new(start, 0, 0, 1),
            Event::new(start, 1279, 719, 0),
            Event::new(start + 5, 1025, 3, 1),
            Event::new(start + 7, 1, 2, 0),
        ],
    }
}
