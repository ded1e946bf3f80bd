//! Splits a stream of events in two: those that a chain of operators lets pass go to `src_0`, the others to `src_1`.
//!
//! `where="region x=0 y=0 w=320 h=240 ! refractory period=1ms"`: any operators that only drop events. One that changes
//! events, or that holds them back, is an error when it does so, since what the others are cannot be said then. Each side
//! keeps the order. A side that gets nothing of a packet gets no packet.

use std::sync::Arc;

use parallax_events::{
    Declaration, DvsColumns, Error, Event, EventBatch, EventColumns, ParamSpec, Params, Pool, Result,
};
use parallax_memory::Metadata;
use parallax_ops::{Compose, ComposeRun};
use parallax_pipeline::{Built, Caps, Element, ElementRow, Media, Out, Packet, Payload, Ports};

use crate::adapters::events_of;

pub(crate) static ELEMENT: ElementRow =
    ElementRow::plain(&DECLARATION, Ports { inputs: 1, outputs: 2 }, build);

static DECLARATION: Declaration = Declaration::new(
    "split",
    "Splits events in two: `src_0` gets those that operators let pass, `src_1` the others",
    &[ParamSpec::text("where").default("polarity keep=on").doc("Operators that drop events, as a chain")],
)
.with_doc(
    "`where` takes operators that only drop events, such as `region x=0 y=0 w=64 h=64 ! polarity`; one \
     that changes or holds back events is an error.",
);

fn build(params: Params) -> Result<Built> {
    let text = params.text("where")?;
    let inside = |error: Error| error.with_context("parameter", "where of split");
    let chain = Compose::parse(text).map_err(inside)?;
    if chain.yields_tensors() {
        return Err(inside(Error::param(format!("\"{text}\" yields tensors, not events"))));
    }
    Ok(Built::element(Split { chain, run: None }))
}

#[derive(Debug)]
struct Split {
    chain: Compose,
    run: Option<ComposeRun>,
}

impl Split {
    fn no_predicate(&self) -> Error {
        Error::param(format!("`{}` changes events or holds them back, and `split` needs operators that only drop", self.chain))
            .with_hint("put the operator before or behind `split`")
    }

    /// The events of `all` that are not among `kept`, which are in the order of `all`.
    fn others(&self, all: DvsColumns<'_>, kept: DvsColumns<'_>) -> Result<EventColumns> {
        let mut others = EventColumns::default();
        let mut kept = kept.iter().peekable();
        for event in all.iter() {
            // Equal events are as good as each other.
            if kept.next_if(|next: &Event| *next == event).is_none() {
                others.push(event);
            }
        }
        match kept.next() {
            None => Ok(others),
            Some(_) => Err(self.no_predicate()),
        }
    }
}

impl Element for Split {
    fn accepts(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn offers(&self, _: &Caps) -> Caps {
        Caps::of(Media::Events)
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let batch = events_of(packet.payload, "split")?;
        let run = match &mut self.run {
            Some(run) => run,
            none => none.insert(self.chain.start(batch.meta())?),
        };
        let kept = run.apply(&batch, Pool::serial())?;
        if kept.len() == batch.len() && kept.columns() == batch.columns() {
            return hand_on(0, batch, packet.metadata, out);
        }
        let others = self.others(batch.columns(), kept.columns())?;
        let kept = kept.with_meta(Arc::clone(batch.meta()))?;
        hand_on(0, kept, packet.metadata.clone(), out)?;
        hand_on(1, others.into_batch(batch.meta())?, packet.metadata, out)
    }

    fn drain(&mut self, _: &mut Out<'_>) -> Result<()> {
        let Some(mut run) = self.run.take() else { return Ok(()) };
        let mut rest = parallax_events::BatchBuilder::growing()?;
        run.end(Pool::serial(), &mut rest)?;
        if rest.is_empty() { Ok(()) } else { Err(self.no_predicate()) }
    }

    fn flush(&mut self) {
        self.run = None;
    }
}

fn hand_on(pad: usize, batch: EventBatch, metadata: Metadata, out: &mut Out<'_>) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    out.push_to(pad, Packet { payload: Payload::Events(Arc::new(batch)), metadata })
}
