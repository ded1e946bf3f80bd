//! Representations, as elements: one tensor for each window.
//!
//! Windows are those of a `window` element before it, else those that the operator's own parameters ask for, else the
//! whole stream is one.

use std::sync::Arc;

use parallax_events::{
    Error, EventBatch, Meta, OpState, Params, Pool, Represent, Result, Span, WindowCursor, WindowSlices,
};
use parallax_memory::{Flags, Metadata};
use parallax_ops::{Build, operator};
use parallax_pipeline::{Built, Caps, Element, Media, Out, Packet};

use super::events::events_of;

/// Makes the representation that the id names.
pub(super) fn build(params: Params) -> Result<Built> {
    match operator(params.id())?.build {
        Build::Tensor(build) => Ok(Built::element(TensorElement {
            operator: build(params)?,
            stream: None,
        })),
        Build::Events(_) => Err(Error::internal(format!("`{}` yields events", params.id()))),
    }
}

#[derive(Debug)]
struct TensorElement {
    operator: Box<dyn Represent>,
    /// Since the first batch.
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    meta: Arc<Meta>,
    state: Box<dyn OpState>,
    /// The operator's own windows.
    cursor: Option<WindowCursor>,
    /// Whether the whole stream is one window so far.
    whole: bool,
}

impl Stream {
    fn one_window(
        &mut self,
        operator: &dyn Represent,
        span: Span,
        batches: &[EventBatch],
        metadata: Metadata,
        out: &mut Out<'_>,
    ) -> Result<()> {
        let state = self.state.as_mut();
        operator.restart(state, span)?;
        for batch in batches {
            operator.accumulate_batch(state, batch, Pool::serial())?;
        }
        let mut packet = Packet::from(operator.tensor(state, &self.meta, Pool::serial())?);
        packet.metadata = metadata;
        packet.metadata.mark(Flags::WINDOW);
        out.push(packet)
    }

    fn own_windows(
        &mut self,
        operator: &dyn Represent,
        windows: impl Iterator<Item = WindowSlices>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        let unit = self.meta.time_unit.nanos();
        for window in windows {
            let mut metadata = Metadata::default();
            if let Some(time) = &window.window.time {
                metadata.set_time(time.start.checked_mul(unit));
                metadata.set_duration(
                    time.end
                        .checked_sub(time.start)
                        .and_then(|span| span.checked_mul(unit)),
                );
            }
            let span = Span::from(&window.window);
            self.one_window(operator, span, &window.slices, metadata, out)?;
        }
        Ok(())
    }
}

impl Element for TensorElement {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn offers(&self, _: &Caps) -> Caps {
        Caps::of(Media::Tensor)
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let operator = self.operator.as_ref();
        let batch = events_of(packet.payload, operator.params().id())?;
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let meta = batch.meta();
                let windows = operator.windows(meta)?;
                none.insert(Stream {
                    meta: Arc::clone(meta),
                    state: operator.state(meta, Span::Events)?,
                    cursor: windows.map(|spec| WindowCursor::new(spec, meta)).transpose()?,
                    whole: false,
                })
            }
        };
        if packet.metadata.flags().contains(Flags::WINDOW) {
            let span = packet.metadata.value::<Span>().copied().unwrap_or_default();
            return stream.one_window(operator, span, &[batch], packet.metadata, out);
        }
        match stream.cursor.take() {
            Some(mut cursor) => {
                let done = stream.own_windows(operator, cursor.push(&batch)?, out);
                stream.cursor = Some(cursor);
                done
            }
            None => {
                stream.whole = true;
                operator.accumulate_batch(stream.state.as_mut(), &batch, Pool::serial())
            }
        }
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(());
        };
        if let Some(mut cursor) = stream.cursor.take() {
            return stream.own_windows(self.operator.as_ref(), cursor.finish(), out);
        }
        if !stream.whole {
            return Ok(());
        }
        let tensor = self
            .operator
            .tensor(stream.state.as_mut(), &stream.meta, Pool::serial())?;
        out.push(tensor)
    }

    fn flush(&mut self) {
        self.stream = None;
    }
}
