//! NPY: one NumPy array in a file.
//!
//! In: a structured array whose fields are recognisable (`t`, `ts`, `time`, `timestamp` or `timestamps`; `x`; `y`; `p`,
//! `pol`, `polarity`, `polarities` or `on`) in any order, of integers, floats or booleans of any size and byte order,
//! with others between them; or N x 4 numbers (or 4 x N, or in Fortran order), t, x, y, p unless `columns` says
//! otherwise. Out: a structured array of 13 bytes a record: `t <i8, x <u2, y <u2, p |u1`, t in microseconds. Times of a
//! stream in nanoseconds are kept under the name `t_ns`.
//!
//! - Times count what `unit` says, else what the name says (`t_ns`), else microseconds. Floats that count nothing known
//!   are seconds if one of the first 1024 has a fraction; the report says so. Float times are rounded to the nearest
//!   microsecond. `timedelta64` and `datetime64` state their unit.
//! - Polarities are 0 and 1, -1 and 1, or booleans. A record that no event can be is counted and left out.
//! - The sensor's size, the origin and other facts are not kept: rows are counted from the top.
//! - The header states the number of events, so they are held back while they are written: 4 MiB in memory, the rest in
//!   a temporary file.
//!
//! Source: `numpy.lib.format`, format versions 1.0, 2.0 and 3.0.

use parallax_events::{Declaration, Event, ParamSpec};

use crate::numpy::{MAGIC, npy_read, npy_write};
use crate::{Evidence, Format, Open, Probe, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["npy"],
    sniff,
    open: Open::Stream(npy_read::open),
    create: Some(|output, meta, params, _| npy_write::create(output, meta, params)),
    triggers: TriggerSupport::No,
    sample,
};

/// Which part of an array is what.
pub(super) const COLUMNS: ParamSpec = ParamSpec::text("columns")
    .optional()
    .doc("What the fields or columns are, such as x,y,t,p with _ for one to skip; else by their names, else t,x,y,p");

static DECLARATION: Declaration = Declaration::new(
    "npy",
    "NumPy array (.npy)",
    &[
        COLUMNS,
        ParamSpec::choice("unit", &["auto", "s", "ms", "us", "ns"])
            .default("auto")
            .doc("What times count; auto: by the field's name or type, else s for floats with fractions, else us"),
    ],
)
.with_doc(
    "A structured array with fields t, x, y and p in any order, or N x 4 numbers. Written as records of 13 bytes, \
     t in microseconds (a stream in nanoseconds as `t_ns`); the sensor's size is not kept.",
);

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    probe
        .head
        .starts_with(MAGIC)
        .then(|| Evidence::new(98, "it begins with \\x93NUMPY"))
}

/// Fields in an order of their own, of both byte orders, one of them not ours; version 2.0.
fn sample() -> Sample {
    let header = b"{'descr': [('polarity', '|i1'), ('y', '>u2'), ('x', '<i4'), ('extra', '<f4', (2,)), ('ts', '>u8')], \
        'fortran_order': False, 'shape': (4,), }\n";
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header);
    let events = vec![
        Event::new(10, 1, 2, 1),
        Event::new(12, 639, 0, 0),
        Event::new(12, 0, 479, 1),
        Event::new(0x0102_0304_0506_0708, 258, 3, 0),
    ];
    for Event { t, x, y, p, .. } in &events {
        bytes.push(if *p == 1 { 1 } else { 0xFF });
        bytes.extend(y.to_be_bytes());
        bytes.extend([*x as u8, (*x >> 8) as u8, 0, 0]);
        bytes.extend(b"ignored!");
        bytes.extend(t.to_be_bytes());
    }
    Sample { bytes, events }
}
