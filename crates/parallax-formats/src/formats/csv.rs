//! CSV and its kin: one event a line, fields between commas, semicolons or blanks, with or without a header.
//!
//! In: `t,x,y,p` in any order; t a number of `unit`, x and y whole, p 0 or 1 (also -1, true, false, on, off). What the
//! parameters leave open is taken from the header (`t,x@320,y@240,on` states the sensor's size, `t_ns` the unit) or
//! from the first record: a time with a decimal point counts seconds, a whole one microseconds. Out: events in the
//! recorded order, t in microseconds rounded to the nearest (halves to even), or in nanoseconds for `unit=ns`.
//!
//! Blank lines and lines that begin with `#` or `%` are skipped; a line that does not parse is counted, located and
//! skipped; a line of more than 64 KiB ends the read. Written files have a header that keeps the sensor's size.

use parallax_events::{Declaration, Event, Meta, ParamSpec, Params, Result, TimeUnit};

use crate::text::{Header, Layout, Separator, Style, TextDecoder, TextWriter, Unit, look};
use crate::{EventWriter, Evidence, Format, Open, Probe, Sample, WriteOptions, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["csv", "txt", "tsv"],
    sniff,
    open: Open::Stream(|params, _| Ok(Box::new(TextDecoder::new(style(params)?)))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "csv",
    "CSV text, one event a line",
    &[
        ParamSpec::text("columns")
            .optional()
            .doc("Which field is what, such as x,y,p,t with _ for one to skip; else by the header, else t,x,y,p"),
        ParamSpec::choice("separator", &["auto", "comma", "semicolon", "tab", "space"])
            .default("auto")
            .doc("What stands between two fields; tab and space both mean any blanks when reading"),
        ParamSpec::choice("unit", &["auto", "s", "ms", "us", "ns"])
            .default("auto")
            .doc("What times count; auto: by the header, else seconds if there is a decimal point, else us"),
        ParamSpec::choice("header", &["auto", "yes", "no"])
            .default("auto")
            .doc("Whether the first line names the columns"),
    ],
)
.with_doc(
    "Times are handed out in microseconds, rounded to the nearest, or in nanoseconds for `unit=ns`. Written files \
     have the header `t,x@W,y@H,on`.",
);

fn layout(params: &Params) -> Result<Option<Layout>> {
    params.optional_text("columns")?.map(Layout::parse).transpose()
}

fn style(params: &Params) -> Result<Style> {
    Ok(Style {
        columns: layout(params)?,
        separator: match params.choice("separator")? {
            "comma" => Some(Separator::Byte(b',')),
            "semicolon" => Some(Separator::Byte(b';')),
            "tab" | "space" => Some(Separator::Blanks),
            _ => None,
        },
        unit: Unit::from_name(params.choice("unit")?),
        header: match params.choice("header")? {
            "yes" => Header::Yes,
            "no" => Header::No,
            _ => Header::Auto,
        },
        size_line: false,
    })
}

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let ours = probe
        .extension
        .is_some_and(|extension| FORMAT.extensions.contains(&extension));
    let looks = look(probe, false)?;
    Some(match looks {
        _ if looks.header => Evidence::new(88, "a header that names t, x, y and p, and records"),
        _ if looks.separator != Separator::Blanks => Evidence::new(
            if ours { 80 } else { 70 },
            "records of four fields with separators",
        ),
        _ => Evidence::new(
            if ours { 62 } else { 55 },
            "records of four fields with blanks between them",
        ),
    })
}

fn create(
    output: Box<dyn std::io::Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let separator = match params.choice("separator")? {
        "semicolon" => b';',
        "tab" => b'\t',
        "space" => b' ',
        _ => b',',
    };
    let natural = if meta.time_unit == TimeUnit::Nanos {
        Unit::Nanos
    } else {
        Unit::Micros
    };
    let unit = Unit::from_name(params.choice("unit")?).unwrap_or(natural);
    let writer = TextWriter::new(output, meta, layout(params)?.unwrap_or_default(), separator, unit)?;
    Ok(Box::new(if params.choice("header")? == "no" {
        writer
    } else {
        writer.with_header(unit)
    }))
}

/// A header, every way to write a polarity, comments, blank lines, both line ends, and no end of the last line.
fn sample() -> Sample {
    let bytes = b"# recorded by hand\n\
        t,x@320,y@240,on\r\n\
        0,0,0,0\n\
        \n\
        17,319,239,1\r\n\
        17, 3 ,4,-1\n\
        % another comment\n\
        1000000,5,6,true\n\
        1000001,7,8,FALSE\n\
        1000000,9,10,1.0\n\
        9007199254740993,11,12,1"
        .to_vec();
    let events = vec![
        Event::new(0, 0, 0, 0),
        Event::new(17, 319, 239, 1),
        Event::new(17, 3, 4, 0),
        Event::new(1_000_000, 5, 6, 1),
        Event::new(1_000_001, 7, 8, 0),
        Event::new(1_000_000, 9, 10, 1),
        Event::new(9_007_199_254_740_993, 11, 12, 1),
    ];
    Sample { bytes, events }
}
