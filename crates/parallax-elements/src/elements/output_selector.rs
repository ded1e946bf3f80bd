//! Hands each packet to one of its branches: the chosen one, or each in turn.
//!
//! `active` is the pad that is chosen at first; a program that makes the element itself can choose another while the
//! pipeline runs. With `every=` the next pad is chosen after so many packets, round and round, from the active one on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Element, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::BRANCHES, build);

static DECLARATION: Declaration = Declaration::new(
    "output_selector",
    "Hands each packet to one of its branches: the chosen one, or each in turn",
    &[
        ParamSpec::int("active").range(0, 255).default(0).doc("Number of the pad that packets go to at first"),
        ParamSpec::int("every").unit("packets").min(1).optional().doc("After how many packets the next pad is chosen; never if absent"),
    ],
)
.with_doc(
    "A program that makes the element itself can choose another pad while it runs.",
);

fn build(params: Params) -> Result<Built> {
    let active = usize::try_from(params.int("active")?).map_err(|_| Error::internal("out of range"))?;
    let (mut selector, _) = OutputSelector::new(active);
    selector.every = params.optional_int("every")?.map(i64::unsigned_abs);
    Ok(selector.into())
}

/// Hands each packet to the pad that is chosen.
#[derive(Debug)]
pub struct OutputSelector {
    active: Arc<AtomicUsize>,
    every: Option<u64>,
    seen: u64,
}

/// The handle of a selector that is in a pipeline: says which pad is chosen.
#[derive(Debug, Clone)]
pub struct SelectorHandle(Arc<AtomicUsize>);

impl SelectorHandle {
    pub(super) fn new(active: &Arc<AtomicUsize>) -> Self {
        Self(Arc::clone(active))
    }

    /// Chooses a pad by its number, for the packets that come from now on.
    pub fn select(&self, pad: usize) {
        self.0.store(pad, Ordering::Relaxed);
    }

    /// The number of the pad that is chosen.
    pub fn active(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl OutputSelector {
    /// A selector that begins with the pad `active`, and what chooses another.
    pub fn new(active: usize) -> (Self, SelectorHandle) {
        let active = Arc::new(AtomicUsize::new(active));
        let handle = SelectorHandle::new(&active);
        (Self { active, every: None, seen: 0 }, handle)
    }
}

impl From<OutputSelector> for Built {
    fn from(selector: OutputSelector) -> Self {
        Self::element(selector)
    }
}

impl Element for OutputSelector {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let (pads, active) = (out.pads(), self.active.load(Ordering::Relaxed));
        if active >= pads {
            let hint = format!("link it, or choose one of the {pads} pads that are linked");
            return Err(Error::param(format!("the pad `src_{active}` is chosen and not linked")).with_hint(hint));
        }
        let turns = self.every.map_or(0, |every| self.seen / every) % pads as u64;
        self.seen += 1;
        out.push_to((active + turns as usize) % pads, packet)
    }

    fn flush(&mut self) {
        self.seen = 0;
    }
}
