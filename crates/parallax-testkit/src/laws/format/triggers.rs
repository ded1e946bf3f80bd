//! External triggers come along where the format carries them, and are refused by name where it does not.

use std::sync::Arc;

use parallax_events::{ErrorKind, EventBatch, Limits, Meta, Nanos, TimeRange, Trigger, Triggers};
use parallax_formats::ReadOptions;

use super::{Door, FormatRow};
use crate::Scene;
use crate::laws::{Broken, Lawful, ensure, same_events};

/// Reading with triggers gives the same events, and the same triggers for every door and cut; those outside a range of
/// time are left out; limits hold. Writing and reading again is identity for the triggers too, and how they were handed
/// over leaves no trace. A format that does not carry them gives none, and refuses to write any.
pub fn triggers(row: &FormatRow) -> Lawful {
    let support = row.format.triggers;
    let mut inputs = row.inputs()?;
    if support.is_written() {
        let written = written_and_read(row)?;
        options_hold(row, &written)?;
        inputs.push(written);
        inputs.push(nothing_but_triggers(row)?);
    } else {
        refused(row)?;
    }
    for input in inputs {
        same_for_every_cut(row, &input)?;
        let found = row.read(&input, &with_triggers(row), Door::Bytes)?.triggers;
        ensure!(
            support.is_read() || found.is_empty(),
            "it says that it carries no triggers, and gives {}",
            found.len()
        );
    }
    Ok(())
}

fn with_triggers(row: &FormatRow) -> ReadOptions {
    ReadOptions {
        triggers: true,
        ..row.options()
    }
}

fn same_for_every_cut(row: &FormatRow, input: &[u8]) -> Lawful {
    let without = row.read(input, &row.options(), Door::Bytes)?;
    let wanted = row.read(input, &with_triggers(row), Door::Bytes)?;
    same_events(&wanted.events, &without.events, "with triggers")?;
    ensure!(
        without.triggers.is_empty(),
        "triggers were handed out that nobody asked for"
    );
    for (chunk, door) in [
        (4096, Door::Mapped),
        (4096, Door::Plain),
        (1, Door::Bytes),
        (7, Door::Bytes),
        (1000, Door::Push(1)),
        (7, Door::Push(61)),
        (4096, Door::Push(4096)),
    ] {
        let options = ReadOptions {
            chunk,
            ..with_triggers(row)
        };
        let found = row.read(input, &options, door)?;
        let who = format!("{} bytes through {door:?} in batches of {chunk}", input.len());
        found.agree(&wanted, &who)?;
        ensure!(
            door == Door::Mapped || found.most_triggers <= chunk,
            "{who}: {} triggers came with one batch",
            found.most_triggers
        );
    }
    Ok(())
}

/// A scene, and triggers before, between and after its events, some at the time of one.
fn scene() -> Result<(EventBatch, Triggers), Broken> {
    let scene = Scene::builder()
        .geometry(40, 30)
        .start(1_000_000)
        .noise_rate(30.0)
        .build()?;
    let batch = scene.batch().clone();
    let times = batch.columns().t;
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Err(Broken("the scene has no events".to_owned()));
    };
    let middle = times[times.len() / 2];
    let step = (last - first) / 200 + 1;
    let spread = (0..200).map(|index| first + index * step);
    let mut all: Vec<i64> = [first - 100, first, middle, middle, middle + 1, last, last + 5_000].into();
    all.extend(spread);
    all.sort_unstable();
    let all = all.into_iter().enumerate();
    let triggers = all.map(|(index, t)| Trigger::new(t, (index / 2 % 4) as u16, (index % 2) as u8));
    Ok((batch, triggers.collect()))
}

/// Both in `parts` parts, each with the triggers that came before the part's last event.
fn parts(batch: &EventBatch, triggers: &Triggers, size: usize) -> Vec<(Triggers, EventBatch)> {
    let mut rest = triggers.iter().peekable();
    let mut parts = Vec::new();
    for start in (0..batch.len()).step_by(size) {
        let part = batch.slice(start..start + size);
        let last = part.columns().t.last().copied().unwrap_or(i64::MAX);
        let before = std::iter::from_fn(|| rest.next_if(|trigger| trigger.t < last)).collect();
        parts.push((before, part));
    }
    parts.push((rest.collect(), EventBatch::empty(Arc::clone(batch.meta()))));
    parts
}

fn write(row: &FormatRow, parts: &[(Triggers, EventBatch)], meta: &Meta) -> Result<Vec<u8>, Broken> {
    let Some(write) = &row.write_triggers else {
        return Err(Broken(
            "it says that triggers can be written, and cannot be written itself".to_owned(),
        ));
    };
    Ok(write(parts, meta)?)
}

fn written_and_read(row: &FormatRow) -> Result<Vec<u8>, Broken> {
    let (batch, triggers) = scene()?;
    let whole = write(row, &[(triggers.clone(), batch.clone())], batch.meta())?;
    for size in [1, 7, 1000] {
        let found = write(row, &parts(&batch, &triggers, size), batch.meta())?;
        ensure!(
            found == whole,
            "triggers written in batches of {size} give other bytes"
        );
    }
    let read = row.read(&whole, &with_triggers(row), Door::Bytes)?;
    if let Some(error) = read.error {
        return Err(error.into());
    }
    same_events(&read.events, &batch.to_events(), "events written with triggers")?;
    same_triggers(&read.triggers, &triggers, "written and read")?;
    Ok(whole)
}

fn options_hold(row: &FormatRow, input: &[u8]) -> Lawful {
    let (batch, triggers) = scene()?;
    let first = batch.columns().t.first().copied().unwrap_or_default();
    let at = |t: i64| Some(Nanos(t * 1000));
    for (range, start, end) in [
        (
            TimeRange::absolute(at(first + 3_000), at(first + 9_000))?,
            first + 3_000,
            first + 9_000,
        ),
        (TimeRange::absolute(at(first - 50), None)?, first - 50, i64::MAX),
        (TimeRange::relative(at(0), at(5_000))?, first, first + 5_000),
    ] {
        let inside = triggers
            .iter()
            .filter(|trigger| (start..end).contains(&trigger.t));
        let wanted: Triggers = inside.collect();
        for (chunk, door) in [(4096, Door::Bytes), (5, Door::Push(37)), (4096, Door::Mapped)] {
            let options = ReadOptions {
                time: Some(range),
                chunk,
                ..with_triggers(row)
            };
            let found = row.read(input, &options, door)?;
            same_triggers(&found.triggers, &wanted, &format!("time {range}, {door:?}"))?;
        }
    }
    let most = triggers.len() as u64 - 1;
    let limits = Limits {
        events: most.max(batch.len() as u64),
        ..Limits::default()
    };
    let options = ReadOptions {
        limits,
        ..with_triggers(row)
    };
    let found = row.read(input, &options, Door::Bytes)?;
    ensure!(
        found.error.is_none(),
        "as many events and triggers as are allowed: {:?}",
        found.error
    );
    Ok(())
}

/// A recording of triggers alone: none is lost, and more than the limits allow are an error.
fn nothing_but_triggers(row: &FormatRow) -> Result<Vec<u8>, Broken> {
    let triggers: Triggers = (0..5_000_i64)
        .map(|index| Trigger::new(1_000_000 + index * 10, 1, (index % 2) as u8))
        .collect();
    let meta = Arc::new(Meta::with_geometry(40, 30)?);
    let bytes = write(
        row,
        &[(triggers.clone(), EventBatch::empty(Arc::clone(&meta)))],
        &meta,
    )?;
    let read = row.read(&bytes, &with_triggers(row), Door::Push(100))?;
    same_triggers(&read.triggers, &triggers, "nothing but triggers")?;
    let options = ReadOptions {
        limits: Limits {
            events: 4_999,
            ..Limits::default()
        },
        ..with_triggers(row)
    };
    for door in [Door::Bytes, Door::Push(100)] {
        let found = row.read(&bytes, &options, door)?;
        let kind = found.error.map(|error| error.kind());
        ensure!(
            kind == Some(ErrorKind::Limit) && found.triggers.len() == 4_999,
            "one trigger more than allowed, {door:?}: {} triggers, then {kind:?}",
            found.triggers.len()
        );
    }
    Ok(bytes)
}

/// Triggers are refused by name; none is no trouble.
fn refused(row: &FormatRow) -> Lawful {
    let Some(write) = &row.write_triggers else {
        return Ok(());
    };
    let (batch, triggers) = scene()?;
    let kind = write(&[(triggers, batch.clone())], batch.meta())
        .err()
        .map(|error| error.kind());
    ensure!(
        kind == Some(ErrorKind::Unsupported),
        "it says that triggers cannot be written; writing some gives {kind:?}"
    );
    write(&[(Triggers::default(), batch.clone())], batch.meta())?;
    Ok(())
}

fn same_triggers(found: &Triggers, wanted: &Triggers, who: &str) -> Lawful {
    let index = found
        .iter()
        .zip(wanted.iter())
        .take_while(|(a, b)| a == b)
        .count();
    ensure!(
        found == wanted,
        "{who}: {} triggers instead of {}; trigger {index} is {:?} instead of {:?}",
        found.len(),
        wanted.len(),
        found.iter().nth(index),
        wanted.iter().nth(index)
    );
    Ok(())
}
