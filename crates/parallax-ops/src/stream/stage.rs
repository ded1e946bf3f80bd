//! Stages that compute: each has a thread of Tokio's blocking pool between two channels.

use std::sync::Arc;

use parallax_events::{Error, EventOp, Meta, OpState, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::EventStream;
use super::channel::Item;

impl EventStream {
    /// The events that `operator` makes of these, computed on a thread of their own while up to `capacity` chunks
    /// wait. A chunk of which nothing is left is not handed on.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if the operator cannot work on such a stream, or outside a
    /// Tokio runtime.
    pub fn through(self, operator: Box<dyn EventOp>, capacity: usize) -> Result<EventStream> {
        let meta = Arc::new(operator.output_meta(self.meta())?);
        let stage = Stage {
            state: operator.state(self.meta())?,
            input: Arc::clone(self.meta()),
            operator,
        };
        let (sender, items) = mpsc::channel(capacity.max(1));
        spawn(move || stage.run(self.items, &sender))?;
        Ok(EventStream::over(meta, items))
    }
}

/// Runs `work` on a thread that may wait.
pub(super) fn spawn(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let runtime = Handle::try_current().map_err(|_| {
        Error::param("a stream was made outside a Tokio runtime").with_hint("make it inside `async` code")
    })?;
    drop(runtime.spawn_blocking(work));
    Ok(())
}

struct Stage {
    operator: Box<dyn EventOp>,
    state: Box<dyn OpState>,
    input: Arc<Meta>,
}

impl Stage {
    fn run(mut self, mut items: mpsc::Receiver<Item>, out: &mpsc::Sender<Item>) {
        while let Some(item) = items.blocking_recv() {
            let answer = match item {
                Item::Chunk(chunk) => match self.operator.apply(self.state.as_mut(), &chunk) {
                    Ok(events) if events.is_empty() => continue,
                    other => other.map_or_else(Item::Error, Item::Chunk),
                },
                other => other,
            };
            let last = matches!(answer, Item::Error(_));
            if out.blocking_send(answer).is_err() || last {
                return;
            }
        }
        let item = match self.operator.end(self.state.as_mut(), &self.input) {
            Ok(events) if events.is_empty() => return,
            Ok(events) => Item::Chunk(events),
            Err(error) => Item::Error(error),
        };
        // If nobody reads any more, there is nobody to tell.
        let _ = out.blocking_send(item);
    }
}
