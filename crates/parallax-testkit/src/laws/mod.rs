//! What a law is, and how one is held over every row of a registry.
//!
//! A law is a function of one row that returns `Ok` or says what is [`Broken`]. [`hold`] runs it over all rows,
//! takes a panic for a breach, and fails once, with every row that broke it: `law cutting broken by format evt3: ..`.

pub mod element;
pub mod format;
mod levels;
pub mod operator;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use parallax_events::{DvsColumns, Event, EventBatch, Order};

pub use levels::across_levels;

/// What a law says about a row.
pub type Lawful = Result<(), Broken>;

/// How a row broke a law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Broken {
    fn from(what: String) -> Self {
        Self(what)
    }
}

impl From<parallax_events::Error> for Broken {
    fn from(error: parallax_events::Error) -> Self {
        Self(format!("unexpected error: {error:?}"))
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(format!("unexpected error: {error}"))
    }
}

/// Returns that the law is broken unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err($crate::laws::Broken(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;

/// One row, as the laws see it.
pub trait Subject {
    /// What the registry holds: `format`, `operator`, `element`.
    const KIND: &'static str;

    /// The row's id.
    fn id(&self) -> &str;
}

/// Holds `law` over every one of `subjects`, and prints how long each took.
///
/// # Panics
/// If a row breaks the law; the message names every row that does, and how. Also if there is no row at all.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn hold<S: Subject>(law: &str, subjects: &[S], check: impl Fn(&S) -> Lawful) {
    let breaches = breaches(law, subjects, check);
    assert!(
        !subjects.is_empty(),
        "law {law} was held over no {} at all",
        S::KIND
    );
    if !breaches.is_empty() {
        panic!("{}", breaches.join("\n"));
    }
}

/// What [`hold`] would fail with, one text a row that breaks the law.
pub fn breaches<S: Subject>(law: &str, subjects: &[S], check: impl Fn(&S) -> Lawful) -> Vec<String> {
    let mut breaches = Vec::new();
    for subject in subjects {
        let start = Instant::now();
        if let Err(broken) = caught(|| check(subject)) {
            breaches.push(format!(
                "law {law} broken by {} {}: {broken}",
                S::KIND,
                subject.id()
            ));
        }
        println!(
            "law {law}, {} {}: {:.3} s",
            S::KIND,
            subject.id(),
            start.elapsed().as_secs_f64()
        );
    }
    breaches
}

/// What `work` returns; a panic is a breach.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Broken(format!("it panicked: {text}")))
    })
}

/// Checks what every batch promises: equal lengths, polarities 0 or 1, everything inside the geometry, and an
/// order no better than the true one.
pub(crate) fn sound(batch: &EventBatch) -> Lawful {
    sound_columns(
        batch.columns(),
        batch.meta().geometry.map(|g| (g.width, g.height)),
    )?;
    let events = batch.columns();
    if batch.order() >= Order::Time {
        ensure!(
            events.t.is_sorted(),
            "a batch claims to be in order of time and is not"
        );
    }
    if batch.order() == Order::Strict {
        let sorted = events.iter().is_sorted_by_key(canonical);
        ensure!(sorted, "a batch claims to be in canonical order and is not");
    }
    Ok(())
}

/// As [`sound`], for columns that are lent.
pub(crate) fn sound_columns(columns: DvsColumns<'_>, geometry: Option<(u16, u16)>) -> Lawful {
    let DvsColumns { t, x, y, p } = columns;
    let lengths = [t.len(), x.len(), y.len(), p.len()];
    ensure!(
        lengths == [t.len(); 4],
        "the columns of a batch have the lengths {lengths:?}"
    );
    ensure!(
        p.iter().all(|&p| p <= 1),
        "a polarity in a batch is neither 0 nor 1"
    );
    if let Some((width, height)) = geometry {
        let inside = x.iter().all(|&x| x < width) && y.iter().all(|&y| y < height);
        ensure!(
            inside,
            "an event lies outside the declared {width} x {height} pixels"
        );
    }
    Ok(())
}

/// The key of the canonical order.
pub(crate) fn canonical(event: Event) -> (i64, u16, u16, u8) {
    (event.t, event.y, event.x, event.p)
}

/// Whether both streams are the same; says where they differ first.
pub(crate) fn same_events(found: &[Event], wanted: &[Event], who: &str) -> Lawful {
    if found == wanted {
        return Ok(());
    }
    let index = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let show = |event: Option<&Event>| match event {
        Some(e) => format!("(t {}, x {}, y {}, p {})", e.t, e.x, e.y, e.p),
        None => "the end".to_owned(),
    };
    Err(Broken(format!(
        "{who}: {} events instead of {}; event {index} is {} instead of {}",
        found.len(),
        wanted.len(),
        show(found.get(index)),
        show(wanted.get(index))
    )))
}

/// Whether `found` begins `whole`.
pub(crate) fn prefix_of(found: &[Event], whole: &[Event], who: &str) -> Lawful {
    same_events(found, whole.get(..found.len()).unwrap_or(whole), who)
}
