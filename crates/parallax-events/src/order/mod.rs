//! Canonical order: stable by (t, y, x, p); checked, established, or left alone as a policy says.
//!
//! In goes a batch in any order, out comes one in strict order, or the error that names the first event out
//! of place. A batch in strict order comes back as it is, sharing its memory, after one scan; a nearly
//! ordered one costs one more pass, since only its disordered stretches are sorted; a shuffled one is sorted
//! in parallel on the caller's [`Pool`], with the same result for every number of threads.
//!
//! Two events of a batch that are equal in all four columns cannot be told apart, so stability shows only in
//! [`strict_permutation`], for callers who carry a fifth column (labels, say) along.

mod columns;
mod late;
mod sort;
mod ties;

use crate::{DvsColumns, Error, Event, EventBatch, FindingKind, Order, Pool, Report, Result, nearest};

/// What to do about events that are not in canonical order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderPolicy {
    /// Keep the recorded order; steps back in time are counted in the report.
    #[default]
    Keep,
    /// Sort into canonical order.
    Strict,
    /// Refuse events that are not in canonical order.
    Check,
}

impl OrderPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Strict, Self::Check];

    /// `keep`, `strict` or `check`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Strict => "strict",
            Self::Check => "check",
        }
    }

    /// The policy called `name`, or an error that lists the known ones.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| {
                let hint = match nearest(name, Self::ALL.map(Self::name)) {
                    Some(near) => format!("did you mean {near}? the policies are keep, strict, check"),
                    None => "the policies are keep, strict, check".to_owned(),
                };
                Error::param(format!("unknown order \"{name}\"")).with_hint(hint)
            })
    }

    /// The batch as this policy wants it. Steps back in time are counted in `report` whatever the policy; a
    /// caller whose reader has counted them passes a fresh one.
    ///
    /// # Errors
    /// With [`Check`](Self::Check) as [`check_strict_order`], with [`Strict`](Self::Strict) as
    /// [`ensure_strict_order`].
    pub fn apply(self, batch: &EventBatch, pool: Pool<'_>, report: &mut Report) -> Result<EventBatch> {
        if batch.order() < Order::Time {
            count_steps_back(batch.columns().t, report);
        }
        match self {
            Self::Keep => Ok(batch.clone()),
            Self::Strict => ensure_strict_order(batch, pool),
            Self::Check => {
                check_strict_order(batch)?;
                Ok(batch.clone().with_order(Order::Strict))
            }
        }
    }
}

fn count_steps_back(t: &[i64], report: &mut Report) {
    let scan = parallax_simd::order::scan(t, None);
    let first = scan.first_step_back;
    report.note(
        FindingKind::TimeBack,
        scan.steps_back,
        None,
        first.map(|index| index as u64),
        || {
            let pair = first.and_then(|index| t.get(index.checked_sub(1)?..=index));
            pair.map(|pair| format!("t = {}, then {}", pair[0], pair[1]))
                .unwrap_or_default()
        },
    );
}

/// The batch in canonical order, stable by (t, y, x, p). One that is already in that order is returned as it
/// is: the same memory.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, Order, Pool, ensure_strict_order};
///
/// let batch = EventBatch::try_new(vec![7, 5], vec![3, 0], vec![1, 1], vec![1, 0], Arc::new(Meta::default()))?;
/// let sorted = ensure_strict_order(&batch, Pool::serial())?;
/// assert_eq!(sorted.columns().t, [5, 7]);
/// assert_eq!(sorted.order(), Order::Strict);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind) if there is no memory for the copy.
pub fn ensure_strict_order(batch: &EventBatch, pool: Pool<'_>) -> Result<EventBatch> {
    let columns = batch.columns();
    let first = match batch.order() {
        Order::Strict => None,
        Order::Time | Order::Unknown => first_descent(columns),
    };
    let Some(first) = first else {
        return Ok(batch.clone().with_order(Order::Strict));
    };
    sort::sorted_copy(batch, first, pool)
}

/// Where each event of the batch in canonical order was before: `sorted[i] = batch[permutation[i]]`; `None`
/// if the batch is in that order already. Events that are equal in t, y, x and p keep their order.
pub fn strict_permutation(batch: &EventBatch, pool: Pool<'_>) -> Option<Vec<usize>> {
    let columns = batch.columns();
    if batch.order() == Order::Strict {
        return None;
    }
    first_descent(columns).map(|_| sort::permutation(columns, pool))
}

/// An error unless the batch is in canonical order. For a stream in several batches see [`StrictCheck`].
///
/// # Errors
/// [`ErrorKind::Malformed`](crate::ErrorKind) names the first event that belongs before its predecessor, and
/// both events.
pub fn check_strict_order(batch: &EventBatch) -> Result<()> {
    if batch.order() == Order::Strict {
        return Ok(());
    }
    StrictCheck::default().push(batch)
}

/// Checks the canonical order of a stream, batch by batch, across their borders.
#[derive(Debug, Clone, Copy, Default)]
pub struct StrictCheck {
    last: Option<Event>,
    seen: u64,
}

impl StrictCheck {
    /// Checks the next batch.
    ///
    /// # Errors
    /// As [`check_strict_order`]; events are counted from the first one of the stream.
    pub fn push(&mut self, batch: &EventBatch) -> Result<()> {
        self.check(batch.columns(), batch.order())
    }

    /// Checks the next events, of which nothing is known.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_columns(&mut self, columns: DvsColumns<'_>) -> Result<()> {
        self.check(columns, Order::Unknown)
    }

    fn check(&mut self, columns: DvsColumns<'_>, known: Order) -> Result<()> {
        let Some(last_index) = columns.len().checked_sub(1) else {
            return Ok(());
        };
        let first = event(columns, 0);
        if let Some(last) = self.last
            && canonical(first) < canonical(last)
        {
            return Err(out_of_order(self.seen, last, first));
        }
        if known < Order::Strict
            && let Some(index) = first_descent(columns)
        {
            return Err(out_of_order(
                self.seen + index as u64,
                event(columns, index - 1),
                event(columns, index),
            ));
        }
        self.last = Some(event(columns, last_index));
        self.seen += columns.len() as u64;
        Ok(())
    }
}

fn out_of_order(index: u64, before: Event, after: Event) -> Error {
    let text = |e: Event| format!("(t {}, y {}, x {}, p {})", e.t, e.y, e.x, e.p);
    Error::malformed(format!(
        "event {index} {} comes after {}: not in order of t, y, x, p",
        text(after),
        text(before)
    ))
    .with_hint("read with order=strict to sort, or with order=keep to leave it")
}

fn event(columns: DvsColumns<'_>, index: usize) -> Event {
    Event::new(
        columns.t[index],
        columns.x[index],
        columns.y[index],
        columns.p[index],
    )
}

fn canonical(e: Event) -> (i64, u16, u16, u8) {
    (e.t, e.y, e.x, e.p)
}

/// The first event that belongs before its predecessor.
fn first_descent(columns: DvsColumns<'_>) -> Option<usize> {
    let DvsColumns { t, x, y, p } = columns;
    let pixel = |i: usize| columns::pixel_key(x[i], y[i], p[i]);
    (1..t.len()).find(|&i| t[i] <= t[i - 1] && (t[i] < t[i - 1] || pixel(i) < pixel(i - 1)))
}
