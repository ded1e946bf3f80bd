//! Lets packets pass, or drops them; counted packets pass first.

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
    let valve = Valve {
        closed: params.bool("drop")?,
        skip: params.int("skip")?.unsigned_abs(),
        pass: params.optional_int("pass")?.map(i64::unsigned_abs),
        seen: 0,
        gap: false,
    };
    Ok(Built::element(valve))
}

#[derive(Debug)]
struct Valve {
    closed: bool,
    skip: u64,
    pass: Option<u64>,
    /// Packets so far.
    seen: u64,
    /// Whether something was dropped since the last that passed.
    gap: bool,
}

impl Element for Valve {
    fn process(&mut self, mut packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let index = self.seen;
        self.seen += 1;
        let early = index < self.skip;
        let late = self.pass.is_some_and(|pass| index >= self.skip.saturating_add(pass));
        if self.closed || early || late {
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
