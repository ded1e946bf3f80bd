//! What the options of reading do is what doing it afterwards would give.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use parallax_events::{Error, ErrorKind, Event, Nanos, OrderPolicy, TimeRange};
use parallax_formats::{Progress, ReadOptions};

use super::{Door, FormatRow};
use crate::laws::{Broken, Lawful, canonical, ensure, prefix_of, same_events};

/// Reading a range of time gives the events that a filter over all of them leaves.
pub fn time_ranges(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        let all = row.read(&input, &row.options(), Door::Bytes)?;
        let unit = all
            .meta
            .as_ref()
            .map(|meta| meta.time_unit)
            .unwrap_or_default()
            .nanos();
        let Some(first) = all.events.first().map(|event| event.t) else {
            continue;
        };
        let mut times: Vec<i64> = all.events.iter().map(|event| event.t).collect();
        times.sort_unstable();
        let (early, late) = (
            times[times.len() / 3],
            times[times.len() * 2 / 3].max(times[times.len() / 3] + 1),
        );
        let at = |t: i64| Some(Nanos(t * unit));
        let ranges = [
            (TimeRange::absolute(at(early), at(late))?, early, late),
            (TimeRange::absolute(at(early), None)?, early, i64::MAX),
            (TimeRange::absolute(None, at(late))?, i64::MIN, late),
            // One nanosecond more is the next whole unit.
            (
                TimeRange::absolute(Some(Nanos(early * unit + 1)), None)?,
                early + 1,
                i64::MAX,
            ),
            (
                TimeRange::absolute(at(times[0] - 10), at(times[0] - 5))?,
                times[0] - 10,
                times[0] - 5,
            ),
            (
                TimeRange::relative(at(0), at(late - early))?,
                first,
                first + (late - early),
            ),
            (TimeRange::relative(at(1), None)?, first + 1, i64::MAX),
        ];
        for (range, start, end) in ranges {
            let wanted: Vec<Event> = all
                .events
                .iter()
                .copied()
                .filter(|e| e.t >= start && e.t < end)
                .collect();
            for (chunk, door) in [
                (4096, Door::Bytes),
                (7, Door::Bytes),
                (100, Door::Push(11)),
                (4096, Door::Mapped),
            ] {
                let found = row.read(
                    &input,
                    &ReadOptions {
                        time: Some(range),
                        chunk,
                        ..row.options()
                    },
                    door,
                )?;
                same_events(
                    &found.events,
                    &wanted,
                    &format!("time {range}, batches of {chunk}, {door:?}"),
                )?;
                no_error(found.error)?;
            }
        }
    }
    Ok(())
}

/// `order=strict` gives what sorting afterwards gives; `order=check` refuses exactly what is out of order.
pub fn order_policies(row: &FormatRow) -> Lawful {
    let mut inputs = row.inputs()?;
    inputs.extend(disordered(row)?);
    for input in inputs {
        let kept = row.read(&input, &row.options(), Door::Bytes)?;
        let mut wanted = kept.events.clone();
        wanted.sort_by_key(|event| canonical(*event));
        for (chunk, door) in [
            (4096, Door::Bytes),
            (7, Door::Plain),
            (100, Door::Push(11)),
            (4096, Door::Mapped),
        ] {
            let who = format!("batches of {chunk}, {door:?}");
            let options = ReadOptions {
                order: OrderPolicy::Strict,
                chunk,
                ..row.options()
            };
            let sorted = row.read(&input, &options, door)?;
            no_error(sorted.error)?;
            same_events(&sorted.events, &wanted, &format!("order=strict, {who}"))?;
            ensure!(
                sorted.report == kept.report,
                "order=strict, {who}: the report is {:?}",
                sorted.report
            );

            let options = ReadOptions {
                order: OrderPolicy::Check,
                chunk,
                ..row.options()
            };
            let checked = row.read(&input, &options, door)?;
            let in_order = kept.events.iter().is_sorted_by_key(|event| canonical(*event));
            ensure!(
                checked.error.is_none() == in_order,
                "order=check, {who}: ends with {:?}, in order: {in_order}",
                checked.error
            );
            prefix_of(&checked.events, &kept.events, &format!("order=check, {who}"))?;
        }
    }
    Ok(())
}

/// `strict` fails exactly if lenient reading fails or reports a fault, and hands out a beginning.
pub fn strictness(row: &FormatRow) -> Lawful {
    let sample = row.sample().bytes;
    let mut inputs = row.inputs()?;
    inputs.extend(disordered(row)?);
    inputs.extend((0..sample.len()).step_by(5).map(|len| sample[..len].to_vec()));
    for at in (0..sample.len()).step_by(7) {
        let mut damaged = sample.clone();
        damaged[at] ^= 0x41;
        inputs.push(damaged);
    }
    for input in inputs {
        for door in [Door::Bytes, Door::Push(33)] {
            let who = format!("{} bytes, {door:?}", input.len());
            let options = ReadOptions {
                limits: super::damage::tight(),
                ..row.options()
            };
            let lenient = row.read(&input, &options, door)?;
            let strict = row.read(
                &input,
                &ReadOptions {
                    strict: true,
                    ..options
                },
                door,
            )?;
            let must_fail = lenient.error.is_some() || lenient.has_fault();
            ensure!(
                strict.error.is_some() == must_fail,
                "{who}: strict ends with {:?}; lenient with {:?} and {:?}",
                strict.error,
                lenient.error,
                lenient.report
            );
            prefix_of(&strict.events, &lenient.events, &who)?;
        }
    }
    Ok(())
}

/// The progress call-back sees numbers that only grow and end at the whole; if it says stop, the read ends with an
/// error of kind `Closed` and hands out a beginning.
pub fn progress(row: &FormatRow) -> Lawful {
    for input in row.inputs()? {
        let whole = row.read(&input, &row.options(), Door::Bytes)?;
        for door in [Door::Bytes, Door::Plain, Door::Mapped, Door::Push(200)] {
            let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
            let (note, chunk) = (Arc::clone(&seen), 50);
            let watch = move |progress: Progress| {
                if let Ok(mut seen) = note.lock() {
                    seen.push(progress);
                }
                ControlFlow::Continue(())
            };
            let options = ReadOptions {
                progress: Some(Arc::new(watch)),
                chunk,
                ..row.options()
            };
            let watched = row.read(&input, &options, door)?;
            same_events(
                &watched.events,
                &whole.events,
                &format!("with a call-back, {door:?}"),
            )?;
            let seen = seen
                .lock()
                .map_err(|_| Broken("the call-back panicked".to_owned()))?;
            let grows = seen.is_sorted_by(|a, b| a.bytes <= b.bytes && a.events <= b.events);
            ensure!(grows, "{door:?}: progress goes back: {seen:?}");
            let Some(last) = seen.last() else {
                return Err(Broken(format!("{door:?}: no progress at all")));
            };
            ensure!(
                last.events == whole.events.len() as u64,
                "{door:?}: progress ends at {last:?}"
            );
            ensure!(
                last.bytes <= input.len() as u64,
                "{door:?}: progress ends at {last:?} of {} bytes",
                input.len()
            );

            let options = ReadOptions {
                progress: Some(Arc::new(|_| ControlFlow::Break(()))),
                chunk,
                ..row.options()
            };
            let stopped = row.read(&input, &options, door)?;
            let kind = stopped.error.as_ref().map(Error::kind);
            ensure!(
                kind == Some(ErrorKind::Closed),
                "{door:?}: a stop gives {:?}",
                stopped.error
            );
            prefix_of(&stopped.events, &whole.events, &format!("stopped, {door:?}"))?;
        }
    }
    Ok(())
}

/// The sample's events from back to front, if the format can be written and holds such.
fn disordered(row: &FormatRow) -> Result<Option<Vec<u8>>, Broken> {
    let Some(write) = &row.write else { return Ok(None) };
    let mut events = row.sample().events;
    events.reverse();
    let meta = super::writing::bounding(&events)?;
    let batch = parallax_events::EventBatch::from_events(&events, Arc::clone(&meta))?;
    Ok(write(&[batch], &meta).ok())
}

fn no_error(error: Option<Error>) -> Lawful {
    error.map_or(Ok(()), |error| Err(error.into()))
}
