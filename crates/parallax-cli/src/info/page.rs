//! What `info` found, as a page for people and as JSON with stable keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use parallax::events::{Finding, TimeOrigin};
use parallax::{Error, EventReader, Geometry, Meta, TimeUnit};
use serde::Serialize;

use super::Findings;
use super::chart::{self, Style};
use super::survey::Survey;
use crate::{figures, files};

/// How many bins the JSON has at most.
const JSON_BINS: usize = 128;

/// The page for people.
pub(super) fn text(
    path: &Path,
    reader: &EventReader,
    survey: &Survey,
    is_damaged: bool,
    style: Style,
) -> String {
    let (format, meta, unit) = (reader.format(), reader.meta(), reader.meta().time_unit);
    let mut page = format!("{}\n", path.display());
    let mut row = |name: &str, text: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "  {name:<9} {text}");
    };
    row(
        "format",
        format!(
            "{}, {} ({})",
            format.id(),
            format.title(),
            reader.evidence().reason
        ),
    );
    row("sensor", sensor(&meta, survey));
    // What a file of several streams lists; the report counts those that are not handed out.
    let streams = meta.extra.iter().filter(|(key, _)| key.starts_with("stream."));
    streams.for_each(|(_, stream)| row("stream", stream.clone()));
    let off = survey.events - survey.on;
    let mut events = figures::count(survey.events);
    if survey.events > 0 {
        let share = |part| figures::percent(part, survey.events);
        let _ = write!(
            events,
            ": {} ON ({}), {} OFF ({})",
            figures::count(survey.on),
            share(survey.on),
            figures::count(off),
            share(off)
        );
    }
    row("events", events);
    if let Some(bytes) = files::length(path, reader) {
        let each = bytes as f64 / survey.events.max(1) as f64;
        let each = if survey.events > 0 {
            format!(", {each:.2} bytes an event")
        } else {
            String::new()
        };
        row("size", format!("{}{each}", figures::bytes(bytes)));
    }
    if let Some(extremes) = survey.extremes {
        let (low, high) = (extremes.t_min, extremes.t_max);
        let ticks = u128::from(high.abs_diff(low));
        let origin = if meta.time_origin == TimeOrigin::Unix {
            ", since 1970"
        } else {
            ""
        };
        let ends = format!(
            "{} .. {}",
            figures::seconds(low, unit),
            figures::seconds(high, unit)
        );
        row(
            "span",
            format!("{}, {ends} in {unit}{origin}", figures::duration(ticks, unit)),
        );
        row("order", order(survey, unit));
        let (columns, column_ticks) = survey.rate.columns(style.columns);
        let second = unit.per_second() as f64;
        let most = columns.iter().copied().fold(0.0, f64::max) * second / column_ticks;
        let mean = if ticks > 0 {
            survey.events as f64 * second / ticks as f64
        } else {
            0.0
        };
        let column = figures::duration(column_ticks.round() as u128, unit);
        if ticks > 0 {
            row(
                "rate",
                format!(
                    "{} on average, {} at most in {column}",
                    figures::rate(mean),
                    figures::rate(most)
                ),
            );
        }
        if columns.len() > 1 {
            for line in chart::draw(&columns, style)
                .iter()
                .skip_while(|line| line.is_empty())
            {
                row("", line.clone());
            }
        }
    }
    if !survey.triggers.is_empty() {
        let total = survey.triggers.values().sum();
        let inputs: Vec<String> = survey
            .triggers
            .iter()
            .map(|(id, count)| format!("{} of input {id}", figures::count(*count)))
            .collect();
        row(
            "triggers",
            format!("{} external: {}", figures::count(total), inputs.join(", ")),
        );
    }
    let mut name = "stated";
    for (key, value) in &meta.extra {
        row(
            std::mem::take(&mut name),
            format!("{key}: {}", on_one_line(value)),
        );
    }
    report(&mut row, reader.report().findings(), is_damaged);
    page
}

/// What a file states is anybody's text: control characters would reach the terminal, and it may be long.
fn on_one_line(value: &str) -> String {
    const LONGEST: usize = 100;
    let mut line: String = value
        .chars()
        .take(LONGEST)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        line.push_str("..");
    }
    line
}

fn report(row: &mut impl FnMut(&str, String), findings: &[Finding], is_damaged: bool) {
    let mut name = "report";
    for finding in findings {
        let byte = finding
            .first_byte
            .map(|byte| format!(", at byte {byte}"))
            .unwrap_or_default();
        row(std::mem::take(&mut name), format!("{finding}{byte}"));
    }
    match (is_damaged, findings.is_empty()) {
        (true, _) => row(
            name,
            "damaged: the rest could not be read, see the error".to_owned(),
        ),
        (false, true) => row(name, "nothing odd".to_owned()),
        (false, false) => {}
    }
}

fn sensor(meta: &Meta, survey: &Survey) -> String {
    let mut text = match (meta.geometry, survey.extremes) {
        (Some(geometry), _) => geometry.to_string(),
        (None, Some(e)) => format!(
            "size not stated; events reach {}x{}",
            u32::from(e.x_max) + 1,
            u32::from(e.y_max) + 1
        ),
        (None, None) => "size not stated".to_owned(),
    };
    if let Some(sensor) = &meta.sensor {
        let _ = write!(text, ", {}", on_one_line(sensor));
    }
    text
}

fn order(survey: &Survey, unit: TimeUnit) -> String {
    let steps = survey.steps_back;
    if steps > 0 {
        let times = if steps == 1 {
            "once".to_owned()
        } else {
            format!("{} times", figures::count(steps))
        };
        let by = figures::duration(u128::from(survey.largest_step_back), unit);
        return format!("time goes back {times}, by {by} at most");
    }
    match survey.first_not_canonical {
        None => "canonical (t, y, x, p)".to_owned(),
        Some(event) => format!("in order of time; not canonical (t, y, x, p) from event {event} on"),
    }
}

/// The JSON object. Keys do not change their meaning; what is not known is `null`. Times count `time_unit`.
#[derive(Debug, Serialize)]
pub(super) struct Facts<'a> {
    file: String,
    bytes: Option<u64>,
    format: Option<FormatFacts<'a>>,
    geometry: Option<Geometry>,
    sensor: Option<String>,
    time_unit: Option<TimeUnit>,
    time_origin: Option<TimeOrigin>,
    extra: BTreeMap<String, String>,
    events: u64,
    on: u64,
    off: u64,
    t_first: Option<i64>,
    t_last: Option<i64>,
    t_min: Option<i64>,
    t_max: Option<i64>,
    x_max: Option<u16>,
    y_max: Option<u16>,
    steps_back: u64,
    largest_step_back: u64,
    canonical: bool,
    triggers: u64,
    /// External triggers of each input, by its number.
    trigger_inputs: BTreeMap<u16, u64>,
    rate: Option<Rate>,
    report: &'a [Finding],
    error: Option<ErrorFacts<'a>>,
}

#[derive(Debug, Serialize)]
struct FormatFacts<'a> {
    id: &'a str,
    title: &'a str,
    evidence: &'a str,
    score: u8,
}

/// Events in bins of `bin` units of time each, of which the first starts at `start`.
#[derive(Debug, Serialize)]
struct Rate {
    bin: u64,
    start: i64,
    counts: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct ErrorFacts<'a> {
    kind: &'a str,
    message: String,
    byte: Option<u64>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(path: &Path, findings: &'a Findings) -> Self {
        let reader = findings.opened.as_ref().map(|(reader, _)| reader);
        let survey = findings.opened.as_ref().map(|(_, survey)| survey);
        let meta = reader.map(EventReader::meta).unwrap_or_default();
        let extremes = survey.and_then(|survey| survey.extremes);
        let count = |field: fn(&Survey) -> u64| survey.map_or(0, field);
        Self {
            file: path.display().to_string(),
            bytes: reader.and_then(|reader| files::length(path, reader)),
            format: reader.map(|reader| FormatFacts {
                id: reader.format().id(),
                title: reader.format().title(),
                evidence: &reader.evidence().reason,
                score: reader.evidence().score,
            }),
            geometry: meta.geometry,
            sensor: meta.sensor.clone(),
            time_unit: reader.map(|_| meta.time_unit),
            time_origin: reader.map(|_| meta.time_origin),
            extra: meta.extra.clone(),
            events: count(|survey| survey.events),
            on: count(|survey| survey.on),
            off: count(|survey| survey.events - survey.on),
            t_first: extremes.map(|extremes| extremes.first),
            t_last: extremes.map(|extremes| extremes.last),
            t_min: extremes.map(|extremes| extremes.t_min),
            t_max: extremes.map(|extremes| extremes.t_max),
            x_max: extremes.map(|extremes| extremes.x_max),
            y_max: extremes.map(|extremes| extremes.y_max),
            steps_back: count(|survey| survey.steps_back),
            largest_step_back: count(|survey| survey.largest_step_back),
            canonical: survey.is_some_and(|survey| survey.first_not_canonical.is_none()),
            triggers: count(|survey| survey.triggers.values().sum()),
            trigger_inputs: survey.map(|survey| survey.triggers.clone()).unwrap_or_default(),
            rate: extremes.and(survey).map(|survey| {
                let (bin, start, counts) = survey.rate.bins(JSON_BINS);
                Rate { bin, start, counts }
            }),
            report: reader.map_or(&[], |reader| reader.report().findings()),
            error: findings.error.as_ref().map(ErrorFacts::new),
        }
    }
}

impl<'a> ErrorFacts<'a> {
    fn new(error: &'a Error) -> Self {
        Self {
            kind: error.kind().name(),
            message: error.to_string(),
            byte: error.offset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_states_cannot_reach_the_terminal() {
        assert_eq!(on_one_line("a\x1b[31m\nb"), "a [31m b");
        assert_eq!(on_one_line(&"é".repeat(101)), format!("{}..", "é".repeat(100)));
        assert_eq!(on_one_line(&"é".repeat(100)), "é".repeat(100));
    }
}
