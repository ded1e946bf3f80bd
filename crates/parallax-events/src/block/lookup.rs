//! [`Lookup`]: a rule that keeps events one after another, by what it remembers of those before.

use crate::Event;

/// What keeps events, one after another, by what is remembered of those before: it looks each up in a state `S`, such as the
/// cells of a table.
///
/// Two steps make it fast. An event's key, where it is looked up, is found once, for some hundred events at a time. And each key
/// is announced a little before it is asked for, so that memory is not waited for.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Event, EventBatch, EventBlock, Lookup, Meta};
///
/// /// Keeps the first event of each column of the sensor.
/// #[derive(Clone, Copy)]
/// struct First;
///
/// impl Lookup<&mut [bool]> for First {
///     type Key = usize;
///     fn key(&self, _: &&mut [bool], event: Event) -> usize {
///         event.x.into()
///     }
///     fn ahead(&self, seen: &&mut [bool], x: usize) {
///         parallax_simd::prefetch::soon(seen, x);
///     }
///     fn keep(&self, seen: &mut &mut [bool], x: usize) -> bool {
///         seen.get_mut(x).is_some_and(|seen| !std::mem::replace(seen, true))
///     }
/// }
///
/// let meta = Arc::new(Meta::with_geometry(4, 4)?);
/// let batch = EventBatch::try_new(vec![1, 2, 3], vec![0, 1, 0], vec![0; 3], vec![1, 0, 1], meta)?;
/// let mut block = EventBlock::default();
/// block.load(&batch);
/// block.retain_over(&mut [false; 4][..], First);
/// assert_eq!(block.packed().t, [1, 2]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
pub trait Lookup<S>: Copy {
    /// What an event is looked up by, and what else of it the rule goes by.
    type Key: Copy + Default;

    /// The event's key.
    fn key(&self, state: &S, event: Event) -> Self::Key;

    /// Told of each key a little before [`keep`](Self::keep), so that it can have what will be looked up
    /// [fetched](parallax_simd::prefetch) by then.
    fn ahead(&self, state: &S, key: Self::Key);

    /// Whether the event is kept; asked in order.
    fn keep(&self, state: &mut S, key: Self::Key) -> bool;
}

/// Asks a function, which looks nothing up.
#[derive(Clone, Copy)]
pub(super) struct Asks;

impl<F: FnMut(Event) -> bool> Lookup<F> for Asks {
    type Key = Event;

    #[inline(always)]
    fn key(&self, _: &F, event: Event) -> Event {
        event
    }

    #[inline(always)]
    fn ahead(&self, _: &F, _: Event) {}

    #[inline(always)]
    fn keep(&self, keep: &mut F, event: Event) -> bool {
        keep(event)
    }
}
