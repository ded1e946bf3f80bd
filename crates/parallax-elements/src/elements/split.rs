//! Splits a stream of events in two: those that meet the condition go to `src_0`, the others to `src_1`.
//!
//! Each side keeps the order. A side that gets nothing of a packet gets no packet.

use std::sync::Arc;

use parallax_events::{Declaration, Error, Event, EventBatch, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Caps, Element, ElementRow, Media, Out, Packet, Payload, Ports};

use crate::adapters::events_of;

pub(crate) static ELEMENT: ElementRow =
    ElementRow::plain(&DECLARATION, Ports { inputs: 1, outputs: 2 }, build);

static DECLARATION: Declaration = Declaration::new(
    "split",
    "Splits events in two: `src_0` gets those that meet the condition, `src_1` the others",
    &[
        ParamSpec::choice("by", &["polarity", "x", "y", "t"]).default("polarity").doc("Which field is looked at"),
        ParamSpec::int("from").optional().doc("The smallest value that meets the condition; of polarity 1 (ON) if not given"),
        ParamSpec::int("below").optional().doc("The smallest value above that does not meet it any more"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let field = params.choice("by")?;
    let (mut from, below) = (params.optional_int("from")?, params.optional_int("below")?);
    if from.is_none() && below.is_none() {
        if field != "polarity" {
            return Err(Error::param(format!("`split by={field}` needs `from=` or `below=`")));
        }
        from = Some(1);
    }
    let range = from.unwrap_or(i64::MIN)..below.unwrap_or(i64::MAX);
    if range.is_empty() {
        return Err(Error::param(format!(
            "`below` of `split` is {}, not above `from`, which is {}",
            range.end, range.start
        )));
    }
    let open_end = below.is_none();
    Ok(Built::element(Split { field, range, open_end }))
}

#[derive(Debug)]
struct Split {
    field: &'static str,
    range: std::ops::Range<i64>,
    /// Whether the largest number there is counts as inside.
    open_end: bool,
}

impl Split {
    fn meets(&self, event: Event) -> bool {
        let value = match self.field {
            "x" => i64::from(event.x),
            "y" => i64::from(event.y),
            "t" => event.t,
            _ => i64::from(event.p),
        };
        self.range.contains(&value) || (self.open_end && value == i64::MAX)
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
        let (inside, outside): (Vec<Event>, Vec<Event>) =
            batch.columns().iter().partition(|&event| self.meets(event));
        for (pad, events) in [inside, outside].into_iter().enumerate() {
            if !events.is_empty() {
                let payload = Payload::Events(EventBatch::from_events(&events, Arc::clone(batch.meta()))?);
                out.push_to(pad, Packet { payload, metadata: packet.metadata.clone() })?;
            }
        }
        Ok(())
    }
}
