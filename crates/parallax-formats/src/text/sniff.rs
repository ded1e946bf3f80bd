//! Whether the beginning of an input looks like a text of events, and like which.

use super::plan::{Draft, First, Header, Separator, Style, Unit};
use super::record;
use crate::Probe;

/// How many records are looked at.
const RECORDS: usize = 16;

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    /// What stands between the fields.
    pub(crate) separator: Separator,
    /// Whether times have a decimal point.
    pub(crate) seconds: bool,
    /// Whether a header names the columns.
    pub(crate) header: bool,
}

/// What `probe` looks like, if its first records all parse as such.
pub(crate) fn look(probe: &Probe<'_>, size_line: bool) -> Option<Looks> {
    let head = probe.head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(probe.head);
    let text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
    if !head.iter().all(text) {
        return None;
    }
    // A line that goes on behind what is seen is left out, if there is another.
    let seen = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if !probe.whole => head.get(..end).unwrap_or_default(),
        _ => head,
    };
    let style = Style {
        columns: None,
        separator: None,
        unit: None,
        header: Header::Auto,
        size_line,
    };
    let mut draft = Draft::default();
    let mut lines = seen
        .split(|byte| *byte == b'\n')
        .filter(|line| !record::is_skipped(line));
    let mut header = false;
    let plan = loop {
        match draft.line(lines.next()?, &style).ok()? {
            First::Header => header = true,
            First::Record(plan) => break plan,
            First::Bad => return None,
        }
    };
    // What ends inside a record may do so at the end of a truncated file.
    let mut records = lines.take(RECORDS).peekable();
    while let Some(line) = records.next() {
        if record::parse(line, &plan).is_none() && records.peek().is_some() {
            return None;
        }
    }
    Some(Looks {
        separator: plan.separator,
        seconds: plan.unit == Unit::Seconds,
        header: header && plan.geometry.is_none_or(|_| !size_line),
    })
}
