//! Parquet: events as a table that every data tool reads.
//!
//! Out: columns `t: INT64` (Duration in the stored Arrow schema, so plain integers to readers that do not know
//! it), `x`, `y: UINT_16`, `p: UINT_8`; no nulls. Row groups of 2^20 events with minimum and maximum of every
//! column, so that a time range reads only what it needs; the stream's facts, the unit of t among them, in the
//! file's key-value metadata under `parallax.*`. The same stream gives the same file, however it is cut into
//! batches and however many threads encode it.
//!
//! Encodings were chosen on a recording of 1.2 M events of a 1280x720 sensor, Zstd level 1, with the Parquet library's
//! encoders, bytes and nanoseconds an event on one core (those that write now are faster, and make the same):
//!
//! | column | plain | dictionary | delta | byte stream split | chosen |
//! | --- | --- | --- | --- | --- | --- |
//! | t | 1.04, 23.3 | 1.37, 28.9 | 0.62, 8.0 | 1.08, 8.5 | delta |
//! | x | 1.44, 18.9 | 1.19, 9.6 | 1.31, 9.5 | 1.08, 8.5 | byte stream split |
//! | y | 1.41, 18.1 | 1.15, 9.6 | 1.22, 9.0 | 1.07, 8.5 | byte stream split |
//! | p | 0.33, 13.2 | 0.13, 9.4 | 0.16, 8.0 | 0.19, 7.5 | dictionary: one bit an event, which takes no time without the library's table |
//!
//! In: these files, and tables of others whose columns are recognisable: `t`, `timestamp`, `time` or `ts`; `x`;
//! `y`; `p`, `pol`, `polarity` or `on`.
//!
//! Source: the Apache Parquet format.

use parallax_events::{Declaration, Error, Event, ParamSpec};
use parquet::arrow::ArrowWriter;

use crate::columnar::{TIME_UNIT, library_sample, parquet_read, parquet_write};
use crate::{Evidence, Format, Open, Probe, Sample, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["parquet", "pq"],
    sniff,
    open: Open::Seekable(parquet_read::open),
    create: Some(parquet_write::create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new("parquet", "Apache Parquet", PARAMS).with_doc(
    "Columns t (INT64, a Duration in the stored Arrow schema), x, y (UINT_16) and p (UINT_8), some 3 bytes an \
     event. Row groups of 2^20 events with statistics; unit and facts of the stream in the key-value metadata.",
);

static PARAMS: &[ParamSpec] = &[
    ParamSpec::int("level")
        .range(1, 22)
        .default(1)
        .doc("Zstd level when writing; higher is smaller and slower"),
    TIME_UNIT,
];

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    probe
        .head
        .starts_with(b"PAR1")
        .then(|| Evidence::new(98, "it begins with PAR1"))
}

fn sample() -> Sample {
    let events = vec![
        Event::new(10, 1, 2, 1),
        Event::new(12, 639, 0, 0),
        Event::new(12, 0, 479, 1),
    ];
    library_sample(events, (640, 480), |table| {
        let library = |error: parquet::errors::ParquetError| Error::internal("no sample").with_source(error);
        let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), None).map_err(library)?;
        writer.write(table).map_err(library)?;
        writer.into_inner().map_err(library)
    })
}
