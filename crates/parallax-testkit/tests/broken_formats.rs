//! The laws of formats can fail: rows that are broken on purpose, each in one way, and the law that must reject it.
//! The same row unbroken passes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use parallax_events::{Declaration, Event, EventBatch, Limits, Meta};
use parallax_formats::{Format, Open, ReadOptions, TriggerSupport, format};
use parallax_testkit::laws::format::{self as laws, Door, FormatRow, Outcome};
use parallax_testkit::laws::{Broken, Lawful, breaches};

type Law = fn(&FormatRow) -> Lawful;

/// A small text format, which reads and writes.
fn sound() -> FormatRow {
    FormatRow::new(format("csv").unwrap())
}

/// The row with a reader that goes wrong in one way.
fn reading(
    wrong: impl Fn(&FormatRow, &[u8], Option<&str>, &ReadOptions, Door) -> Result<Outcome, Broken>
    + Send
    + Sync
    + 'static,
) -> FormatRow {
    let inner = sound();
    let mut row = sound();
    row.read =
        Box::new(move |bytes, extension, options, door| wrong(&inner, bytes, extension, options, door));
    row
}

/// The row with a writer that goes wrong in one way.
fn writing(
    wrong: impl Fn(&[EventBatch], &Meta) -> (Vec<EventBatch>, Meta) + Send + Sync + 'static,
) -> FormatRow {
    let inner = sound().write.unwrap();
    let mut row = sound();
    row.write = Some(Box::new(move |batches, meta| {
        let (batches, meta) = wrong(batches, meta);
        inner(&batches, &meta)
    }));
    row
}

/// Asserts that the sound row keeps the law and that the broken one does not, with a text that names row and law.
fn must_reject(name: &str, law: Law, broken: FormatRow, telling: &str) {
    let found = breaches(name, &[sound()], law);
    assert!(found.is_empty(), "the sound row breaks it: {found:?}");
    let found = breaches(name, &[broken], law);
    let [breach] = found.as_slice() else {
        panic!("{name} let the broken row pass")
    };
    assert!(
        breach.starts_with(&format!("law {name} broken by format csv: ")),
        "{breach}"
    );
    assert!(breach.contains(telling), "{breach}");
}

#[test]
fn events_lost_at_the_border_of_a_piece() {
    let broken = reading(|row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        if door == Door::Push(3) {
            outcome.events.pop();
        }
        Ok(outcome)
    });
    must_reject("cut_anyhow", laws::cut_anyhow, broken, "Push(3)");
}

#[test]
fn events_twice_at_the_border_of_a_batch() {
    let broken = reading(|row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        if options.chunk == 7 {
            outcome.events.insert(0, outcome.events[0]);
        }
        Ok(outcome)
    });
    must_reject("cut_anyhow", laws::cut_anyhow, broken, "batches of 7");
}

#[test]
fn a_report_that_depends_on_the_door() {
    let broken = reading(|row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        if door == Door::Mapped {
            let kind = parallax_events::FindingKind::BadRecord;
            outcome.report.note(kind, 1, None, None, String::new);
        }
        Ok(outcome)
    });
    must_reject("doors_agree", laws::doors_agree, broken, "the report");
}

#[test]
fn a_wrong_event_at_the_end_of_a_cut_file() {
    let len = sound().sample().bytes.len();
    let broken = reading(move |row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        if let Some(last) = outcome.events.last_mut()
            && bytes.len() == len - 9
        {
            *last = Event::new(last.t + 1, last.x, last.y, last.p);
        }
        Ok(outcome)
    });
    must_reject("truncation", laws::truncation, broken, "event");
}

#[test]
fn a_panic_on_damage() {
    let broken = reading(|row, bytes, extension, options, door| {
        assert!(!bytes.contains(&0xFF), "0xFF is impossible");
        (row.read)(bytes, extension, options, door)
    });
    must_reject(
        "byte_flips",
        laws::byte_flips,
        broken,
        "panicked: 0xFF is impossible",
    );
}

#[test]
fn a_limit_that_is_not_obeyed() {
    let broken = reading(|row, bytes, extension, options, door| {
        let options = ReadOptions {
            limits: Limits::default(),
            ..options.clone()
        };
        (row.read)(bytes, extension, &options, door)
    });
    must_reject("event_limit", laws::event_limit, broken, "limit of 0");
}

#[test]
fn options_that_are_not_obeyed() {
    fn without(change: fn(&mut ReadOptions)) -> FormatRow {
        reading(move |row, bytes, extension, options, door| {
            let mut options = options.clone();
            change(&mut options);
            (row.read)(bytes, extension, &options, door)
        })
    }
    must_reject(
        "time_ranges",
        laws::time_ranges,
        without(|options| options.time = None),
        "time ",
    );
    must_reject(
        "strictness",
        laws::strictness,
        without(|options| options.strict = false),
        "strict ends with None",
    );
    must_reject(
        "progress",
        laws::progress,
        without(|options| options.progress = None),
        "progress",
    );
    must_reject(
        "memory_limit",
        laws::memory_limit,
        without(|options| options.memory_limit = None),
        "a batch has",
    );
    must_reject(
        "order_policies",
        laws::order_policies,
        without(|options| options.order = Default::default()),
        "order=",
    );
}

#[test]
fn a_sample_that_reads_as_something_else() {
    let broken = reading(|row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        outcome.events.reverse();
        Ok(outcome)
    });
    must_reject("own_sample", laws::own_sample, broken, "event 0");
}

#[test]
fn triggers_lost_in_reading() {
    let inner = FormatRow::new(format("evt2").unwrap());
    let mut broken = FormatRow::new(format("evt2").unwrap());
    assert_eq!(
        breaches("triggers", &[FormatRow::new(inner.format)], laws::triggers),
        [""; 0]
    );
    broken.read = Box::new(move |bytes, extension, options, door| {
        let mut outcome = (inner.read)(bytes, extension, options, door)?;
        outcome.triggers = outcome.triggers.iter().skip(1).collect();
        Ok(outcome)
    });
    let found = breaches("triggers", &[broken], laws::triggers);
    assert!(found[0].contains("206 triggers instead of 207"), "{found:?}");
}

#[test]
fn triggers_that_nobody_wrote() {
    let inner = sound().write_triggers.unwrap();
    let mut broken = sound();
    broken.write_triggers = Some(Box::new(move |parts, meta| {
        let parts: Vec<_> = parts
            .iter()
            .map(|(_, batch)| (Default::default(), batch.clone()))
            .collect();
        inner(&parts, meta)
    }));
    must_reject("triggers", laws::triggers, broken, "writing some gives None");
}

#[test]
fn a_format_that_claims_nothing() {
    static DECLARATION: Declaration = Declaration::new("csv", "Nothing", &[]);
    static NOTHING: Format = Format {
        declaration: &DECLARATION,
        extensions: &["nothing"],
        sniff: |_| None,
        open: Open::Never,
        create: None,
        triggers: TriggerSupport::No,
        sample: || format("evt3").map(|format| (format.sample)()).unwrap(),
    };
    must_reject(
        "recognised",
        laws::recognised,
        FormatRow::new(&NOTHING),
        "x.nothing",
    );
}

#[test]
fn polarity_lost_in_writing() {
    let broken = writing(|batches, meta| {
        let all_on = |batch: &EventBatch| {
            let events: Vec<_> = batch
                .to_events()
                .iter()
                .map(|e| Event::new(e.t, e.x, e.y, 1))
                .collect();
            EventBatch::from_events(&events, batch.meta().clone()).unwrap()
        };
        (batches.iter().map(all_on).collect(), meta.clone())
    });
    must_reject(
        "write_then_read",
        laws::write_then_read,
        broken,
        "p 1) instead of",
    );
}

#[test]
fn bytes_that_depend_on_batches() {
    let broken = writing(|batches, meta| (batches.iter().take(500).cloned().collect(), meta.clone()));
    must_reject("same_bytes", laws::same_bytes, broken, "in batches of 1:");
}

#[test]
fn another_time_than_was_written() {
    let broken = writing(|batches, meta| {
        let early = |batch: &EventBatch| {
            let events: Vec<_> = batch
                .to_events()
                .iter()
                .map(|e| Event::new(e.t.max(0), e.x, e.y, e.p))
                .collect();
            EventBatch::from_events(&events, batch.meta().clone()).unwrap()
        };
        (batches.iter().map(early).collect(), meta.clone())
    });
    must_reject("hostile_times", laws::hostile_times, broken, "-5");
}

#[test]
fn facts_that_change() {
    let broken = reading(|row, bytes, extension, options, door| {
        let mut outcome = (row.read)(bytes, extension, options, door)?;
        let meta = Meta {
            geometry: Meta::with_geometry(640, 480)?.geometry,
            ..Meta::default()
        };
        outcome.meta = Some(meta.into());
        Ok(outcome)
    });
    must_reject("facts_survive", laws::facts_survive, broken, "640");
}

#[test]
fn memory_by_a_claimed_number() {
    let row = sound();
    let lawful = laws::bounded_memory(&row, &|work| {
        work();
        1 << 20
    });
    assert_eq!(lawful, Ok(()));
    let broken = laws::bounded_memory(&row, &|work| {
        work();
        1 << 30
    });
    assert!(broken.unwrap_err().0.contains("1024 MiB"));
}
