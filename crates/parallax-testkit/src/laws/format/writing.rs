//! What is written is what is read again, and how it was handed over leaves no trace.

use std::sync::Arc;

use parallax_events::{Error, ErrorKind, Event, EventBatch, FindingKind, Meta, Origin, TimeOrigin, TimeUnit};

use parallax_formats::REORDERS_TIES;

use super::{Door, FormatRow};
use crate::Scene;
use crate::laws::{Broken, Lawful, ensure, same_events};

/// Writing and reading again is identity: the sample's events, a scene, one event, none, under a sensor that just
/// holds them. Without a known sensor, or at the far corner of the largest one, a format may refuse instead.
pub fn write_then_read(row: &FormatRow) -> Lawful {
    let scene = Scene::builder()
        .geometry(40, 30)
        .start(1_000_000)
        .noise_rate(30.0)
        .build()?;
    let sample = row.sample().events;
    let corners = [
        Event::new(0, 0, 0, 0),
        Event::new(1, u16::MAX - 1, u16::MAX - 1, 1),
    ];
    let cases = [
        ("its sample's events", sample.clone(), false),
        ("a scene", scene.batch().to_events(), false),
        ("one event", sample[..1].to_vec(), false),
        ("no events", Vec::new(), false),
        ("the corners", corners.to_vec(), true),
    ];
    for (case, events, may_refuse) in cases {
        for meta in [bounding(&events)?, Arc::default()] {
            let who = format!("{case}, {:?}", meta.geometry);
            let may_refuse = may_refuse || meta.geometry.is_none();
            let batch = EventBatch::from_events(&events, Arc::clone(&meta))?;
            match write(row, &[batch], &meta) {
                Ok(None) => return Ok(()),
                Ok(Some(bytes)) => is_read_as(row, &bytes, &events, &who)?,
                Err(error) if may_refuse => refused(&error, &who)?,
                Err(error) => return Err(Broken(format!("{who}: {error:?}"))),
            }
        }
    }
    Ok(())
}

/// Reads what was written, through every kind of door.
fn is_read_as(row: &FormatRow, bytes: &[u8], events: &[Event], who: &str) -> Lawful {
    // A format with an order of its own for events of one time: then both are put into one order.
    let reorders = row.format.declaration.tags().contains(&REORDERS_TIES);
    let in_order = |mut events: Vec<Event>| {
        if reorders {
            events.sort();
        }
        events
    };
    // A text without a header is nothing if it has no events.
    if bytes.is_empty() && events.is_empty() {
        return Ok(());
    }
    for door in [Door::Bytes, Door::Push(500), Door::Mapped] {
        let found = row.read(bytes, &row.options(), door)?;
        if let Some(error) = found.error {
            return Err(Broken(format!("{who}, {door:?}: {error:?}")));
        }
        same_events(
            &in_order(found.events),
            &in_order(events.to_vec()),
            &format!("{who}, {door:?}"),
        )?;
        let faults = found.report.findings().iter().map(|finding| finding.kind);
        let mended = faults
            .filter(|&kind| kind.is_fault() && kind != FindingKind::TimeBack)
            .count();
        ensure!(
            mended == 0,
            "{who}, {door:?}: our own output has faults: {:?}",
            found.report
        );
    }
    Ok(())
}

/// The smallest sensor that holds the events.
pub(super) fn bounding(events: &[Event]) -> Result<Arc<Meta>, Error> {
    let width = events.iter().map(|event| event.x).max().unwrap_or(0) + 1;
    let height = events.iter().map(|event| event.y).max().unwrap_or(0) + 1;
    Ok(Arc::new(Meta::with_geometry(width, height)?))
}

/// Every fact of a stream comes back as it was written or as unknown, never as another; time means the same. A
/// table (its own metadata is part of it) keeps all of them, in every unit.
pub fn facts_survive(row: &FormatRow) -> Lawful {
    let rich = Meta {
        time_unit: TimeUnit::Micros,
        time_origin: TimeOrigin::Unix,
        geometry: Some(parallax_events::Geometry::new(346, 260)?),
        origin: Origin::TopLeft,
        channels: None,
        sensor: Some("a sensor, with \"quotes\" & umlaut \u{e4}".to_owned()),
        extra: [("serial".to_owned(), "00050423".to_owned())].into(),
    };
    for time_unit in TimeUnit::ALL {
        for origin in [Origin::TopLeft, Origin::BottomLeft] {
            let meta = Arc::new(Meta {
                time_unit,
                origin,
                ..rich.clone()
            });
            let events = [
                Event::new(0, 0, 0, 1),
                Event::new(1_000, 345, 259, 0),
                Event::new(1_234_000, 7, 8, 1),
            ];
            let batch = EventBatch::from_events(&events, Arc::clone(&meta))?;
            let who = format!("times in {time_unit}, {origin:?}");
            let bytes = match write(row, &[batch], &meta) {
                Ok(None) => return Ok(()),
                Ok(Some(bytes)) => bytes,
                Err(error) => {
                    refused(&error, &who)?;
                    ensure!(!row.is_table(), "{who}: a table refuses it: {error:?}");
                    continue;
                }
            };
            let found = row.read(&bytes, &row.options(), Door::Bytes)?;
            let Some(read) = found.meta else {
                return Err(Broken(format!("{who}: {:?}", found.error)));
            };
            ensure!(
                !row.is_table() || read == meta,
                "{who}: the facts are {read:?} instead of {meta:?}"
            );
            let known = |ours: bool, unknown: bool| ours || unknown;
            ensure!(
                known(read.geometry == meta.geometry, read.geometry.is_none()),
                "{who}: {:?}",
                read.geometry
            );
            ensure!(
                known(read.sensor == meta.sensor, read.sensor.is_none()),
                "{who}: {:?}",
                read.sensor
            );
            ensure!(
                found.events.len() == events.len(),
                "{who}: {} events",
                found.events.len()
            );
            for (found, written) in found.events.iter().zip(&events) {
                let (a, b) = (read.time_unit.nanos() * found.t, time_unit.nanos() * written.t);
                ensure!(
                    a == b,
                    "{who}: {} {} came back as {} {}",
                    written.t,
                    time_unit,
                    found.t,
                    read.time_unit
                );
                let y = if read.origin == meta.origin {
                    found.y
                } else {
                    259 - found.y
                };
                ensure!(
                    (found.x, y, found.p) == (written.x, written.y, written.p),
                    "{who}: pixel or polarity differ"
                );
            }
        }
    }
    Ok(())
}

/// Times that are negative, huge, or jump between the two: held, or refused with a clean error; never changed.
pub fn hostile_times(row: &FormatRow) -> Lawful {
    let cases: [&[i64]; 6] = [
        &[-5, -1, 0, 3],
        &[-1_000_000_000_000, 5],
        &[1 << 33, (1 << 33) + 1],
        &[1_589_163_147_368_868, 1_589_163_149_728_813],
        &[i64::MIN, i64::MAX],
        &[i64::MAX, i64::MIN, 0],
    ];
    for times in cases {
        let events: Vec<Event> = times.iter().map(|&t| Event::new(t, 3, 4, 1)).collect();
        let meta = Arc::new(Meta::default());
        let batch = EventBatch::from_events(&events, Arc::clone(&meta))?;
        let who = format!("the times {times:?}");
        match write(row, &[batch], &meta) {
            Ok(None) => return Ok(()),
            Err(error) => refused(&error, &who)?,
            Ok(Some(bytes)) => {
                let found = row.read(&bytes, &row.options(), Door::Bytes)?;
                ensure!(
                    found.error.is_none(),
                    "{who}: written, then not readable: {:?}",
                    found.error
                );
                same_events(&found.events, &events, &who)?;
            }
        }
    }
    Ok(())
}

/// The same events give the same bytes however they were cut into batches, empty ones among them.
pub fn same_bytes(row: &FormatRow) -> Lawful {
    let scene = Scene::builder().geometry(40, 30).noise_rate(30.0).build()?;
    let whole = scene.batch();
    let meta = whole.meta();
    let Some(wanted) = write(row, std::slice::from_ref(whole), meta)? else {
        return Ok(());
    };
    for size in [1, 7, 1000] {
        let mut batches: Vec<EventBatch> = vec![EventBatch::empty(Arc::clone(meta))];
        for start in (0..whole.len()).step_by(size) {
            batches.push(whole.slice(start..start + size));
            if start % 5 == 0 {
                batches.push(EventBatch::empty(Arc::clone(meta)));
            }
        }
        let found = write(row, &batches, meta)?.unwrap_or_default();
        let differs = found
            .iter()
            .zip(&wanted)
            .position(|(a, b)| a != b)
            .unwrap_or(found.len().min(wanted.len()));
        ensure!(
            found == wanted,
            "in batches of {size}: {} bytes instead of {}, the first difference at byte {differs}",
            found.len(),
            wanted.len()
        );
    }
    Ok(())
}

/// The bytes, or `None` if the format is not written.
fn write(row: &FormatRow, batches: &[EventBatch], meta: &Meta) -> Result<Option<Vec<u8>>, Error> {
    row.write.as_ref().map(|write| write(batches, meta)).transpose()
}

/// An error that a caller can act on.
fn refused(error: &Error, who: &str) -> Lawful {
    let fine = matches!(
        error.kind(),
        ErrorKind::Param | ErrorKind::Unsupported | ErrorKind::Malformed | ErrorKind::Limit
    );
    ensure!(fine, "{who}: refused with {error:?}");
    Ok(())
}
