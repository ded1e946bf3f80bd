//! Hands on one of its streams, the chosen one, and drops what comes on the others.
//!
//! `active` is the pad that is chosen at first; a program that makes the element itself can choose another while the
//! pipeline runs, and the first packet after that is marked as one behind a gap. Streams that are not chosen run on and
//! are not held back. It ends when all of them have ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_memory::Flags;
use parallax_pipeline::{Aggregator, Built, Context, ElementRow, Out, Packet, Ports};

use super::output_selector::SelectorHandle;

pub(crate) static ELEMENT: ElementRow =
    ElementRow { aliases: &["selector"], ..ElementRow::plain(&DECLARATION, Ports::AGGREGATOR, build) };

static DECLARATION: Declaration = Declaration::new(
    "input_selector",
    "Hands on one of its streams and drops the others",
    &[ParamSpec::int("active").range(0, 255).default(0).doc("Number of the pad that is handed on at first")],
)
.with_doc(
    "The other streams run on and are dropped. A program that makes the element itself can choose another \
     pad while it runs.",
);

fn build(params: Params) -> Result<Built> {
    let active = usize::try_from(params.int("active")?).map_err(|_| Error::internal("out of range"))?;
    Ok(InputSelector::new(active).0.into())
}

/// Hands on what comes on the pad that is chosen.
#[derive(Debug)]
pub struct InputSelector {
    active: Arc<AtomicUsize>,
    /// The pad that the last packet came from.
    last: Option<usize>,
}

impl InputSelector {
    /// A selector that begins with the pad `active`, and what chooses another.
    pub fn new(active: usize) -> (Self, SelectorHandle) {
        let active = Arc::new(AtomicUsize::new(active));
        let handle = SelectorHandle::new(&active);
        (Self { active, last: None }, handle)
    }
}

impl From<InputSelector> for Built {
    fn from(selector: InputSelector) -> Self {
        Self::aggregator(selector)
    }
}

impl Aggregator for InputSelector {
    fn start(&mut self, _: &Context, pads: usize) -> Result<()> {
        let active = self.active.load(Ordering::Relaxed);
        if active >= pads {
            return Err(Error::param(format!("the pad `sink_{active}` is chosen and there are {pads} pads"))
                .with_hint("link it, or choose another with active="));
        }
        Ok(())
    }

    fn process(&mut self, pad: usize, mut packet: Packet, out: &mut Out<'_>) -> Result<()> {
        if pad != self.active.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.last.replace(pad).is_some_and(|last| last != pad) {
            packet.metadata.mark(Flags::GAP);
        }
        out.push(packet)
    }

    fn flush(&mut self) {
        self.last = None;
    }
}
