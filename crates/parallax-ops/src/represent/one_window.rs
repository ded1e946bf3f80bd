//! What is known of the window that is being filled: its span, the events it waits with, the cells it touched.

use std::sync::Arc;

use parallax_events::{DvsColumns, Error, EventBatch, Meta, Result, Span};
use parallax_simd::bounds::min_max_i64;

use super::kernel::Bounds;
use crate::saved::{Loaded, Saved, wrong};

/// The most events that are held on to for one window.
const MOST_HELD: usize = 1 << 28;
/// Cells are set back one by one if there are at least so many for each event.
const CELLS_PER_EVENT: usize = 8;

/// What is known of the window that is being filled.
#[derive(Debug)]
pub(super) struct OneWindow {
    /// What the state was made with.
    pub(super) first: Span,
    pub(super) span: Span,
    /// The earliest and the latest event.
    pub(super) extent: Option<(i64, i64)>,
    /// Batches that wait for the bounds.
    pub(super) held: Vec<EventBatch>,
    pub(super) held_events: usize,
    /// How many events the kernel has taken in.
    pub(super) added: u64,
    /// The events whose cells are not zero, while they are few.
    pub(super) touched: Touched,
    /// Whether other cells may not be zero either.
    pub(super) is_dirty: bool,
}

impl OneWindow {
    pub(super) fn new(span: Span) -> Self {
        Self {
            first: span,
            span,
            extent: None,
            held: Vec::new(),
            held_events: 0,
            added: 0,
            touched: Touched::default(),
            is_dirty: false,
        }
    }

    pub(super) fn restart(&mut self, span: Span) {
        self.span = span;
        self.extent = None;
        self.held.clear();
        self.held_events = 0;
        self.added = 0;
    }

    pub(super) fn extend(&mut self, least: i64, most: i64) {
        let (a, b) = self.extent.unwrap_or((least, most));
        self.extent = Some((a.min(least), b.max(most)));
    }

    pub(super) fn extend_by(&mut self, events: DvsColumns<'_>) {
        if let Some((least, most)) = min_max_i64(events.t) {
            self.extend(least, most);
        }
    }

    pub(super) fn hold(&mut self, batch: EventBatch) -> Result<()> {
        self.held_events = self.held_events.saturating_add(batch.len());
        if self.held_events > MOST_HELD {
            return Err(Error::limit(format!(
                "more than {MOST_HELD} events in one tensor whose end is not known beforehand"
            ))
            .with_hint("cut the stream with window= or window_events="));
        }
        self.held.push(batch);
        Ok(())
    }

    /// Notes that the cells of these events are no longer zero.
    pub(super) fn touch(&mut self, events: DvsColumns<'_>, cells: usize) {
        if self.is_dirty || self.touched.x.len().saturating_add(events.len()) > cells / CELLS_PER_EVENT {
            self.is_dirty = true;
            self.touched.clear();
            return;
        }
        self.touched.x.extend_from_slice(events.x);
        self.touched.y.extend_from_slice(events.y);
        self.touched.p.extend_from_slice(events.p);
    }

    pub(super) fn bounds(&self) -> Option<Bounds> {
        match (self.span, self.extent) {
            (Span::Time { start, end }, _) => Some(Bounds {
                start,
                end: end.max(start),
                is_closed: false,
            }),
            (Span::Events, Some((start, end))) => Some(Bounds {
                start,
                end,
                is_closed: true,
            }),
            (Span::Events, None) => None,
        }
    }

    pub(super) fn time_span(&self) -> Option<(i64, i64)> {
        let Bounds {
            start,
            end,
            is_closed,
        } = self.bounds()?;
        Some((start, if is_closed { end.saturating_add(1) } else { end }))
    }

    pub(super) fn save(&self) -> Saved {
        let span = match self.span {
            Span::Time { start, end } => Some((start, end)),
            Span::Events => None,
        };
        Saved::default()
            .optional_pair(span)
            .optional_pair(self.extent)
            .u64(self.added)
            .events(self.held.iter())
    }

    pub(super) fn restore(loaded: &mut Loaded<'_>, meta: &Arc<Meta>, first: Span) -> Result<Self> {
        let span = loaded
            .optional_pair()?
            .map_or(Span::Events, |(start, end)| Span::Time { start, end });
        let extent = loaded.optional_pair()?;
        let added = loaded.u64()?;
        let held = loaded.batch(meta)?;
        let found = min_max_i64(held.columns().t);
        if held.len() > MOST_HELD || (found.is_some() && found != extent) {
            return Err(wrong());
        }
        let held: Vec<_> = Some(held).filter(|held| !held.is_empty()).into_iter().collect();
        Ok(Self {
            extent,
            held_events: held.iter().map(EventBatch::len).sum(),
            held,
            span,
            added,
            ..Self::new(first)
        })
    }
}

/// Where events were.
#[derive(Debug, Default)]
pub(super) struct Touched {
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Touched {
    pub(super) fn columns(&self) -> DvsColumns<'_> {
        DvsColumns {
            t: &[],
            x: &self.x,
            y: &self.y,
            p: &self.p,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.p.clear();
    }
}
