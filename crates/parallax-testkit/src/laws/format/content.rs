//! The sample is what the format says it is, and is recognised as that.

use parallax_formats::{Probe, recognise};

use super::{Door, FormatRow};
use crate::laws::{Lawful, ensure, same_events};

/// The sample is small, has events, and reads as exactly them; so it does by its extension alone, without the
/// format named.
pub fn own_sample(row: &FormatRow) -> Lawful {
    let sample = row.sample();
    ensure!(
        sample.bytes.len() <= 4096,
        "its sample has {} bytes, more than 4096",
        sample.bytes.len()
    );
    ensure!(!sample.events.is_empty(), "its sample has no events");
    ensure!(!row.format.extensions.is_empty(), "it has no file name extension");
    for named in [true, false] {
        let mut options = row.options();
        if !named {
            options.format = None;
        }
        let outcome = (row.read)(
            &sample.bytes,
            row.format.extensions.first().copied(),
            &options,
            Door::Bytes,
        )?;
        if let Some(error) = outcome.error {
            return Err(error.into());
        }
        same_events(
            &outcome.events,
            &sample.events,
            "its sample, against the events the row states",
        )?;
    }
    Ok(())
}

/// The sample is recognised as its own format under every extension of the format, and, where the content says
/// enough (evidence of 50 or more), under no extension and under a foreign one.
pub fn recognised(row: &FormatRow) -> Lawful {
    let sample = row.sample();
    let probe = |extension| Probe {
        head: &sample.bytes,
        whole: true,
        extension,
    };
    for extension in row.format.extensions {
        let found = recognise(&probe(Some(extension)));
        let id = found.as_ref().map(|(format, _)| format.id());
        ensure!(
            id == Some(row.format.id()),
            "its sample named \"x.{extension}\" is recognised as {found:?}"
        );
    }
    let Some(evidence) = (row.format.sniff)(&probe(None)) else {
        return Ok(());
    };
    ensure!(
        (1..=100).contains(&evidence.score),
        "its evidence has the score {}",
        evidence.score
    );
    ensure!(!evidence.reason.is_empty(), "its evidence has no reason");
    if evidence.score >= 50 {
        for extension in [None, Some("xyz")] {
            let found = recognise(&probe(extension));
            let id = found.as_ref().map(|(format, _)| format.id());
            ensure!(
                id == Some(row.format.id()),
                "its sample named {extension:?} is recognised as {found:?}"
            );
        }
    }
    Ok(())
}
