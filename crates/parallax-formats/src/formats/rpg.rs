//! The text format of the RPG data sets (University of Zurich) and of the many that follow it: `t x y p`.
//!
//! In: one event a line, fields with blanks between them, t in seconds with a decimal point, p 0 or 1. The order is
//! `columns=` where it differs (EV-IMO writes x y p t). A first line of two whole numbers is the sensor's width and
//! height. Out: events in the recorded order, t in microseconds: the nearest to the decimal digits, halves to even,
//! without a float in between. Lines that hold no event are treated as in `csv`.

use parallax_events::{Declaration, Event, Meta, ParamSpec, Params, Result};

use crate::text::{Header, Layout, Separator, Style, TextDecoder, TextWriter, Unit, look};
use crate::{EventWriter, Evidence, Format, Open, Probe, Sample, WriteOptions, TriggerSupport};

/// The row of this format.
pub(super) static FORMAT: Format = Format {
    declaration: &DECLARATION,
    extensions: &["txt"],
    sniff,
    open: Open::Stream(|params, _| Ok(Box::new(TextDecoder::new(style(params)?)))),
    create: Some(create),
    triggers: TriggerSupport::No,
    sample,
};

static DECLARATION: Declaration = Declaration::new(
    "rpg",
    "RPG text: t x y p, t in seconds",
    &[
        ParamSpec::text("columns").default("t,x,y,p").doc("Which field is what; _ for one to skip"),
        ParamSpec::choice("unit", &["s", "ms", "us", "ns"]).default("s").doc("What times count"),
    ],
)
.with_doc(
    "Source: the Event-Camera Dataset (Mueggler et al., IJRR 2017). Times are handed out in microseconds, rounded to \
     the nearest. Written files have no header: they do not keep the sensor's size.",
);

fn unit(params: &Params) -> Result<Unit> {
    Ok(Unit::from_name(params.choice("unit")?).unwrap_or(Unit::Seconds))
}

fn style(params: &Params) -> Result<Style> {
    Ok(Style {
        columns: Some(Layout::parse(params.text("columns")?)?),
        separator: Some(Separator::Blanks),
        unit: Some(unit(params)?),
        header: Header::No,
        size_line: true,
    })
}

fn sniff(probe: &Probe<'_>) -> Option<Evidence> {
    let looks = look(probe, true)?;
    let ours = looks.separator == Separator::Blanks && looks.seconds && !looks.header;
    ours.then(|| Evidence::new(75, "records t x y p with blanks between them and t in seconds"))
}

fn create(
    output: Box<dyn std::io::Write + Send>,
    meta: &Meta,
    params: &Params,
    _: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let layout = Layout::parse(params.text("columns")?)?;
    Ok(Box::new(TextWriter::new(
        output,
        meta,
        layout,
        b' ',
        unit(params)?,
    )?))
}

/// The size line, times that need rounding, blanks of all kinds.
fn sample() -> Sample {
    let bytes = b"240 180\n\
        0.003811000 96 133 0\n\
        0.003820001 127 171 0\n\
        0.0038205 4 160 1\n\
        0.0038215 239 179 1\r\n\
        \t 0.0038216   5\t6 -1 \n\
        1468940293.840000153 7 8 1\n"
        .to_vec();
    let events = vec![
        Event::new(3_811, 96, 133, 0),
        Event::new(3_820, 127, 171, 0),
        Event::new(3_820, 4, 160, 1),
        Event::new(3_822, 239, 179, 1),
        Event::new(3_822, 5, 6, 0),
        Event::new(1_468_940_293_840_000, 7, 8, 1),
    ];
    Sample { bytes, events }
}
