//! Holds each packet back until its time has come, so that a recording plays as it was recorded.
//!
//! The first packet passes at once and sets the beginning. Packets without a time pass at once. Lateness is not made
//! up for by leaving anything out.

use std::time::{Duration, Instant};

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Context, Element, ElementRow, Out, Packet, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "throttle",
    "Holds each packet back until its time has come: real-time replay",
    &[ParamSpec::float("speed").min(1e-6).max(1e6).default(1.0).doc("How many times faster than it was recorded")],
);

/// How long it sleeps between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(50);

fn build(params: Params) -> Result<Built> {
    Ok(Built::element(Throttle { speed: params.float("speed")?, begun: None, context: None }))
}

#[derive(Debug)]
struct Throttle {
    speed: f64,
    /// When the first packet passed, and its time.
    begun: Option<(Instant, i64)>,
    context: Option<Context>,
}

impl Element for Throttle {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        if let Some(time) = packet.metadata.time() {
            let (begun, first) = *self.begun.get_or_insert_with(|| (Instant::now(), time));
            let wanted_s = time.saturating_sub(first).max(0) as f64 / 1e9 / self.speed;
            // A time that no clock reaches is as good as one that nobody waits for.
            let due = Duration::try_from_secs_f64(wanted_s).ok().and_then(|wait| begun.checked_add(wait));
            while let Some(left) = due.and_then(|due| due.checked_duration_since(Instant::now()))
                && !left.is_zero()
                && !self.context.as_ref().is_some_and(Context::is_ending)
            {
                std::thread::sleep(left.min(LOOK));
            }
        }
        out.push(packet)
    }

    fn flush(&mut self) {
        self.begun = None;
    }
}
