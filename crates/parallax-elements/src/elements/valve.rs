//! Lets packets pass, or drops them; counted packets pass first. A program that makes it itself can turn it while the
//! pipeline runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_memory::Flags;
use parallax_pipeline::{Built, Element, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "valve",
    "Lets packets pass, or drops them",
    &[
        ParamSpec::bool("drop").default(false).doc("Whether packets are dropped"),
        ParamSpec::int("skip").min(0).default(0).doc("How many packets are dropped at the start"),
        ParamSpec::int("pass").min(0).optional().doc("How many packets pass before all others are dropped"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let (mut valve, _) = Valve::new(!params.bool("drop")?);
    valve.skip = params.int("skip")?.unsigned_abs();
    valve.pass = params.optional_int("pass")?.map(i64::unsigned_abs);
    Ok(valve.into())
}

/// Lets packets pass while it is open, and drops them while it is closed.
#[derive(Debug)]
pub struct Valve {
    open: Arc<AtomicBool>,
    skip: u64,
    pass: Option<u64>,
    /// Packets so far.
    seen: u64,
    /// Whether something was dropped since the last that passed.
    gap: bool,
}

/// The handle of a [`Valve`] that is in a pipeline.
#[derive(Debug, Clone)]
pub struct ValveHandle(Arc<AtomicBool>);

impl Valve {
    /// A valve that is open or closed at first, and what turns it.
    pub fn new(is_open: bool) -> (Self, ValveHandle) {
        let open = Arc::new(AtomicBool::new(is_open));
        let valve = Self { open: Arc::clone(&open), skip: 0, pass: None, seen: 0, gap: false };
        (valve, ValveHandle(open))
    }
}

impl ValveHandle {
    /// Lets packets pass from now on.
    pub fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Has packets dropped from now on.
    pub fn close(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl From<Valve> for Built {
    fn from(valve: Valve) -> Self {
        Self::element(valve)
    }
}

impl Element for Valve {
    fn process(&mut self, mut packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let index = self.seen;
        self.seen += 1;
        let early = index < self.skip;
        let late = self.pass.is_some_and(|pass| index >= self.skip.saturating_add(pass));
        if early || late || !self.open.load(Ordering::Relaxed) {
            self.gap = true;
            return Ok(());
        }
        if std::mem::take(&mut self.gap) {
            packet.metadata.mark(Flags::GAP);
        }
        out.push(packet)
    }

    fn flush(&mut self) {
        self.seen = 0;
        self.gap = false;
    }
}
