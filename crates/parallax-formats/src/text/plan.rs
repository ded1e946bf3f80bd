//! How the lines of one file are to be read: what the parameters say, completed by its header and first record.

use parallax_events::{Error, Geometry, Result, TimeUnit};
use parallax_simd::lines;

use super::number::Decimal;
use super::record;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    T,
    X,
    Y,
    P,
    /// Something else, which is not looked at.
    Other,
}

/// Which field is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout(pub(super) Vec<Column>);

/// The usual order.
pub(super) const USUAL: [Column; 4] = [Column::T, Column::X, Column::Y, Column::P];

impl Layout {
    /// From the parameter `columns`: names with commas between them, `_` for a field to skip.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |message: String| {
            Error::param(message).with_hint("write it as columns=t,x,y,p with `_` for a field to skip")
        };
        let mut columns = Vec::new();
        for name in text.split(',').map(str::trim) {
            columns.push(match name {
                "_" => Column::Other,
                name => named(name).map(|(column, _)| column).ok_or_else(|| {
                    wrong(format!(
                        "the parameter `columns` names \"{name}\", which is none of t, x, y, p"
                    ))
                })?,
            });
        }
        let layout = Self(columns);
        if layout.is_whole() {
            Ok(layout)
        } else {
            Err(wrong(format!(
                "the parameter `columns` is \"{text}\", which is not each of t, x, y, p once"
            )))
        }
    }

    /// What each field is, from the first to the last.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.0
    }

    fn is_whole(&self) -> bool {
        USUAL
            .iter()
            .all(|wanted| self.0.iter().filter(|column| *column == wanted).count() == 1)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self(USUAL.to_vec())
    }
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// One such byte, with blanks around it or not.
    Byte(u8),
    /// Any number of spaces and tabs.
    Blanks,
}

impl Separator {
    /// The one that `line` has.
    pub(super) fn of(line: &[u8]) -> Self {
        [b',', b';']
            .into_iter()
            .find(|byte| line.contains(byte))
            .map_or(Self::Blanks, Self::Byte)
    }
}

/// What times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "s" | "sec" => Some(Self::Seconds),
            "ms" => Some(Self::Millis),
            "us" => Some(Self::Micros),
            "ns" => Some(Self::Nanos),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }

    /// The unit that events are handed out in: microseconds, or nanoseconds where those are written.
    pub(crate) fn kept(self) -> TimeUnit {
        if self == Self::Nanos {
            TimeUnit::Nanos
        } else {
            TimeUnit::Micros
        }
    }

    /// The power of ten from this unit to the one that is kept.
    pub(crate) fn power(self) -> u8 {
        match self {
            Self::Seconds => 6,
            Self::Millis => 3,
            Self::Micros | Self::Nanos => 0,
        }
    }
}

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    Auto,
    Yes,
    No,
}

/// What the parameters say; what is absent is taken from the file.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) columns: Option<Layout>,
    pub(crate) separator: Option<Separator>,
    pub(crate) unit: Option<Unit>,
    pub(crate) header: Header,
    /// Whether the first line may be the sensor's width and height.
    pub(crate) size_line: bool,
}

/// How to read a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    pub(super) separator: Separator,
    pub(super) unit: Unit,
    /// Whether the unit was neither asked for nor named, but taken from how the first time is written.
    pub(super) unit_assumed: bool,
    pub(super) geometry: Option<Geometry>,
}

impl Plan {
    /// What the lines look like that can be read many at a time; whatever differs is read by [`record`]. `None` if the
    /// columns come in another order.
    pub(super) fn usual_lines(&self) -> Option<lines::Style> {
        let separator = match self.separator {
            Separator::Byte(byte) => byte,
            Separator::Blanks => b' ',
        };
        (self.layout.0 == USUAL).then_some(lines::Style {
            separator,
            places: self.unit.power(),
        })
    }
}

/// What is known so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    named: Option<Layout>,
    separator: Option<Separator>,
    unit: Option<Unit>,
    geometry: Option<Geometry>,
    /// Whether a line was taken as the header, or cannot be one any more.
    headed: bool,
}

/// What a line is, before the plan is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A header, or the sensor's size.
    Header,
    /// A record: from here on, lines are read by this.
    Record(Plan),
    /// Neither.
    Bad,
}

impl Draft {
    /// Takes in one line that is neither blank nor a comment.
    ///
    /// # Errors
    /// If it is a header that does not say which columns are what, and the parameters do not either.
    pub(super) fn line(&mut self, line: &[u8], style: &Style) -> Result<First> {
        let separator = style
            .separator
            .or(self.separator)
            .unwrap_or_else(|| Separator::of(line));
        let first = !std::mem::replace(&mut self.headed, true);
        if first && style.header == Header::Yes {
            return self.header(line, separator, style);
        }
        if first && style.size_line && self.size(line) {
            return Ok(First::Header);
        }
        let layout = style.columns.clone().or(self.named.clone()).unwrap_or_default();
        let unit = style.unit.or(self.unit);
        let plan = Plan {
            unit: unit.unwrap_or_else(|| unit_of(line, &layout, separator)),
            unit_assumed: unit.is_none(),
            layout,
            separator,
            geometry: self.geometry,
        };
        if record::parse(line, &plan).is_some() {
            return Ok(First::Record(plan));
        }
        if first && style.header == Header::Auto && line.iter().any(u8::is_ascii_alphabetic) {
            return self.header(line, separator, style);
        }
        Ok(First::Bad)
    }

    /// The plan for a file without any record.
    pub(super) fn without_records(self, style: &Style) -> Plan {
        let unit = style.unit.or(self.unit);
        Plan {
            layout: style.columns.clone().or(self.named).unwrap_or_default(),
            separator: style.separator.or(self.separator).unwrap_or(Separator::Blanks),
            unit: unit.unwrap_or(Unit::Micros),
            unit_assumed: false,
            geometry: self.geometry,
        }
    }

    /// `240 180`.
    fn size(&mut self, line: &[u8]) -> bool {
        let mut fields = record::fields(line, Separator::Blanks);
        let side = |field: Option<&[u8]>| u16::try_from(Decimal::parse(field?)?.whole()?).ok();
        if let (Some(width), Some(height), None) = (side(fields.next()), side(fields.next()), fields.next())
            && let Ok(geometry) = Geometry::new(width, height)
        {
            self.geometry = Some(geometry);
            return true;
        }
        false
    }

    /// `t,x@320,y@240,on`, `timestamp_us x y polarity`.
    fn header(&mut self, line: &[u8], separator: Separator, style: &Style) -> Result<First> {
        let mut columns = Vec::new();
        let (mut width, mut height) = (None, None);
        for field in record::fields(line, separator) {
            let field = String::from_utf8_lossy(field)
                .trim_matches(['"', '\''])
                .to_ascii_lowercase();
            let (name, side) = match field.split_once('@') {
                Some((name, side)) => (name, side.parse::<u16>().ok()),
                None => (field.as_str(), None),
            };
            let found = named(name);
            match found {
                Some((Column::X, _)) => width = width.or(side),
                Some((Column::Y, _)) => height = height.or(side),
                Some((Column::T, unit)) => self.unit = self.unit.or(unit),
                _ => {}
            }
            columns.push(found.map_or(Column::Other, |(column, _)| column));
        }
        if let (Some(width), Some(height)) = (width, height) {
            self.geometry = Geometry::new(width, height).ok();
        }
        self.separator = Some(separator);
        let layout = Layout(columns);
        if layout.is_whole() {
            self.named = Some(layout);
        } else if style.columns.is_none() {
            let shown: String = String::from_utf8_lossy(line).chars().take(60).collect();
            return Err(Error::malformed(format!(
                "the header `{shown}` does not name each of t, x, y and p once"
            ))
            .with_hint("say which column is what: columns=t,x,y,p"));
        }
        Ok(First::Header)
    }
}

/// What a column of this name is, and the unit that the name states.
pub(crate) fn named(name: &str) -> Option<(Column, Option<Unit>)> {
    let name = name.trim_end_matches([']', ')']);
    let (stem, unit) = match name.rsplit_once(['_', '[', '(', ' ']) {
        Some((stem, unit)) if Unit::from_name(unit).is_some() => {
            (stem.trim_end_matches(['_', ' ']), Unit::from_name(unit))
        }
        _ => (name, None),
    };
    match stem {
        "t" | "ts" | "time" | "timestamp" | "timestamps" => Some((Column::T, unit)),
        "x" | "col" | "column" => Some((Column::X, None)),
        "y" | "row" => Some((Column::Y, None)),
        "p" | "pol" | "polarity" | "polarities" | "on" => Some((Column::P, None)),
        _ => None,
    }
}

/// The unit of the first time, by how it is written: with a decimal point seconds, else microseconds.
fn unit_of(line: &[u8], layout: &Layout, separator: Separator) -> Unit {
    if record::has_fractional_time(line, layout, separator) {
        Unit::Seconds
    } else {
        Unit::Micros
    }
}
