//! NPZ: NumPy arrays in a ZIP archive.
//!
//! In: arrays `t`, `x`, `y` and `p` of one length, under the names of NPY's fields, `width` and `height` if they are
//! there; or one array of events as in an NPY file, called `events`, `event_data` (as in N-ImageNet), `arr_0`, or what
//! `array` says. Members are stored or deflated. Out: `t <i8, x <u2, y <u2, p |u1`, `width`, `height`, and the stream's
//! facts as text in `meta`, which `dict(archive["meta"])` gives back; t counts in the stream's unit, which `meta` states.
//! External triggers are `trigger_t <i8, trigger_id <u2, trigger_value |u1`, if there are any.
//!
//! - Numbers, units and polarities are as in NPY.
//! - What is written is held back until the number of events is known: 4 MiB a column in memory, the rest in temporary
//!   files.
//!
//! Sources: `numpy.savez`, `numpy.lib.format`, PKWARE's APPNOTE.TXT.

use parallax_events::{Declaration, Event, ParamSpec};

use super::npy::COLUMNS;
use crate::numpy::{begins_with_array, npz_read, npz_write};
use crate::{Evidence, Format, Open, Probe, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["npz"],
    sniff,
    open: Open::Seekable(npz_read::open),
    create: Some(|output, meta, params, _| npz_write::create(output, meta, params)),
    triggers: TriggerSupport::ReadWrite,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "npz",
    "NumPy arrays (.npz)",
    &[
        ParamSpec::text("array")
            .optional()
            .doc("The array with the events; else t, x, y and p, else events, event_data or the only one"),
        COLUMNS,
        ParamSpec::choice("unit", &["auto", "s", "ms", "us", "ns"])
            .default("auto")
            .doc("What times count when reading; auto: as stored, else s for floats with fractions, else us"),
        ParamSpec::choice("compression", &["store", "deflate"])
            .default("store")
            .doc("Compression of the arrays when writing"),
    ],
)
.with_doc(
    "Arrays t, x, y and p, width and height, and the stream's facts in `meta`; or one array of events as in NPY.",
);

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    if begins_with_array(probe.head)? {
        return Some(Evidence::new(95, "a ZIP archive whose first member is an NPY file"));
    }
    probe
        .extension
        .is_some_and(|extension| FORMAT.extensions.contains(&extension))
        .then(|| Evidence::new(60, "a ZIP archive, and the extension"))
}

/// An archive made by hand: t stored, x deflated in one block, polarities that are booleans, a sensor's size.
fn sample() -> Sample {
    let events = vec![
        Event::new(10, 1, 2, 1),
        Event::new(12, 639, 0, 0),
        Event::new(12, 0, 479, 1),
    ];
    let array = |descr: &str, shape: &str, data: Vec<u8>| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    };
    let each = |data: fn(&Event) -> Vec<u8>| events.iter().flat_map(data).collect::<Vec<u8>>();
    let members = [
        ("t.npy", 0, array("<i8", "(3,)", each(|event| event.t.to_le_bytes().to_vec()))),
        ("x.npy", 8, array(">u2", "(3,)", each(|event| event.x.to_be_bytes().to_vec()))),
        ("y.npy", 0, array("<i4", "(3,)", each(|event| i32::from(event.y).to_le_bytes().to_vec()))),
        ("p.npy", 8, array("|b1", "(3,)", each(|event| vec![event.p]))),
        ("width.npy", 0, array("<i8", "()", 640_i64.to_le_bytes().to_vec())),
        ("height.npy", 0, array("<i8", "()", 480_i64.to_le_bytes().to_vec())),
    ];
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, method, content) in &members {
        let mut packed = Vec::new();
        if *method == 8 {
            // One block, the last, stored.
            packed.push(1);
            packed.extend((content.len() as u16).to_le_bytes());
            packed.extend((!(content.len() as u16)).to_le_bytes());
        }
        packed.extend(content);
        let mut fields = vec![20, 0, 0, 0, *method, 0, 0, 0, 0x21, 0];
        fields.extend(crc32(content).to_le_bytes());
        fields.extend((packed.len() as u32).to_le_bytes());
        fields.extend((content.len() as u32).to_le_bytes());
        fields.extend([name.len() as u8, 0, 0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(name.bytes());
        bytes.extend(packed);
    }
    let at = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x06\0\x06\0");
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    Sample { bytes, events }
}

/// The checksum of ZIP, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
