//! Any line, by the plan: exact, and careful rather than fast.

use super::number::Decimal;
use super::plan::{Column, Layout, Plan, Separator};
use parallax_events::Event;

/// The event in `line`, which is neither blank nor a comment; `None` if it does not parse by the plan.
pub(super) fn parse(line: &[u8], plan: &Plan) -> Option<Event> {
    let mut event = Event::new(0, 0, 0, 0);
    let mut fields = fields(line, plan.separator);
    for column in &plan.layout.0 {
        let field = fields.next()?;
        match column {
            Column::T => event.t = Decimal::parse(field)?.scaled(plan.unit.power().into())?,
            Column::X => event.x = u16::try_from(Decimal::parse(field)?.whole()?).ok()?,
            Column::Y => event.y = u16::try_from(Decimal::parse(field)?.whole()?).ok()?,
            Column::P => event.p = polarity(field)?,
            Column::Other => {}
        }
    }
    fields.next().is_none().then_some(event)
}

/// The fields of a line, without the blanks around them.
pub(super) fn fields(line: &[u8], separator: Separator) -> impl Iterator<Item = &[u8]> {
    let blanks = separator == Separator::Blanks;
    line.split(move |byte| match separator {
        Separator::Byte(separator) => *byte == separator,
        Separator::Blanks => matches!(byte, b' ' | b'\t'),
    })
    .map(<[u8]>::trim_ascii)
    .filter(move |field| !(blanks && field.is_empty()))
}

/// 1, 0 and -1, as numbers of any kind; `true` and `false`; `on` and `off`.
fn polarity(field: &[u8]) -> Option<u8> {
    match field {
        b"0" | b"-1" => return Some(0),
        b"1" => return Some(1),
        _ => {}
    }
    if field.eq_ignore_ascii_case(b"true") || field.eq_ignore_ascii_case(b"on") {
        return Some(1);
    }
    if field.eq_ignore_ascii_case(b"false") || field.eq_ignore_ascii_case(b"off") {
        return Some(0);
    }
    match Decimal::parse(field)?.whole()? {
        1 => Some(1),
        0 | -1 => Some(0),
        _ => None,
    }
}

/// Whether a line holds no record and is no fault: blank, or a comment.
pub(super) fn is_skipped(line: &[u8]) -> bool {
    matches!(line.trim_ascii().first(), None | Some(b'#' | b'%'))
}

/// Whether the time in `line` is written with a decimal point or an exponent.
pub(super) fn has_fractional_time(line: &[u8], layout: &Layout, separator: Separator) -> bool {
    let place = layout
        .0
        .iter()
        .position(|column| *column == Column::T)
        .unwrap_or(0);
    let time = fields(line, separator).nth(place).and_then(Decimal::parse);
    time.is_some_and(|time| time.fractional)
}
