//! Hands on every packet untouched and tells what passed: packets, events, bytes, the span of their times.
//!
//! It says so on the bus at the end of the stream, and with `interval=` every so often, with rates. A program that makes the
//! element itself may look at each packet.

use std::time::{Duration, Instant};

use parallax_events::{Declaration, Nanos, ParamSpec, Params, Result, Value};
use parallax_pipeline::{Built, Context, Element, ElementRow, Out, Packet, Payload, Ports};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "tap",
    "Hands on every packet untouched and tells what passed",
    &[ParamSpec::time("interval").min(Nanos(1)).optional().doc("How often it tells meanwhile; only at the end if absent")],
)
.with_doc(
    "Says on the bus, and so on standard output of `parallax launch`, how many packets, events and bytes \
     have passed, and from when to when.",
);

fn build(params: Params) -> Result<Built> {
    let mut tap = Tap::new(|_| {});
    tap.interval = params.optional_time("interval")?.map(|Nanos(interval)| Duration::from_nanos(interval.unsigned_abs()));
    Ok(tap.into())
}

/// Shows each packet to a program and hands it on.
pub struct Tap<F> {
    look: F,
    interval: Option<Duration>,
    all: Passed,
    /// What had passed when it told last, and when that was.
    told: Option<(Passed, Instant)>,
    span: Option<(i64, i64)>,
    context: Option<Context>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Passed {
    packets: u64,
    events: u64,
    bytes: u64,
}

impl<F: FnMut(&Packet) + Send> Tap<F> {
    /// A tap that calls `look` with every packet, on the thread that the packets pass on: the stream waits for it.
    pub fn new(look: F) -> Self {
        Self { look, interval: None, all: Passed::default(), told: None, span: None, context: None }
    }

    fn count(&mut self, packet: &Packet) {
        self.all.packets += 1;
        self.all.bytes += packet.payload.bytes() as u64;
        if let Payload::Events(batch) = &packet.payload {
            self.all.events += batch.len() as u64;
        }
        if let Some(time) = packet.metadata.time() {
            let end = time.saturating_add(packet.metadata.duration().unwrap_or(0));
            let (first, last) = self.span.unwrap_or((time, end));
            self.span = Some((first.min(time), last.max(end)));
        }
    }

    fn tell(&self, text: String) {
        if let Some(context) = &self.context {
            context.tell(text);
        }
    }

    /// Tells what has passed since it told last, if that is long enough ago.
    fn tell_rates(&mut self) {
        let Some(interval) = self.interval else { return };
        let now = Instant::now();
        let (before, then) = *self.told.get_or_insert((Passed::default(), now));
        let passed = now.duration_since(then);
        if passed < interval {
            return;
        }
        self.told = Some((self.all, now));
        let rate = |now: u64, before: u64| (now - before) as f64 / passed.as_secs_f64();
        self.tell(format!(
            "{}; {:.1} packets/s, {:.0} events/s, {:.0} bytes/s",
            self.summary(),
            rate(self.all.packets, before.packets),
            rate(self.all.events, before.events),
            rate(self.all.bytes, before.bytes)
        ));
    }

    fn summary(&self) -> String {
        let Passed { packets, events, bytes } = self.all;
        let span = match self.span {
            Some((first, last)) => format!(", from {} to {}", Value::Time(Nanos(first)), Value::Time(Nanos(last))),
            None => String::new(),
        };
        format!("{packets} packets, {events} events, {bytes} bytes{span}")
    }
}

impl<F: FnMut(&Packet) + Send> Element for Tap<F> {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        (self.look)(&packet);
        self.count(&packet);
        self.tell_rates();
        out.push(packet)
    }

    fn drain(&mut self, _: &mut Out<'_>) -> Result<()> {
        self.tell(self.summary());
        Ok(())
    }

    fn flush(&mut self) {
        (self.all, self.told, self.span) = (Passed::default(), None, None);
    }
}

impl<F> std::fmt::Debug for Tap<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("all", &self.all).finish_non_exhaustive()
    }
}

impl<F: FnMut(&Packet) + Send + 'static> From<Tap<F>> for Built {
    fn from(tap: Tap<F>) -> Self {
        Self::element(tap)
    }
}
