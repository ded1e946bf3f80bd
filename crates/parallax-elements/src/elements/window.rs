//! Cuts a stream of events into windows: one packet for each, marked as a whole window.
//!
//! Windows are half-open, [start, end); the first starts at the first event. An operator behind this sees one window at
//! a time; a representation makes one tensor of each. A window inside one batch is handed on without a copy.

use parallax_events::{Declaration, Error, ParamSpec, Params, Result, Span, WindowCursor, WindowSlices, WindowSpec};
use parallax_memory::Flags;
use parallax_pipeline::{Built, Caps, Element, ElementRow, Media, Out, Packet, Ports};

use crate::adapters::{events_of, timed};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "window",
    "Cuts a stream of events into windows, one packet each",
    &[
        ParamSpec::time("length").min(parallax_events::Nanos(1)).optional().doc("Length of a window in time"),
        ParamSpec::int("count").min(1).optional().doc("Length of a window in events"),
        ParamSpec::time("overlap").min(parallax_events::Nanos(0)).optional().doc("How far a window in time reaches into the one before"),
        ParamSpec::bool("incomplete").default(true).doc("Whether the last window comes even if the stream ends in it"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let window = Window { params, cursor: None };
    match (window.params.optional_time("length")?, window.params.optional_int("count")?) {
        (Some(_), None) | (None, Some(_)) => Ok(Built::element(window)),
        _ => Err(Error::param("`window` needs `length=` or `count=`, and not both")),
    }
}

#[derive(Debug)]
struct Window {
    params: Params,
    cursor: Option<WindowCursor>,
}

impl Window {
    fn spec(&self, unit: parallax_events::TimeUnit) -> Result<WindowSpec> {
        let incomplete = self.params.bool("incomplete")?;
        let spec = match self.params.optional_int("count")? {
            Some(count) => WindowSpec::count(count.unsigned_abs())?,
            None => WindowSpec::time(self.params.time("length")?, unit)?,
        };
        let spec = match self.params.optional_time("overlap")? {
            Some(overlap) => spec.with_overlap(overlap)?,
            None => spec,
        };
        Ok(spec.include_incomplete(incomplete))
    }
}

fn hand_on(windows: impl Iterator<Item = WindowSlices>, out: &mut Out<'_>) -> Result<()> {
    for window in windows {
        let mut packet: Packet = timed(window.to_batch()?);
        packet.metadata.mark(Flags::WINDOW);
        // A representation wants to know where its bins lie.
        packet.metadata.set_value(Span::from(&window.window));
        out.push(packet)?;
    }
    Ok(())
}

impl Element for Window {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let batch = events_of(packet.payload, "window")?;
        if self.cursor.is_none() {
            self.cursor = Some(WindowCursor::new(self.spec(batch.meta().time_unit)?, batch.meta())?);
        }
        match &mut self.cursor {
            Some(cursor) => hand_on(cursor.push(&batch)?, out),
            None => Ok(()),
        }
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        match self.cursor.take() {
            Some(mut cursor) => hand_on(cursor.finish(), out),
            None => Ok(()),
        }
    }

    fn latency(&self) -> parallax_events::Nanos {
        // Of windows by count it is not known.
        self.params.optional_time("length").ok().flatten().unwrap_or(parallax_events::Nanos(0))
    }

    fn flush(&mut self) {
        self.cursor = None;
    }
}
